"""Threads that fetch ranges begin as they are needed, and end together, with the first error of one of them."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NoReturn

import pytest

from airflow_provider_ekyc.results import range_workers as range_workers_module
from airflow_provider_ekyc.results.byte_ranges import ByteRange
from airflow_provider_ekyc.results.range_workers import Connection, RangeWorkers, Stopped, join_all
from airflow_provider_ekyc.results.work_thread import WorkThread
from dev.testing.waiting import wait_until
from tests.results.test_download_ranges import Killed, threads
from tests.results.test_download_signals import bounded

FIRST, *MORE = [ByteRange(start, start + 1) for start in range(12)]


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """No test waits for ever, and none leaves a thread."""
    with bounded(20):
        yield
    assert wait_until(lambda: not threads(), timeout=20, interval=0.001), threads()


class Idle:
    """A connection that requests nothing."""

    def __init__(self) -> None:
        self.is_aborted = threading.Event()
        self.is_open = True

    def open(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError

    def abort(self) -> None:
        """End what waits for it."""
        self.is_aborted.set()


class Store:
    """Makes connections, and keeps them."""

    def __init__(self) -> None:
        self.connections: list[Idle] = []

    @contextmanager
    def connect(self) -> Iterator[Idle]:
        connection = Idle()
        self.connections.append(connection)
        try:
            yield connection
        finally:
            connection.is_open = False


def wait_for_abort(connection: Connection, _: ByteRange | None = None) -> None:
    """Hang as a request does, until it is aborted."""
    assert isinstance(connection, Idle)
    connection.is_aborted.wait()


def test_each_range_is_fetched_once_and_in_order_by_one_thread() -> None:
    store, fetched, names = Store(), [], set()

    def fetch(connection: Connection, wanted: ByteRange) -> None:
        assert connection is store.connections[0]
        thread = threading.current_thread()
        assert thread.daemon
        names.add(thread.name)
        fetched.append(wanted)
        if wanted is FIRST:
            workers.add(MORE[:5])
        elif wanted is MORE[4]:
            workers.add(MORE[5:])

    workers = RangeWorkers(store.connect, 1, fetch)
    assert not workers.is_stopped()
    workers.run(FIRST)
    assert fetched == [FIRST, *MORE]
    assert names == {"ekyc-download_0"}
    assert len(store.connections) == 1
    assert not store.connections[0].is_open
    assert workers.is_stopped()


def test_there_are_as_many_threads_as_ranges_and_at_most_as_many_as_are_allowed() -> None:
    store, arrived = Store(), threading.Barrier(3)
    names: list[str] = []

    def fetch(_: Connection, wanted: ByteRange) -> None:
        if wanted is FIRST:
            workers.add(MORE[:8])
        names.append(threading.current_thread().name)
        arrived.wait()  # 9 ranges, three at a time

    workers = RangeWorkers(store.connect, 3, fetch)
    workers.run(FIRST)
    assert set(names) == {"ekyc-download_0", "ekyc-download_1", "ekyc-download_2"}
    assert len(store.connections) == 3
    assert not any(connection.is_open for connection in store.connections)


def test_a_range_is_fetched_by_a_thread_that_is_left_over_from_the_hint() -> None:
    store, both = Store(), threading.Barrier(2)
    hinted: list[Connection] = []

    def fetch(_: Connection, wanted: ByteRange) -> None:
        if wanted is FIRST:
            workers.add(MORE[:1])
        both.wait()

    workers = RangeWorkers(store.connect, 2, fetch)
    workers.run(FIRST, hinted.append)
    assert len(store.connections) == 2
    assert len(hinted) == 1
    assert hinted[0] in store.connections


def test_a_hint_that_hangs_is_aborted_when_all_ranges_are_fetched() -> None:
    store, fetched = Store(), []
    workers = RangeWorkers(store.connect, 2, lambda _, wanted: fetched.append(wanted))
    workers.run(FIRST, wait_for_abort)
    assert fetched == [FIRST]


def test_a_thread_that_has_found_no_range_for_a_while_goes_on_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_workers_module, "_LOOK", 0.001)
    both = threading.Barrier(2)

    def fetch(_: Connection, wanted: ByteRange) -> None:
        if wanted is FIRST:
            threading.Event().wait(0.2)  # the thread of the hint looks again and again meanwhile
            workers.add(MORE[:1])
        both.wait()

    workers = RangeWorkers(Store().connect, 2, fetch)
    workers.run(FIRST, lambda _: None)


def test_one_thread_has_no_hint() -> None:
    hinted: list[Connection] = []
    RangeWorkers(Store().connect, 1, lambda *_: None).run(FIRST, hinted.append)
    assert hinted == []


def test_the_first_error_of_a_thread_is_raised_and_ends_those_that_hang() -> None:
    store, hanging = Store(), threading.Barrier(3)

    def fetch(connection: Connection, wanted: ByteRange) -> None:
        if wanted is FIRST:
            workers.add(MORE)
        if threading.current_thread().name == "ekyc-download_1":
            hanging.wait()
            raise ZeroDivisionError
        hanging.wait()
        wait_for_abort(connection)
        raise ConnectionError  # as what is aborted does

    workers = RangeWorkers(store.connect, 3, fetch)
    with pytest.raises(ZeroDivisionError):
        workers.run(FIRST)
    assert len(store.connections) == 3
    assert workers.is_stopped()


def test_the_error_of_a_connection_that_can_not_be_made_is_raised() -> None:
    def connect() -> AbstractContextManager[Connection]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        RangeWorkers(connect, 2, wait_for_abort).run(FIRST)


def test_what_is_added_after_the_end_begins_no_thread() -> None:
    store = Store()
    workers = RangeWorkers(store.connect, 8, lambda *_: None)
    workers.run(FIRST)
    workers.add(MORE)
    assert len(store.connections) == 1
    assert threads() == []


def test_a_call_in_the_main_thread_is_waited_for() -> None:
    called: list[threading.Thread] = []

    def fetch(_: Connection, wanted: ByteRange) -> None:
        for count in (1, 2):
            workers.in_main_thread(lambda: called.append(threading.current_thread()))
            assert len(called) == count

    workers = RangeWorkers(Store().connect, 1, fetch)
    workers.run(FIRST)
    assert called == [threading.main_thread()] * 2


def test_the_error_of_a_call_in_the_main_thread_ends_all_and_who_waits_for_it() -> None:
    ended: list[type] = []

    def fail() -> None:
        raise ZeroDivisionError

    def fetch(_: Connection, wanted: ByteRange) -> None:
        try:
            workers.in_main_thread(fail)
        except Stopped:
            ended.append(Stopped)
            raise

    workers = RangeWorkers(Store().connect, 1, fetch)
    with pytest.raises(ZeroDivisionError):
        workers.run(FIRST)
    assert ended == [Stopped]


def test_nothing_is_called_in_the_main_thread_after_an_error() -> None:
    """A call may ask the API, and the query may be charged."""
    is_called, asks, stopped = threading.Event(), threading.Event(), threading.Event()
    called: list[str] = []

    def first() -> None:
        is_called.set()
        stopped.wait()

    def second() -> None:
        called.append("second")

    def fetch(_: Connection, wanted: ByteRange) -> None:
        if wanted is FIRST:
            workers.add(MORE[:2])
            workers.in_main_thread(first)
        elif wanted is MORE[0]:
            is_called.wait()
            asks.set()
            try:
                workers.in_main_thread(second)
            finally:
                stopped.set()
        else:
            asks.wait()
            threading.Event().wait(0.1)  # until the other one waits for its call
            raise ZeroDivisionError

    workers = RangeWorkers(Store().connect, 3, fetch)
    with pytest.raises(ZeroDivisionError):
        workers.run(FIRST)
    assert called == []


def test_a_pause_lasts_as_long_as_it_should_and_ends_with_the_run() -> None:
    def fetch(_: Connection, wanted: ByteRange) -> None:
        if wanted is FIRST:
            begun = time.monotonic()
            workers.pause(0.25)
            assert time.monotonic() - begun >= 0.25
            workers.add(MORE[:1])
            raise ZeroDivisionError
        workers.pause(3600)

    workers = RangeWorkers(Store().connect, 2, fetch)
    with pytest.raises(ZeroDivisionError):
        workers.run(FIRST)


def test_a_signal_that_interrupts_the_wait_for_threads_is_raised_when_they_have_ended() -> None:
    may_end, main = threading.Event(), threading.get_ident()

    def send() -> None:
        wait_until(lambda: sys._current_frames()[main].f_code.co_name in ("join", "_wait_for_tstate_lock"), timeout=30)
        signal.pthread_kill(main, signal.SIGUSR1)

    def interrupt(number: int, frame: object) -> None:
        threading.Timer(0.2, may_end.set).start()
        raise Killed

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        waiting = WorkThread(target=may_end.wait, args=(30,), name="ekyc-waiting", daemon=True)
        waiting.start()
        threading.Thread(target=send).start()
        with bounded(30), pytest.raises(Killed):
            join_all([waiting])
        assert threads() == []
        assert may_end.is_set()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_threads_end_even_if_all_that_would_wake_them_is_interrupted() -> None:
    class Interrupted(RangeWorkers):
        def _stop(self) -> None:
            self._is_stopped = True
            raise Killed

    def killed() -> None:
        raise Killed

    workers = Interrupted(Store().connect, 2, lambda connection, wanted: workers.in_main_thread(killed))
    with bounded(30), pytest.raises(Killed):
        workers.run(ByteRange(0, 1), lambda connection: None)
    assert wait_until(lambda: not threads(), timeout=20, interval=0.001), threads()
