"""The three calls that carry the key: submit, status, balance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from airflow_provider_ekyc.sandbox.app_keys import EXPORTS, FAULT_MET, STATE, error, refused_key
from airflow_provider_ekyc.sandbox.intake import Intake, take_in
from airflow_provider_ekyc.sandbox.lifecycle import standing, timestamp
from airflow_provider_ekyc.sandbox.presign import presigned_url
from airflow_provider_ekyc.sandbox.upload import MALFORMED, BadForm, TooLarge, receive

_EXPORT_PATIENCE_SECONDS = 5.0


def _keep_rows(upload: Path, rows_file: Path, stopped: Callable[[], bool]) -> Intake:
    intake = take_in(upload, rows_file, stopped)
    upload.unlink()
    return intake


def _shown_id(task_id: str) -> str | int:
    """An id of digits alone is a number in JSON, as with a vendor who counts his tasks."""
    return int(task_id) if task_id.isdecimal() else task_id


async def submit(request: web.Request) -> web.Response:
    """``POST /v1/tasks``: make a task and charge for it.

    :param request: a multipart form with ``file`` and ``task_type``.
    """
    state = request.app[STATE]
    if (refused := refused_key(request)) is not None:
        return refused
    fault = FAULT_MET.get()
    task_id = state.new_task_id(numeric=fault is not None and fault.kind == "numeric_id")
    upload_file, rows_file = state.directory / f"{task_id}.upload", state.rows_file(task_id)
    try:
        upload = await receive(request, upload_file, state.settings.max_upload_bytes)
        intake = await asyncio.to_thread(_keep_rows, upload_file, rows_file, state.closing.is_set)
    except BadForm as problem:
        return error(400, "invalid_parameters", str(problem))
    except TooLarge:
        answer = error(413, "file_too_large", "The file is too large")
        answer.force_close()
        return answer
    finally:
        upload_file.unlink(missing_ok=True)
    fewest, most = state.settings.limits_for(upload.task_type)
    if not fewest <= intake.rows <= most:
        rows_file.unlink()
        message = f"{upload.task_type} takes {fewest} to {most} rows, got {intake.rows}"
        return error(400, "invalid_batch_size", message)
    if not state.can_pay(intake.rows):
        rows_file.unlink()
        return error(402, "insufficient_balance", "Balance is too low for this task")
    task = state.accept(task_id, upload.task_type, lines=intake.lines, rows=intake.rows, sha256=upload.sha256)
    pending = state.settings.total_zero_while_pending
    return web.json_response(
        {
            "task_id": _shown_id(task_id),
            "status": "pending",
            "total": 0 if pending else intake.rows,
            "message": "Task created successfully",
            "created_at": timestamp(task.plan.accepted_at, 9),
        },
        status=state.settings.submit_status,
    )


async def status(request: web.Request) -> web.Response:
    """``POST /v1/gettasks``: where a task stands; a result URL, signed again each time, once it is exported.

    :param request: a form, multipart or urlencoded, with ``task_id``.
    """
    state = request.app[STATE]
    if (refused := refused_key(request)) is not None:
        return refused
    try:
        form = await request.post()
    except MALFORMED:
        return error(400, "invalid_parameters", "malformed form")
    task_id = form.get("task_id")
    if not isinstance(task_id, str) or not task_id:
        return error(400, "invalid_parameters", "task_id is missing")
    task, settings, now = state.task(task_id), state.settings, state.clock()
    if task is None or now < task.plan.accepted_at + settings.unknown_seconds:
        return error(404, "task_not_found", "Task not found")
    stands = standing(task.plan, now)
    said = stands.status
    # A result that is still being written is not exported yet, whatever the clock says.
    if said == "exported" and not await request.app[EXPORTS].is_ready(task, _EXPORT_PATIENCE_SECONDS):
        said = "processing"
    state.book_poll()
    body: dict[str, Any] = {
        "created_at": timestamp(task.plan.accepted_at, 3),
        "updated_at": timestamp(stands.updated_at, 3),
        "task_id": _shown_id(task_id),
        "user_id": settings.user_id,
        "status": said,
        "total": 0 if said == "pending" and settings.total_zero_while_pending else task.plan.total,
        "success": stands.success + (settings.extra_success if said == "exported" else 0),
        "failure": stands.failure,
    }
    if said == "exported":
        body["result_url"] = presigned_url(
            f"{request.scheme}://{request.host}",
            f"/externalcheck/{task_id}/{task_id}.zip",
            now=state.clock(),
            ttl_seconds=settings.url_ttl_seconds,
        )
    return web.json_response(body)


async def balance(request: web.Request) -> web.Response:
    """``GET /v1/balance``: the account.

    :param request: without parameters.
    """
    state = request.app[STATE]
    if (refused := refused_key(request)) is not None:
        return refused
    bill, now = state.bill(), datetime.fromtimestamp(state.clock(), UTC)
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return web.json_response(
        {
            "balance": float(bill.balance),
            "credit": float(state.settings.credit),
            "used_today": float(bill.used_today),
            "daily_limit": float(state.settings.daily_limit),
            "reset_time": timestamp(tomorrow.timestamp(), 3),
            "status": "active",
        }
    )
