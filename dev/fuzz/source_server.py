"""A server on 127.0.0.1 that answers with the bytes it is told, however wrong: the API and its store in one."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from airflow_provider_ekyc.sandbox.tls import Certificate

#: Turns a request's head into the raw answer, after which the connection is closed.
Answer = Callable[[str], bytes]

_PATIENCE = 5.0  # seconds


class SourceServer:
    """
    Listens while the context lasts, and answers as it was told last.

    :param certificate: with it the server speaks TLS
    """

    def __init__(self, certificate: Certificate | None = None) -> None:
        self._context = certificate.context() if certificate else None
        #: PEM of the authority that clients must trust, None without TLS
        self.ca_file = str(certificate.ca_file) if certificate else None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._answer: Answer = lambda _: b""
        scheme = "https" if certificate else "http"
        self.origin = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def answer_by(self, answer: Answer) -> None:
        """Answer each request by a function of its head."""
        self._answer = answer

    def answer_all(self, raw: bytes) -> None:
        """Answer each request with these bytes."""
        self._answer = lambda _: raw

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(_PATIENCE)
            # A client may hang up on what it does not want.
            with connection, contextlib.suppress(OSError), self._wrapped(connection) as way:
                way.sendall(self._answer(_request_head(way)))

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        return self._context.wrap_socket(connection, server_side=True) if self._context else connection

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone would not wake accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def _request_head(connection: socket.socket) -> str:
    """Read a whole request, so that closing does not cut off its answer, and return its head."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, rest = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    lengths = [line.split(":")[1] for line in text.split("\r\n")[1:] if line.lower().startswith("content-length:")]
    left = int(lengths[0]) - len(rest) if lengths else 0
    while left > 0:
        left -= len(_some(connection))
    return text


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise ConnectionError("gone")
    return data
