"""
Threads that fetch byte ranges from a queue, each with a connection of its own.

A signal is raised in the main thread, between any two steps. So the main thread acquires no lock that others need
(one that is left locked would stop them forever): it uses a ``SimpleQueue``, and sets plain flags.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from airflow_provider_ekyc.api.result_stream import ResultStream
from airflow_provider_ekyc.results.byte_ranges import ByteRange
from airflow_provider_ekyc.results.work_thread import WorkThread, wait_until_ended

# Seconds after which a thread that waits for the main thread looks again whether it is to end.
_LOOK = 0.1


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

#: Requests what may make a download faster, and raises no error.
Hint = Callable[[Connection], None]


class Stopped(Exception):
    """Another thread has ended the download."""


class RangeWorkers:
    """
    The threads of one :meth:`run`. The main thread only waits, so that a signal ends everything at once.

    :param connect: makes a connection
    :param most: threads at the most
    :param fetch: fetches one range; called in a thread
    """

    def __init__(self, connect: Connect, most: int, fetch: Callable[[Connection, ByteRange], None]) -> None:
        self._connect, self._most, self._fetch = connect, most, fetch
        #: Ranges to fetch; None for each thread at the end.
        self._ranges: SimpleQueue[ByteRange | None] = SimpleQueue()
        self._left = 1  # ranges that are not fetched yet
        self._threads: list[WorkThread] = []
        self._connections: list[Connection] = []
        self._failure: BaseException | None = None
        self._is_stopped = False
        #: Never acquired by the main thread.
        self._lock = threading.Lock()
        #: What the main thread is to call; None at the end.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def run(self, first: ByteRange, hint: Hint | None = None) -> None:
        """
        Fetch a range, and those that are added meanwhile.

        All threads have ended when this returns or raises; the first error of one of them is raised here.

        :param hint: called beside the first range; it is aborted when all ranges are fetched
        """
        try:
            try:
                if hint and self._most > 1:
                    self._start(hint)
                self._start()
                self._ranges.put(first)  # now: those that are added start threads, too
                while (call := self._calls.get()) and not self._is_stopped:
                    call()
            finally:
                self._stop()
        finally:
            self._stop()  # once more, if a signal has interrupted the first one
            join_all(self._threads)
        if self._failure is not None:
            raise self._failure

    def add(self, ranges: Iterable[ByteRange]) -> None:
        """Have more ranges fetched, in this order; called in a thread."""
        with self._lock:
            for one in ranges:
                self._left += 1
                self._ranges.put(one)
                if len(self._threads) < self._most and not self._is_stopped:
                    self._start()

    def in_main_thread(self, call: Callable[[], None]) -> None:
        """
        Call a function in the main thread, and wait for it; its error ends the whole run.

        :raises Stopped: if the run ends before that
        """
        is_running = threading.Lock()
        is_running.acquire()

        def call_and_wake() -> None:
            call()
            is_running.release()

        self._calls.put(call_and_wake)
        while not is_running.acquire(timeout=_LOOK):
            if self._is_stopped:
                raise Stopped

    def is_stopped(self) -> bool:
        """Return whether the threads are to end."""
        return self._is_stopped

    def pause(self, seconds: float) -> None:
        """Wait, but not after the threads are to end."""
        until = time.monotonic() + seconds
        while not self._is_stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))

    def _next(self) -> ByteRange | None:
        """Wait for a range; None at the end, even if signals have interrupted all that would wake this thread."""
        while not self._is_stopped:
            with suppress(Empty):
                return self._ranges.get(timeout=_LOOK)
        return None

    def _start(self, hint: Hint | None = None) -> None:
        name = f"ekyc-download_{len(self._threads)}"
        # Daemon: what is left of a run that two signals interrupted must not keep the process from ending.
        self._threads.append(WorkThread(target=self._work, args=(hint,), name=name, daemon=True))
        self._threads[-1].start()

    def _stop(self) -> None:
        """End all threads; called in any of them, again and again."""
        self._is_stopped = True
        for connection in tuple(self._connections):
            connection.abort()
        for _ in range(self._most):
            self._ranges.put(None)
        self._calls.put(None)

    def _work(self, hint: Hint | None) -> None:
        try:
            with self._connect() as connection:
                self._connections.append(connection)  # before it looks whether it is to end: one of both ends it
                if hint and not self._is_stopped:
                    hint(connection)
                while (wanted := self._next()) and not self._is_stopped:
                    self._fetch(connection, wanted)
                    with self._lock:
                        self._left -= 1
                        if not self._left:
                            self._stop()
        except BaseException as error:  # noqa: BLE001  # raised in the main thread
            with self._lock:
                if not self._is_stopped:
                    self._failure = error
                    self._stop()


def join_all(threads: Iterable[WorkThread]) -> None:
    """
    Wait until threads have ended; the error of a signal that interrupts this is raised after that.

    :param threads: may become more meanwhile; one that a signal kept from its work is not waited for
    """
    try:
        for thread in threads:
            if thread.is_alive():
                thread.join()
    except BaseException:
        wait_until_ended(threads)
        raise
