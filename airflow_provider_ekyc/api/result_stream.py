"""A result as it comes down the line: what its head promises, and its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from airflow_provider_ekyc.exceptions import EkycServerError


@dataclass(frozen=True, slots=True)
class ResultHead:
    """
    What the head of a download says.

    :param start: offset of the first byte that comes (0 if the server does not know ranges)
    :param length: bytes of the whole object, or None if the server does not say
    :param etag: of the object, or None
    """

    start: int
    length: int | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class ResultStream:
    """An open download; ``blocks`` raises ``EkycConnectionError`` when the connection breaks."""

    head: ResultHead
    blocks: Iterator[bytes] = field(repr=False)


def read_result_head(status: int, headers: Mapping[str, str]) -> ResultHead:
    """
    Read the head of a 200 or a 206 (RFC 9110 section 14.4).

    :raises EkycServerError: if a 206 does not say which bytes come
    """
    lower = {name.lower(): value for name, value in headers.items()}
    etag = lower.get("etag")
    if status == 206:
        match = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", lower.get("content-range", "").strip())
        if match is None:
            raise EkycServerError(
                "The result's store sent a part of the result and did not say which (206).",
                status=status,
                retryable=True,
            )
        return ResultHead(int(match[1]), int(match[2]) if match[2] != "*" else None, etag)
    length = lower.get("content-length", "")
    return ResultHead(0, int(length) if re.fullmatch(r"\d{1,18}", length) else None, etag)
