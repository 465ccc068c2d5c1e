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
