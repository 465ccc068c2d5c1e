"""The application: which path leads where."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from airflow_provider_ekyc.sandbox import control, description, routes_api, routes_result
from airflow_provider_ekyc.sandbox.app_keys import EXPORTS, STATE
from airflow_provider_ekyc.sandbox.exports import Exports
from airflow_provider_ekyc.sandbox.fault_middleware import act_out, remember
from airflow_provider_ekyc.sandbox.state import SandboxState


async def _exports(app: web.Application) -> AsyncIterator[None]:
    app[EXPORTS] = Exports(app[STATE])
    yield
    app[STATE].closing.set()
    await app[EXPORTS].close()


def make_application(state: SandboxState) -> web.Application:
    """The sandbox as an aiohttp application.

    :param state: what it holds.
    """
    app = web.Application(middlewares=[remember, act_out])
    app[STATE] = state
    app.cleanup_ctx.append(_exports)
    app.add_routes(
        [
            web.post("/v1/tasks", routes_api.submit),
            web.post("/v1/gettasks", routes_api.status),
            web.get("/v1/balance", routes_api.balance, allow_head=False),
            # Every method: S3 refuses a HEAD of a URL signed for GET with 403, not with 405.
            web.route("*", "/externalcheck/{task_id}/{name}", routes_result.result),
            web.get("/openapi.json", description.show, allow_head=False),
            web.get("/sandbox/bill", control.show_bill, allow_head=False),
            web.get("/sandbox/tasks", control.show_tasks, allow_head=False),
            web.get("/sandbox/calls", control.show_calls, allow_head=False),
            web.get("/sandbox/faults", control.show_faults, allow_head=False),
            web.post("/sandbox/faults", control.add_fault),
            web.delete("/sandbox/faults", control.clear_faults),
        ]
    )
    return app
