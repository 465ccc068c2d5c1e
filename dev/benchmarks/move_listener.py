"""
The little of HTTP/1.1 that the benchmark's servers need, over TLS on 127.0.0.1: a thread per connection.

Written by hand since the servers share the machine with what is measured: a web server's own work would be most of
the figure. Bodies are read and sent in large buffers, and nothing is copied that need not be. Each connection has a
pace of its own (:mod:`dev.benchmarks.move_pace`).
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedReader

from dev.benchmarks.move_pace import LOOPBACK, Network, Pace

#: Bytes that are sent at once, or read between two looks at the pace: 6.6 ms at 80 MB/s.
BUFFER = 512 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """
    The head of a request.

    :param target: path and query
    :param headers: by lower-case name
    """

    method: str
    target: str
    headers: Mapping[str, str]


class Connection:
    """
    One connection of a client, for as many requests as it sends.

    :param sock: with TLS
    :param pace: how fast it is
    """

    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        self._socket = sock
        self._pace = pace
        self._reader = BufferedReader(sock.makefile("rb", buffering=0), BUFFER)
        self._buffer = memoryview(bytearray(BUFFER))

    def head(self) -> Head | None:
        """
        Read the next request's head, and wait for the latency.

        A client that waits for ``100 Continue`` gets it. None at the end.
        """
        line = self._reader.readline()
        if not line:
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = {}
        while (line := self._reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        self._pace.begin()
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Head(method, target, headers)

    def body(self, head: Head) -> bytes:
        """Return a small body."""
        return self._reader.read(int(head.headers.get("content-length", 0)))

    def drop_body(self, head: Head) -> int:
        """
        Read the body at the pace of the connection, and drop it.

        :return: its bytes, without the frames of HTTP; of ``aws-chunked``, what the client says that they hold
        :raises ConnectionError: if it ends too soon
        """
        if head.headers.get("transfer-encoding", "").lower() != "chunked":
            return self._drop(int(head.headers.get("content-length", 0)))
        dropped = 0
        while size := int(self._reader.readline().split(b";")[0], 16):
            dropped += self._drop(size)
            self._reader.readline()
        while self._reader.readline() not in (b"\r\n", b""):
            pass
        decoded = int(head.headers.get("x-amz-decoded-content-length", dropped))
        if dropped < decoded:
            raise ConnectionError("the body ended too soon")
        return decoded

    def _drop(self, size: int) -> int:
        left = size
        while left:
            # One read of TLS gives at most 16 KiB: the pace is looked at once a buffer.
            wanted = min(left, BUFFER)
            if self._reader.readinto(self._buffer[:wanted]) != wanted:
                raise ConnectionError("the body ended too soon")
            left -= wanted
            self._pace.carry(wanted)
        return size

    def answer(self, status: str, body: bytes = b"", **headers: str) -> None:
        """
        Send an answer with a small body.

        :param status: such as ``200 OK``
        :param headers: names with ``_`` for ``-``
        """
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.send(f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)

    def send(self, data: bytes | memoryview) -> None:
        """Send bytes as they are, once the connection has carried them."""
        self._pace.carry(len(data))
        self._socket.sendall(data)


def listen(context: ssl.SSLContext, serve: Callable[[Connection], None], network: Network = LOOPBACK) -> int:
    """
    Listen on a free port of 127.0.0.1, in the background, until the process ends.

    :param serve: answers one connection
    :param network: the speed of each connection
    :return: the port
    """
    server = socket.create_server(("127.0.0.1", 0))

    def converse(sock: socket.socket) -> None:
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with context.wrap_socket(sock, server_side=True) as secured:
                    serve(Connection(secured, Pace(network)))
            except OSError:
                return  # the client went away

    def accept() -> None:
        while True:
            sock, _ = server.accept()
            threading.Thread(target=converse, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(server.getsockname()[1])
