"""The route that the page reads."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from airflow import __version__ as airflow_version
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Query, Request, status

from airflow_provider_ekyc import __version__
from airflow_provider_ekyc.plugins.access import may_edit, readable_dags
from airflow_provider_ekyc.plugins.counted_days import CountedDays
from airflow_provider_ekyc.plugins.needs_search import NeedsSearch
from airflow_provider_ekyc.plugins.page_parts import Question, history, needs, waiting
from airflow_provider_ekyc.plugins.plain_json import PlainJson
from airflow_provider_ekyc.plugins.statuses import Status
from airflow_provider_ekyc.plugins.task_search import DagsWithTasks, Period
from airflow_provider_ekyc.plugins.version_lacks import lacks_of

router = APIRouter()

#: Seconds between two calls of a page that is open.
REFRESH_SECONDS = 5

#: Rows of one answer, at the most.
MOST_ROWS = 500

PARTS = frozenset({"needs", "waiting", "history", "days"})

_dags = DagsWithTasks()
_needs = NeedsSearch()
_days = CountedDays()


@router.get(
    "/verifications",
    dependencies=[
        Depends(requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE)),
        Depends(requires_access_dag("GET", DagAccessEntity.XCOM)),
    ],
)
def verifications(
    request: Request,
    user: GetUserDep,
    session: SessionDep,
    part: str = "needs,waiting,history",
    dag_id: str | None = None,
    run_id: str | None = None,
    state: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    zone: Annotated[str, Query(max_length=100)] = "UTC",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
) -> PlainJson:
    """
    Return the parts of the page that are asked for, as plain values: FastAPI would look at each of them again.

    :param part: of :data:`PARTS`, with commas between them
    :param dag_id: of one DAG alone; *Needs you* and *Waiting now*, too
    :param run_id: of one run alone; likewise
    :param state: of the history: statuses, with commas between them
    :param since: of the history and of the days: runs that started then or later
    :param until: runs that started before
    :param zone: name of the time zone whose days are counted, as in the IANA database; days of UTC, as the answer then
        says, for one that this server does not know
    """
    now = datetime.now(UTC)
    parts, statuses = _words("part", part, PARTS), _words("state", state or "", frozenset(Status))
    dags = readable_dags(request, user, _dags.get(session))
    question = Question(
        dag_ids=dags if not dag_id else dags & {dag_id},
        run_id=run_id or None,
        statuses=frozenset(Status(each) for each in statuses),
        period=Period(_in_utc(since), _in_utc(until)),
        zone=_zone(zone),
        offset=offset,
        limit=limit,
    )

    @cache
    def may_edit_dag(dag_id: str) -> bool:
        return may_edit(request, user, dag_id)

    answer: dict[str, Any] = {
        "now": now.isoformat(),
        "airflow": airflow_version,
        "provider": __version__,
        "refresh_seconds": REFRESH_SECONDS,
        "dags": sorted(dags),
        "lacks": lacks_of(airflow_version),
    }
    if "needs" in parts:
        answer["needs"] = needs(session, _needs, question, may_edit_dag)
    if "waiting" in parts:
        answer["waiting"] = waiting(session, question)
    if "history" in parts:
        answer["history"] = history(session, question, may_edit_dag)
    if "days" in parts:
        answer["days"] = _days.find(session, question, now)
    return PlainJson(answer)


def _words(name: str, value: str, known: frozenset[str]) -> frozenset[str]:
    words = frozenset(filter(None, value.split(",")))
    if not words <= known:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, f"{name} must be of: {', '.join(sorted(known))}.")
    return words


def _zone(name: str) -> tzinfo:
    with suppress(LookupError, ValueError, OSError):  # OSError: the name of a folder of zones, such as Europe
        return ZoneInfo(name)
    return UTC


def _in_utc(time: datetime | None) -> datetime | None:
    """Return a time with its zone; without one it is in UTC."""
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)
