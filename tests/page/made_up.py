"""Made-up answers of the route that the page reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)


def iso(seconds: float) -> str:
    """Return a time so many seconds after now."""
    return (NOW + timedelta(seconds=seconds)).isoformat()


def row(number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a landed submission."""
    run_id = more.get("run_id", f"manual__{number:04}")
    dag_id = more.get("dag_id", "verify_daily")
    task = {"map_index": more.get("map_index", -1), "state": "success", "try_number": 1}
    return {
        "id": f"{dag_id}|{run_id}|submit|{task['map_index']}",
        "dag_id": dag_id,
        "run_id": run_id,
        "map_index": -1,
        "started_at": iso(-3600 * (number + 1)),
        "ended_at": iso(-3600 * number),
        "submit": {"task_id": "submit", **task},
        "sensor": {"task_id": "wait", **task},
        "transfer": {"task_id": "land", **task},
        "status": "landed",
        "ekyc_task_id": f"made-up-{number:04}",
        "task_type": "amazon",
        "rows": 3000,
        "yes": 1180,
        "no": 1800,
        "unknown": 8,
        "not_processed": 12,
        "queries": 4,
        "cost": "3.00",
        "summary": "3,000 rows: 1,180 yes, 1,800 no",
        "s3_uri": f"s3://results/{run_id}.zip",
        "object_url": f"https://console.example/results/{number}",
        "console_url": None,
        "saved": None,
        "progress": None,
        "need": None,
        **more,
    }


NOT_LANDED = {"yes": None, "no": None, "unknown": None, "not_processed": None, "s3_uri": None, "object_url": None}


def needing(number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a submission whose outcome is unknown; ``more`` is of its need."""
    made = row(number, status="needs_you", sensor=None, transfer=None, ekyc_task_id=None, queries=None, **NOT_LANDED)
    made["need"] = {
        "kind": "unknown_outcome",
        "dag_id": made["dag_id"],
        "run_id": made["run_id"],
        "task_id": "submit",
        "map_index": -1,
        "try_number": 1,
        "when": iso(-60),
        "rows": 3000,
        "record": f"Airflow Variable ekyc_submission_0000_{number:016x}",
        "store": "variables",
        "name": f"{number:016x}",
        "possible_ids": [],
        "balance_before": "1000.00",
        "balance_after": "997.00",
        "estimated_cost": "3.00",
        "message": "No answer was received.",
        "charge": "possible",
        "runbook": "https://runbook.example/#unknown_outcome",
        "ways": ["adopt", "send_again", "log"],
        "may_edit": True,
        **more,
    }
    return made


def not_landed(number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a submission that is paid for and whose result could not be landed."""
    made = needing(number, kind="not_landed", task_id="land", charge="certain", ways=["clear", "log"], record=None)
    made["need"] |= {"store": None, "name": None, "message": "S3 rejected the upload: AccessDenied (403).", **more}
    made["ekyc_task_id"] = f"made-up-{number:04}"
    return made


def waiting(number: int = 0, **progress: Any) -> dict[str, Any]:
    """Return a submission that is waited for."""
    made = row(number, status="waiting", queries=None, transfer=None, ended_at=None, **NOT_LANDED)
    made["sensor"] |= {"state": "deferred"}
    made["progress"] = {
        "ekyc_task_id": made["ekyc_task_id"],
        "status": "processing",
        "done": 1200,
        "total": 3000,
        "failure": 0,
        "started_at": iso(-120),
        "asked_at": iso(-8),
        "next_query_at": iso(12),
        "expected_end": iso(180),
        "rate": 10.0,
        "queries": 3,
        "query_failures": 0,
        "note": None,
        **progress,
    }
    return made


def answer(
    needs: list[dict[str, Any]] | None = None,
    waits: list[dict[str, Any]] | None = None,
    history: list[dict[str, Any]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return all parts of the route's answer."""
    days = [
        {
            "day": f"2026-11-{day}",
            "submissions": 2,
            "rows": 6000,
            "yes": 2360,
            "no": 3500,
            "unknown": 40,
            "not_processed": 50,
            "cost": "6.00",
            "saved_rows": 100 * (day % 2),
            "saved_cost": "0.10" if day % 2 else None,
        }
        for day in (24, 25, 26)
    ]
    return {
        "now": iso(0),
        "airflow": "3.3.2",
        "provider": "1.0.0",
        "refresh_seconds": 5,
        "needs": {"rows": needs or [], "more": False},
        "waiting": {"rows": waits or [], "more": False},
        "history": {"rows": history or [], "offset": 0, "limit": 100, "more": False},
        "days": {"days": days if history else [], "counted": 6, "complete": True},
        "dags": ["verify_daily", "verify_leads"],
        "lacks": [],
        **more,
    }
