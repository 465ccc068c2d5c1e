"""What identifies a task in its records, value by value (``submission/identity.py``)."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ekyc.submission.identity import TaskIdentity, identity_of
from dev.testing.task_context import TaskInstance

RUNNER = "airflow.sdk.execution_time.task_runner"
STARTED = datetime(2026, 1, 2, tzinfo=UTC)
TASK = TaskIdentity("a_dag", "a_task", "a_run", None, map_index=-1, try_number=1, max_tries=0)


@pytest.fixture(autouse=True)
def _no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task runs in no process of ``dag.test()``, whatever ran in this one before."""
    monkeypatch.delitem(sys.modules, RUNNER, raising=False)


def test_the_digest_is_the_one_that_earlier_records_have() -> None:
    assert TASK.digest == "4367cadebcbdd03d"
    assert replace(TASK, iteration=0).digest == "420e144611554215"


@pytest.mark.parametrize(
    "other", [{"dag_id": "b"}, {"task_id": "b"}, {"run_id": "b"}, {"iteration": 0}], ids=lambda other: next(iter(other))
)
def test_another_task_or_iteration_has_another_digest(other: dict[str, Any]) -> None:
    assert replace(TASK, **other).digest != TASK.digest


def test_each_iteration_has_its_own_digest() -> None:
    assert len({replace(TASK, iteration=iteration).digest for iteration in (None, 0, 1)}) == 3


def test_a_map_index_a_try_and_a_clear_leave_the_digest() -> None:
    assert replace(TASK, map_index=7, try_number=2, max_tries=3, run_started=STARTED).digest == TASK.digest


def test_airflows_task_instance_is_read() -> None:
    ti = TaskInstance(dag_id="b_dag", task_id="b_task", run_id="b_run", map_index=7, try_number=2, max_tries=3)
    assert identity_of(
        ti, SimpleNamespace(index=4), SimpleNamespace(start_date=STARTED, clear_number=5)
    ) == TaskIdentity("b_dag", "b_task", "b_run", 4, 7, 2, 3, is_test=False, run_started=STARTED, clear_number=5)
    assert identity_of(TaskInstance()) == TASK


@pytest.mark.parametrize(("given", "read_as"), [(None, -1), (-1, -1), (0, 0), (1, 1)])
def test_a_task_without_a_map_index_is_not_mapped(given: int | None, read_as: int) -> None:
    ti: Any = TaskInstance()
    ti.map_index = given
    assert identity_of(ti).map_index == read_as


def test_a_first_iteration_is_one() -> None:
    assert identity_of(TaskInstance(), SimpleNamespace(index=0)).iteration == 0


def test_a_task_instance_without_a_limit_of_tries_has_none() -> None:
    ti: Any = TaskInstance()
    ti.max_tries = None
    assert identity_of(ti).max_tries == 0
    del ti.max_tries
    assert identity_of(ti).max_tries == 0


def test_a_run_without_a_start_and_a_number_of_clears_has_neither() -> None:
    task = identity_of(TaskInstance(), None, SimpleNamespace())
    assert (task.run_started, task.clear_number) == (None, None)


@pytest.mark.parametrize(
    ("run_id", "is_test"),
    [
        ("__airflow_temporary_run_2026-11-25T00:00:00+00:00__", True),
        ("manual__2026-11-25T00:00:00+00:00", False),
        ("not__airflow_temporary_run_", False),
    ],
)
def test_a_temporary_run_is_a_test(run_id: str, is_test: bool) -> None:
    assert identity_of(TaskInstance(run_id=run_id)).is_test is is_test


class InProcessSupervisorComms:
    """As the class of Airflow 3 that answers a task of ``dag.test()``."""


@pytest.mark.parametrize(
    ("attributes", "is_test"),
    [({"SUPERVISOR_COMMS": InProcessSupervisorComms()}, True), ({"SUPERVISOR_COMMS": object()}, False), ({}, False)],
    ids=["in this process", "in another", "not known"],
)
def test_a_task_of_dag_test_is_a_test(
    attributes: dict[str, object], is_test: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = ModuleType(RUNNER)
    vars(runner).update(attributes)
    monkeypatch.setitem(sys.modules, RUNNER, runner)
    assert identity_of(TaskInstance()).is_test is is_test
