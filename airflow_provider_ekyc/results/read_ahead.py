"""Iterate in another thread: unpacking on one core while the other one checks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterable[T], *, depth: int = 8) -> Generator[T, None, None]:
    """
    Yield what ``items`` yields, iterated in a thread of its own; its errors are raised here.

    The thread has ended when this generator has, in any case: what ``items`` reads from may be closed then.

    :param items: iterated in the thread; worth it if it leaves the GIL to others, as zlib, sockets and numpy do
    :param depth: items that may wait to be read
    """
    # One item each; the empty tuple is the end.
    ready: queue.Queue[tuple[T, ...]] = queue.Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        try:
            for item in items:
                ready.put((item,))
                if stopped.is_set():
                    break
        finally:
            ready.put(())

    with ThreadPoolExecutor(1, "ekyc-read-ahead") as pool:
        done = pool.submit(work)
        last: tuple[T, ...] | None = None
        try:
            while last := ready.get():
                yield last[0]
            done.result()
        finally:
            stopped.set()
            while last != ():
                last = ready.get()
