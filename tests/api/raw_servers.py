"""Servers of bare sockets on 127.0.0.1, for what the sandbox is too well-bred to do."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Talk = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Listens; each connection is handed to ``talk`` in a thread of its own and closed afterwards."""

    talk: Talk
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(line,), daemon=True).start()

    def _one(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            line.settimeout(20)
            self.talk(line)

    def close(self) -> None:
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def raw_server(talk: Talk) -> Iterator[RawServer]:
    server = RawServer(talk)
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.close()


def read_head(line: socket.socket) -> bytes:
    """Everything up to the blank line, and nothing behind it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = line.recv(1)
        if not byte:
            raise ConnectionError("gone")
        head += byte
    return head


def read_request(line: socket.socket) -> tuple[bytes, bytes]:
    """A whole request: head and body."""
    head = read_head(line)
    left = next(
        (int(text.split(b":")[1]) for text in head.split(b"\r\n") if text.lower().startswith(b"content-length:")), 0
    )
    body = b""
    while len(body) < left:
        chunk = line.recv(65536)
        if not chunk:
            raise ConnectionError("gone")
        body += chunk
    return head, body


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def answering(*answers: bytes) -> Talk:
    """Give these answers in turn, the last one again and again."""
    left = list(answers)

    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(left.pop(0) if len(left) > 1 else left[0])

    return talk


def dripping(head: bytes, every: float = 0.05) -> Talk:
    """Send ``head`` and then a byte now and then, without end: no gap is longer than ``every``."""
    over = threading.Event()

    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(head)
        while not over.wait(every):
            line.sendall(b"x")

    return talk


@dataclass
class Proxy:
    """
    An HTTP proxy: absolute URIs for http, CONNECT for https.

    :param refuse: status line with which every request is refused
    """

    refuse: str | None = None
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    url: str = ""

    def talk(self, line: socket.socket) -> None:
        head = read_head(line)
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.asked.append(f"{method} {target}")
        self.heads.append(head)
        if self.refuse:
            line.sendall(answer(self.refuse))
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            rest = b""
        else:
            parts = urlsplit(target)
            host, port = parts.hostname or "", str(parts.port)
            path = target.removeprefix(f"{parts.scheme}://{parts.netloc}") or "/"
            rest = head.replace(target.encode(), path.encode(), 1)
        with socket.create_connection((host, int(port)), timeout=10) as upstream:
            if method == "CONNECT":
                line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            upstream.sendall(rest)
            _relay(line, upstream)


def _relay(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], 20)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)


@contextmanager
def http_proxy(refuse: str | None = None) -> Iterator[Proxy]:
    proxy = Proxy(refuse)
    with raw_server(proxy.talk) as server:
        proxy.url = server.url
        yield proxy


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
