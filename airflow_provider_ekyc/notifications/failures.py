"""What a callback's context says about failed tasks, on each version of Airflow: the exception, and XComs."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from airflow_provider_ekyc.airflow_errors import EkycFailure
from airflow_provider_ekyc.exceptions import Charge
from airflow_provider_ekyc.links.addresses import OPERATORS_WITH_ROW
from airflow_provider_ekyc.notifications.addresses import log_address, row_address
from airflow_provider_ekyc.notifications.message import Failure
from airflow_provider_ekyc.runbook import UNEXPECTED, runbook_entry
from airflow_provider_ekyc.xcom_keys import FAILURE, SUBMISSION, UNSETTLED

log = logging.getLogger(__name__)

_PACKAGE = __name__.partition(".")[0]


def read_failures(context: Mapping[str, Any]) -> list[Failure]:
    """
    Return what has failed, one at least.

    As a callback of a task it is that task. As a callback of a DAG it is each task of this package that has an XCom
    ``failure``: Airflow clears it when another try begins. Where there is none, or none can be read, it is the run.

    :param context: what Airflow gave to the callback
    """
    if "reason" not in context:
        return [_of_task(context)]
    found = list(_of_dag(context))
    return found or [_of_run(context)]


def _of_task(context: Mapping[str, Any]) -> Failure:
    ti = context["ti"]
    error = context.get("exception")
    map_index = getattr(ti, "map_index", -1)
    about: Mapping[str, Any] = {}
    known: Mapping[str, Any] = {}
    if _xcoms_can_be_read(context):
        known, submission, unsettled = (
            _mapping(_pulled(ti, ti.task_id, key, map_index)) for key in (FAILURE, SUBMISSION, UNSETTLED)
        )
        about = submission or unsettled
    if isinstance(error, EkycFailure):
        fields = ("kind", "status", "charge", "retryable")
        known = {**known, **{name: getattr(error, name) for name in fields}, "message": str(error)}
    elif not known and error is not None:
        # Of an exception that is not ours only its class is shown: its text may quote anything.
        known = {"message": f"The task ended with {type(error).__name__}."}
    return _failure(context, ti.task_id, known, about, ti)


def _of_dag(context: Mapping[str, Any]) -> Iterator[Failure]:
    ti = context.get("ti")
    if ti is None or not _xcoms_can_be_read(context):
        return
    for task in getattr(context.get("dag"), "tasks", []):
        if not _is_ours(task):
            continue
        pulled = _pulled(ti, task.task_id, FAILURE)
        for value in pulled if isinstance(pulled, list | tuple) else [pulled]:
            if (known := _mapping(value)) and not _is_skipped(task, known):
                yield _failure(context, task.task_id, known)


def _of_run(context: Mapping[str, Any]) -> Failure:
    reason = f"The run failed ({context['reason']}). Open it to see which tasks failed."
    return _failure(context, "", {"message": reason})


def _failure(
    context: Mapping[str, Any],
    task_id: str,
    known: Mapping[str, Any],
    about: Mapping[str, Any] = MappingProxyType({}),
    ti: Any = None,
) -> Failure:
    """
    Return a failure.

    :param known: the XCom ``failure``, or what an exception says
    :param about: the XCom ``submission`` or ``unsettled``
    :param ti: the task instance, if it is the one that failed
    """
    dag_id, run_id = _ids(context)
    map_index = getattr(ti, "map_index", -1)
    kind = known.get("kind")
    kind = kind if isinstance(kind, str) and re.fullmatch(r"[a-z0-9_]{1,40}", kind) else None
    charge = known.get("charge")
    charge = charge if charge in set(Charge) else Charge.POSSIBLE.value
    try_number = getattr(ti, "try_number", None)
    tries_left = (try_number or 1) <= (getattr(ti, "max_tries", 0) or 0)
    return Failure(
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        try_number=try_number,
        kind=kind,
        status=_count(known.get("status")),
        charge=str(charge),
        will_retry=bool(known.get("retryable")) and tries_left,
        text=str(known.get("message") or ""),
        ekyc_task_id=_text(known.get("ekyc_task_id")) or _text(about.get("ekyc_task_id")),
        rows=_count(about.get("rows")),
        estimated_cost=_text(about.get("estimated_cost")),
        balance_before=_text(about.get("balance_before")),
        balance_after=_text(about.get("balance_after")),
        log_url=log_address(dag_id, run_id, task_id, map_index, try_number) or None,
        page_url=(row_address(dag_id, run_id, task_id, map_index) or None) if _has_row(context, task_id) else None,
        runbook=runbook_entry(kind or UNEXPECTED),
    )


def _xcoms_can_be_read(context: Mapping[str, Any]) -> bool:
    """
    Return whether this process can read XComs.

    The dag-processor of Airflow 3.0, which runs the callbacks of DAGs and of tasks whose worker is lost, can't: the
    call would never return. On a worker there is an exception.
    """
    from airflow import __version__ as version

    return not version.startswith("3.0.") or context.get("exception") is not None


def _ids(context: Mapping[str, Any]) -> tuple[str, str]:
    """Return DAG and run; a DAG's callback may be given no task instance."""
    ti = context.get("ti")
    if ti is not None:
        return str(ti.dag_id), str(ti.run_id)
    return str(getattr(context.get("dag"), "dag_id", "")), str(context.get("run_id") or "")


def _is_ours(task: Any) -> bool:
    """Return whether a task, mapped or not, is one of this package, or of a class made from one."""
    kind = getattr(task, "operator_class", type(task))
    return any(base.__module__.partition(".")[0] == _PACKAGE for base in getattr(kind, "__mro__", ()))


def _has_row(context: Mapping[str, Any], task_id: str) -> bool:
    """Return whether the page has a row of a task; of one that is not known it may."""
    task = getattr(context.get("dag"), "task_dict", {}).get(task_id)
    return task is None or task.task_type in OPERATORS_WITH_ROW


def _is_skipped(task: Any, known: Mapping[str, Any]) -> bool:
    """Return whether a sensor was skipped for a failure, which it says in its XCom as well."""

    def has(option: str) -> bool:
        # Of a mapped sensor it is among the arguments that all have in common.
        return bool(getattr(task, option, None) or getattr(task, "partial_kwargs", {}).get(option))

    return has("never_fail") or (has("soft_fail") and not known.get("retryable"))


def _pulled(ti: Any, task_id: str, key: str, map_index: int | None = None) -> Any:
    """Return an XCom; of all map indexes if none is given. None if there is none, or if it can't be read."""
    place = {} if map_index is None else {"map_indexes": map_index}
    try:
        value = ti.xcom_pull(task_ids=task_id, key=key, **place)
        return value if value is None or isinstance(value, str | Mapping) else list(value)
    except Exception as error:  # noqa: BLE001  # the message is worth sending without it
        log.info("The XCom %r of task %s can't be read (%s).", key, task_id, type(error).__name__)
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
