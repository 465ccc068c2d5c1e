"""Two tries in turns, switched at each access to the records of one submission."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from dev.testing.variables import Variables

#: As the number of accesses of a turn: as many as the try makes.
TO_ITS_END = -1


class Turns(Variables):
    """
    Airflow Variables over which two tries run in a given order.

    :param shared: in the key of each Variable at which a try may be stopped
    """

    def __init__(self, shared: str) -> None:
        super().__init__()
        self._shared = shared
        self._go: dict[threading.Thread, threading.Semaphore] = {}
        self._stopped = threading.Semaphore(0)

    def get(self, key: str, default: Any = ...) -> Any:
        """Wait for the try's turn, then read."""
        self._wait(key)
        return super().get(key, default)

    def set(self, key: str, value: str, description: str | None = None) -> None:
        """Wait for the try's turn, then write."""
        self._wait(key)
        super().set(key, value, description)

    def run(self, tries: list[Callable[[], None]], order: list[tuple[int, int]]) -> list[bool]:
        """
        Run tries to their ends.

        :param order: pairs of a try and how many accesses it may make before the next has its turn, or TO_ITS_END; then
            each of the others runs to its end, and the last one after them
        :return: for each pair, whether the try had ended when its turn was over: it makes no more accesses then,
            however many it may
        """
        threads = [threading.Thread(target=self._to_the_end, args=(each,)) for each in tries]
        self._go = {thread: threading.Semaphore(0) for thread in threads}
        for thread in threads:
            thread.start()
            self._stopped.acquire()
        last, _ = order[-1]
        others = [index for index in range(len(tries)) if index != last]
        ended = []
        for index, accesses in [*order, *((index, TO_ITS_END) for index in (*others, last))]:
            thread, left = threads[index], accesses
            while thread in self._go and left:
                self._go[thread].release()
                self._stopped.acquire()
                left -= 1
            ended.append(thread not in self._go)
        return ended[: len(order)]

    def _to_the_end(self, attempt: Callable[[], None]) -> None:
        try:
            attempt()
        finally:
            del self._go[threading.current_thread()]
            self._stopped.release()

    def _wait(self, key: str) -> None:
        go = self._go.get(threading.current_thread())
        if go is not None and self._shared in key:
            self._stopped.release()
            go.acquire()
