"""Follow one DAG run and report what happens: each task's state as it changes, and what the wait reports."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from dev.stack.airflow_rest import FINISHED, AirflowRest
from dev.stack.terminal import Terminal

POLL_SECONDS = 0.5
LOG_SECONDS = 1.5

# Lines that Airflow itself writes around a deferral: true, and of no interest here.
OWN_LOGGER = "airflow_provider_ekyc"
EXPLAINED = {"deferred": "deferred (no worker waits: the triggerer asks)"}


@dataclass
class Followed:
    """How a run went.

    :param state: ``success`` or ``failed``
    :param seconds: from the trigger to the end
    :param deferred: seconds in which a task was seen deferred, by task
    :param tasks: the task instances at the end
    """

    state: str
    seconds: float
    deferred: dict[str, float] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)


class RunFollower:
    """Reports on one run.

    :param rest: Airflow's REST API
    :param terminal: where to report it
    :param dag_id: the DAG
    :param run_id: the run
    """

    def __init__(self, rest: AirflowRest, terminal: Terminal, dag_id: str, run_id: str) -> None:
        self._rest = rest
        self._terminal = terminal
        self._dag_id = dag_id
        self._run_id = run_id
        self._states: dict[str, str] = {}
        self._said: set[tuple[str, str]] = set()
        self._deferred_since: dict[str, float] = {}
        self._deferred: dict[str, float] = {}

    def follow(self, timeout: float) -> Followed:
        """Report on the run until it has ended.

        :param timeout: seconds
        :return: how it went
        :raise TimeoutError: when it still goes on
        """
        started = time.monotonic()
        next_look = 0.0
        while True:
            # The run first: tasks read after a finished run are final.
            state = str(self._rest.run(self._dag_id, self._run_id)["state"])
            tasks = self._rest.task_instances(self._dag_id, self._run_id)
            waiting = [task for task in tasks if task["state"] == "deferred"]
            if waiting and time.monotonic() >= next_look:
                for task in waiting:
                    self._report_log(task)
                next_look = time.monotonic() + LOG_SECONDS
            for task in sorted(tasks, key=lambda task: task["start_date"] or "~"):
                self._report_state(task)
            if state in FINISHED:
                return Followed(state, time.monotonic() - started, self._deferred, tasks)
            if time.monotonic() - started > timeout:
                raise TimeoutError(f"the run is still {state} after {timeout:.0f} s")
            time.sleep(POLL_SECONDS)

    def _report_state(self, task: dict[str, Any]) -> None:
        name, state = task["task_id"], task["state"]
        before = self._states.get(name)
        if state is None or state == before:
            return
        self._states[name] = state
        now = time.monotonic()
        if state == "deferred":
            self._deferred_since[name] = now
        elif before == "deferred":
            self._deferred[name] = self._deferred.get(name, 0.0) + now - self._deferred_since[name]
            # What the trigger wrote between the last look and its end.
            self._report_log(task)
        if state in {"scheduled", "queued"}:
            return
        self._terminal.step(name, EXPLAINED.get(state, state))

    def _report_log(self, task: dict[str, Any]) -> None:
        name = task["task_id"]
        entries = self._rest.log_entries(self._dag_id, self._run_id, name, max(1, task["try_number"]))
        for entry in entries:
            seen = (str(entry.get("timestamp")), str(entry.get("event")))
            if seen in self._said or not str(entry.get("logger", "")).startswith(OWN_LOGGER):
                continue
            self._said.add(seen)
            self._terminal.step("", self._terminal.clean(seen[1]))
