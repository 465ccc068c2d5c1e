"""Byte ranges of a download, as RFC 9110 section 14 and S3 have them. Pure."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class Unsatisfiable(Exception):
    """The range lies outside the object: 416."""


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
