"""
Work in a thread beside the main thread of a task, in which a signal may raise an error between any two steps.

So the main thread acquires no lock that the other needs (one that is left locked would stop it forever), which rules
out futures: it uses a ``SimpleQueue``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import NoReturn, TypeVar

T = TypeVar("T")

# Seconds after which it is looked again whether a thread has ended.
_LOOK = 0.01

# Seconds of one wait. A signal that comes between Python's last look for signals and the wait is noticed after it.
_NOTICE = 1.0


@contextmanager
def working(name: str, work: Callable[[], T], stop: Callable[[], object] = lambda: None) -> Iterator[Callable[[], T]]:
    """
    Work in a thread, which has ended when this has.

    Any error in the block, or while the thread is waited for, stops it first.

    :param name: of the thread
    :param stop: makes ``work`` end soon; called in this thread
    :return: waits for the work; returns what it has returned, or raises what it has raised
    """
    found: list[Callable[[], T]] = []
    is_over: SimpleQueue[None] = SimpleQueue()
    is_stopped = False

    def run() -> None:
        try:
            # A signal may interrupt the start. That the thread has begun is looked for after this is set: one of both
            # sees the other.
            if is_stopped:
                return
            value = work()
        except BaseException as error:  # noqa: BLE001  # raised by who asks for the result
            found.append(partial(_raise, error))
        else:
            found.append(lambda: value)
        is_over.put(None)

    def result() -> T:
        while not found:
            with suppress(Empty):
                is_over.get(timeout=_NOTICE)
        return found[0]()

    thread = WorkThread(target=run, name=name, daemon=True)
    try:
        thread.start()
        yield result
        while thread.is_alive():
            thread.join(_NOTICE)
    except BaseException:
        is_stopped = True
        stop()
        wait_until_ended([thread])
        raise


class WorkThread(threading.Thread):
    """
    A thread that says whether it has begun to work.

    A signal that interrupts ``start`` may leave the new thread without the lock of the event that they share: then it
    ends, or stops forever, before it works, and Python 3.11 lists it as a thread that is starting from then on.
    """

    has_begun = False

    def run(self) -> None:
        """Do what it was made for."""
        self.has_begun = True
        super().run()


def wait_until_ended(threads: Iterable[WorkThread]) -> None:
    """
    Wait until threads have ended, also after a ``join`` that was interrupted, which counts them as ended (bpo-45274).

    :param threads: may become more meanwhile; one that a signal kept from its work is not waited for
    """
    while any(thread.has_begun and thread in threading.enumerate() for thread in threads):
        time.sleep(_LOOK)


def _raise(error: BaseException) -> NoReturn:
    raise error
