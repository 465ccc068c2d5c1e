"""Work in a thread that has ended when its block has, whatever interrupts that."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_ekyc.results.work_thread import working


class Ended(BaseException):
    """What a signal raises."""


@pytest.fixture
def signal_ends() -> Iterator[None]:
    def end(*_: Any) -> None:
        raise Ended

    before = signal.signal(signal.SIGUSR1, end)
    yield
    signal.signal(signal.SIGUSR1, before)


def end_main_thread() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def test_its_result_is_returned_however_often_it_is_asked_for() -> None:
    with working("ekyc-test", lambda: 7) as result:
        assert (result(), result()) == (7, 7)
    assert result() == 7


def test_its_error_is_raised_where_the_result_is_asked_for() -> None:
    with working("ekyc-test", lambda: 1 // 0) as result, pytest.raises(ZeroDivisionError):
        result()
    with pytest.raises(ZeroDivisionError):
        result()


def test_an_error_in_the_block_stops_it_and_waits() -> None:
    stopped, ended = threading.Event(), []

    def work() -> None:
        stopped.wait(30)
        threading.Event().wait(0.2)  # the other thread has its error by then, and must wait all the same
        ended.append(True)

    with pytest.raises(KeyError), working("ekyc-test", work, stopped.set):
        raise KeyError
    assert ended


@pytest.mark.usefixtures("signal_ends")
@pytest.mark.parametrize("asks", [True, False], ids=["for the result", "for its end"])
def test_a_signal_while_it_is_waited_for_stops_it_and_is_raised_when_it_has_ended(asks: bool) -> None:
    stopped, ended = threading.Event(), []

    def work() -> None:
        end_main_thread()
        stopped.wait(30)
        threading.Event().wait(0.2)
        ended.append(True)

    def wait() -> None:
        with working("ekyc-test", work, stopped.set) as result:
            if asks:
                result()

    with pytest.raises(Ended):
        wait()
    assert ended


def test_one_whose_start_is_interrupted_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun, stopped, ended = threading.Thread.start, threading.Event(), threading.Event(), []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        assert begun.wait(30)
        raise Ended

    def work() -> None:
        begun.set()
        stopped.wait(30)
        threading.Event().wait(0.2)
        ended.append(True)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(Ended), working("ekyc-test", work, stopped.set):
        pass
    assert ended


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # how Python reports such an end
def test_one_that_ends_before_its_work_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    start, threads, done = threading.Thread.start, [], []

    def interrupted(thread: Any) -> None:
        threads.append(thread)
        # As after a signal in the wait of start(), which lets go of a lock that the new thread holds (Python 3.11).
        monkeypatch.setattr(thread._started, "set", lambda: sys.exit())
        ident = _thread_that_starts(start, thread)
        while ident in sys._current_frames():
            time.sleep(0.001)
        raise Ended

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(Ended), working("ekyc-test", lambda: done.append(True)):
            pass
    assert threads[0] in threading.enumerate()
    assert not done
    del threading._limbo[threads[0]]


def _thread_that_starts(start: Any, thread: Any) -> int:
    """Start it without the wait for its start, and return its identity."""
    thread._started.wait = lambda: None
    start(thread)
    while thread.ident is None:
        time.sleep(0.001)
    return int(thread.ident)


def test_one_that_starts_after_that_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    start, threads, done = threading.Thread.start, [], []

    def not_yet(thread: threading.Thread) -> None:
        threads.append(thread)
        raise Ended

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", not_yet)
        with pytest.raises(Ended), working("ekyc-test", lambda: done.append(True)):
            pass
    start(threads[0])
    threads[0].join()
    assert not done


@pytest.mark.usefixtures("signal_ends")
def test_signals_at_any_moment_leave_no_thread() -> None:
    before = working_threads()
    for pause in range(300):
        stopped, broken = threading.Event(), None
        try:
            timer = threading.Timer(pause / 1e6, end_main_thread)
            timer.start()
            with working("ekyc-test", lambda stopped=stopped: stopped.wait(30), stopped.set) as result:
                result()
        except Ended:
            pass
        except SystemError as error:
            broken = error
        timer.join()
        # In a probe of SlipCover: the call of the line "with suppress(...)" has then returned, and raised as well.
        assert broken is None or isinstance(broken.__cause__, Ended)
        until = time.monotonic() + 30
        while working_threads() - before and time.monotonic() < until:
            time.sleep(0.001)
        assert working_threads() <= before  # those of other tests may have ended


def working_threads() -> set[threading.Thread]:
    """All threads but those that ended while they were starting, which Python 3.11 lists as well."""
    return {thread for thread in threading.enumerate() if getattr(thread, "has_begun", True)}
