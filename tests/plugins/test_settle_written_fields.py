"""
What a submission's arguments are where Airflow keeps no rendered templates of it any more: as the DAG has them.

Module: ``plugins/settle_task.py``.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.sdk import DAG, TaskGroup
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.plugins.settle_request import SettleRequest
from airflow_provider_ekyc.plugins.settle_task import SettledTask, read_task
from tests.plugins.airflow_database import AirflowDatabase

NAMES = ("ekyc_conn_id", "ekyc_task_type", "journal_uri", "journal_conn_id")
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
OTHERS = {"ekyc_conn_id": "made_up", "task_type": "ws", "journal_uri": "s3://b/j", "journal_conn_id": "aws_other"}


#: The DAG's default arguments, those of the task, what it is expanded over beside its lists; the fields.
CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], tuple[str | None, ...]]] = [
    ({}, {}, {}, ("ekyc_default", "amazon", None, "aws_default")),
    ({}, OTHERS, {}, tuple(OTHERS.values())),
    (OTHERS, {}, {}, tuple(OTHERS.values())),
    ({"ekyc_conn_id": "made_up"}, {"ekyc_conn_id": "its_own"}, {}, ("its_own", "amazon", None, "aws_default")),
    ({}, {}, {"ekyc_conn_id": ["made_up"]}, (None, None, None, None)),
    ({}, {"ekyc_conn_id": "{{ params.account }}"}, {}, (None, None, None, None)),
]


@pytest.mark.parametrize(
    ("mapped", "default_args", "arguments", "expand", "fields"),
    [(mapped, *case) for mapped in (False, True) for case in CASES if mapped or not case[2]],
)
def test_the_arguments_are_those_that_the_task_has_by_the_dag(
    database: AirflowDatabase,
    monkeypatch: pytest.MonkeyPatch,
    mapped: bool,
    default_args: dict[str, Any],
    arguments: dict[str, Any],
    expand: dict[str, Any],
    fields: tuple[str | None, ...],
) -> None:
    with DAG("numbers", schedule=None, start_date=BEGUN, default_args=default_args) as dag:
        if mapped:
            EkycSubmitOperator.partial(task_id="submit", **arguments).expand(numbers=["a.txt"], **expand)
        else:
            EkycSubmitOperator(task_id="submit", numbers="a.txt", **arguments)
    found = read_stored(dag, "submit", 0 if mapped else -1, database, monkeypatch)
    assert tuple(map(found.field, NAMES)) == fields


@pytest.mark.parametrize("arguments", [{}, OTHERS], ids=["of_the_group", "of_the_task"])
@pytest.mark.parametrize("mapped", [False, True])
def test_default_arguments_of_a_group_are_not_taken_for_others(
    database: AirflowDatabase, monkeypatch: pytest.MonkeyPatch, mapped: bool, arguments: dict[str, Any]
) -> None:
    default_args = {"ekyc_conn_id": "of_the_dag"}
    of_group: Any = {"ekyc_conn_id": "of_the_group", "task_type": "htx", "journal_uri": "s3://g/j"}
    with (
        DAG("numbers", schedule=None, start_date=BEGUN, default_args=default_args) as dag,
        TaskGroup("group", default_args=of_group),
    ):
        if mapped:
            EkycSubmitOperator.partial(task_id="submit", **arguments).expand(numbers=["a.txt"])
        else:
            EkycSubmitOperator(task_id="submit", numbers="a.txt", **arguments)
    found = read_stored(dag, "group.submit", 0 if mapped else -1, database, monkeypatch)
    # Airflow stores no default arguments of a group, so that those of a mapped task are not known.
    defaults = (None, None, None, None) if mapped else (*of_group.values(), "aws_default")
    assert tuple(map(found.field, NAMES)) == (tuple(arguments.values()) or defaults)


def read_stored(
    dag: DAG, task_id: str, map_index: int, database: AirflowDatabase, monkeypatch: pytest.MonkeyPatch
) -> SettledTask:
    """Return what is read of a failed task of a DAG as Airflow stores it, without its rendered templates."""
    stored = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    monkeypatch.setattr(SerializedDagModel, "get_dag", lambda dag_id, session: stored)
    task = {"dag_id": "numbers", "run_id": "first"}
    times = {"run_after": BEGUN, "queued_at": BEGUN, "logical_date": BEGUN}
    database.insert(DagRun, **task, id=1, state="failed", run_type="manual", clear_number=0, **times)
    state = {"state": "failed", "try_number": 1, "max_tries": 0, "executor_config": {}}
    row = {**task, **state, "task_id": task_id, "map_index": map_index, "pool": "default_pool", "pool_slots": 1}
    database.insert(TaskInstance, **row, id=uuid.uuid4())
    found = read_task(SettleRequest("numbers", "first", task_id, map_index, "0123456789abcdef", None, True))
    assert found is not None
    return found
