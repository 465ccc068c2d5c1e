"""
A file that is still being downloaded: its reader waits for the bytes, so that checking goes on beside the download.

A zip archive begins with its rows and ends with the list of its members, which has to be read first. So the
end of a large one is downloaded before the rest; where it could not be, its reader waits for the whole file.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import TracebackType

from airflow_provider_ekyc.spool import Spool

_HASH_BLOCK = 1024 * 1024


class Invalidated(Exception):
    """What was read so far is void: the download failed, or started again."""


class GrowingFile:
    """
    The reader's side is a binary file: ``seek``, ``tell``, ``read``. The rest is the writer's.

    A context manager for the writer: when the block ends before the file is complete, the file is invalid.

    :param spool: what the writer writes to
    """

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._changed = threading.Condition()
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

        :param size: bytes of the whole
        :param tail: its last bytes
        """
        with self._changed:
            self._is_invalid |= self._size is not None and (size, tail) != (self._size, self._tail)
            self._size, self._tail = size, tail
            self._changed.notify_all()

    def advance(self, available: int) -> None:
        """Announce how many bytes from the start are in the spool."""
        with self._changed:
            self._available = available
            self._changed.notify_all()

    def complete(self, size: int) -> None:
        """Announce that the file is complete; a tail that is not the end of the file invalidates it."""
        tail = os.pread(self.spool.fileno(), len(self._tail), max(size - len(self._tail), 0))
        with self._changed:
            self._is_invalid |= self._size not in (None, size) or tail != self._tail
            self._available = self._size = size
            self._is_complete = True
            self._changed.notify_all()

    def invalidate(self) -> None:
        """Announce that what was read so far is void."""
        with self._changed:
            self._is_invalid = True
            self._changed.notify_all()

    @property
    def is_invalid(self) -> bool:
        """Whether what was read of it is void."""
        return self._is_invalid

    def wait_beyond(self, offset: int, least: int) -> int:
        """
        Wait for more bytes from the start; the reader is not moved.

        :param offset: of the first byte that is wanted
        :param least: how many are worth waking up for
        :return: offset behind those that are in the spool; ``offset`` if the file ends there
        :raises Invalidated: if no more bytes follow
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_invalid or self._is_complete or self._available >= offset + least,
            )
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
        with self._changed:
            self._changed.wait_for(lambda: self._is_invalid or self._size is not None)
            return self._or_invalid(self._size)

    def _wait_for(self, available: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_invalid or self._available >= available)
            self._or_invalid(available)

    def _or_invalid(self, size: int | None) -> int:
        if self._is_invalid or size is None:
            raise Invalidated
        return size


@contextmanager
def sha256_of(file: GrowingFile) -> Iterator[Callable[[], str]]:
    """
    Hash a file while it grows, in a thread of its own, which has ended when this has.

    The file must be complete or invalid when the block ends; an error, a signal's as well, makes it invalid.

    :return: a function that waits for the hex digest, to be called once the file is complete
    """
    pool = ThreadPoolExecutor(1, "ekyc-sha256")
    hashing = pool.submit(_hash, file)

    def hexdigest() -> str:
        try:
            return hashing.result()
        except Invalidated:  # it was downloaded again from its start
            file.spool.seek(0)
            return hashlib.file_digest(file.spool, "sha256").hexdigest()

    try:
        yield hexdigest
    except BaseException:
        file.invalidate()
        raise
    finally:
        wait([hashing])
        pool.shutdown()


def _hash(file: GrowingFile) -> str:
    digest, at, buffer = hashlib.sha256(), 0, memoryview(bytearray(_HASH_BLOCK))
    while (available := file.wait_beyond(at, _HASH_BLOCK)) > at:
        while at < available:
            count = os.preadv(file.spool.fileno(), [buffer[: available - at]], at)
            if not count:
                raise Invalidated  # the file was truncated under this read
            digest.update(buffer[:count])
            at += count
    return digest.hexdigest()
