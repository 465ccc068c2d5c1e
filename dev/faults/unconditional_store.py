"""
A relay before the S3 server that makes of it a store that ignores ``If-None-Match`` and ``If-Match``.

Some S3-compatible stores do. Both headers are signed, so they can't be left out on the way: the relay puts the object
itself instead, without a condition.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from yarl import URL

from dev.stack.s3_server import S3Server

_HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length", "expect"})


class UnconditionalStore:
    """
    The relay, on 127.0.0.1, for as long as the context lasts.

    :param server: what it is before
    """

    def __init__(self, server: S3Server) -> None:
        self._upstream = server.endpoint_url
        self._client = server.client()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="unconditional-store")
        self._port = 0

    @property
    def endpoint_url(self) -> str:
        """The address to give to an S3 client."""
        return f"http://127.0.0.1:{self._port}"

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        async with aiohttp.ClientSession(auto_decompress=False) as self._session:
            self._ready.set()
            await self._over.wait()
        await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.method == "PUT" and ("If-None-Match" in request.headers or "If-Match" in request.headers):
            bucket, _, key = unquote(request.path).strip("/").partition("/")
            put = await asyncio.to_thread(self._client.put_object, Bucket=bucket, Key=key, Body=body)
            return web.Response(headers={"ETag": put["ETag"]})
        url = f"{self._upstream}{request.raw_path}"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            request.method, URL(url, encoded=True), headers=headers, data=body, allow_redirects=False
        ) as answer:
            headers = _end_to_end(answer.headers)
            if request.method == "HEAD":
                headers["Content-Length"] = answer.headers.get("Content-Length", "0")
                return web.Response(status=answer.status, headers=headers)
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
