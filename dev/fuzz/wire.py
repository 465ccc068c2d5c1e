"""Answers as bytes on a socket: whole ones, and heads, lengths and chunks that are not what they should be."""

from __future__ import annotations

import random
from collections.abc import Mapping


def whole_wire(rng: random.Random, body: bytes) -> bytes:
    """Write a proper answer: with its length, in chunks, or ended by the end of the connection."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", "X-Other: " + "x" * rng.choice((0, 3_000))]
    match rng.choice(("length", "chunks", "close")):
        case "length":
            lines.append(f"Content-Length: {len(body)}")
        case "chunks":
            lines.append("Transfer-Encoding: chunked")
            body = _chunked(rng, body)
    return _head([*lines, "Connection: close"]) + body


def broken_wire(rng: random.Random, body: bytes, *, status: int, headers: Mapping[str, str]) -> bytes:
    """Write an answer with something wrong in its head, its length or its chunks."""
    first = rng.choice(
        (
            *(f"HTTP/1.1 {status} X", f"HTTP/1.0 {status}", f"HTTP/1.1 {status}", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),
            *("HTTP/2 200", "HTTP/1.1", "HTTP/1.1 abc OK", "HTTP/1.1 -200 OK", "ICY 200 OK", "", "\x00\x00\x00"),
            "HTTP/1.1 200 " + "x" * 70_000,
        )
    )
    size = len(body)
    too_long, two = size + rng.choice((1, 1_000_000, 10**20)), f"{size}\r\nContent-Length: {size + 1}"
    lengths = (-1, too_long, max(0, size - 1), "abc", two)
    encodings = ("gzip", "deflate", "br, gzip, zstd")
    extra = rng.choice(
        (
            *(f"Content-Length: {length}" for length in lengths),
            *(f"Content-Encoding: {encoding}" for encoding in encodings),
            *("", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3"),
            *("Location: http://169.254.169.254/", "Set-Cookie: a=b", ": no name", "no colon", " folded", "X: \x00"),
            *("X: " + "y" * 70_000, "\r\n".join(f"X-{number}: 1" for number in range(300))),
            *("Content-Range: bytes 0-9/10", "WWW-Authenticate: Basic realm=x"),
        )
    )
    named = [f"{name}: {value}" for name, value in headers.items()]
    head = _head([first, *named, *([extra] if extra else []), "Connection: close"])
    if rng.random() < 0.2:
        false_chunk = rng.choice((b"zz\r\n", b"-5\r\nab\r\n", b"FFFFFFFFFFFFFFFF\r\nx")) + body
        body = _chunked(rng, body) if rng.random() < 0.5 else false_chunk
    data = bytearray(head + body)
    if rng.random() < 0.3:
        for _ in range(rng.choice((1, 3, 20))):
            data[rng.randrange(min(len(data), 400))] = rng.randrange(256)
    if rng.random() < 0.2:
        del data[rng.randrange(len(data)) :]
    return bytes(data)


def _chunked(rng: random.Random, body: bytes) -> bytes:
    pieces = []
    while body:
        size = rng.randint(1, len(body))
        pieces.append(b"%x\r\n%s\r\n" % (size, body[:size]))
        body = body[size:]
    return b"".join([*pieces, b"0\r\n\r\n"])


def _head(lines: list[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
