"""One case of the benchmark of triggers: a real triggerer with so many triggers of a kind, observed."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.stack.airflow_stack import AirflowStack
from dev.stack.processes import ChildProcess

ROOT = Path(__file__).parents[2]
OURS = "airflow_provider_ekyc.triggers.ekyc.EkycTaskTrigger"
PROBE = "dev.benchmarks.trigger_probe.LoopProbe"
START_TIMEOUT = 900.0
MIB = 2**20

#: A class path and the arguments.
Trigger = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """
    What is to be measured.

    :param name: of the table's row
    :param figure: of the file of figures
    :param triggers: that wait
    :param queries: returns how many queries were answered so far; None if none are made
    :param seconds: of the time that is measured
    :param a_second: triggers that begin in a second; None for all at once, as after a restart
    :param start_from_trigger: whether the DAG's sensor is one that starts in the triggerer
    """

    name: str
    figure: str
    triggers: Sequence[Trigger]
    queries: Callable[[], int] | None
    seconds: float
    a_second: int | None = None
    start_from_trigger: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """
    What was measured of the process that runs the triggers, in its steady state unless another time is named.

    :param rss: bytes of memory, the most
    :param cpu: seconds of CPU in a second
    :param queries: in a second
    :param blocked: seconds for which the loop was blocked, the most
    :param collected: seconds of the longest garbage collection, part of ``blocked``
    :param blocked_at_start: seconds for which it was blocked while the triggers began, the most
    """

    rss: float
    cpu: float
    queries: float
    blocked: float
    collected: float
    blocked_at_start: float


class Triggerer:
    """
    An Airflow's database with deferred tasks, and its triggerer.

    :param folder: for the home and the probe's file
    :param environment: of the triggerer, such as connections
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        (folder / "home" / "dags").mkdir(parents=True)
        self._probe = folder / "probe.jsonl"
        self._stack = AirflowStack(folder / "home", folder / "home" / "dags", {**environment, "PYTHONPATH": str(ROOT)})
        self._database = folder / "home" / "airflow.db"
        self._log = folder / "triggerer.log"

    def fill(self, triggers: Sequence[Trigger], *, start_from_trigger: bool = False) -> None:
        """
        Defer a task for each trigger, and one for the probe; none of theirs begins before it is released.

        :param start_from_trigger: whether the DAG's sensor is one that starts in the triggerer
        """
        self._stack.migrate()
        rows = [(PROBE, {"path": str(self._probe)}), *triggers]
        command = [sys.executable, "-m", "dev.benchmarks.trigger_rows"]
        wanted = json.dumps({"start_from_trigger": start_from_trigger, "triggers": rows})
        subprocess.run(command, input=wanted, text=True, cwd=ROOT, env=self._stack.env, check=True)
        self._execute("update trigger set queue = 'later' where id > 1")

    def release(self, count: int) -> None:
        """Let the first so many triggers begin."""
        self._execute(f"update trigger set queue = null where id <= {count + 1}")

    def lines(self) -> list[dict[str, float]]:
        """Return what the probe has written so far."""
        if not self._probe.exists():
            return []
        return [json.loads(line) for line in self._probe.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def ended(self) -> list[float]:
        """Return when the tasks were resumed, in epoch seconds."""
        with closing(sqlite3.connect(self._database, timeout=60)) as connection:
            rows = connection.execute(
                "select strftime('%s', scheduled_dttm) + 0.0 from task_instance where state = 'scheduled'"
            )
            return sorted(float(moment) for (moment,) in rows)

    def process(self) -> ChildProcess:
        """Start it."""
        command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
        return ChildProcess("The triggerer", command, self._log, env=self._stack.env, grace=5.0)

    def _execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self._database, timeout=60)) as connection:
            connection.execute(statement)
            connection.commit()


def observe(case: Case, folder: Path, environment: Mapping[str, str]) -> Seen:
    """
    Run a case.

    :param folder: empty
    :param environment: of the triggerer
    """
    triggerer = Triggerer(folder, {**environment, "AIRFLOW__TRIGGERER__CAPACITY": str(len(case.triggers) + 10)})
    triggerer.fill(case.triggers, start_from_trigger=case.start_from_trigger)
    with triggerer.process() as process:
        process.wait_until(lambda: bool(triggerer.lines()), START_TIMEOUT)
        begin_all(case, triggerer, process)
        started = len(triggerer.lines())
        before = case.queries() if case.queries else 0
        process.wait_until(lambda: len(triggerer.lines()) > started + case.seconds, START_TIMEOUT, interval=0.02)
        lines = triggerer.lines()
        after = case.queries() if case.queries else 0
    first, window = lines[started - 1], lines[started:]
    seconds = window[-1]["at"] - first["at"]
    return Seen(
        rss=max(line["rss"] for line in lines),
        cpu=(window[-1]["cpu"] - first["cpu"]) / seconds,
        queries=(after - before) / seconds,
        blocked=max(line["blocked"] for line in window),
        collected=max(line["collected"] for line in window),
        blocked_at_start=max(line["blocked"] for line in lines[:started]),
    )


def begin_all(case: Case, triggerer: Triggerer, process: ChildProcess) -> None:
    """Release the triggers at the case's rate, and wait until each has begun."""
    count = len(case.triggers)
    released = 0
    while released < count:
        released = min(released + (case.a_second or count), count)
        triggerer.release(released)
        time.sleep(1.0)
    begun = case.queries or (lambda: int(triggerer.lines()[-1]["started"]))
    # The first queries come with the triggers: one more interval until all of them are in their steady state.
    process.wait_until(lambda: begun() >= count, START_TIMEOUT, interval=1.0)
    time.sleep(3.0)
