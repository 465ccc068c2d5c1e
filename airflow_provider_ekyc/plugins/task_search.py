"""
Search of Airflow's database for what the page shows: which DAGs, which runs, which have failed, which are under way.

Through Airflow's models alone, and with queries that need no statistics of the database: ids first, then what belongs
to them, by primary key. A join over all runs takes seconds on SQLite without ``ANALYZE``.

The latest run is the one that was created last (``DagRun.id``), so that a page keeps its order after a clear, and while
runs are queued.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import ColumnElement, and_, case, func, or_, select, tuple_
from sqlalchemy.orm import Session

from airflow_provider_ekyc.plugins.task_records import CHAIN, OPERATORS, Role

#: States of a task instance that is under way; a mapped task that waits for its turn is not.
UNDER_WAY = ("running", "deferred", "up_for_reschedule", "up_for_retry", "restarting")

#: A search of all task instances takes one part in so many of the time, at the most.
_SEARCH_SHARE = 100
_SEARCH_LEAST = 5.0

_STARTED = func.coalesce(DagRun.start_date, DagRun.run_after)
#: What joins task instances with their runs.
OF_RUN = and_(DagRun.dag_id == TaskInstance.dag_id, DagRun.run_id == TaskInstance.run_id)
_CHAIN_OPERATORS = [each.value for each in CHAIN]
_FOUND = (DagRun.id, TaskInstance.task_id, TaskInstance.map_index, TaskInstance.operator, TaskInstance.state)

#: Runs of the first portion of a walk, and of each further one.
_FIRST_PORTION = 150
_NEXT_PORTION = 900


#: What names a task instance: number of the run, task, map index.
Place = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class Period:
    """
    Which runs are asked for.

    :param since: runs that started then or later; None for no limit
    :param until: runs that started before
    """

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundRun:
    """
    A run.

    :param number: ``DagRun.id``
    :param version: differs after the run has been cleared and has ended again
    """

    number: int
    started: datetime
    state: str
    version: tuple[Any, ...]


class FoundTask(NamedTuple):
    """
    A task instance, by what is searched for.

    :param run_number: ``DagRun.id``
    :param version: differs after another try; empty where that does not matter
    """

    run_number: int
    task_id: str
    map_index: int
    operator: str
    state: str | None
    version: tuple[Any, ...] = ()

    @property
    def place(self) -> Place:
        """What names it."""
        return self.run_number, self.task_id, self.map_index


class DagsWithTasks:
    """
    The ids of the DAGs that have had task instances of this package.

    No index leads to them, so all task instances are searched: 15 ms for 30,000, seconds for millions. A search is made
    so rarely that it takes a hundredth of the time at the most.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: frozenset[str] = frozenset()
        self._valid_until = 0.0

    def get(self, session: Session) -> frozenset[str]:
        """Return the ids, as of the last search."""
        if time.monotonic() < self._valid_until:
            return self._found
        with self._lock:
            if time.monotonic() < self._valid_until:
                return self._found
            begun = time.monotonic()
            query = select(TaskInstance.dag_id).where(TaskInstance.operator.in_(OPERATORS)).distinct()
            self._found = frozenset(session.scalars(query))
            now = time.monotonic()
            self._valid_until = now + max(_SEARCH_LEAST, (now - begun) * _SEARCH_SHARE)
            return self._found


def walk_runs(
    session: Session, dag_ids: Collection[str], *, run_id: str | None = None, period: Period = Period()
) -> Iterator[list[FoundRun]]:
    """
    Yield runs of DAGs, the latest first, so many at a time.

    :param run_id: of one run alone
    :param period: of the runs
    """
    columns = (DagRun.id, _STARTED, DagRun.state, DagRun.end_date, DagRun.clear_number)
    for rows in _walk(session, dag_ids, columns, run_id, period):
        yield [FoundRun(row[0], row[1], str(row[2]), (str(row[2]), row[3], row[4])) for row in rows]


def walk_run_numbers(
    session: Session, dag_ids: Collection[str], *, run_id: str | None = None, period: Period = Period()
) -> Iterator[list[int]]:
    """Yield the numbers of the same runs (``DagRun.id``), which is quicker."""
    for rows in _walk(session, dag_ids, (DagRun.id,), run_id, period):
        yield [row[0] for row in rows]


def in_runs(run_numbers: Sequence[int]) -> ColumnElement[bool]:
    """
    Return the condition that a task instance is one of some runs.

    By what names the runs, not by ``DagRun.id`` of a join: Airflow 3.4 reads the latest tries alone, and SQLite without
    statistics prefers the index of those, of all runs, and looks for each of them among the numbers: 16 s with 10,000.

    :param run_numbers: ``DagRun.id`` of the runs; fewer than a thousand
    """
    runs = select(DagRun.dag_id, DagRun.run_id).where(DagRun.id.in_(run_numbers))
    return tuple_(TaskInstance.dag_id, TaskInstance.run_id).in_(runs)


def count_rows(session: Session, run_numbers: Sequence[int]) -> int:
    """
    Return how many rows of the page begin in some runs: a run has as many as submissions, else waits, else landings.

    :param run_numbers: ``DagRun.id`` of the runs; fewer than a thousand
    """
    counts = [func.sum(case((TaskInstance.operator == role.value, 1), else_=0)) for role in CHAIN]
    query = (
        select(DagRun.id, *counts)
        .join(DagRun, OF_RUN)
        .where(
            in_runs(run_numbers),
            TaskInstance.operator.in_(_CHAIN_OPERATORS),
            or_(TaskInstance.state.is_(None), TaskInstance.state != "removed"),
        )
        .group_by(DagRun.id)
    )
    return sum(int(row[1] or row[2] or row[3]) for row in session.execute(query))


def _walk(
    session: Session, dag_ids: Collection[str], columns: Sequence[Any], run_id: str | None, period: Period
) -> Iterator[Sequence[Any]]:
    if not dag_ids:
        return
    query = select(*columns).where(DagRun.dag_id.in_(dag_ids)).order_by(DagRun.id.desc())
    if run_id is not None:
        query = query.where(DagRun.run_id == run_id)
    if period.since is not None:
        query = query.where(period.since <= _STARTED)
    if period.until is not None:
        query = query.where(period.until > _STARTED)
    last, portion = None, _FIRST_PORTION
    while True:
        of_portion = query if last is None else query.where(DagRun.id < last)
        rows = session.execute(of_portion.limit(portion)).all()
        if rows:
            yield rows
        if len(rows) < portion:
            return
        last, portion = rows[-1][0], _NEXT_PORTION


def tasks_in_runs(session: Session, run_numbers: Sequence[int]) -> list[FoundTask]:
    """
    Return the task instances of chains of some runs, the latest run first.

    :param run_numbers: ``DagRun.id`` of the runs; fewer than a thousand
    """
    query = (
        select(*_FOUND).join(DagRun, OF_RUN).where(in_runs(run_numbers), TaskInstance.operator.in_(_CHAIN_OPERATORS))
    )
    return sorted(
        (FoundTask(row[0], row[1], row[2], str(row[3]), row[4]) for row in session.execute(query)),
        key=lambda task: (-task.run_number, task.task_id, task.map_index),
    )


def failed_tasks(session: Session, dag_ids: Collection[str], *, run_id: str | None, limit: int) -> list[FoundTask]:
    """Return failed task instances of chains, the latest run first, and submissions of map indexes that are gone."""
    found = _tasks(session, dag_ids, ("failed", "upstream_failed", "removed"), run_id, limit)
    return [task for task in found if task.state != "removed" or task.operator == Role.SUBMIT.value]


def active_tasks(session: Session, dag_ids: Collection[str], *, run_id: str | None, limit: int) -> list[FoundTask]:
    """Return task instances of chains that are under way now, the latest run first."""
    return _tasks(session, dag_ids, UNDER_WAY, run_id, limit)


def _tasks(
    session: Session, dag_ids: Collection[str], states: Sequence[str], run_id: str | None, limit: int
) -> list[FoundTask]:
    if not dag_ids:
        return []
    query = (
        select(*_FOUND, TaskInstance.try_number, TaskInstance.end_date)
        .join(DagRun, OF_RUN)
        .where(
            TaskInstance.dag_id.in_(dag_ids),
            TaskInstance.state.in_(states),
            TaskInstance.operator.in_(_CHAIN_OPERATORS),
        )
        .order_by(DagRun.id.desc(), TaskInstance.task_id, TaskInstance.map_index)
        .limit(limit)
    )
    if run_id is not None:
        query = query.where(TaskInstance.run_id == run_id)
    return [
        FoundTask(row[0], row[1], row[2], str(row[3]), row[4], (row[4], row[5], row[6]))
        for row in session.execute(query)
    ]
