"""An Airflow that another process has started, as a demo or a test does that may be killed."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dev.stack.airflow_stack import AirflowStack
from dev.stack.processes import Stoppable


def _run(calls: Connection, home: Path, dags: Path) -> None:
    stack = AirflowStack(home, dags)
    stack.start()
    while True:
        name, arguments = calls.recv()
        found = getattr(stack, name)
        calls.send(found(*arguments) if callable(found) else found)


class OtherProcess(Stoppable):
    """A process that starts an Airflow, and calls its methods for this one.

    :param home: its AIRFLOW_HOME
    :param dags: where the DAG files are
    """

    def __init__(self, home: Path, dags: Path) -> None:
        # Not forked: a fork would hold the pipes that tell this process's own servers of its end.
        context = multiprocessing.get_context("spawn")
        self._calls, other_end = context.Pipe()
        self._process = context.Process(target=_run, args=(other_end, home, dags), daemon=True)
        self._process.start()
        other_end.close()

    def get(self, name: str, *arguments: Any) -> Any:
        """Return a property of the :class:`AirflowStack`, or what a method of it returns."""
        self._calls.send((name, arguments))
        return self._calls.recv()

    def pid(self, component: str) -> int:
        """Return the process id of a component."""
        return int(self.get("pid", component))

    def stop(self) -> None:
        """Kill the process (SIGKILL), and nothing of its Airflow."""
        self._process.kill()
        self._process.join()
