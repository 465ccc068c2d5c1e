"""
Send a large file, and still hear a server that answers before the end.

A server may answer 413 (or 401) after the headers and close while the body is still going out. The write
then fails; over TLS as ``SSLError`` in mid-body, which looks like a lost connection although the answer lies
in the receive buffer. The connections here turn a failed write into ``BrokenPipeError``, upon which urllib3
goes on and reads the answer, if there is one.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any, BinaryIO

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

BLOCK = 1024 * 1024

#: Seconds that one block of 1 MiB may take to leave: a slow line is not a lost connection, and giving up in
#: mid-body leaves a submission's fate unknown.
BLOCK_TIMEOUT = 300.0


class UploadBody:
    """
    The body of a submission: ``head``, the file's bytes, ``tail``.

    :param file: seekable; read from its start
    :param size: bytes in ``file``
    """

    def __init__(self, head: bytes, file: BinaryIO, size: int, tail: bytes) -> None:
        self._head, self._file, self._tail = head, file, tail
        self._length = len(head) + size + len(tail)
        #: Whether anybody ever asked for the first byte. While False, nothing can have been taken.
        self.started = False

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        self.started = True
        self._file.seek(0)
        yield self._head
        while block := self._file.read(BLOCK):
            yield block
        yield self._tail


class _EarlyAnswer:
    """Mixed into urllib3's connections: a failed write does not hide an answer that has come already."""

    sock: Any

    def send(self, data: Any) -> None:
        connected = self.sock is not None
        if connected:
            self.sock.settimeout(BLOCK_TIMEOUT)  # else the connect time-out holds for each block
        try:
            super().send(data)  # type: ignore[misc]
        except TimeoutError:
            raise
        except OSError as error:  # ssl.SSLError is one
            if not connected:
                raise
            raise BrokenPipeError(errno.EPIPE, "the server stopped reading") from error


class _Connection(_EarlyAnswer, HTTPConnection):
    pass


class _TlsConnection(_EarlyAnswer, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class UploadAdapter(HTTPAdapter):
    """A requests adapter for one upload; nothing below it tries again."""

    def __init__(self) -> None:
        super().__init__(max_retries=0, pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use the connections of this file."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Use the connections of this file through a proxy too."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
