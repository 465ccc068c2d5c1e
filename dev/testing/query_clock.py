"""A clock for the sandbox that moves with the queries of a task, and not with the time that a busy machine takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from airflow_provider_ekyc.sandbox import Sandbox


@contextmanager
def clock_of_queries(
    sandbox: Sandbox, ekyc_task_id: str, step: float, ahead: Callable[[], float] = lambda: 0.0
) -> Iterator[None]:
    """
    Let the sandbox's clock stand at the submission of a task, and move with each query of any task.

    :param sandbox: that runs
    :param ekyc_task_id: a task that it knows
    :param step: seconds of a query
    :param ahead: returns further seconds, such as those of a sleep that was not sat out
    """
    state = sandbox.state
    find, queries = state.task, [0]
    task = find(ekyc_task_id)
    if task is None:
        raise ValueError(f"The sandbox has no task {ekyc_task_id}.")

    def counted(wanted: str) -> Any:
        queries[0] += 1
        return find(wanted)

    submitted = task.plan.accepted_at

    def clock() -> float:
        return submitted + ahead() + step * queries[0]

    with mock.patch.object(state, "clock", clock), mock.patch.object(state, "task", counted):
        yield
