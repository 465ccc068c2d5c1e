"""The layer between the socket and the calls: counts and logs each request and acts out its fault."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from airflow_provider_ekyc.sandbox.app_keys import STATE, error
from airflow_provider_ekyc.sandbox.faults import Call, Fault
from airflow_provider_ekyc.sandbox.pacing import in_one, trickle
from airflow_provider_ekyc.sandbox.routes_result import FAULT_MET, carries_a_key
from airflow_provider_ekyc.sandbox.state import RequestSeen
from airflow_provider_ekyc.sandbox.stopping import Stopped

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HTML_PAGE = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body>Please wait.</body></html>"
BROKEN_JSON = '{"task_id": "d4g8o46p2jv'

_CALL_OF_PATH: dict[str, Call] = {
    "/v1/tasks": "submit",
    "/v1/gettasks": "status",
    "/v1/balance": "balance",
    "/externalcheck/{task_id}/{name}": "result",
}

_MOMENT_SECONDS = 0.05

log = logging.getLogger(__name__)


class _NoAnswer(web.Response):
    """Stands for the answer of a call whose connection was cut; it is never sent."""


def _call_of(request: web.Request) -> Call | None:
    resource = request.match_info.route.resource
    return _CALL_OF_PATH.get(resource.canonical) if resource else None


def _path_to_show(request: web.Request) -> str:
    known = request.match_info.route.resource is not None
    return request.path if known else re.sub(r"\d", "#", request.path)


@web.middleware
async def remember(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count and log the request, whatever becomes of it.

    :param request: any.
    :param handler: what comes next.
    """
    state, call = request.app[STATE], _call_of(request)
    state.count_call(call or "other")
    if call == "result" and carries_a_key(request):
        state.count_key_leak()
    status = 0
    try:
        answer = await handler(request)
        status = 0 if isinstance(answer, _NoAnswer) else answer.status
    except web.HTTPException as refused:
        status = refused.status
        raise
    except Stopped:
        answer = error(503, "closing", "The sandbox is closing")
    finally:
        names = tuple(sorted({name.lower() for name in request.headers}))
        state.remember(RequestSeen(request.method, _path_to_show(request), status, names))
        log.info("%s %s", call or "other", status or "cut")
    return answer


async def _read(request: web.Request, most_bytes: int | None) -> None:
    read = 0
    while (most_bytes is None or read < most_bytes) and (chunk := await request.content.readany()):
        read += len(chunk)


def _canned(fault: Fault) -> web.Response:
    status = fault.status or 500
    body = fault.body if fault.body is not None else json.dumps({"error": f"sandbox fault {status}"})
    kind = "application/json" if body.startswith(("{", "[")) else "text/plain"
    answer = web.Response(status=status, text=body, content_type=kind)
    answer.headers.update(fault.headers)
    return answer


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return _NoAnswer()


async def _answer_and_close(request: web.Request, answer: web.Response) -> web.Response:
    """Answer on the bare line and close it, as a proxy does that will not read on.

    aiohttp itself would go on reading the body for a while, which is what such a proxy does not do.
    """
    body = answer.body if isinstance(answer.body, bytes) else b""
    headers = {**answer.headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if (transport := request.transport) is not None:
        transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        # A caller who looks has a moment to see the answer before the line is gone. close() would not do:
        # under TLS it waits for a goodbye that can't come while nobody reads.
        await asyncio.sleep(_MOMENT_SECONDS)
        transport.abort()
    return answer


def _slowed(answer: web.StreamResponse, seconds: float) -> web.StreamResponse:
    # Streams are downloads, which slow themselves down.
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    size = len(answer.body)
    headers = {**answer.headers, "Content-Length": str(size)}
    return web.Response(status=answer.status, headers=headers, body=trickle(in_one(answer.body), size, seconds))


def _without_task_id(answer: web.StreamResponse) -> web.StreamResponse:
    if isinstance(answer, web.Response) and isinstance(answer.body, bytes):
        fields = json.loads(answer.body)
        fields.pop("task_id", None)
        return web.json_response(fields, status=answer.status)
    return answer


async def _before(request: web.Request, fault: Fault) -> web.Response | None:
    """The answer of a fault that keeps the call from being taken: no task, no charge."""
    match fault.kind:
        case "cut_before":
            await _read(request, fault.at_byte)
            return _cut(request)
        case "early_status":
            await _read(request, fault.at_byte or 0)
            return await _answer_and_close(request, _canned(fault))
        case "status":
            await _read(request, None)
            return _canned(fault)
        case "broken_json":
            await _read(request, None)
            return web.Response(text=BROKEN_JSON, content_type="application/json")
        case "html":
            await _read(request, None)
            return web.Response(text=HTML_PAGE, content_type="text/html")
    return None


def _after(request: web.Request, fault: Fault, answer: web.StreamResponse) -> web.StreamResponse:
    """What becomes of the answer to a call that was taken."""
    match fault.kind:
        case "cut_after":
            return _cut(request)
        case "status_after":
            return _canned(fault)
        case "slow_body":
            return _slowed(answer, fault.seconds)
        case "without_task_id":
            return _without_task_id(answer)
    return answer


@web.middleware
async def act_out(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request meet its fault.

    :param request: any.
    :param handler: the call itself.
    """
    call = _call_of(request)
    if call is None:
        return await handler(request)
    met = request.app[STATE].faults.take(call)
    FAULT_MET.set(met.fault)
    if met.delay_seconds:
        await asyncio.sleep(met.delay_seconds)
    if met.fault is None:
        return await handler(request)
    if (answer := await _before(request, met.fault)) is not None:
        return answer
    return _after(request, met.fault, await handler(request))
