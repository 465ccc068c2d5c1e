"""One case as a run of a DAG: started over REST, its evidence gathered from Airflow, the bill and S3."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from airflow_provider_ekyc.sandbox import Sandbox
from dev.faults.case import Case, End, Evidence, says_unknown
from dev.faults.changes import change_of, edited
from dev.faults.environment import (
    API_KEY,
    BUCKET,
    charges_of,
    key_of,
    list_file,
    numbers_of,
    submit_beforehand,
    switch_fault_on,
    unused_fault,
    write_list,
)
from dev.faults.fault_cases import needs_short_timeouts
from dev.faults.killing import deaths_in
from dev.faults.objects import look_at_objects
from dev.stack.airflow_rest import FINISHED, AirflowRest, AirflowRestError
from dev.testing.held_clock import Clock

#: Seconds after which a run is counted as hung.
PATIENCE = 300.0
#: Seconds that an unharmed try of an operator takes from its start, about.
USUAL = {"submit": 0.8, "wait": 0.3, "land": 1.2}
#: What Airflow does not retry, by the names in its logs.
FINAL = ("EkycFailException", "EkycSensorTimeout", "AirflowSensorTimeout", "AirflowFailException")


class Slot:
    """A sandbox that serves one run at a time, with two connections: one has short time-outs."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.clock = Clock()
        self.sandbox = Sandbox(API_KEY, clock=self.clock)
        self.before = (0, 0)
        self.prepaid = ""
        self.first: Evidence | None = None

    def conn_id(self, *, short: bool) -> str:
        """Return the id of a connection to this sandbox."""
        return f"ekyc_slot_{self.index}{'_short' if short else ''}"

    def __enter__(self) -> Self:
        self.sandbox.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sandbox.stop()


class ScheduledRun:
    """
    Starts runs and gathers what is left of them.

    :param rest: of the running Airflow
    :param home: its home, where the logs are
    :param folder: for the cases' files
    :param client: boto3's S3 client
    """

    def __init__(self, rest: AirflowRest, home: Path, folder: Path, client: Any) -> None:
        self._rest, self._home, self._folder, self._client = rest, home, folder, client

    def start(self, case: Case, slot: Slot, *, answer_after: float = 0.0) -> str:
        """
        Start the run of a case in a slot that is free; return the run's id.

        :param answer_after: seconds that the API takes to answer a submission that waits for a component's kill
        """
        folder = self._folder / f"case-{case.number}"
        folder.mkdir(parents=True)
        write_list(list_file(folder, "a"), numbers_of(case))
        slot.sandbox.clear_faults()
        slot.sandbox.change(queue_seconds=2.0 if case.operator in ("wait", "chain") else 0.0)
        slot.before = (len(charges_of(slot.sandbox)), slot.sandbox.calls["submit"])
        slot.prepaid = "" if case.operator in ("submit", "chain") else submit_beforehand(slot.sandbox, case)
        slot.first = None
        switch_fault_on(slot.sandbox, case)
        if case.component and case.operator == "submit":
            slot.sandbox.fault("submit", "slow_body", seconds=answer_after)
        conf = {
            "operator": case.operator,
            "ekyc_conn_id": slot.conn_id(short=needs_short_timeouts(case.fault)),
            "ekyc_task_id": slot.prepaid,
            "numbers": str(list_file(folder, "a")),
            "bucket": BUCKET,
            "key": key_of(case),
            "point": case.point,
            "killed_tries": case.killed_tries,
            "seconds": None if case.instant is None else case.instant * USUAL[case.operator],
            "timeout": 3 if case.always else 300,
            "marks": str(folder),
        }
        return self._trigger(f"faults_{case.operator}", conf, f"case_{case.number}_{case.operator}")

    def _trigger(self, dag_id: str, conf: dict[str, Any], run_id: str) -> str:
        for attempt in range(5):
            try:
                return self._rest.trigger(dag_id, conf, run_id=run_id)
            except AirflowRestError as error:
                if error.status == 409 and attempt:
                    return run_id  # the attempt before did start it
                if error.status < 500:
                    raise
                time.sleep(1 + attempt)  # SQLite is locked by another of Airflow's processes
        raise TimeoutError(f"{run_id} could not be started")

    def clear(self, case: Case, slot: Slot, run_id: str) -> None:
        """Make the case's change once its task has ended, and clear the task as Airflow's REST API does by default."""
        change, dag_id = change_of(case.change), f"faults_{case.operator}"
        slot.first = Evidence(self._end(case, run_id)[0], unused=unused_fault(slot.sandbox, case))
        slot.sandbox.clear_faults()
        write_list(list_file(self._folder / f"case-{case.number}", "a"), edited(numbers_of(case), change))
        if change.forgets_task_state:
            _asked_again(lambda: self._rest.clear_task_state(dag_id, run_id, case.operator))
        _asked_again(lambda: self._rest.clear(dag_id, run_id, [case.operator]))

    def is_over(self, case: Case, run_id: str) -> bool:
        """Return whether the run has ended."""
        return _asked_again(lambda: self._rest.run(f"faults_{case.operator}", run_id))["state"] in FINISHED

    def is_waiting(self, case: Case, slot: Slot, run_id: str) -> bool:
        """Return whether the chain's wait is in the triggerer, or the submission accepted and unanswered."""
        if case.operator == "submit":
            return len(slot.sandbox.bill.submissions) > slot.before[0]
        task = _asked_again(lambda: self._rest.task_instance("faults_chain", run_id, "wait"))
        return bool(task["state"] == "deferred")

    def finish(self, case: Case, slot: Slot, run_id: str, patience: float = PATIENCE) -> Evidence:
        """
        Wait for the run's end and gather the evidence.

        :param patience: seconds after which the run is counted as hung
        """
        dag_id, state = f"faults_{case.operator}", "hung"
        deadline = time.monotonic() + patience
        while state not in FINISHED and time.monotonic() < deadline:
            time.sleep(0.3)
            state = _asked_again(lambda: self._rest.run(dag_id, run_id))["state"]
        tasks = ("submit", "wait", "land") if case.operator == "chain" else (case.operator,)
        logs = "\n".join(path.read_text(errors="replace") for path in self._logs(dag_id, run_id))
        end, message = self._end(case, run_id) if state in FINISHED else (End.RETRYABLE, f"the run is {state}")
        evidence = Evidence(end, message)
        if end is End.RETRYABLE and "EkycRetryException" not in message:
            evidence.unforeseen = message or f"no exception is in the log; the run is {state}"
        if slot.first is not None:
            evidence.succeeded_before = slot.first.end is End.SUCCESS
        evidence.value, kept = _asked_again(lambda: self._kept(dag_id, run_id, tasks))
        evidence.remembered = f"{logs}\n{kept}"
        first_charge, first_call = slot.before
        evidence.charges = charges_of(slot.sandbox)[first_charge:]
        evidence.prepaid = frozenset({slot.prepaid} - {""})
        evidence.submit_calls = slot.sandbox.calls["submit"] - first_call - len(evidence.prepaid)
        evidence.objects, evidence.flawed = look_at_objects(self._client, case)
        evidence.unused = slot.first.unused if slot.first else unused_fault(slot.sandbox, case)
        if slot.sandbox.key_leaks:
            evidence.flawed += ("the key went to the result's store",)
        evidence.kills = len(deaths_in(self._folder / f"case-{case.number}")) + bool(case.component)
        return evidence

    def _end(self, case: Case, run_id: str) -> tuple[End, str]:
        """Return how a run that is over has ended, and the exception of its last try."""
        dag_id = f"faults_{case.operator}"
        if _asked_again(lambda: self._rest.run(dag_id, run_id))["state"] == "success":
            return End.SUCCESS, ""
        message = _asked_again(lambda: self._last_words(dag_id, run_id))
        if says_unknown(message):
            return End.UNKNOWN, message
        return (End.CLEAR if any(name in message for name in FINAL) else End.RETRYABLE), message

    def _kept(self, dag_id: str, run_id: str, tasks: tuple[str, ...]) -> tuple[str | None, str]:
        """Read XComs and the records of submissions: the last task's return value, and everything as text."""
        value = None
        kept = [json.dumps(each) for each in self._rest.variables("ekyc_submission_") if run_id in each["description"]]
        for task in tasks:
            value = None
            for entry in self._rest.xcoms(dag_id, run_id, task):
                found = self._rest.xcom(dag_id, run_id, task, entry["key"])
                kept.append(json.dumps(found))
                if entry["key"] == "return_value":
                    # The REST API gives text of digits alone as a number.
                    value = str(found.get("ekyc_task_id") if isinstance(found, dict) else found)
        return value, "\n".join(kept)

    def _logs(self, dag_id: str, run_id: str) -> list[Path]:
        folder = self._home / "logs" / f"dag_id={dag_id}" / f"run_id={run_id}"
        return sorted(path for path in folder.rglob("*") if path.is_file())

    def _last_words(self, dag_id: str, run_id: str) -> str:
        """Return the exception with which the failed task's last try ended, with its name."""
        for task in self._rest.task_instances(dag_id, run_id):
            if task["state"] != "failed":
                continue
            for entry in reversed(self._rest.log_entries(dag_id, run_id, task["task_id"], task["try_number"])):
                for cause in entry.get("error_detail") or []:
                    return f"{cause.get('exc_type')}: {cause.get('exc_value')}"
        return ""


_Answer = TypeVar("_Answer")


def _asked_again(ask: Callable[[], _Answer]) -> _Answer:
    """Ask the API server again where SQLite is locked by another of Airflow's processes."""
    for attempt in range(4):
        try:
            return ask()
        except AirflowRestError as error:
            if error.status < 500:
                raise
            time.sleep(1 + attempt)
    return ask()
