"""The sandbox's own routes, for processes other than the one that runs it. Guarded by the API key."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from aiohttp import web

from airflow_provider_ekyc.sandbox.app_keys import STATE, error, refused_key
from airflow_provider_ekyc.sandbox.bill import Bill
from airflow_provider_ekyc.sandbox.faults import Fault


def _json(value: object, status: int = 200) -> web.Response:
    # Amounts are Decimal.
    return web.Response(text=json.dumps(value, default=float), status=status, content_type="application/json")


def _bill_fields(bill: Bill) -> dict[str, Any]:
    return {**dataclasses.asdict(bill), "charged_twice": list(bill.charged_twice)}


async def show_bill(request: web.Request) -> web.Response:
    """``GET /sandbox/bill``: the account and every submission on it.

    :param request: with the key.
    """
    return refused_key(request) or _json(_bill_fields(request.app[STATE].bill()))


async def show_tasks(request: web.Request) -> web.Response:
    """``GET /sandbox/tasks``: all tasks as they stand.

    :param request: with the key.
    """
    return refused_key(request) or _json([dataclasses.asdict(task) for task in request.app[STATE].tasks()])


async def show_calls(request: web.Request) -> web.Response:
    """``GET /sandbox/calls``: counts per call, key leaks and the log of requests.

    :param request: with the key.
    """
    state = request.app[STATE]
    seen = [dataclasses.asdict(entry) for entry in state.requests()]
    return refused_key(request) or _json({"calls": state.calls(), "key_leaks": state.key_leaks, "requests": seen})


def _active(request: web.Request) -> list[dict[str, Any]]:
    return [{**dataclasses.asdict(fault), "times_left": left} for fault, left in request.app[STATE].faults.active]


async def show_faults(request: web.Request) -> web.Response:
    """``GET /sandbox/faults``: what is switched on.

    :param request: with the key.
    """
    return refused_key(request) or _json(_active(request))


async def add_fault(request: web.Request) -> web.Response:
    """``POST /sandbox/faults``: switch one on; the JSON fields are those of :class:`Fault`.

    :param request: with the key.
    """
    if (refused := refused_key(request)) is not None:
        return refused
    try:
        fault = Fault(**await request.json())
    except (ValueError, TypeError) as problem:
        return error(400, "bad_fault", str(problem))
    request.app[STATE].faults.add(fault)
    return _json(_active(request), status=201)


async def clear_faults(request: web.Request) -> web.Response:
    """``DELETE /sandbox/faults``: switch all off.

    :param request: with the key.
    """
    if (refused := refused_key(request)) is not None:
        return refused
    request.app[STATE].faults.clear()
    return _json([])
