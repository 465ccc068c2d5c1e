"""One try of one task, in a process of its own that may be killed: the operator as it is, in a light context."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.faults.case import Case

#: What the forked processes find imported already; see :func:`dev.faults.process_chain.warm_context`.
WARM = "dev.faults.warm_imports"

_RANGE_SIZE = 150  # bytes

#: Faults of the whole object: where only one range is of such an object, it is another version, and void.
_OF_THE_OBJECT = frozenset({"xlsx", "wrong_crc", "short_zip", "extra_rows", "missing_rows"})


@dataclass(frozen=True, slots=True)
class Try:
    """
    One try.

    :param case: what it belongs to
    :param number: of the try, from 1; it goes on after a clear
    :param map_index: of a mapped task, -1 for none
    :param max_tries: after which Airflow gives up; a clear raises it
    :param cleared: whether it comes after the case's clear, with nothing in its way any more
    :param folder: of the case: what outlives a try of any map index
    :param connections: environment variables of the Airflow connections
    :param arguments: of the operator
    """

    case: Case
    number: int
    map_index: int
    max_tries: int
    cleared: bool
    folder: Path
    connections: Mapping[str, str]
    arguments: Mapping[str, Any]

    @property
    def place(self) -> Path:
        """Folder of the task instance: its log and XComs."""
        return self.folder / f"instance{self.map_index}"

    @property
    def end_file(self) -> Path:
        """How the try ended; a killed one leaves it unwritten."""
        return self.place / f"end-{self.number}.json"


def run_try(order: Try) -> None:
    """Run it and write how it ended; the target of a forked process."""
    order.place.mkdir(parents=True, exist_ok=True)
    log = os.open(order.place / "task.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # what a killed try has said counts
    os.environ.update(order.connections)
    from airflow.sdk.execution_time import task_runner

    from airflow_provider_ekyc.airflow_sdk import AirflowException, AirflowFailException, AirflowSensorTimeout
    from dev.testing.stored_texts import StoredTexts
    from dev.testing.supervisor import Supervisor

    task_runner.SUPERVISOR_COMMS = Supervisor(StoredTexts(order.folder / "variables"))  # type: ignore[assignment]
    started = time.monotonic()
    kind, message, value = "success", "", None
    try:
        _prepare(order)
        value = _execute(order)
    except (AirflowFailException, AirflowSensorTimeout) as error:
        kind, message = "permanent", str(error)
    except AirflowException as error:
        kind, message = "retryable", str(error)
    except Exception as error:  # noqa: BLE001  # Airflow itself catches all: the task has failed, a retry follows
        kind, message = "unforeseen", f"{type(error).__name__}: {error}"
    end = {"kind": kind, "message": message, "value": value, "seconds": time.monotonic() - started}
    print(json.dumps(end))
    StoredTexts(order.place)[order.end_file.name] = json.dumps(end)
    sys.stdout.flush()
    # All is written; ending a large, forked interpreter takes longer than the try.
    os._exit(0)


def _prepare(order: Try) -> None:
    """Arrange what the case wants of this try's process."""
    from dev.faults.killing import die_at, leave_marks_in, upload_in_parts
    from dev.faults.points import EVERY, find_point
    from dev.faults.reach import watch
    from dev.faults.sabotage import switch_off

    case = order.case
    if not case.terminated:
        wait_less()
    if case.operator == "land" and case.fault not in _OF_THE_OBJECT:
        _download_by_ranges()
    if case.sabotage:
        switch_off(case.sabotage)
    if case.call == "s3":
        upload_in_parts()
    if case.point == EVERY:
        watch(case.operator, order.folder)
    elif case.point and order.number <= case.killed_tries and not order.cleared:
        leave_marks_in(order.folder)
        die_at(find_point(case.operator, case.point))


def wait_less() -> None:
    """Leave out the waits between two attempts within one call; how many there are stays."""
    from airflow_provider_ekyc.api.retries import retrying
    from airflow_provider_ekyc.results.range_workers import RangeWorkers

    RangeWorkers.pause = lambda self, seconds: None  # type: ignore[method-assign]
    if retrying.__kwdefaults__ is None:
        raise LookupError("retrying() has no keyword sleep any more; correct wait_less()")
    retrying.__kwdefaults__["sleep"] = _no_sleep


def _download_by_ranges() -> None:
    """Make the ranges of a download so small that a result has several."""
    from airflow_provider_ekyc.results import download

    if not hasattr(download, "RANGE_SIZE"):
        raise LookupError("there is no RANGE_SIZE any more; correct _download_by_ranges()")
    download.RANGE_SIZE = _RANGE_SIZE


def _no_sleep(seconds: float) -> None:
    return None


async def _first_event(trigger: Any) -> Any:
    """Run a trigger as the triggerer does, until its one event."""
    return (await anext(trigger.run())).payload


def _execute(order: Try) -> str | None:
    from airflow_provider_ekyc.airflow_sdk import TaskDeferred
    from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
    from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
    from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
    from dev.testing.stored_texts import StoredTexts
    from dev.testing.task_context import TaskInstance, context_of

    xcoms = StoredTexts(order.place / "xcoms")
    xcoms.clear()  # as Airflow does before each try
    ti = TaskInstance(
        dag_id=f"case_{order.case.number}",
        map_index=order.map_index,
        try_number=order.number,
        max_tries=order.max_tries,
        xcoms=xcoms,
    )
    context = context_of(ti)
    operators: Mapping[str, Any] = {
        "submit": EkycSubmitOperator,
        "wait": EkycTaskSensor,
        "land": EkycResultsToS3Operator,
        "table": EkycResultsToS3Operator,
    }
    operator = operators[order.case.operator](task_id="a_task", **order.arguments)
    # As Airflow ends a task: it calls on_kill() and leaves the task to go on, for a few seconds.
    signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    try:
        value = operator.execute(context)
    except TaskDeferred as deferred:
        value = operator.execute_complete(context, asyncio.run(_first_event(deferred.trigger)))
    if isinstance(value, dict):
        value = value.get("ekyc_task_id")
    ti.xcom_push("return_value", value)
    return None if value is None else str(value)
