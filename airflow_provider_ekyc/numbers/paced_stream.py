"""
A stream that must not trickle.

A read time-out covers silence alone: a store that sends a few bytes each minute would keep a worker for days, inside
one call of ``read``. So a thread of its own reads the stream, and who waits for it measures how much has arrived.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airflow_provider_ekyc.exceptions import EkycUnreadableInputError
from airflow_provider_ekyc.numbers.opened_source import ClosableStream, OpenedSource

#: Bytes a second that an input must arrive with. 10 M numbers are 140 MB, which take 36 minutes at this rate; the
#: slowest office line, or a throttled bucket, is faster.
FLOOR: Final = 64 << 10

#: Seconds over which the rate is averaged: as long as botocore waits for a silent server.
WINDOW: Final = 60.0

#: Bytes asked for at a time: at :data:`FLOOR` they take a second, which is how closely the rate is measured.
_PIECE: Final = 64 << 10

#: Pieces that lie ready, at the most: 4 MiB.
_READY: Final = 64

#: Seconds that :meth:`PacedStream.close` waits for a read that is under way.
_GRACE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How fast an input must arrive.

    :param floor: bytes a second
    :param window: seconds over which they are averaged; time in which nobody waits for the stream does not count
    :param clock: seconds that only grow
    """

    floor: float = FLOOR
    window: float = WINDOW
    clock: Callable[[], float] = time.monotonic


class PacedStream:
    """
    Reads a stream in a thread, and fails if it is too slow.

    :param source: is closed with this; by its thread, should that still be inside ``read``
    :param pace: what is too slow
    """

    def __init__(self, source: OpenedSource, pace: Pace) -> None:
        self._stream: ClosableStream = source.stream
        self._shown = source.shown
        self._pace = pace
        self._pieces: deque[bytes] = deque()
        self._received = 0
        self._ended = False
        self._error: BaseException | None = None
        self._closed = False
        self._changed = threading.Condition()
        # A daemon: a read that never ends must not keep the process.
        self._thread = threading.Thread(target=self._pump, name="ekyc-read-input", daemon=True)
        self._waited = 0.0
        self._before_window = 0

    def read(self, size: int, /) -> bytes:
        """
        Read up to ``size`` bytes, none only at the end.

        :raises EkycUnreadableInputError: if too little has arrived; also whatever the stream raises
        """
        with self._changed:
            if self._thread.ident is None:
                self._thread.start()
            while not self._pieces and not self._ended:
                self._wait()
            if not self._pieces:
                if self._error is not None:
                    raise self._error
                return b""
            piece = self._pieces.popleft()
            if len(piece) > size:
                self._pieces.appendleft(piece[size:])
            else:
                self._changed.notify_all()
            return piece[:size]

    def close(self) -> None:
        """Close the stream, or leave that to its thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(_GRACE)
        if not self._thread.is_alive():
            self._stream.close()

    def _wait(self) -> None:
        """Wait for the thread; the lock is held."""
        began = self._pace.clock()
        self._changed.wait(max(self._pace.window - self._waited, 0.0))
        self._waited += self._pace.clock() - began
        if self._waited < self._pace.window:
            return
        arrived = self._received - self._before_window
        if arrived < self._pace.floor * self._waited and not self._ended:
            raise EkycUnreadableInputError(
                f"{self._shown} arrives too slowly: {arrived:,} bytes in {self._waited:.0f} s, which is below "
                f"{self._pace.floor / 1024:.0f} KiB/s. Nothing was sent; a retry reads it again. Check the network "
                f"between this worker and the store."
            )
        self._waited, self._before_window = 0.0, self._received

    def _pump(self) -> None:
        error: BaseException | None = None
        try:
            while self._has_room() and (piece := self._stream.read(_PIECE)):
                with self._changed:
                    self._pieces.append(piece)
                    self._received += len(piece)
                    self._changed.notify_all()
        except BaseException as raised:  # noqa: BLE001  raised again where the stream is read
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()
            is_abandoned = self._closed
        if is_abandoned:
            self._stream.close()

    def _has_room(self) -> bool:
        """Wait until pieces were taken; return False if nobody takes them any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._pieces) < _READY)
            return not self._closed
