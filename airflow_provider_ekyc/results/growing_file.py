"""
A file that is still being downloaded: its reader waits for the bytes, so that checking goes on beside the download.

A zip archive begins with its rows and ends with the list of its members, which has to be read first. So the
end of a large one is downloaded before the rest; where it could not be, its reader waits for the whole file.

The main thread, in which a signal is raised between any two steps, acquires no lock that a reader needs: one that is
left locked would stop the reader forever.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType

from airflow_provider_ekyc.results.work_thread import working
from airflow_provider_ekyc.s3.file_sums import FileSums, Summing, sums_of
from airflow_provider_ekyc.spool import Spool

_BLOCK = 1024 * 1024

# Seconds after which a reader looks again, should a signal have interrupted what was to wake it.
_LOOK = 1.0


class Invalidated(Exception):
    """What was read so far is not to be used: the download failed, or started again."""


class GrowingFile:
    """
    The reader's side is a binary file: ``seek``, ``tell``, ``read``. The rest is the writer's.

    A context manager for the writer: when the block ends before the file is complete, the file is invalid.

    :param spool: what the writer writes to
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        #: For each reader that waits one that is locked, to be released at the next change.
        self._waiting: list[threading.Lock] = []
        self._announcing = threading.Lock()
        self._available = 0
        self._size: int | None = None
        self._tail = b""
        self._is_invalid = False
        self._is_complete = False
        self._at = 0

    def __enter__(self) -> GrowingFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._is_complete:
            self.invalidate()

    def announce(self, size: int, tail: bytes) -> None:
        """
        Announce the size and the end of the whole file; another announcement than before invalidates it.

        Not called in the main thread.

        :param size: bytes of the whole
        :param tail: its last bytes
        """
        with self._announcing:
            if self._size is None:
                self._tail, self._size = tail, size  # the size last: it is what is waited for
            elif (size, tail) != (self._size, self._tail):
                self._is_invalid = True
        self._wake()

    def advance(self, available: int) -> None:
        """Announce how many bytes from the start are in the spool."""
        self._available = available
        self._wake()

    def complete(self, size: int) -> None:
        """Announce that the file is complete; a tail that is not the end of the file invalidates it."""
        tail = os.pread(self.spool.fileno(), len(self._tail), max(size - len(self._tail), 0))
        if self._size not in (None, size) or tail != self._tail:
            self._is_invalid = True
        self._available = self._size = size
        self._is_complete = True
        self._wake()

    def invalidate(self) -> None:
        """Announce that what was read so far is not to be used."""
        self._is_invalid = True
        self._wake()

    @property
    def is_invalid(self) -> bool:
        """Whether what was read of it is not to be used."""
        return self._is_invalid

    def wait_beyond(self, offset: int, least: int) -> int:
        """
        Wait for more bytes from the start; the reader is not moved.

        :param offset: of the first byte that is wanted
        :param least: how many are worth waking up for
        :return: offset behind those that are in the spool; ``offset`` if the file ends there
        :raises Invalidated: if no more bytes follow
        """
        self._wait_until(lambda: self._is_complete or self._available >= offset + least)
        return self._or_invalid(self._available)

    def seekable(self) -> bool:
        """Return that it is."""
        return True

    def tell(self) -> int:
        """Return where the reader is."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """
        Move the reader; from the end once that is known.

        :raises OSError: to a place before the start, as files do
        :raises Invalidated: if no more bytes follow
        """
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence, 0)
        if whence == os.SEEK_END:
            at += self._wait_for_size()
        if at < 0:
            raise OSError(22, "Invalid argument")
        self._at = at
        return at

    def read(self, size: int = -1) -> bytes:
        """
        Read, once the bytes are there.

        :raises Invalidated: if no more bytes follow
        """
        whole = self._wait_for_size()
        tail_at = whole - len(self._tail)
        end = whole if size < 0 else min(self._at + size, whole)
        if self._at >= end:
            return b""
        if self._at >= tail_at:
            block = self._tail[self._at - tail_at : end - tail_at]
        else:
            self._wait_for(end)
            block = os.pread(self.spool.fileno(), end - self._at, self._at)
            self._or_invalid(end)  # the file may have been truncated under this read
        self._at += len(block)
        return block

    def _wait_for_size(self) -> int:
        self._wait_until(lambda: self._size is not None)
        return self._or_invalid(self._size)

    def _wait_for(self, available: int) -> None:
        self._wait_until(lambda: self._available >= available)
        self._or_invalid(available)

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        while not (self._is_invalid or is_so()):
            lock = threading.Lock()
            lock.acquire()
            self._waiting.append(lock)
            if not (self._is_invalid or is_so()):  # it may have become so before the lock was there to be released
                lock.acquire(timeout=_LOOK)

    def _wake(self) -> None:
        """Wake all readers that wait; called after each change."""
        with suppress(IndexError):
            while True:
                self._waiting.pop().release()

    def _or_invalid(self, size: int | None) -> int:
        if self._is_invalid or size is None:
            raise Invalidated
        return size


@contextmanager
def sums_while_growing(file: GrowingFile) -> Iterator[Callable[[], FileSums]]:
    """
    Make the sums of a file while it grows, in a thread of its own, which has ended when this has.

    The file must be complete or invalid when the block ends; an error, a signal's as well, makes it invalid.

    :return: a function that waits for the sums, to be called once the file is complete
    """
    with working("ekyc-sums", partial(_sums, file), file.invalidate) as sums:

        def wait_for_sums() -> FileSums:
            try:
                return sums()
            except (
                Invalidated,
                OSError,
            ):  # it was downloaded again; an error of the disk is raised by reading it again
                return sums_of(file.spool)

        yield wait_for_sums


def _sums(file: GrowingFile) -> FileSums:
    summing, buffer = Summing(), memoryview(bytearray(_BLOCK))
    while (available := file.wait_beyond(summing.size, _BLOCK)) > summing.size:
        while summing.size < available:
            count = os.preadv(file.spool.fileno(), [buffer[: available - summing.size]], summing.size)
            if not count:
                raise Invalidated  # the file was truncated under this read
            summing.add(buffer[:count])
    return summing.sums()
