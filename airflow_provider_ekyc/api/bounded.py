"""
Bound the total time spent reading a response.

A read time-out holds for each piece of a response: a server that sends a byte a minute could keep a worker for
days. Here every MiB of a response has a time-out too, its head and a proxy's response included.

Interim responses (1xx, RFC 9110 section 15.2) are skipped: ``http.client`` skips 100 alone and returns 102 and 103 as
the response.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from airflow_provider_ekyc.api.user_agent import user_agent

#: Bytes of one block, sent or received.
BLOCK = 1024 * 1024

#: Seconds that one block of a file may take, sent or received: a slow connection is not a lost one, and to give up
#: in the middle of an upload leaves the outcome of a submission unknown.
BLOCK_TIMEOUT = 300.0

_note_socket: ContextVar[Callable[[socket.socket], None] | None] = ContextVar("ekyc-note-socket", default=None)


@contextmanager
def sockets_noted_by(note: Callable[[socket.socket], None]) -> Iterator[None]:
    """
    Call ``note`` with the socket of each result that this thread begins to read, before the first byte is awaited.

    By its socket another thread can end the reading, which closing can't: a thread that waits is not woken.
    """
    token = _note_socket.set(note)
    try:
        yield
    finally:
        _note_socket.reset(token)


class _BoundedReader(io.RawIOBase):
    """
    Reads a socket within its time-out and within ``seconds`` for each block.

    :param sock: with the time-out for the next bytes
    :param seconds: for each block
    """

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._idle = sock.gettimeout()
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._room = BLOCK
        #: Whether each block has its own time; not in the head, which interim answers could make endless.
        self.renews = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(left if self._idle is None else min(self._idle, left))
        count: int | None = self._raw.readinto(buffer)
        self._room -= count or 0
        if self._room <= 0 and self.renews:
            self._room, self._until = BLOCK, time.monotonic() + self._seconds
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer of the API: below a block, so all of it has the time-out of one read."""

    least_seconds: ClassVar[float] = 0.0

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        unbounded = self.fp
        self._reader = _BoundedReader(sock, max(sock.gettimeout() or 0.0, self.least_seconds))
        self.fp = io.BufferedReader(self._reader)
        unbounded.close()

    def begin(self) -> None:
        """Read the head of the answer; interim answers before it are skipped, but for a change of protocol (101)."""
        super().begin()
        while 100 <= self.status < 200 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment]  # by this, begin() knows that there is a head to read
            super().begin()
        self._reader.renews = True


class _Result(_Answer):
    """A result: as large as it is."""

    least_seconds = BLOCK_TIMEOUT

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if note := _note_socket.get():
            note(sock)


class Connection(HTTPConnection):
    """Plain, to the API."""

    response_class = _Answer


class TlsConnection(HTTPSConnection):
    """TLS, to the API."""

    response_class = _Answer


class _ResultConnection(HTTPConnection):
    response_class = _Result


class _ResultTlsConnection(HTTPSConnection):
    response_class = _Result


Pools = dict[str, type[HTTPConnectionPool]]


def pools_of(plain: type[HTTPConnection], tls: type[HTTPSConnection]) -> Pools:
    """Return classes of pools by the scheme of a URL, with these classes of connections."""

    class Pool(HTTPConnectionPool):
        ConnectionCls = plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = tls

    return {"http": Pool, "https": TlsPool}


class ApiAdapter(HTTPAdapter):
    """A requests adapter for the API's short answers; nothing below it tries again."""

    pool_classes: ClassVar[Pools] = pools_of(Connection, TlsConnection)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use the connections of this class."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pool_classes

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Return the headers for a proxy: the credentials in its URL, and who asks."""
        return {**super().proxy_headers(proxy), "User-Agent": user_agent()}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Use the connections of this class through an HTTP proxy too; a SOCKS proxy needs its own."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self.pool_classes
        return manager


class ResultAdapter(ApiAdapter):
    """
    A requests adapter for a download.

    :param trust: returns the context whose certificates are trusted, the same one for all connections: to
        read certifi's file took 18 ms of CPU
    """

    pool_classes: ClassVar[Pools] = pools_of(_ResultConnection, _ResultTlsConnection)

    def __init__(self, trust: Callable[[], ssl.SSLContext]) -> None:
        self._trust = trust
        super().__init__()

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Have the pool verify with the shared context, instead of reading the certificates for each connection."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        # urllib3 verifies a proxy with TLS of its own by the pool's files, not by its context.
        proxy_has_tls = conn.proxy is not None and conn.proxy.scheme == "https"
        if verify and url.lower().startswith("https") and not proxy_has_tls:
            conn.conn_kw["ssl_context"] = self._trust()
            conn.ca_certs = conn.ca_cert_dir = None
