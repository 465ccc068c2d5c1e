"""A relay on 127.0.0.1 before a real S3 server: it loses requests and answers, and refuses in S3's words."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from botocore.credentials import Credentials

from tests.outcomes.without_conditions import without_condition

#: What S3 calls its refusals, where a row does not say.
_CODES = {403: "AccessDenied", 409: "ConditionalRequestConflict", 500: "InternalError", 503: "SlowDown"}


@dataclass
class Misfortune:
    """
    What a call to S3 meets.

    :param call: ``put``, ``head`` or ``list``
    :param kind: ``cut_before``, ``cut_after``, ``status``, or ``before`` to call ``act`` alone
    :param key: of the object that the call is about
    :param code: S3's word for the refusal
    :param times: how many calls; None for all
    :param act: is called before the request goes on; with ``cut_after``, before the answer is thrown away
    """

    call: str
    kind: str
    key: str
    status: int = 503
    code: str = ""
    times: int | None = 1
    act: Callable[[], None] | None = None

    @property
    def refusal(self) -> bytes:
        """The answer, in S3's XML."""
        code = self.code or _CODES.get(self.status, "MadeUp")
        body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
        head = f"HTTP/1.1 {self.status} Made Up\r\nContent-Type: application/xml\r\nConnection: close\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class S3Relay:
    """
    Passes bytes on, and tells requests apart by how they begin (a client waits for each answer).

    :param endpoint_url: of the S3 server
    """

    def __init__(self, endpoint_url: str) -> None:
        target = urlsplit(endpoint_url)
        self._target = (target.hostname, target.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.met: list[Misfortune] = []
        #: With these it takes ``If-None-Match`` out of each request, and signs it anew.
        self.forgets_conditions: Credentials | None = None
        self.calls: Counter[str] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint_url(self) -> str:
        """The address to give to an S3 client."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                line = _Line(self, client, socket.create_connection(self._target))
                for pump in (line.up, line.down):
                    threading.Thread(target=pump, daemon=True).start()

    def take(self, data: bytes) -> Misfortune | None:
        """Count the request that begins with these bytes, and say what it meets."""
        first = data.split(b"\r\n", 1)[0].decode("latin-1")
        call = _call_of(first)
        if call is None:
            return None
        self.calls[call] += 1
        for misfortune in self.met:
            if misfortune.call == call and misfortune.key in first and misfortune.times != 0:
                if misfortune.times:
                    misfortune.times -= 1
                return misfortune
        return None


class _Line:
    def __init__(self, relay: S3Relay, client: socket.socket, server: socket.socket) -> None:
        self._relay, self._client, self._server = relay, client, server
        self._after: Misfortune | None = None

    def up(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._client.recv(1 << 16):
                met = self._relay.take(data)
                if met is not None and met.act is not None and met.kind != "cut_after":
                    met.act()
                if met is not None and met.kind == "cut_before":
                    break
                if met is not None and met.kind == "status":
                    self._client.sendall(met.refusal)
                    self._client.shutdown(socket.SHUT_WR)
                    # What the client still sends is heard out: closing on it would take the answer away.
                    while self._client.recv(1 << 16):
                        continue
                    break
                if met is not None and met.kind == "cut_after":
                    self._after = met
                if self._relay.forgets_conditions is not None and data.startswith(b"PUT "):
                    data = without_condition(data, self._relay.forgets_conditions)
                self._server.sendall(data)
        self._close()

    def down(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(1 << 16):
                if self._after is not None and not data.startswith(b"HTTP/1.1 100"):
                    if self._after.act is not None:
                        self._after.act()
                    break
                self._client.sendall(data)
        self._close()

    def _close(self) -> None:
        for one in (self._client, self._server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _call_of(first: str) -> str | None:
    if first.startswith("PUT "):
        return "put"
    if first.startswith("HEAD "):
        return "head"
    if first.startswith("GET ") and "list-type" in first:
        return "list"
    return None
