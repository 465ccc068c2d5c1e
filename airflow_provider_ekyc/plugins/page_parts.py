"""The parts of the page: what a person has to decide, what is under way, and the history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from sqlalchemy.orm import Session

from airflow_provider_ekyc.plugins.chains import Chain, chains_of
from airflow_provider_ekyc.plugins.needs import Findings, ekyc_task_ids_landed, need_of
from airflow_provider_ekyc.plugins.needs_search import NeedsSearch, find_recorded
from airflow_provider_ekyc.plugins.page_rows import KEYS, row_of
from airflow_provider_ekyc.plugins.statuses import STATES_OF, Status, status_of
from airflow_provider_ekyc.plugins.stored_tasks import add_xcoms, tasks_of_runs
from airflow_provider_ekyc.plugins.task_records import CHAIN
from airflow_provider_ekyc.plugins.task_search import (
    UNDER_WAY,
    Period,
    Place,
    active_tasks,
    count_rows,
    tasks_in_runs,
    walk_run_numbers,
)

#: Rows of *Needs you* and of *Waiting now*, at the most; the answer says if there are more.
MOST_NEEDS = 100
MOST_WAITING = 200

#: With a filter by status so many rows are looked at for one answer, at the most.
MOST_LOOKED_AT = 5_000

#: Asks whether the user may change the task instances of a DAG.
MayEdit = Callable[[str], bool]

_UNDER_WAY = frozenset(
    {Status.SUBMITTING, Status.WAITING, Status.LANDING, Status.RETRYING, Status.SUBMITTED, Status.EXPORTED}
)


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is asked for.

    :param dag_ids: DAGs that the user may read
    :param run_id: of one run alone, or None
    :param statuses: of rows; empty for all
    :param period: of runs
    :param zone: whose days are counted
    """

    dag_ids: Collection[str]
    run_id: str | None = None
    statuses: frozenset[Status] = frozenset()
    period: Period = field(default_factory=Period)
    zone: tzinfo = UTC
    offset: int = 0
    limit: int = 100


def needs(session: Session, search: NeedsSearch, question: Question, may_edit: MayEdit) -> dict[str, Any]:
    """Return what a person has to decide, in all runs of the DAGs, or of one run."""
    found, more = search.find(session, question.dag_ids, run_id=question.run_id, limit=MOST_NEEDS)
    return {"rows": [_row(chain, need, may_edit) for chain, need in found], "more": more}


def waiting(session: Session, question: Question) -> dict[str, Any]:
    """Return what is under way now, the latest runs first; of a run with many map indexes not all."""
    found = active_tasks(session, question.dag_ids, run_id=question.run_id, limit=MOST_WAITING + 1)
    active = [
        chain
        for chain in _chains(session, [task.place for task in found[:MOST_WAITING]])
        if any(task.state in UNDER_WAY for task in chain.tasks) and status_of(chain) in _UNDER_WAY
    ]
    more = len(found) > MOST_WAITING or len(active) > MOST_WAITING
    return {"rows": [row_of(chain) for chain in active[:MOST_WAITING]], "more": more}


def history(session: Session, question: Question, may_edit: MayEdit) -> dict[str, Any]:
    """Return one page of all rows, the latest run first."""
    if not question.statuses:
        places = list(islice(_places(session, question, question.offset), question.limit + 1))
        rows = _rows(session, places[: question.limit], may_edit)
        more = len(places) > question.limit
    else:
        rows, more = _rows_with_status(session, question, may_edit)
    return {"rows": rows, "offset": question.offset, "limit": question.limit, "more": more}


def _rows_with_status(session: Session, question: Question, may_edit: MayEdit) -> tuple[list[dict[str, Any]], bool]:
    """Return rows of some statuses, which no query can look for: first by the states that go with them."""
    found: list[dict[str, Any]] = []
    wanted = question.offset + question.limit
    places = _places(session, question)
    looked_at = 0
    while portion := list(islice(places, question.limit)):
        rows = _rows(session, portion, may_edit)
        found += [row for row in rows if Status(row["status"]) in question.statuses]
        looked_at += len(portion)
        if len(found) > wanted or looked_at >= MOST_LOOKED_AT:
            return found[question.offset : wanted], True
    return found[question.offset : wanted], False


def _places(session: Session, question: Question, skipped: int = 0) -> Iterator[Place]:
    """
    Yield where rows begin: at the submissions of a run; if it has none, at its waits, else at its landings.

    :param skipped: so many are left out at the start; without a filter by status only
    """
    of_statuses = [STATES_OF[status] for status in question.statuses]
    states = frozenset[str | None]().union(*of_statuses) if all(of_statuses) else ()
    for runs in walk_run_numbers(session, question.dag_ids, run_id=question.run_id, period=question.period):
        if skipped and (rows := count_rows(session, runs)) <= skipped:
            skipped -= rows
            continue
        for _, tasks in groupby(tasks_in_runs(session, runs), key=itemgetter(0)):
            of_run = [task for task in tasks if task.state != "removed"]
            if states and not any(task.state in states for task in of_run):
                continue
            operators = {task.operator for task in of_run}
            first = next((role.value for role in CHAIN if role.value in operators), None)
            begins = [task.place for task in of_run if task.operator == first]
            yield from begins[skipped:]
            skipped = max(0, skipped - len(begins))


def _rows(session: Session, places: Sequence[Place], may_edit: MayEdit) -> list[dict[str, Any]]:
    """
    Return the rows of places.

    A chain that begins otherwise, such as the second landing of one result, goes with the first row of its run.
    """
    chains = _chains(session, places)
    findings = find_recorded(session, [chain.submit for chain in chains])
    wanted = set(places)
    rows: list[dict[str, Any]] = []
    for _, of_chains in groupby(chains, key=lambda chain: chain.first.run_number):
        of_run = list(of_chains)
        landed = ekyc_task_ids_landed(of_run)
        role = next(role for role in CHAIN if any(chain.first.role is role for chain in of_run))
        begins = next(chain for chain in of_run if chain.first.role is role).first.place in wanted
        for chain in of_run:
            if chain.first.place in wanted or (begins and chain.first.role is not role):
                need = need_of(chain, findings.get(id(chain.submit), Findings()), landed)
                rows.append(_row(chain, need, may_edit))
    return rows


def _chains(session: Session, places: Sequence[Place]) -> list[Chain]:
    """Return the chains of the runs of some places; of mapped tasks those of the map indexes that are asked for."""
    if not places:
        return []
    indexes = [map_index for _, _, map_index in places]
    lowest, highest = min(indexes), max(indexes)
    records = tasks_of_runs(session, dict.fromkeys(run for run, _, _ in places), (lowest, highest))
    add_xcoms(session, records, KEYS, (lowest, highest))
    return chains_of(records)


def _row(chain: Chain, need: dict[str, Any] | None, may_edit: MayEdit) -> dict[str, Any]:
    if need is None:
        return row_of(chain)
    return row_of(chain, {**need, "may_edit": may_edit(need["dag_id"])})
