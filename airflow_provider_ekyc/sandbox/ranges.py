"""Byte ranges of a download, as RFC 9110 section 14 and S3 have them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class Unsatisfiable(Exception):
    """The range is outside the object: 416."""


#: What a store may get wrong about a range.
Flaw = Literal["none", "whole_body", "other_range", "short_range", "long_range"]


@dataclass(frozen=True)
class Span:
    """What is sent of an object, and what the head says of it.

    :param first: first byte that is sent.
    :param count: how many are sent.
    :param content_range: ``Content-Range``; ``None`` for the whole object, sent with 200.
    """

    first: int
    count: int
    content_range: str | None


def span_of(window: tuple[int, int] | None, *, size: int, flaw: Flaw = "none", at_byte: int | None = None) -> Span:
    """What is sent for a range.

    :param window: first and last byte that are wanted; ``None`` for the whole object, which has no flaw.
    :param size: bytes of the object.
    :param flaw: ``whole_body`` ignores the range; ``other_range`` sends, and says so, what follows it, or what
        precedes it at the end; ``short_range`` and ``long_range`` send fewer and more bytes than they say.
    :param at_byte: how many bytes ``short_range`` sends, by default half.
    """
    if window is None or flaw == "whole_body":
        return Span(0, size, None)
    first, last = window
    count = last - first + 1
    if flaw == "other_range":
        moved = 1 if last + 1 < size else -1
        first, last = max(0, first + moved), max(0, last + moved)
        count = last - first + 1
    said = f"bytes {first}-{last}/{size}"
    if flaw == "short_range":
        count = min(count, count // 2 if at_byte is None else at_byte)
    if flaw == "long_range":
        # Of the end of the object there is nothing more, so it begins earlier.
        first, count = (first, count + 1) if last + 1 < size else (max(0, first - 1), count + (first > 0))
    return Span(first, count, said)


def is_suffix(header: str | None) -> bool:
    """Whether a request wants the last bytes, whatever the size: a download's hint, sent beside its first range.

    :param header: ``Range`` as sent.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    return match is not None and not match[1] and bool(match[2])


def byte_range(header: str | None, if_range: str | None, *, size: int, etag: str) -> tuple[int, int] | None:
    """First and last byte that a request wants, or ``None`` for the whole object.

    :param header: ``Range`` as sent; several ranges and other units are ignored, as S3 does.
    :param if_range: ``If-Range`` as sent; a range is granted only if it names this very object.
    :param size: bytes of the object.
    :param etag: its ETag, quotes included.
    :raises Unsatisfiable: if the range begins behind the end.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", "") or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = match.groups()
    if not first:
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last) if last else size - 1, size - 1)
