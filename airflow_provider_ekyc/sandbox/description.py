"""``GET /openapi.json``: what the API is, as the file ``openapi.json`` beside this module has it."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from aiohttp import web


def description(origin: str | None = None) -> dict[str, Any]:
    """The OpenAPI description of the API.

    :param origin: scheme, host and port of a server that serves all of it, results included; ``None`` for the
        vendor's.
    """
    text = resources.files(__package__).joinpath("openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    if origin is not None:
        document["servers"] = [{"url": origin}]
        for path in document["paths"].values():
            path.pop("servers", None)
    return document


async def show(request: web.Request) -> web.Response:
    """``GET /openapi.json``, of the server that was asked. It needs no key.

    :param request: without parameters.
    """
    return web.json_response(description(f"{request.scheme}://{request.host}"))
