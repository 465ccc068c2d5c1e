"""An answer that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

_PIECES = 10


async def in_one(body: bytes) -> AsyncIterator[bytes]:
    """A body that is there already, as a stream.

    :param body: all of it.
    """
    yield body


async def trickle(body: AsyncIterable[bytes], size: int, seconds: float) -> AsyncIterator[bytes]:
    """A body, spread evenly over a time.

    :param body: in chunks of any size.
    :param size: bytes in all.
    :param seconds: how long the whole takes.
    """
    piece = max(1, -(-size // _PIECES))
    async for chunk in body:
        for start in range(0, len(chunk), piece):
            part = chunk[start : start + piece]
            await asyncio.sleep(seconds * len(part) / size)
            yield part


async def stall(body: AsyncIterable[bytes], at_byte: int, seconds: float) -> AsyncIterator[bytes]:
    """A body that stops for a while in its middle.

    :param body: in chunks of any size.
    :param at_byte: how many bytes come before.
    :param seconds: how long nothing comes.
    """
    sent = 0
    async for chunk in body:
        if sent <= at_byte < sent + len(chunk):
            yield chunk[: at_byte - sent]
            await asyncio.sleep(seconds)
            yield chunk[at_byte - sent :]
        else:
            yield chunk
        sent += len(chunk)
