"""A store on 127.0.0.1 that serves ranges of an object over many connections as S3 does, or as a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dev.testing import sockets

#: A raw answer in pieces; what makes them may wait in between. The connection is closed after it.
Reply = Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Request:
    """
    A request that has arrived.

    :param nth: of all requests, from 0
    :param target: path and query
    :param first: first byte that it asks for, None for the whole object
    :param last: last byte, None for that of the object
    :param is_hint: whether it asks for the last bytes, whatever the size
    """

    nth: int
    target: str
    first: int | None
    last: int | None
    headers: dict[str, str]
    is_hint: bool = False


class RangeStore(sockets.SocketServer):
    """
    Serves one object.

    :param content: of the object
    :param etag: of the object
    :param respond: is given each request, and may answer it in the store's place
    :param respond_to_hint: the same for the requests for the last bytes, which :attr:`seen` does not have: they are
        sent beside the first one, and arrive before or after it
    """

    def __init__(
        self,
        content: bytes,
        *,
        etag: str = '"a"',
        respond: Callable[[Request], Reply | None] = lambda _: None,
        respond_to_hint: Callable[[Request], Reply | None] = lambda _: None,
    ) -> None:
        super().__init__(self._answer_all)
        self.content, self.etag, self._respond, self._respond_to_hint = content, etag, respond, respond_to_hint
        self._lock = threading.Lock()
        self.seen: list[Request] = []
        self.hints: list[Request] = []
        self.result_url = f"{self.url}/externalcheck/t/t.zip?X-Amz-Credential=made-up&X-Amz-Signature=made-up"

    @property
    def ranges(self) -> list[tuple[int, int | None]]:
        """First and last byte of each range that was requested, in the order of the requests."""
        return [(request.first, request.last) for request in self.seen if request.first is not None]

    def answer(
        self,
        request: Request,
        *,
        status: int = 206,
        etag: str | None = None,
        span: tuple[int, int] | None = None,
        total: int | str | None = None,
        body: bytes | None = None,
        length: int | None = None,
        closes: bool = True,
    ) -> bytes:
        """
        Make the honest answer to a request, but for what is given.

        :param span: first and last byte that are sent, and that ``Content-Range`` says
        :param body: what is sent, whatever ``Content-Range`` says
        :param length: ``Content-Length``, whatever is sent
        :param closes: whether it says that the connection is closed after it
        """
        first = request.first or 0
        last = len(self.content) - 1 if request.last is None else min(request.last, len(self.content) - 1)
        first, last = span or ((first, last) if status == 206 else (0, len(self.content) - 1))
        sent = self.content[first : last + 1] if body is None else body
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(sent) if length is None else length}"]
        if closes:
            lines.append("Connection: close")
        if etag != "":
            lines.append(f"ETag: {etag or self.etag}")
        if status == 206:
            lines.append(f"Content-Range: bytes {first}-{last}/{len(self.content) if total is None else total}")
        return "\r\n".join([*lines, "", ""]).encode() + sent

    def _answer_all(self, connection: socket.socket) -> None:
        while True:
            request = self._read(connection)
            pieces = (self._respond_to_hint if request.is_hint else self._respond)(request)
            if pieces is not None:
                for piece in pieces:
                    connection.sendall(piece)
                return
            if request.first is not None and request.first >= len(self.content):
                connection.sendall(b"HTTP/1.1 416 X\r\nContent-Length: 0\r\n\r\n")
            else:
                status = 200 if request.first is None else 206
                connection.sendall(self.answer(request, status=status, closes=False))

    def _read(self, connection: socket.socket) -> Request:
        request = sockets.Request(sockets.read_head(connection))
        first, _, last = request.headers.get("range", "bytes=-").removeprefix("bytes=").partition("-")
        bounds = int(first) if first else None, int(last) if last else None
        if request.is_hint:
            bounds = max(0, len(self.content) - int(last)), None
        seen = self.hints if request.is_hint else self.seen
        with self._lock:
            seen.append(Request(len(seen), request.target, *bounds, request.headers, request.is_hint))
            return seen[-1]
