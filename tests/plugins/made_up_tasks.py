"""Task instances as the page reads them, with what they have pushed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_ekyc.plugins.task_records import Role, TaskRecord

START = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
_TASK_IDS = {Role.PREPARE: "prepare", Role.SUBMIT: "submit", Role.SENSOR: "wait", Role.TRANSFER: "land"}


def task(role: Role, state: str | None = "success", **given: Any) -> TaskRecord:
    """Return a task instance; what is not one of its attributes is pushed as an XCom."""
    known = {name: given.pop(name) for name in list(given) if name in TaskRecord.__dataclass_fields__}
    ended = state in ("success", "failed", "skipped")
    values: dict[str, Any] = {
        "dag_id": "numbers",
        "run_id": "first",
        "task_id": _TASK_IDS[role],
        "map_index": -1,
        "try_number": 1,
        "started_at": START,
        "ended_at": START + timedelta(minutes=1) if ended else None,
        "run_number": 1,
        "run_started": START,
        "xcoms": given,
        **known,
    }
    return TaskRecord(role=role, state=state, **values)


def submit(state: str | None = "success", ekyc_task_id: str | None = None, **given: Any) -> TaskRecord:
    """Return a submission, of a remote task if it has an id."""
    if ekyc_task_id is not None:
        given.setdefault("submission", {"ekyc_task_id": ekyc_task_id, "rows": 3000, "estimated_cost": "3.00"})
    return task(Role.SUBMIT, state, **given)


def sensor(state: str | None = "success", ekyc_task_id: str | None = None, **given: Any) -> TaskRecord:
    """Return a wait, which has ended if it has an id."""
    if ekyc_task_id is not None:
        given.setdefault("return_value", {"ekyc_task_id": ekyc_task_id, "total": 3000, "failure": 10, "queries": 4})
    return task(Role.SENSOR, state, **given)


def transfer(state: str | None = "success", ekyc_task_id: str | None = None, **given: Any) -> TaskRecord:
    """Return a landing, which has landed if it has an id."""
    if ekyc_task_id is not None:
        result = {"ekyc_task_id": ekyc_task_id, "s3_uri": "s3://made-up/r.zip", "yes": 1180, "no": 1810, "unknown": 0}
        given.setdefault("result", result)
    return task(Role.TRANSFER, state, **given)
