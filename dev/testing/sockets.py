"""Servers of bare sockets on 127.0.0.1, for answers that the sandbox never gives."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from airflow_provider_ekyc.sandbox.tls import Certificate

#: Uses one connection, which is closed afterwards.
Talk = Callable[[socket.socket], None]

_TIMEOUT = 20.0  # seconds that a connection waits for its client


@dataclass(frozen=True)
class Request:
    """
    A request.

    :param head: its bytes up to and with the blank line
    :param body: its bytes behind the head
    """

    head: bytes
    body: bytes = b""

    @property
    def method(self) -> str:
        """The method."""
        return self._first[0]

    @property
    def target(self) -> str:
        """Path and query, or a URL."""
        return self._first[1]

    @functools.cached_property
    def headers(self) -> dict[str, str]:
        """The headers by lower-case name."""
        rows = [row.partition(":") for row in self.head.decode("latin-1").split("\r\n")[1:] if row]
        return {name.lower(): value.strip() for name, _, value in rows}

    @property
    def is_hint(self) -> bool:
        """Whether a download asks for the last bytes, beside its first range: it comes before or after that."""
        return self.headers.get("range", "").startswith("bytes=-")

    @functools.cached_property
    def _first(self) -> list[str]:
        return self.head.split(b"\r\n")[0].decode("latin-1").split(" ")


#: The bytes of an answer, or a function of the request that returns them.
Answer = bytes | Callable[[Request], bytes]


class SocketServer:
    """
    Listens while the context lasts; each connection is given to ``talk``, in a thread of its own, and then closed.

    :param talk: may be replaced while the server runs
    :param certificate: with it the server speaks TLS
    """

    def __init__(self, talk: Talk, *, certificate: Certificate | None = None) -> None:
        self.talk = talk
        self._context = certificate.context() if certificate else None
        #: PEM of the authority that clients must trust, None without TLS
        self.ca_file = str(certificate.ca_file) if certificate else None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"
        #: Connections that were accepted.
        self.connections = 0
        #: Is set when the server closes.
        self.over = threading.Event()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(_TIMEOUT)
        # A client may hang up on an answer that it does not want.
        with connection, contextlib.suppress(OSError):
            if self._context is None:
                self.talk(connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as secured:
                self.talk(secured)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        # Closing alone would not wake accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


class ScriptedServer(SocketServer):
    """
    Gives one answer for each request, in turn; a request after the last one gets none.

    A download's hint is refused, and not counted.

    :param script: the answers
    """

    def __init__(self, *script: Answer, certificate: Certificate | None = None) -> None:
        super().__init__(self._answer_next, certificate=certificate)
        self._script = list(script)
        self.requests: list[Request] = []

    @property
    def heads(self) -> list[dict[str, str]]:
        """The headers of the requests, by lower-case name."""
        return [request.headers for request in self.requests]

    @property
    def result_url(self) -> str:
        """A presigned URL of a result, whose query must be kept secret."""
        return f"{self.url}/externalcheck/t/t.zip?X-Amz-Credential=made-up&X-Amz-Signature=made-up"

    def _answer_next(self, connection: socket.socket) -> None:
        request = read_request(connection)
        if request.is_hint:
            connection.sendall(answer("416 Range Not Satisfiable"))
            return
        self.requests.append(request)
        if self._script:
            connection.sendall(_bytes_of(self._script.pop(0), request))


def read_head(connection: socket.socket) -> bytes:
    """
    Read up to the blank line, and nothing behind it.

    :raises ConnectionError: if the client closes before
    """
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError("gone")
        head += byte
    return head


def read_request(connection: socket.socket) -> Request:
    """
    Read a whole request: closing on one that is half read would cut its answer off.

    :raises ConnectionError: if the client closes before
    """
    head = read_head(connection)
    left, body = int(Request(head).headers.get("content-length", 0)), b""
    while len(body) < left:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError("gone")
        body += chunk
    return Request(head, body)


def answer(status: str = "200 OK", body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """
    Write an answer.

    :param headers: further lines of the head
    :param length: what ``Content-Length`` says, -1 for no such line; the body's length by default
    """
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    if length != -1:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def answering(*answers: Answer) -> Talk:
    """Give these answers in turn, the last one again and again."""
    left = list(answers)

    def talk(connection: socket.socket) -> None:
        request = read_request(connection)
        connection.sendall(_bytes_of(left.pop(0) if len(left) > 1 else left[0], request))

    return talk


def dripping(head: bytes, every: float = 0.05, piece: bytes = b"x") -> Talk:
    """Answer with ``head`` and then a piece every so many seconds, until the client closes."""
    never = threading.Event()

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        while not never.wait(every):
            connection.sendall(piece)

    return talk


def _bytes_of(given: Answer, request: Request) -> bytes:
    """Return the answer; one of HTTP/1.1 says that the connection closes, or a client may use it again too late."""
    sent = given if isinstance(given, bytes) else given(request)
    first, end, rest = sent.partition(b"\r\n")
    if not end or not first.startswith(b"HTTP/1.1 ") or b"connection:" in sent.partition(b"\r\n\r\n")[0].lower():
        return sent
    return first + b"\r\nConnection: close\r\n" + rest
