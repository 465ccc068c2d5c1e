"""The result download: an object behind a presigned URL, as S3 serves it, with its faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path

from aiohttp import web

from airflow_provider_ekyc.sandbox.app_keys import EXPORTS, FAULT_MET, STATE
from airflow_provider_ekyc.sandbox.archive import Flaw
from airflow_provider_ekyc.sandbox.faults import Fault
from airflow_provider_ekyc.sandbox.lifecycle import standing
from airflow_provider_ekyc.sandbox.pacing import stall, trickle
from airflow_provider_ekyc.sandbox.presign import (
    EXPIRED,
    KEY_SENT,
    NO_SUCH_KEY,
    TWO_MECHANISMS,
    Refusal,
    refusal,
)
from airflow_provider_ekyc.sandbox.ranges import Flaw as RangeFlaw, Unsatisfiable, byte_range, span_of
from airflow_provider_ekyc.sandbox.wire import cut_short

_CHUNK_BYTES = 1 << 18
_FLAWS: dict[str, Flaw] = {
    "wrong_crc": "wrong_crc",
    "xlsx": "xlsx",
    "extra_rows": "extra_rows",
    "missing_rows": "missing_rows",
    "wrong_etag": "replaced",
}
_RANGE_FLAWS: dict[str, RangeFlaw] = {
    "whole_body": "whole_body",
    "other_range": "other_range",
    "short_range": "short_range",
    "long_range": "long_range",
}


def carries_a_key(request: web.Request) -> bool:
    """Whether a request has a credential that the result server must not receive.

    :param request: a download.
    """
    return "X-API-Key" in request.headers or "Authorization" in request.headers


def _refused(request: web.Request, why: Refusal) -> web.Response:
    body = None if request.method == "HEAD" else why.xml()
    return web.Response(status=why.status, text=body, content_type="application/xml")


def _elsewhere(request: web.Request, fault: Fault) -> web.Response:
    other = "127.0.0.1" if request.host.startswith("localhost") else "localhost"
    _, colon, port = request.host.partition(":")
    location = fault.location or f"{request.scheme}://{other}{colon}{port}{request.raw_path}"
    return web.Response(status=307, headers={"Location": location})


async def _bytes_of(path: Path, first: int, count: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        file.seek(first)
        while count and (chunk := await asyncio.to_thread(file.read, min(_CHUNK_BYTES, count))):
            count -= len(chunk)
            yield chunk


async def result(request: web.Request) -> web.StreamResponse:
    """``GET /externalcheck/<task id>/<task id>.zip``.

    :param request: with a signed query and without any key.
    """
    state = request.app[STATE]
    fault = FAULT_MET.get()
    kind = fault.kind if fault else ""
    if carries_a_key(request):
        return _refused(request, TWO_MECHANISMS if "Authorization" in request.headers else KEY_SENT)
    query = request.raw_path.partition("?")[2]
    why = refusal(request.method, request.host, request.path, query, now=state.clock())
    if why is None and kind == "expired":
        why = EXPIRED
    if why is not None:
        return _refused(request, why)
    if fault and kind == "redirect":
        return _elsewhere(request, fault)
    task = state.task(request.match_info["task_id"])
    if task is None or standing(task.plan, state.clock()).status != "exported":
        return _refused(request, NO_SUCH_KEY)
    flaw = _FLAWS.get(kind, "none")
    flaw_rows = fault.rows if fault and kind in ("extra_rows", "missing_rows") else 0
    archive = await request.app[EXPORTS].archive(task, flaw, flaw_rows)
    size = archive.size
    if fault and kind == "short_zip":
        size = min(size, size // 2 if fault.at_byte is None else fault.at_byte)
    headers = {
        "ETag": archive.etag,
        "Accept-Ranges": "bytes",
        "Content-Type": "application/zip",
        "Last-Modified": formatdate(task.plan.ends_at, usegmt=True),
    }
    wanted, if_range = request.headers.get("Range"), request.headers.get("If-Range")
    try:
        window = byte_range(wanted, if_range, size=size, etag=archive.etag)
    except Unsatisfiable:
        why = Refusal(416, "InvalidRange", "The requested range is not satisfiable")
        answer = _refused(request, why)
        answer.headers["Content-Range"] = f"bytes */{size}"
        return answer
    span = span_of(window, size=size, flaw=_RANGE_FLAWS.get(kind, "none"), at_byte=fault.at_byte if fault else None)
    first, count = span.first, span.count
    if span.content_range is not None:
        headers["Content-Range"] = span.content_range
    headers["Content-Length"] = str(count)
    status = 200 if span.content_range is None else 206
    if fault and kind == "cut_body":
        sent = min(count, count // 2 if fault.at_byte is None else fault.at_byte)
        answer_head = web.StreamResponse(status=status, headers=headers)
        return await cut_short(request, answer_head, _bytes_of(archive.path, first, sent))
    body = _bytes_of(archive.path, first, count)
    if fault and kind == "slow_body":
        body = trickle(body, count, fault.seconds)
    if fault and kind == "stall":
        body = stall(body, count // 2 if fault.at_byte is None else fault.at_byte, fault.seconds)
    return web.Response(status=status, headers=headers, body=body)
