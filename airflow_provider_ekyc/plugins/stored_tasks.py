"""
What the page reads of task instances: their states, what they have pushed, and Airflow Variables.

Through Airflow's models alone: 3.4 has no table ``xcom`` any more. By the runs, in two queries: tasks, and then their
XComs. One with an outer join takes 2 s on 3.4 with 10,000 runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from airflow.models import xcom
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.variable import Variable
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from airflow_provider_ekyc.plugins.task_records import OPERATORS, Role, TaskRecord
from airflow_provider_ekyc.plugins.task_search import OF_RUN, in_runs

_Value = TypeVar("_Value")

#: How many values one ``IN`` has: older releases of SQLite allow 999 variables in a query.
_MOST_IN_ONE = 900

#: Runs in one query of XComs: from 3.4 on it names each of them twice.
_MOST_RUNS = 400

#: No region: what Airflow 3.4 has for a task that is neither mapped nor in a loop.
_NO_REGION = "0" * 32

#: From Airflow 3.4 on XComs are read from two tables as one, whose rows name their task instance by an id.
_HAS_INSTANCE_ID = hasattr(xcom, "build_xcom_read_query")

#: The lowest and the highest of some map indexes.
Indexes = tuple[int, int]


def tasks_of_runs(session: Session, run_numbers: Iterable[int], indexes: Indexes | None = None) -> list[TaskRecord]:
    """
    Return the task instances of this package in some runs, without their XComs.

    :param run_numbers: ``DagRun.id`` of the runs
    :param indexes: of mapped tasks these alone
    """
    records: list[TaskRecord] = []
    for portion in _portions(run_numbers):
        records += _tasks_of(session, portion, indexes)
    return records


def add_xcoms(
    session: Session, records: Sequence[TaskRecord], keys: Collection[str], indexes: Indexes | None = None
) -> None:
    """
    Read what task instances have pushed.

    :param records: to which it is added
    :param keys: of XComs
    :param indexes: of mapped tasks these alone
    """
    by_key = {_key_of(record.number, record.identity): record for record in records}
    task_ids = {record.task_id for record in records}
    for portion in _portions(dict.fromkeys(record.run_number for record in records), _MOST_RUNS):
        query = _xcoms_of(portion, keys, task_ids if len(task_ids) <= 50 else None, indexes)
        for row in session.execute(query):
            record = by_key.get(_key_of(row[0], row[1:5]))
            if record is not None:
                record.xcoms[row[5]] = plain_value(row[6])


def read_variables(session: Session, keys: Collection[str]) -> dict[str, str]:
    """
    Return Airflow Variables of the database, decrypted, by key.

    By whole keys: how a database orders and compares parts of them depends on its collation.
    """
    values: dict[str, str] = {}
    for portion in _portions(keys):
        for variable in session.scalars(select(Variable).where(Variable.key.in_(portion))):
            # What can't be decrypted is None; a record that can't be read must not look like one that is not there.
            value = variable.val
            values[variable.key] = "" if value is None else str(value)
    return values


def plain_value(value: Any) -> Any:
    """Return the value of an XCom as JSON's types; what Airflow 2 wrote is JSON within JSON."""
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _tasks_of(session: Session, run_numbers: Sequence[int], indexes: Indexes | None) -> Iterator[TaskRecord]:
    region = getattr(TaskInstance, "region_id", None)
    query = (
        select(
            TaskInstance.id,
            TaskInstance.dag_id,
            TaskInstance.run_id,
            TaskInstance.task_id,
            TaskInstance.map_index,
            TaskInstance.operator,
            TaskInstance.state,
            TaskInstance.try_number,
            TaskInstance.start_date,
            TaskInstance.end_date,
            DagRun.id,
            func.coalesce(DagRun.start_date, DagRun.run_after),
            *(() if region is None else (region,)),
        )
        .join(DagRun, OF_RUN)
        .where(in_runs(run_numbers), TaskInstance.operator.in_(OPERATORS))
    )
    if indexes is not None:
        query = query.where(_of_indexes(TaskInstance.map_index, indexes))
    for row in session.execute(query):
        yield TaskRecord(
            number=row[0],
            dag_id=row[1],
            run_id=row[2],
            task_id=row[3],
            map_index=row[4],
            role=Role(str(row[5])),
            state=None if row[6] is None else str(row[6]),
            try_number=row[7],
            started_at=row[8],
            ended_at=row[9],
            run_number=row[10],
            run_started=row[11],
            region=None if region is None or row[12].hex == _NO_REGION else row[12].hex,
        )


def _xcoms_of(
    run_numbers: Sequence[int], keys: Collection[str], task_ids: Collection[str] | None, indexes: Indexes | None
) -> Select[Any]:
    query, model = _all_xcoms_of(run_numbers)
    # Joined to nothing, a key is searched by its own index, which leads to the XComs of all runs; SQLite without
    # statistics prefers that.
    query = query.where(model.key.concat("").in_(keys))
    if task_ids is not None:
        query = query.where(model.task_id.concat("").in_(task_ids))
    return query if indexes is None else query.where(_of_indexes(model.map_index, indexes))


def _all_xcoms_of(run_numbers: Sequence[int]) -> tuple[Select[Any], Any]:
    """
    Return the query of the XComs of some runs, and what its conditions are about.

    In 3.4 both tables are searched for the task instances before their rows are made one: 0.2 s for 900 runs on
    SQLite, and 32 s by a condition on the rows.
    """
    if not _HAS_INSTANCE_ID:
        model = xcom.XComModel
        return _columns(select, model.dag_run_id, model).where(model.dag_run_id.in_(run_numbers)), model
    tasks = select(TaskInstance.id).where(in_runs(run_numbers), TaskInstance.operator.in_(OPERATORS))
    query = xcom.build_xcom_read_query(producer_ids=tasks)
    model = xcom.xcom_entity(query)
    return _columns(query.with_only_columns, model.task_instance_id, model), model


def _columns(chosen_by: Callable[..., Select[Any]], number: Any, model: Any) -> Select[Any]:
    return chosen_by(number, model.dag_id, model.run_id, model.task_id, model.map_index, model.key, model.value)


def _key_of(number: Any, identity: Sequence[Any]) -> Any:
    """Return what a task instance and its XComs have in common: in a loop of Airflow 3.4 names repeat."""
    return str(number) if _HAS_INSTANCE_ID else tuple(identity)


def _of_indexes(column: Any, indexes: Indexes) -> Any:
    return or_(column == -1, column.between(*indexes))


def _portions(values: Iterable[_Value], most: int = _MOST_IN_ONE) -> Iterator[list[_Value]]:
    every = list(values)
    return (every[start : start + most] for start in range(0, len(every), most))
