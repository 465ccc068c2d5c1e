"""
Send a large file, and read the answer of a server that answers before the end.

A server may answer 413 (or 401) after the headers and close while the body is still being sent. The write
then fails; over TLS as ``SSLError`` in mid-body, which looks like a lost connection although the answer is
in the receive buffer. The connections here turn a failed write into ``BrokenPipeError``, after which urllib3
reads the answer, if there is one.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

from airflow_provider_ekyc.api.bounded import (
    BLOCK,
    BLOCK_TIMEOUT,
    ApiAdapter,
    Connection,
    Pools,
    TlsConnection,
    pools_of,
)


class UploadBody:
    """
    The body of a submission: ``head``, the file's bytes, ``tail``.

    :param file: seekable; read from its start
    :param size: bytes in ``file``
    """

    def __init__(self, head: bytes, file: BinaryIO, size: int, tail: bytes) -> None:
        self._head, self._file, self._tail = head, file, tail
        self._size = size
        self._length = len(head) + size + len(tail)
        #: Whether the first byte was ever read. While False, nothing can have been accepted.
        self.started = False
        #: Whether the file's last byte was ever read. While False, no server can have the whole file.
        self.finished = False

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        self.started = True
        self._file.seek(0)
        yield self._head
        left = self._size
        while block := self._file.read(BLOCK):
            left -= len(block)
            self.finished = left <= 0
            yield block
        self.finished = True
        yield self._tail


class _EarlyAnswer:
    """Mixed into urllib3's connections: a failed write does not hide an answer that has arrived."""

    sock: Any

    def send(self, data: Any) -> None:
        connected = self.sock is not None
        if connected:
            self.sock.settimeout(BLOCK_TIMEOUT)  # else the connect time-out holds for each block
        try:
            # The class it is mixed into has it, which mypy cannot see from here.
            super().send(data)  # type: ignore[misc]
        except TimeoutError:
            raise
        except OSError as error:  # ssl.SSLError is one
            if not connected:
                raise
            raise BrokenPipeError(errno.EPIPE, "the server stopped reading") from error


class _Connection(_EarlyAnswer, Connection):
    pass


class _TlsConnection(_EarlyAnswer, TlsConnection):
    pass


class UploadAdapter(ApiAdapter):
    """A requests adapter for one upload; nothing below it tries again."""

    pool_classes: ClassVar[Pools] = pools_of(_Connection, _TlsConnection)
