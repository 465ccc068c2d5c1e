"""What can go wrong on the way to a real S3 server: a lost answer, a refusal that our server never gives."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse


class AnswerCutter:
    """
    A TCP proxy on 127.0.0.1 that takes away the answer to a PutObject after the server has given it.

    :param endpoint_url: of the S3 server
    :param times: how many answers
    """

    def __init__(self, endpoint_url: str, times: int) -> None:
        target = urlsplit(endpoint_url)
        self._target, self.left = (target.hostname, target.port), times
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for task in (self._up, self._down):
                    threading.Thread(target=task, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        _close(client, server)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                # Of all answers here, only that of a PutObject has an ETag and no length but 0.
                if self.left and data.startswith(b"HTTP/1.1 200") and b"\r\nContent-Length: 0\r\n" in data:
                    self.left -= 1
                    break
                client.sendall(data)
        _close(client, server)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def refuse(client: Any, operation: str, status: int, code: str, *, with_body: bool = True) -> None:
    """Let every call of this operation meet a refusal of S3 instead of our server, which knows no such refusal."""
    body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode() if with_body else b""

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, {"Content-Type": "application/xml"}, _Raw(body))

    client.meta.events.register(f"before-send.s3.{operation}", answer)


def accept(client: Any, operation: str, **headers: str) -> None:
    """Let every call of this operation succeed without our server, which can't do what it asks for."""

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, headers, _Raw())

    client.meta.events.register(f"before-send.s3.{operation}", answer)


def record(client: Any) -> list[tuple[str, str, dict[str, str]]]:
    """List the requests that leave from now on: method, URL, headers in lower case."""
    requests: list[tuple[str, str, dict[str, str]]] = []

    def remember(request: Any, **_: Any) -> None:
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        requests.append((request.method, request.url, headers))

    client.meta.events.register("before-send.s3", remember)
    return requests
