"""The layer between the socket and the calls: counts and logs each request and acts out its fault."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from airflow_provider_ekyc.sandbox.app_keys import FAULT_MET, STATE, error
from airflow_provider_ekyc.sandbox.echoes import echo
from airflow_provider_ekyc.sandbox.faults import TASK_KINDS, Call, Fault
from airflow_provider_ekyc.sandbox.pacing import in_one, trickle
from airflow_provider_ekyc.sandbox.ranges import is_suffix
from airflow_provider_ekyc.sandbox.reshaped import reshaped
from airflow_provider_ekyc.sandbox.routes_result import carries_a_key
from airflow_provider_ekyc.sandbox.state import RequestSeen
from airflow_provider_ekyc.sandbox.stopping import Stopped
from airflow_provider_ekyc.sandbox.wire import NoAnswer, answer_and_close, cut, read_body, send_interim

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HTML_PAGE = "<!DOCTYPE html><html><head><title>Just a moment</title></head><body>Please wait.</body></html>"
BROKEN_JSON = '{"task_id": "d4g8o46p2jv'

_CALL_OF_PATH: dict[str, Call] = {
    "/v1/tasks": "submit",
    "/v1/gettasks": "status",
    "/v1/balance": "balance",
    "/externalcheck/{task_id}/{name}": "result",
}

log = logging.getLogger(__name__)


def _call_of(request: web.Request) -> Call | None:
    resource = request.match_info.route.resource
    return _CALL_OF_PATH.get(resource.canonical) if resource else None


def _is_hint(request: web.Request) -> bool:
    """Whether it is sent beside another request, before or after it: it would make counts and faults random."""
    return _call_of(request) == "result" and is_suffix(request.headers.get("Range"))


def _path_to_show(request: web.Request) -> str:
    known = request.match_info.route.resource is not None
    return request.path if known else re.sub(r"\d", "#", request.path)


@web.middleware
async def remember(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count and log the request, whatever becomes of it; a hint is only logged.

    :param request: any.
    :param handler: what comes next.
    """
    state, call = request.app[STATE], _call_of(request)
    if not _is_hint(request):
        state.count_call(call or "other")
    if call == "result" and carries_a_key(request):
        state.count_key_leak()
    status = 0
    try:
        answer = await handler(request)
        status = 0 if isinstance(answer, NoAnswer) else answer.status
    except web.HTTPException as refused:
        status = refused.status
        raise
    except Stopped:
        answer = error(503, "closing", "The sandbox is closing")
        status = answer.status
    finally:
        if not _is_hint(request):
            names = tuple(sorted({name.lower() for name in request.headers}))
            state.remember(RequestSeen(request.method, _path_to_show(request), status, names))
        log.info("%s %s", call or "other", status or "cut")
    return answer


def _canned(fault: Fault) -> web.Response:
    status = fault.status or 500
    body = fault.body if fault.body is not None else json.dumps({"error": f"sandbox fault {status}"})
    kind = "application/json" if body.startswith(("{", "[")) else "text/plain"
    return web.Response(status=status, text=body, content_type=kind, headers=_headers(fault))


def _headers(fault: Fault) -> dict[str, str]:
    return {**fault.headers, **({} if fault.location is None else {"Location": fault.location})}


def _page(fault: Fault) -> web.Response:
    """The HTML page of something between the caller and the API."""
    return web.Response(status=fault.status or 200, text=HTML_PAGE, content_type="text/html", headers=_headers(fault))


def _slowed(answer: web.StreamResponse, seconds: float) -> web.StreamResponse:
    # Streams are downloads, which slow themselves down.
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    size = len(answer.body)
    headers = {**answer.headers, "Content-Length": str(size)}
    return web.Response(status=answer.status, headers=headers, body=trickle(in_one(answer.body), size, seconds))


async def _before(request: web.Request, fault: Fault) -> web.Response | None:
    """The answer of a fault that keeps the call from being taken: no task, no charge."""
    match fault.kind:
        case "cut_before":
            await read_body(request, fault.at_byte)
            return cut(request)
        case "early_status":
            await read_body(request, fault.at_byte or 0)
            return await answer_and_close(request, _canned(fault))
        case "status":
            await read_body(request, None)
            return _canned(fault)
        case "broken_json":
            await read_body(request, None)
            return web.Response(text=BROKEN_JSON, content_type="application/json")
        case "html":
            await read_body(request, None)
            return _page(fault)
        case "echo":
            return echo(request, await read_body(request, None), fault.form, fault.status or 400)
    return None


async def _after(request: web.Request, fault: Fault, answer: web.StreamResponse) -> web.StreamResponse:
    """What becomes of the answer to a call that was taken."""
    match fault.kind:
        case "cut_after":
            return cut(request)
        case "status_after":
            return _canned(fault)
        case "html_after":
            return _page(fault)
        case "slow_body":
            return _slowed(answer, fault.seconds)
        case "informational":
            send_interim(request, fault.status or 102)
    is_reshaped = fault.kind in TASK_KINDS or fault.kind == "id_in_location"
    if is_reshaped and answer.status < 300 and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
        return await reshaped(request, fault, answer, answer.body)
    return answer


@web.middleware
async def act_out(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request meet its fault.

    :param request: any.
    :param handler: the call itself.
    """
    call = _call_of(request)
    if call is None or _is_hint(request):
        FAULT_MET.set(None)
        return await handler(request)
    met = request.app[STATE].faults.take(call)
    FAULT_MET.set(met.fault)
    if met.delay_seconds:
        await asyncio.sleep(met.delay_seconds)
    if met.fault is None:
        return await handler(request)
    if (answer := await _before(request, met.fault)) is not None:
        return answer
    return await _after(request, met.fault, await handler(request))
