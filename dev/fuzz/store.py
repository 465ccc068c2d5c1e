"""The API and its store, for one archive: a line that breaks off, answers again, says 503, or ends too early."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from dev.fuzz.marks import QUERY
from dev.fuzz.oddities import TASK_ID


class Store:
    """
    Answers as the API and its store do.

    :param rng: dice for what goes wrong on the way
    :param data: the archive
    :param origin: of the server that this answers for
    :param total: numbers that the remote task promises
    :param meanwhile: is called when the archive is asked for
    """

    def __init__(
        self, rng: random.Random, data: bytes, origin: str, total: int, meanwhile: Callable[[], object]
    ) -> None:
        self._data = data
        self._meanwhile = meanwhile
        status = {"task_id": TASK_ID, "status": "exported", "total": total, "success": total, "failure": 0}
        status["result_url"] = f"{origin}/externalcheck/t.zip?{QUERY}"
        self._status = json.dumps(status).encode()
        self._etag = rng.choice(('ETag: "made-up"', 'ETag: "made-up"', "X-No: etag"))
        self._knows_ranges = rng.random() < 0.7
        self._framing = rng.choice(("length", "length", "length", "close"))
        self._misfortunes = rng.choice(([], [], [], ["break"], ["break", "break"], ["503"], ["503", "break"]))
        self._rng = rng

    def __call__(self, head: str) -> bytes:
        """Answer a request by its head."""
        if head.startswith("POST"):
            return _answer("200 OK", self._status, f"Content-Length: {len(self._status)}")
        self._meanwhile()
        misfortune = self._misfortunes.pop(0) if self._misfortunes else ""
        if misfortune == "503":
            return _answer("503 Slow Down", b"", "Content-Length: 0", "Retry-After: 1")
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        start = int(lines.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        size = len(self._data)
        if start and self._knows_ranges and lines.get("if-range") == '"made-up"':
            rest = self._data[start:]
            range_line = f"Content-Range: bytes {start}-{size - 1}/{size}"
            return _answer("206 Partial Content", rest, f"Content-Length: {len(rest)}", range_line, self._etag)
        whole = _answer("200 OK", self._data, f"Content-Length: {size}", self._etag)
        if misfortune and size:
            return whole[: -self._rng.randint(1, size)]
        return _answer("200 OK", self._data, self._etag) if self._framing == "close" else whole


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode() + body
