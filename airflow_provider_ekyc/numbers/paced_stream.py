"""
A stream with a minimum rate.

A read time-out covers silence only: a store that sends a few bytes each minute would keep a worker for days, inside
one call of ``read``. So a separate thread reads the stream, and the caller measures how much has arrived.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airflow_provider_ekyc.exceptions import EkycUnreadableInputError
from airflow_provider_ekyc.numbers.opened_source import OpenedSource

#: Minimum rate of an input, in bytes a second. 10 M numbers are 140 MB, which take 36 minutes at this rate; the slowest
#: office line, or a throttled bucket, is faster.
FLOOR: Final = 64 << 10

#: Seconds over which the rate is averaged: as long as botocore waits for a silent server.
WINDOW: Final = 60.0

#: Bytes that the thread reads at a time. It reads only while the caller waits: threads that compete for the interpreter
#: switch 16 times a MiB, which on a busy machine took three times as long as the reading.
_BLOCK: Final = 1 << 20

#: Bytes requested from the stream at a time: at :data:`FLOOR` a second's worth, which is the precision of the rate.
_PIECE: Final = 64 << 10

#: Seconds that :meth:`PacedStream.close` waits for a read that is under way.
_GRACE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How fast an input must arrive.

    :param floor: bytes a second
    :param window: seconds over which they are averaged; time in which no caller waits for the stream does not count
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
        self._source = source
        self._pace = pace
        self._ready = io.BytesIO()
        # The lock of all that follows.
        self._turn = threading.Condition()
        self._wanted = 0
        self._block = b""
        self._error: BaseException | None = None
        self._closed = False
        # Of the window that is being measured: seconds before this wait, when this wait began, bytes that have arrived.
        self._waited = 0.0
        self._since = 0.0
        self._arrived = 0
        # A daemon: a read that never ends must not keep the process.
        self._thread = threading.Thread(target=self._read_blocks, name="ekyc-read-input", daemon=True)

    def read(self, size: int, /) -> bytes:
        """
        Read up to ``size`` bytes, none only at the end.

        :raises EkycUnreadableInputError: if too little has arrived; also whatever the stream raises
        """
        data = self._ready.read(size)
        if data:
            return data
        self._ready = io.BytesIO(self._next_block(max(size, _BLOCK)))
        return self._ready.read(size)

    def close(self) -> None:
        """Close the stream, or leave that to its thread."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        if self._thread.ident is not None:
            self._thread.join(_GRACE)
        if not self._thread.is_alive():
            self._source.stream.close()

    def _next_block(self, size: int) -> bytes:
        with self._turn:
            if self._error is None:
                self._wanted, self._since = size, self._pace.clock()
                if self._thread.ident is None:
                    self._thread.start()
                self._turn.notify_all()
                while self._wanted:
                    self._turn.wait(max(self._pace.window - self._waited, 0.0))
                    if self._wanted and (too_slow := self._too_slow()) is not None:
                        raise too_slow
                self._waited += self._pace.clock() - self._since
            block, self._block = self._block, b""
            if not block and self._error is not None:
                raise self._error
            return block

    def _read_blocks(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._wanted or self._closed)
                if self._closed:
                    break
                wanted = self._wanted
            pieces, error = self._read_pieces(wanted)
            with self._turn:
                self._wanted, self._block, self._error = 0, b"".join(pieces), error
                self._turn.notify_all()
        self._source.stream.close()

    def _read_pieces(self, wanted: int) -> tuple[list[bytes], BaseException | None]:
        pieces: list[bytes] = []
        try:
            while wanted > 0 and not self._closed and (piece := self._source.stream.read(min(wanted, _PIECE))):
                pieces.append(piece)
                wanted -= len(piece)
                with self._turn:
                    self._arrived += len(piece)
                    too_slow = self._too_slow()
                if too_slow is not None:
                    return pieces, too_slow
        except BaseException as error:  # noqa: BLE001  raised again where the stream is read
            return pieces, error
        return pieces, None

    def _too_slow(self) -> EkycUnreadableInputError | None:
        """Measure the window, if it is over, and begin the next; the lock is held."""
        now = self._pace.clock()
        seconds = self._waited + now - self._since
        if seconds < self._pace.window:
            return None
        arrived = self._arrived
        self._waited, self._since, self._arrived = 0.0, now, 0
        if arrived >= self._pace.floor * seconds:
            return None
        return EkycUnreadableInputError(
            f"{self._source.shown} arrives too slowly: {arrived:,} bytes in {seconds:.0f} s, which is below "
            f"{self._pace.floor / 1024:.0f} KiB/s. Nothing was sent; a retry reads it again. Check the network between "
            f"this worker and the store."
        )
