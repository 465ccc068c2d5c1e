"""A thread that works ahead of who reads: unpacking on one core, checking on the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None = None


def read_ahead(items: Iterable[T], *, depth: int = 8) -> Generator[T, None, None]:
    """
    Yield what ``items`` yields, made by a thread of its own; its errors are raised here.

    The thread has ended when this generator has, however it ends: what ``items`` reads from may be closed then.

    :param items: iterated in the thread; worth it if it leaves the GIL to others, as zlib, sockets and numpy do
    :param depth: items that may lie ready
    """
    ready: queue.Queue[T | _End] = queue.Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        end = _End()
        try:
            for item in items:
                ready.put(item)
                if stopped.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - raised again where it is read
            end = _End(error)
        ready.put(end)

    thread = threading.Thread(target=work, name="ekyc-read-ahead", daemon=True)
    thread.start()
    ended = False
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        ended = True
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        while not ended:
            ended = isinstance(ready.get(), _End)
        thread.join()
