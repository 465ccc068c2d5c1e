"""Which tasks a run has that its DAG no longer has, asked of Airflow."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.log_lines import warn

log = logging.getLogger(__name__)

#: Characters of task ids in the query of one request; proxies refuse lines above 8 KiB.
_QUERY_CHARACTERS = 4000
#: Of each id beside itself: ``&task_ids=``.
_FIELD_CHARACTERS = 10

_INSTANCE = re.compile(r"(.+)_\d+", re.DOTALL)


def former_task_ids(ti: Any, task_ids: Collection[str]) -> set[str]:
    """
    Return the ids of the tasks that a run has and its DAG has not.

    Their state says nothing: Airflow calls them ``removed`` only in some runs. Two requests count the task instances;
    only if there are more than those of the DAG's tasks are they listed. On Airflow 2 it is one query of the database.

    :param ti: ``context["ti"]``, of any version of Airflow
    :param task_ids: of all tasks of the DAG, as it is now
    :raises EkycJournalError: if Airflow does not answer
    """
    try:
        if hasattr(ti, "get_ti_count"):
            return _counted_and_listed(ti, task_ids)
        if hasattr(ti, "get_dagrun"):
            return _queried(ti) - set(task_ids)
    # Whatever is raised means that the ids are not known, and then nothing is sent. The Task SDK raises one class for
    # all that its API server answers, its sockets and decoders have their own, and so has Airflow 2's database.
    except Exception as error:  # noqa: BLE001  each version raises classes of its own
        raise EkycJournalError(
            f"Airflow can't list the tasks of this run ({_shown(error)}), so it is not known whether this list was "
            f"submitted under another task id. Nothing was sent. A retry lists them again.",
            retryable=True,
        ) from None
    warn(log, "This Airflow does not list the tasks of a run: what was submitted under another task id is not found.")
    return set()


def ids_of(entries: Collection[str], total: int, task_ids: Collection[str], count: Callable[[str], int]) -> set[str]:
    """
    Return what may be the ids of tasks that are not the DAG's. Pure.

    Airflow lists a mapped instance as ``<task id>_<map index>``, which may be the id of another task as well. Where it
    is not certain which of them is meant, both are returned: there is no record under an id that no task had.

    :param entries: as Airflow lists the task instances of a run, each name once
    :param total: how many task instances the run has
    :param task_ids: of all tasks of the DAG
    :param count: how many task instances the run has of an id
    """
    former = set()
    mapped: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if parts := _INSTANCE.fullmatch(entry):
            mapped[parts[1]].append(entry)
        else:
            former.add(entry)
    for task_id, instances in mapped.items():
        its_own = count(task_id)
        if its_own:
            former.add(task_id)
        # More than were listed are instances that were added since; fewer are names that two task instances share.
        if its_own - (task_id in entries) < len(instances) or total > len(entries):
            former.update(instances)
    return former - set(task_ids)


def _counted_and_listed(ti: Any, task_ids: Collection[str]) -> set[str]:
    run = {"dag_id": ti.dag_id, "run_ids": [ti.run_id]}
    # In this order, an instance that is added between the two costs a list, and hides nothing.
    known = sum(ti.get_ti_count(**run, task_ids=some) for some in _in_queries(task_ids))
    total = ti.get_ti_count(**run)
    if total == known:
        return set()
    entries = ti.get_task_states(**run)[ti.run_id]
    return ids_of(entries, total, task_ids, lambda task_id: ti.get_ti_count(**run, task_ids=[task_id]))


def _in_queries(task_ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the ids in lists that are short enough for the address of a request."""
    some: list[str] = []
    characters = 0
    for task_id in task_ids:
        more = len(quote(task_id, safe="")) + _FIELD_CHARACTERS
        if some and characters + more > _QUERY_CHARACTERS:
            yield some
            some, characters = [], 0
        some.append(task_id)
        characters += more
    yield some


def _shown(error: Exception) -> str:
    """Return the kind of an error, and what Airflow's API server says of it: a word, and the code of its answer."""
    answer = getattr(error, "error", None)
    word = getattr(getattr(answer, "error", None), "value", None)
    detail = getattr(answer, "detail", None)
    code = detail.get("status_code") if isinstance(detail, dict) else None
    return " ".join(str(each) for each in (type(error).__name__, word, code) if each)


def _queried(ti: Any) -> set[str]:
    """Return the ids of all tasks of the run, on Airflow 2."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        of_run = select(TaskInstance.task_id).where(TaskInstance.dag_id == ti.dag_id, TaskInstance.run_id == ti.run_id)
        return set(session.scalars(of_run.distinct()))
