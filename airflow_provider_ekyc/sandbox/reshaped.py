"""Answers about a task in shapes that the document does not have: the id elsewhere, fields missing, bytes too many."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from airflow_provider_ekyc.sandbox.faults import Fault
from airflow_provider_ekyc.sandbox.pacing import in_one
from airflow_provider_ekyc.sandbox.wire import cut_short

Fields = dict[str, Any]

#: Behind a whole JSON object: what a proxy may add.
TRAILING_BYTES = "\n<!-- added by a proxy -->\n"

_COUNTS = ("total", "success", "failure")


def _without_id(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "task_id"}


def _without_counts(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name not in _COUNTS}


def _wrapped(fields: Fields) -> Fields:
    return {"code": 0, "msg": "success", "data": fields}


def _camel_case_id(fields: Fields) -> Fields:
    return {"taskId": fields["task_id"], **_without_id(fields)}


_FIELDS: Mapping[str, Callable[[Fields], Fields]] = {
    "without_task_id": _without_id,
    "without_counts": _without_counts,
    "wrapped": _wrapped,
    "camel_case_id": _camel_case_id,
    "id_in_location": _without_id,
}


async def reshaped(request: web.Request, fault: Fault, answer: web.Response, body: bytes) -> web.StreamResponse:
    """The true answer about a task, in the shape that the fault says.

    :param request: that is answered.
    :param fault: of a kind that only calls which answer with a task know.
    :param answer: the true one; the task was taken and charged, or the query answered.
    :param body: of that answer.
    """
    fields, status = json.loads(body), answer.status
    match fault.kind:
        case "other_status":
            return web.json_response(fields, status=fault.status or 500, headers=fault.headers)
        case "trailing_bytes":
            after = TRAILING_BYTES if fault.body is None else fault.body
            return web.Response(status=status, body=body + after.encode(), content_type="application/json")
        case "without_last_chunk":
            return await _unended(request, status, body)
        case "without_last_byte":
            announced = {"Content-Length": str(len(body)), "Content-Type": "application/json; charset=utf-8"}
            head = web.StreamResponse(status=status, headers=announced)
            return await cut_short(request, head, in_one(body[:-1]))
    headers = {"Location": f"/v1/tasks/{fields['task_id']}"} if fault.kind == "id_in_location" else {}
    return web.json_response(_FIELDS[fault.kind](fields), status=status, headers=headers)


async def _unended(request: web.Request, status: int, body: bytes) -> web.StreamResponse:
    head = web.StreamResponse(status=status, headers={"Content-Type": "application/json; charset=utf-8"})
    head.enable_chunked_encoding()
    return await cut_short(request, head, in_one(body))
