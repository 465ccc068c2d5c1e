"""Answers as bytes on a socket: whole ones, and heads, lengths and chunks that are not what they should be."""

from __future__ import annotations

import random
from collections.abc import Mapping


def whole_wire(rng: random.Random, body: bytes) -> bytes:
    """Write a proper answer: with its length, in chunks, or ended by the end of the connection."""
    framing = rng.choice(("length", "chunks", "close"))
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", "X-Other: " + "x" * rng.choice((0, 3_000))]
    if framing == "length":
        return _head([*lines, f"Content-Length: {len(body)}", "Connection: close"]) + body
    if framing == "chunks":
        return _head([*lines, "Transfer-Encoding: chunked", "Connection: close"]) + chunked(rng, body)
    return _head([*lines, "Connection: close"]) + body


def broken_wire(rng: random.Random, body: bytes, *, status: int, headers: Mapping[str, str]) -> bytes:
    """Write an answer with something wrong in its head, its length or its chunks."""
    first = rng.choice(
        (
            f"HTTP/1.1 {status} X",
            f"HTTP/1.0 {status}",
            f"HTTP/1.1 {status}",
            "HTTP/1.1 200 OK",
            "HTTP/1.1 200 OK",
            "HTTP/2 200",
            "HTTP/1.1",
            "HTTP/1.1 abc OK",
            "HTTP/1.1 -200 OK",
            "ICY 200 OK",
            "",
            "\x00\x00\x00",
            "HTTP/1.1 200 " + "x" * 70_000,
        )
    )
    extra = rng.choice(
        (
            "",
            "Content-Length: -1",
            f"Content-Length: {len(body) + rng.choice((1, 1_000_000, 10**20))}",
            f"Content-Length: {max(0, len(body) - 1)}",
            "Content-Length: abc",
            f"Content-Length: {len(body)}\r\nContent-Length: {len(body) + 1}",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 3",
            "Content-Encoding: gzip",
            "Content-Encoding: deflate",
            "Content-Encoding: br, gzip, zstd",
            "Location: http://169.254.169.254/",
            "Set-Cookie: a=b",
            ": no name",
            "no colon",
            " folded",
            "X: \x00",
            "X: " + "y" * 70_000,
            "\r\n".join(f"X-{number}: 1" for number in range(300)),
            "Content-Range: bytes 0-9/10",
            "WWW-Authenticate: Basic realm=x",
        )
    )
    named = [f"{name}: {value}" for name, value in headers.items()]
    head = _head([first, *named, *([extra] if extra else []), "Connection: close"])
    if rng.random() < 0.2:
        body = (
            chunked(rng, body)
            if rng.random() < 0.5
            else rng.choice((b"zz\r\n", b"-5\r\nab\r\n", b"FFFFFFFFFFFFFFFF\r\nx")) + body
        )
    data = bytearray(head + body)
    if rng.random() < 0.3:
        for _ in range(rng.choice((1, 3, 20))):
            data[rng.randrange(min(len(data), 400))] = rng.randrange(256)
    if rng.random() < 0.2:
        del data[rng.randrange(len(data)) :]
    return bytes(data)


def chunked(rng: random.Random, body: bytes) -> bytes:
    """Cut a body into chunks."""
    pieces = []
    while body:
        size = rng.randint(1, len(body))
        pieces.append(b"%x\r\n%s\r\n" % (size, body[:size]))
        body = body[size:]
    return b"".join([*pieces, b"0\r\n\r\n"])


def _head(lines: list[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
