"""The rows of the page, as JSON takes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_ekyc.plugins.chains import Chain
from airflow_provider_ekyc.plugins.statuses import ENDED, Status, status_of
from airflow_provider_ekyc.plugins.task_records import TaskRecord, count_of, text_of, time_text
from airflow_provider_ekyc.xcom_keys import (
    CONSOLE_LINK,
    OBJECT_LINK,
    PREPARATION,
    PROGRESS,
    RESULT,
    SUBMISSION,
    SUMMARY,
    UNSETTLED,
)

#: Keys of the XComs that a row is made of; those of the two links are Airflow's.
KEYS = (
    "return_value",
    "submission",
    "unsettled",
    "failure",
    "progress",
    "result",
    "summary",
    "preparation",
    "_link_EkycConsoleLink",
    "_link_EkycPageLink",
    "_link_EkycObjectLink",
)

_PROGRESS_TEXTS = ("ekyc_task_id", "status", "started_at", "asked_at", "next_query_at", "expected_end", "note")
_PROGRESS_COUNTS = ("done", "total", "failure", "queries", "query_failures")


def row_of(chain: Chain, need: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    Return one row.

    :param chain: with the XComs of its tasks
    :param need: what a person has to decide; None if nothing
    """
    first, submit, sensor, transfer = chain.first, chain.submit, chain.sensor, chain.transfer
    submission = {} if submit is None else submit.pushed(SUBMISSION)
    unsettled = {} if submit is None else submit.pushed(UNSETTLED)
    waited = {} if sensor is None else sensor.pushed("return_value")
    progress = None if sensor is None else _progress(sensor.pushed(PROGRESS))
    result = {} if transfer is None else transfer.pushed(RESULT)
    return {
        "id": "|".join(_identity(first)),
        "dag_id": first.dag_id,
        "run_id": first.run_id,
        "map_index": first.map_index,
        "started_at": time_text(first.started_at or first.run_started),
        "ended_at": _ended_at(chain),
        "submit": None if submit is None else submit.as_reference(),
        "sensor": None if sensor is None else sensor.as_reference(),
        "transfer": None if transfer is None else transfer.as_reference(),
        "status": (Status.NEEDS_YOU if need else status_of(chain)).value,
        "ekyc_task_id": chain.ekyc_task_id,
        "task_type": text_of(submission.get("task_type") or unsettled.get("task_type"), 100),
        "rows": _first_count(
            submission.get("rows"), unsettled.get("rows"), waited.get("total"), (progress or {}).get("total")
        ),
        "yes": count_of(result.get("yes")),
        "no": count_of(result.get("no")),
        "unknown": count_of(result.get("unknown")),
        "not_processed": _first_count(waited.get("failure"), (progress or {}).get("failure")),
        "queries": _first_count(waited.get("queries"), (progress or {}).get("queries")),
        "cost": text_of(submission.get("estimated_cost"), 50),
        "summary": _summary(chain),
        "s3_uri": text_of(result.get("s3_uri")),
        "object_url": None if transfer is None else web_address(transfer.xcoms.get(OBJECT_LINK)),
        "console_url": _console(chain),
        "saved": None if chain.prepare is None else saved_by(chain.prepare),
        "progress": progress,
        "need": None if need is None else dict(need),
    }


def saved_by(prepare: TaskRecord) -> dict[str, Any] | None:
    """Return what freshness has saved: numbers that were not sent, and their cost as text; None if it was not used."""
    preparation = prepare.pushed(PREPARATION)
    fresh = count_of(preparation.get("fresh"))
    if fresh is None:
        return None
    money = preparation.get("money")
    cost = money.get("saved") if isinstance(money, Mapping) else None
    return {"rows": fresh, "cost": text_of(cost, 50)}


def web_address(value: object) -> str | None:
    """Return an address that may be a link: http or https, with a host, without a user or password in it."""
    if not isinstance(value, str) or len(value) > 2 * 1024 or not value.isprintable():
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return value


def _identity(task: TaskRecord) -> tuple[str, ...]:
    loop = () if task.region is None else (task.region,)
    return task.dag_id, task.run_id, task.task_id, str(task.map_index), *loop


def _ended_at(chain: Chain) -> str | None:
    """Return when the last of its tasks ended; None while one has not. A task that was not run may have no time."""
    if any(task.state not in ENDED for task in chain.tasks):
        return None
    return time_text(max((task.ended_at for task in chain.tasks if task.ended_at is not None), default=None))


def _progress(pushed: Mapping[str, Any]) -> dict[str, Any] | None:
    if not pushed:
        return None
    rate = pushed.get("rate")
    return {
        **{name: text_of(pushed.get(name), 300) for name in _PROGRESS_TEXTS},
        **{name: count_of(pushed.get(name)) for name in _PROGRESS_COUNTS},
        "rate": count_of(rate) if type(rate) is not float else rate if isfinite(rate) else None,
    }


def _summary(chain: Chain) -> str | None:
    """Return the text of the task that is furthest on."""
    return next((text for task in reversed(chain.tasks) if (text := text_of(task.xcoms.get(SUMMARY), 500))), None)


def _console(chain: Chain) -> str | None:
    """Return the remote task in the vendor's console, where the connection names one."""
    tasks = (chain.sensor, chain.submit)
    links = (web_address(task.xcoms.get(CONSOLE_LINK)) for task in tasks if task is not None)
    return next((link for link in links if link is not None), None)


def _first_count(*values: object) -> int | None:
    return next((count for value in values if (count := count_of(value)) is not None), None)
