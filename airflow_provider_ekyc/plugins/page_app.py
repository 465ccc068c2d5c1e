"""
The FastAPI app of the page.

Every route needs a login, an unknown path as well: only the scripts under ``/static/`` do not, and they hold nothing of
the deployment. FastAPI serves ``/docs`` and ``/openapi.json`` outside of an app's dependencies, so these are off.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from airflow_provider_ekyc.plugins import read_routes, settle_routes

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class PageFiles(StaticFiles):
    """
    The scripts of the page.

    A browser asks each time whether it has the current ones: they import each other by name, so that after an upgrade
    it would else run old and new ones together.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def page_app() -> FastAPI:
    """Return the app, to be mounted by Airflow's API server."""
    app = FastAPI(
        title="eKYC",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(get_user)],
    )
    app.mount("/static", PageFiles(directory=STATIC), name="static")
    app.include_router(read_routes.router)
    app.include_router(settle_routes.router)
    app.add_api_route("/{path:path}", _unknown_path, methods=_METHODS)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(Exception, _failed)
    return app


def _unknown_path(path: str) -> Any:
    """Answer any other path, after the login: without this route an unknown path would need none."""
    raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such page.")


async def _wrong_request(request: Request, error: Exception) -> JSONResponse:
    """Name what is wrong, without the value that was given."""
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    names = sorted({str(each["loc"][-1]) for each in errors if each.get("loc")})
    return JSONResponse({"detail": f"The request is not valid: {', '.join(names)}."}, status.HTTP_400_BAD_REQUEST)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    """Answer an error that nobody foresaw; the server writes it into its own log."""
    sentence = f"The eKYC page failed ({type(error).__name__}). The log of Airflow's API server has the details."
    return JSONResponse({"detail": sentence}, status.HTTP_500_INTERNAL_SERVER_ERROR)
