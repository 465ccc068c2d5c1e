"""Which tasks of a run the DAG no longer has (``submission/former_task_ids.py``). A real one: ``make compat``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from hypothesis import given, strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.former_task_ids import former_task_ids, ids_of
from dev.testing.run_task_instance import RunTaskInstance
from dev.testing.task_context import TaskInstance
from tests.submission.in_memory import logged


@pytest.mark.parametrize(
    ("instances", "task_ids", "former"),
    [
        ([("submit", -1), ("wait", -1)], ["submit", "wait"], set()),
        ([("submit", -1), ("verify.submit", -1)], ["verify.submit"], {"submit"}),
        ([("verify.submit", -1), ("submit", -1)], ["submit"], {"verify.submit"}),
        ([("submit", 0), ("submit", 1), ("done", -1)], ["done"], {"submit"}),
        ([("submit", 0), ("submit", 1), ("done", -1)], ["done", "submit"], set()),
        # Tasks that a loop of the DAG file makes.
        ([("submit_0", -1), ("submit_1", -1), ("done", -1)], ["done"], {"submit_0", "submit_1"}),
        ([("submit_0", -1), ("submit_1", -1)], ["submit_0", "submit_2"], {"submit_1"}),
        # One that is mapped, and one that is not, of names alike.
        ([("submit", 0), ("submit_2", -1)], ["submit"], {"submit_2", "submit_0"}),
        ([("submit", -1), ("submit_2", -1)], ["submit"], {"submit_2"}),
        ([("submit", 0), ("submit", 1), ("submit_1", -1)], ["submit"], {"submit_0", "submit_1"}),
        ([("submit_2", -1), ("submit", -1)], ["other"], {"submit", "submit_2"}),
        ([("submit_2", 0), ("submit_2", 1), ("done", -1)], ["done"], {"submit_2"}),
    ],
)
def test_the_ids_are_those_of_tasks_that_the_dag_does_not_have(
    instances: list[tuple[str, int]], task_ids: list[str], former: set[str]
) -> None:
    assert former_task_ids(RunTaskInstance(instances), task_ids) == former


IDS = st.sampled_from(["a", "a_0", "a_1", "a_1_0", "b", "g.a", "g.a_0"])


@given(st.sets(st.tuples(IDS, st.integers(-1, 2))), st.sets(IDS))
def test_no_former_task_is_missed_and_no_task_of_the_dag_is_returned(
    instances: set[tuple[str, int]], task_ids: set[str]
) -> None:
    counts = Counter(task_id for task_id, _ in instances)
    entries = {task_id if index < 0 else f"{task_id}_{index}" for task_id, index in instances}
    found = ids_of(entries, len(instances), task_ids, counts.__getitem__)
    assert found >= counts.keys() - task_ids
    assert not found & task_ids
    assert found <= counts.keys() | entries


def test_the_tasks_of_the_dag_are_counted_before_all_so_that_an_expansion_meanwhile_hides_none() -> None:
    ti = RunTaskInstance([("submit", -1), ("wait", -1)])
    assert former_task_ids(ti, ["submit", "wait"]) == set()
    assert ti.counted == [["submit", "wait"], None]
    assert ti.calls == 2


@pytest.mark.parametrize("word", ["t", "group_of_some_length.task", "número", "проверка"])
def test_a_dag_of_many_tasks_is_counted_in_requests_that_a_proxy_lets_through(word: str) -> None:
    names = [f"{word}{number:04}" for number in range(1000)]
    ti = RunTaskInstance([(name, -1) for name in (*names, "submit")])
    assert former_task_ids(ti, names) == {"submit"}
    queries = [task_ids for task_ids in ti.counted[: ti.counted.index(None)] if task_ids]
    assert [name for some in queries for name in some] == names
    lengths = [len(urlencode({"task_ids": some}, doseq=True)) for some in queries]
    assert max(lengths) < 4000
    assert min(lengths[:-1]) > 3900


def test_an_id_that_is_longer_than_a_request_should_be_is_counted_by_itself() -> None:
    names = ["a" * 2500, "b" * 1480, "c" * 5000, "d" * 2500, "e" * 1480, "f"]
    ti = RunTaskInstance([(name, -1) for name in names])
    assert former_task_ids(ti, names) == set()
    assert ti.counted == [names[:2], [names[2]], names[3:5], [names[5]], None]


def test_on_airflow_2_the_ids_are_those_of_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine("sqlite://")
    with Session(engine) as session:
        session.execute(text("create table task_instance (dag_id text, run_id text, task_id text, map_index int)"))
        rows = [("a_dag", "a_run", "submit", 0), ("a_dag", "a_run", "submit", 1), ("a_dag", "a_run", "verify", -1)]
        rows += [("a_dag", "another_run", "elsewhere", -1), ("another_dag", "a_run", "elsewhere", -1)]
        for row in rows:
            session.execute(
                text("insert into task_instance values (:0, :1, :2, :3)"), dict(zip("0123", row, strict=True))
            )

        @contextmanager
        def create_session() -> Iterator[Session]:
            yield session

        monkeypatch.setattr("airflow.utils.session.create_session", create_session)
        ti = SimpleNamespace(dag_id="a_dag", run_id="a_run", get_dagrun=None)
        assert former_task_ids(ti, ["verify", "not_run_yet"]) == {"submit"}


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (RuntimeError("what Airflow says, +12025550100"), "RuntimeError"),
        (
            AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 414})),
            "AirflowRuntimeError API_SERVER_ERROR 414",
        ),
        (AirflowRuntimeError(ErrorResponse(error=ErrorType.GENERIC_ERROR)), "AirflowRuntimeError GENERIC_ERROR"),
    ],
)
def test_airflows_error_is_one_that_a_retry_may_help(error: Exception, shown: str) -> None:
    class AwayTaskInstance(TaskInstance):
        def get_ti_count(self, **more: object) -> int:
            raise error

    with pytest.raises(EkycJournalError) as failed:
        former_task_ids(AwayTaskInstance(), ["submit"])
    assert failed.value.retryable
    assert failed.value.message == (
        f"Airflow can't list the tasks of this run ({shown}), so it is not known whether this list was submitted under "
        f"another task id. Nothing was sent. A retry lists them again."
    )


def test_a_list_without_what_was_counted_is_no_answer() -> None:
    class ForgetfulTaskInstance(RunTaskInstance):
        def get_task_states(self, **more: Any) -> dict[str, dict[str, str | None]]:
            return {}

    with pytest.raises(EkycJournalError, match="KeyError"):
        former_task_ids(ForgetfulTaskInstance([("submit", -1)]), ["verify.submit"])


def test_an_airflow_that_can_list_nothing_is_said_to(caplog: pytest.LogCaptureFixture) -> None:
    assert former_task_ids(TaskInstance(), ["submit"]) == set()
    assert logged(caplog) == (
        "This Airflow does not list the tasks of a run: what was submitted under another task id is not found."
    )


def test_an_instance_that_is_added_meanwhile_makes_no_ids_of_the_others() -> None:
    instances = [("submit", index) for index in range(100)]
    ti = RunTaskInstance([*instances, ("old", -1)])
    for more in (1, 5):
        counts = Counter({"submit": 100 + more, "old": 1})
        entries = [f"submit_{index}" for index in range(100)] + ["old"]
        assert ids_of(entries, 101, ["submit"], counts.__getitem__) == {"old"}
    assert former_task_ids(ti, ["submit"]) == {"old"}
