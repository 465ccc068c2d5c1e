"""What happens on the line itself: interim answers, and answers that stop or close where HTTP does not want it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

from aiohttp import web

_MOMENT_SECONDS = 0.05
_KEPT_BYTES = 64 * 1024


class NoAnswer(web.Response):
    """Stands for the answer of a call whose connection was cut; it is never sent."""


async def read_body(request: web.Request, most_bytes: int | None) -> bytes:
    """Read the request's body and return its beginning.

    :param request: with the body not yet read.
    :param most_bytes: where to stop; ``None`` for all of it.
    """
    read, kept = 0, b""
    while (most_bytes is None or read < most_bytes) and (chunk := await request.content.readany()):
        read += len(chunk)
        kept += chunk[: max(0, _KEPT_BYTES - len(kept))]
    return kept


def cut(request: web.Request) -> web.Response:
    """Close the connection without an answer.

    :param request: whose connection it is.
    """
    if request.transport is not None:
        request.transport.abort()
    return NoAnswer()


async def answer_and_close(request: web.Request, answer: web.Response) -> web.Response:
    """Answer on the bare line and close it, as a proxy does that will not read on.

    aiohttp itself would go on reading the body for a while, which is what such a proxy does not do.

    :param request: whose body may still be coming.
    :param answer: with its body.
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


async def cut_short(request: web.Request, answer: web.StreamResponse, body: AsyncIterator[bytes]) -> web.StreamResponse:
    """Send what there is of a body and cut the line, without the end that the headers announce.

    :param request: whose connection it is.
    :param answer: not yet sent; its headers announce more than comes.
    :param body: what comes.
    """
    await answer.prepare(request)
    async for chunk in body:
        await answer.write(chunk)
    # Without a moment for what was written to leave, abort() would throw it away.
    await asyncio.sleep(_MOMENT_SECONDS)
    if request.transport is not None:
        request.transport.abort()
    return answer


def send_interim(request: web.Request, status: int) -> None:
    """Send an informational answer (RFC 9110 section 15.2) before the final one.

    :param request: that is answered afterwards.
    :param status: 100 to 199; 101 says that the connection now speaks another protocol, which is not so.
    """
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        head += "Connection: Upgrade\r\nUpgrade: made-up\r\n"
    if request.transport is not None:
        request.transport.write(f"{head}\r\n".encode("ascii"))
