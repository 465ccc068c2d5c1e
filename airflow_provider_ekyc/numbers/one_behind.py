"""Work that goes on in a thread while the next is made ready."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec

_P = ParamSpec("_P")


class OneBehind:
    """
    Runs one piece of work after the other in a thread of its own, and never lets more than one wait.

    numpy, hashlib and files hold no lock meanwhile, so that two cores are used.

    :param name: of the thread
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, name)
        self._running: Future[object] | None = None

    def run(self, work: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """
        Begin a piece of work, once the one before has ended; raises what that has raised.

        :param work: what it is given must not be changed until the next call of :meth:`run` or :meth:`wait`
        """
        self.wait()
        self._running = self._pool.submit(work, *args, **kwargs)

    def wait(self) -> None:
        """Wait for the piece of work that was begun; raises what it has raised, once."""
        running, self._running = self._running, None
        if running is not None:
            running.result()

    def close(self) -> None:
        """Wait for the thread to end; an error of the last piece of work is dropped, unless :meth:`wait` was called."""
        self._pool.shutdown()
