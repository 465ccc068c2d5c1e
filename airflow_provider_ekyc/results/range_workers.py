"""Threads that take byte ranges from a queue, each with a connection of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from queue import SimpleQueue
from typing import Protocol

from airflow_provider_ekyc.api.result_stream import ResultStream
from airflow_provider_ekyc.results.byte_ranges import ByteRange


class Connection(Protocol):
    """A connection to the result's store, as ``EkycHook.result_connection`` returns it."""

    def open(
        self, url: str, *, offset: int = 0, last: int | None = None, etag: str | None = None
    ) -> AbstractContextManager[ResultStream]:
        """Request the result, or a range of it."""
        ...

    def abort(self) -> None:
        """End what it waits for; may be called from any thread."""
        ...


#: Makes a connection, in the thread that uses it.
Connect = Callable[[], AbstractContextManager[Connection]]


class Stopped(Exception):
    """Another thread has ended the download."""


class RangeWorkers:
    """
    The threads of one :meth:`run`. The main thread only waits, so that a signal ends everything at once.

    :param connect: makes a connection
    :param most: threads at the most; no more are started than there are ranges
    :param fetch: fetches one range; called in a thread
    """

    def __init__(self, connect: Connect, most: int, fetch: Callable[[Connection, ByteRange], None]) -> None:
        self._connect, self._most, self._fetch = connect, most, fetch
        self._pool = ThreadPoolExecutor(most, "ekyc-download")
        self._threads: list[Future[None]] = []
        self._running = 0
        self._waiting: deque[ByteRange] = deque()
        self._calls: deque[Callable[[], None]] = deque()
        self._failure: BaseException | None = None
        self._stopped = threading.Event()
        self._connections: set[Connection] = set()
        self._changed = threading.Condition()
        #: An item for each change that the main thread waits for.
        self._events: SimpleQueue[None] = SimpleQueue()

    def run(self, first: ByteRange) -> None:
        """
        Fetch a range, and those that are added meanwhile.

        All threads have ended when this returns or raises; the first error of one of them is raised here.
        """
        try:
            self.add([first])
            while (call := self._next_call()) is not None:
                call()
        finally:
            self._stop()
            # Not a join, which takes a thread for ended when it is interrupted (bpo-45274).
            wait(self._threads)
            self._pool.shutdown()

    def add(self, ranges: Iterable[ByteRange]) -> None:
        """Have more ranges fetched, in this order."""
        with self._changed:
            self._waiting.extend(ranges)
            for _ in range(min(self._most - self._running, len(self._waiting))):
                if not self._stopped.is_set():
                    self._threads.append(self._pool.submit(self._work))
                    self._running += 1

    def in_main_thread(self, call: Callable[[], None]) -> None:
        """
        Call a function in the main thread, and wait for it; its error ends the whole run.

        :raises Stopped: if the run ends before that
        """
        is_done = threading.Event()

        def call_and_wake() -> None:
            call()
            with self._changed:
                is_done.set()
                self._changed.notify_all()

        with self._changed:
            self._calls.append(call_and_wake)
            self._events.put(None)
            self._changed.wait_for(lambda: is_done.is_set() or self._stopped.is_set())
        if not is_done.is_set():
            raise Stopped

    def is_stopped(self) -> bool:
        """Tell whether the threads are to end."""
        return self._stopped.is_set()

    def pause(self, seconds: float) -> None:
        """Wait, but not after the threads are to end."""
        self._stopped.wait(seconds)

    def _next_call(self) -> Callable[[], None] | None:
        """
        Wait for something to do in the main thread; None if all ranges are fetched.

        Without the lock: a signal that raises while it is acquired would leave it locked, and the threads waiting.
        """
        while self._failure is None and not self._calls and self._running:
            self._events.get()
        if self._failure is not None:
            raise self._failure
        return self._calls.popleft() if self._calls else None

    def _stop(self) -> None:
        with self._changed:
            self._stopped.set()
            self._changed.notify_all()
            for connection in self._connections:
                connection.abort()

    def _work(self) -> None:
        try:
            with self._connect() as connection:
                with self._changed:
                    self._connections.add(connection)
                while (wanted := self._next_range()) is not None:
                    self._fetch(connection, wanted)
        except BaseException as error:  # noqa: BLE001  # raised in the main thread
            with self._changed:
                self._failure = self._failure or error
        finally:
            with self._changed:
                self._running -= 1
                self._events.put(None)

    def _next_range(self) -> ByteRange | None:
        with self._changed:
            return self._waiting.popleft() if self._waiting and not self._stopped.is_set() else None
