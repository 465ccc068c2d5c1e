"""The API and its store, for one archive: a line that breaks off, answers again, says 503, or ends too early."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from dev.fuzz.marks import QUERY
from dev.fuzz.oddities import TASK_ID

#: What a range may be answered with; one that is no range is answered as ever.
_OF_RANGES = ("", "", "break", "503", "whole", "another range", "another ETag", "another total", "too many")


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
        self._quoted = '"made-up"'
        others: tuple[list[str], ...] = ([], [], ["break"], ["break", "break"], ["503"], ["503", "break"])
        self._misfortunes = rng.choice((*others, *[rng.sample(_OF_RANGES, 3)] * 3))
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
        size = len(self._data)
        first, _, last = lines.get("range", "").removeprefix("bytes=").partition("-")
        if first and int(first) < size and self._knows_ranges and lines.get("if-range", self._quoted) == self._quoted:
            start, end = int(first), min(int(last or size), size - 1) + 1
            return self._range(start, end, size, misfortune)
        whole = _answer("200 OK", self._data, f"Content-Length: {size}", self._etag)
        if misfortune == "break" and size:
            return whole[: -self._rng.randint(1, size)]
        return _answer("200 OK", self._data, self._etag) if self._framing == "close" else whole

    def _range(self, start: int, end: int, size: int, misfortune: str) -> bytes:
        """Answer with a range, or with what is none."""
        if misfortune == "another range":
            start = self._rng.randrange(end)
        etag = 'ETag: "another"' if misfortune == "another ETag" else self._etag
        total = size + 1 if misfortune == "another total" else size
        body = self._data[start:end] + b"more" * (misfortune == "too many")
        if misfortune == "whole":
            return _answer("200 OK", self._data, f"Content-Length: {size}", self._etag)
        range_line = f"Content-Range: bytes {start}-{end - 1}/{total}"
        answer = _answer("206 Partial Content", body, f"Content-Length: {len(body)}", range_line, etag)
        return answer[: -self._rng.randint(1, end - start)] if misfortune == "break" else answer


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode() + body
