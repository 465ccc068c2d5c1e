"""Tier S: cases through a real scheduler, triggerer and API server, some of which are killed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from dev.faults.case import Case, Component
from dev.faults.environment import aws_connection, ekyc_connection
from dev.faults.scheduled_run import PATIENCE, ScheduledRun, Slot
from dev.faults.verdict import Verdict, verdict_of
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import COMPONENTS, AirflowStack
from dev.stack.s3_server import S3Server

#: Runs at once, each with a sandbox of its own.
SLOTS = 6
#: Tasks that LocalExecutor runs at once.
PARALLELISM = "4"
DAGS = ("submit", "wait", "land", "chain")
#: Seconds for all runs of a batch to come to their wait.
WAIT_PATIENCE = 180.0
#: Seconds that the API takes to answer the submissions during which a part of Airflow is killed.
UNANSWERED = 10.0


def run_scheduled(cases: Sequence[Case], folder: Path, s3: S3Server, report: Callable[[str], None]) -> list[Verdict]:
    """Run the cases under one real Airflow and find their verdicts."""
    with ExitStack() as stack:
        slots = [stack.enter_context(Slot(index)) for index in range(SLOTS)]
        report("starting Airflow")
        airflow = stack.enter_context(
            AirflowStack(
                folder / "scheduled", Path(__file__).parent / "dags", _environment(slots, s3), import_once=True
            )
        )
        rest = AirflowRest(airflow.url, *airflow.login)
        for name in DAGS:
            rest.wait_for_dag(f"faults_{name}")
            rest.unpause(f"faults_{name}")
        runs = ScheduledRun(rest, airflow.home, folder, s3.client())
        verdicts = _side_by_side([case for case in cases if not case.component], slots, runs, report)
        components: tuple[Component, ...] = ("triggerer", "api-server", "all")
        for component, operator in ((c, o) for c in components for o in ("chain", "submit")):
            batch = [case for case in cases if (case.component, case.operator) == (component, operator)]
            for start in range(0, len(batch), SLOTS):
                verdicts += _through_a_kill(batch[start : start + SLOTS], slots, runs, airflow, component, report)
    return verdicts


def _environment(slots: Sequence[Slot], s3: S3Server) -> dict[str, str]:
    connections = {
        f"AIRFLOW_CONN_{slot.conn_id(short=short).upper()}": ekyc_connection(slot.sandbox, short=short)
        for slot in slots
        for short in (False, True)
    }
    return {
        **connections,
        "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(s3),
        "AIRFLOW__CORE__PARALLELISM": PARALLELISM,
        # 300 s by default, after which the tasks of a scheduler that was killed are tried again.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "45",
        # 300 s by default too. A scheduler that starts within 30 s of a kill does not yet count the killed one as dead,
        # and looks for its tasks again after this time.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


def _side_by_side(
    cases: Sequence[Case], slots: Sequence[Slot], runs: ScheduledRun, report: Callable[[str], None]
) -> list[Verdict]:
    """Keep every slot busy; from one thread, since SQLite takes one writer at a time and has enough of them."""
    waiting, free = list(reversed(cases)), list(slots)
    running: list[tuple[Case, Slot, str, float]] = []
    verdicts: list[Verdict] = []
    while waiting or running:
        while waiting and free:
            case, slot = waiting.pop(), free.pop()
            running.append((case, slot, runs.start(case, slot), time.monotonic() + PATIENCE))
        time.sleep(0.3)
        for entry in list(running):
            case, slot, run_id, deadline = entry
            if not runs.is_over(case, run_id) and time.monotonic() < deadline:
                continue
            if case.change and slot.first is None:
                runs.clear(case, slot, run_id)
                continue
            verdicts.append(verdict_of(case, runs.finish(case, slot, run_id, patience=1.0)))
            running.remove(entry)
            free.append(slot)
            if len(verdicts) % 10 == 0:
                report(f"{len(verdicts)} of {len(cases)} runs under the scheduler")
    return verdicts


def _through_a_kill(
    cases: Sequence[Case],
    slots: Sequence[Slot],
    runs: ScheduledRun,
    airflow: AirflowStack,
    component: Component,
    report: Callable[[str], None],
) -> list[Verdict]:
    """
    Kill a part of Airflow while all of these runs wait, and start it again.

    A chain waits in its deferral; a submission for the API's answer, which comes while nobody can write it down.
    """
    pairs = list(zip(cases, slots, strict=False))
    for case, slot in pairs:
        if case.operator == "chain":
            slot.clock.hold()
    run_ids = [runs.start(case, slot, answer_after=UNANSWERED) for case, slot in pairs]
    deadline = time.monotonic() + WAIT_PATIENCE
    while not all(runs.is_waiting(case, slot, run_id) for (case, slot), run_id in zip(pairs, run_ids, strict=True)):
        if time.monotonic() > deadline:
            raise TimeoutError("not all runs reached their wait")
        time.sleep(0.5)
    report(f"killing {component} under {len(pairs)} runs of {cases[0].operator}")
    parts = COMPONENTS if component == "all" else (component,)
    for part in parts:
        airflow.kill(part)
    time.sleep(UNANSWERED + 2 if cases[0].operator == "submit" else 1)
    for _, slot in pairs:
        slot.clock.release()  # the remote tasks end while nobody looks
    for part in parts:
        airflow.restart(part)
    found = [runs.finish(case, slot, run_id) for (case, slot), run_id in zip(pairs, run_ids, strict=True)]
    return [verdict_of(case, evidence) for (case, _), evidence in zip(pairs, found, strict=True)]
