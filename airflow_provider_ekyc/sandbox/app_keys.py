"""What the routes find in the application, and the check of the API key that they share."""

from __future__ import annotations

import hmac
from contextvars import ContextVar

from aiohttp import web

from airflow_provider_ekyc.sandbox.exports import Exports
from airflow_provider_ekyc.sandbox.faults import Fault
from airflow_provider_ekyc.sandbox.state import SandboxState

STATE = web.AppKey("state", SandboxState)
EXPORTS = web.AppKey("exports", Exports)

FAULT_MET: ContextVar[Fault | None] = ContextVar("FAULT_MET", default=None)
"""The fault of the request at hand, for a route to act out what it alone can."""


def error(status: int, code: str, message: str) -> web.Response:
    """An error answer. Error bodies are undocumented; this is the shape that users report.

    :param status: HTTP status.
    :param code: machine-readable name.
    :param message: for people.
    """
    return web.json_response({"error": code, "message": message}, status=status)


def refused_key(request: web.Request) -> web.Response | None:
    """The 401 for a request without the right ``X-API-Key``, or ``None``.

    :param request: any of the API's own calls.
    """
    given = request.headers.get("X-API-Key", "").encode()
    if hmac.compare_digest(given, request.app[STATE].settings.api_key.encode()):
        return None
    return error(401, "unauthorized", "API key is missing or invalid")
