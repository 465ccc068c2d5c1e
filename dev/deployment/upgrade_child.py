"""
One version of the package, which does what it is given: tries of a submission, deferrals, waits, resumptions.

    python -m dev.deployment.upgrade_child TREE FOLDER

``TREE`` has the package of that version. Each line of the input is an order, ``{"step": ..., ...}``; each line of the
output is its answer. Airflow's Variables are texts under ``FOLDER``, which another version may read and write as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def submit(numbers: str, run_id: str, try_number: int, journal_uri: str | None) -> str:
    """Make a try of a submission; return the remote task's id."""
    from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator

    operator = EkycSubmitOperator(task_id="submit", numbers=numbers, journal_uri=journal_uri)
    return operator.execute(_context(run_id, try_number))


def defer(ekyc_task_id: str, run_id: str) -> list[Any]:
    """Begin a wait; return class path and arguments of its trigger."""
    from airflow.sdk.exceptions import TaskDeferred

    try:
        _sensor(ekyc_task_id).execute(_context(run_id, 1))
    except TaskDeferred as deferred:
        return list(deferred.trigger.serialize())
    raise RuntimeError("the sensor did not defer")


def wait(path: str, arguments: dict[str, Any]) -> Any:
    """Make the trigger of these arguments, as a triggerer does; return what its event holds."""
    from airflow.sdk._shared.module_loading import import_string

    async def only_event() -> Any:
        async for event in import_string(path)(**arguments).run():
            return event.payload
        raise RuntimeError("the trigger returned no event")

    return asyncio.run(only_event())


def resume(ekyc_task_id: str, run_id: str, event: dict[str, Any]) -> dict[str, Any]:
    """Resume a wait with an event; return its summary."""
    return dict(_sensor(ekyc_task_id).execute_complete(_context(run_id, 1), event))


def _sensor(ekyc_task_id: str) -> Any:
    from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor

    return EkycTaskSensor(task_id="wait", ekyc_task_id=ekyc_task_id, poll_interval=1)


def _context(run_id: str, try_number: int) -> Any:
    from dev.testing.task_context import TaskInstance, context_of

    ti = TaskInstance(task_id="submit", run_id=run_id, try_number=try_number, max_tries=2)
    return context_of(ti, dag_run=SimpleNamespace(start_date=datetime.now(UTC)), task_state_store=None)


STEPS: dict[str, Callable[..., Any]] = {"submit": submit, "defer": defer, "wait": wait, "resume": resume}


def main() -> None:
    """Answer each order."""
    tree, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    sys.path.insert(0, str(tree))
    from airflow.sdk.execution_time import task_runner

    import airflow_provider_ekyc
    from dev.testing.stored_texts import StoredTexts
    from dev.testing.supervisor import Supervisor

    assert Path(str(airflow_provider_ekyc.__file__)).is_relative_to(tree)
    task_runner.SUPERVISOR_COMMS = Supervisor(StoredTexts(folder))  # type: ignore[assignment]  # in place of a socket
    # What is logged goes elsewhere than the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        step = STEPS[order.pop("step")]
        try:
            answer = {"returned": step(**order)}
        except Exception as error:  # noqa: BLE001  # whatever this version raises is an answer
            answer = {"raised": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
