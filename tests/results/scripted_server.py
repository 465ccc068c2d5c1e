"""A server on 127.0.0.1 that answers each connection as the next line of its script says, byte by byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

#: Turns a request's head (lower-case names) into the raw answer; the connection is closed after it.
Answer = Callable[[dict[str, str]], bytes]


def answer(body: bytes, *, status: str = "200 OK", length: int | None = None, **headers: str) -> Answer:
    """Answer with this body; ``length`` is what ``Content-Length`` says, -1 for none."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    if length != -1:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    raw = "\r\n".join([*lines, "", ""]).encode() + body
    return lambda _: raw


class ScriptedServer:
    """Listens while the context lasts; ``seen`` are the heads of the requests."""

    def __init__(self, *script: Answer) -> None:
        self._script = list(script)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.seen: list[dict[str, str]] = []

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        """A result URL with a query that is to be kept secret."""
        return f"{self.origin}/externalcheck/t/t.zip?X-Amz-Credential=made-up&X-Amz-Signature=made-up"

    def _serve(self) -> None:
        for line in self._script:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # over before the script was
            connection.settimeout(10.0)
            # A client may hang up on what it does not want.
            with connection, contextlib.suppress(OSError):
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                rows = [row.partition(": ") for row in head.decode().split("\r\n")[1:] if row]
                self.seen.append({name.lower(): value for name, _, value in rows})
                connection.sendall(line(self.seen[-1]))

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
