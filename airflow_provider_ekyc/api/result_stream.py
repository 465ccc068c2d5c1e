"""A download: what the head of its answer says, and its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from airflow_provider_ekyc.exceptions import EkycServerError


@dataclass(frozen=True, slots=True)
class ResultHead:
    """
    What the head of a download says.

    :param start: offset of the first byte that follows (0 if the server does not know ranges)
    :param end: offset behind the last byte of a range (206); None if the whole object follows (200)
    :param length: bytes of the whole object, or None if the server does not say
    :param etag: of the object, or None
    """

    start: int
    end: int | None
    length: int | None
    etag: str | None

    @property
    def strong_etag(self) -> str | None:
        """The ETag, if the same one means the same bytes (RFC 9110 section 8.8.1)."""
        return self.etag if self.etag and re.fullmatch(r'"[\x21\x23-\x7e\x80-\xff]*"', self.etag) else None


@dataclass(frozen=True, slots=True)
class ResultStream:
    """An open download; ``blocks`` raises ``EkycConnectionError`` when the connection breaks."""

    head: ResultHead
    blocks: Iterator[bytes] = field(repr=False)


def read_result_head(status: int, headers: Mapping[str, str]) -> ResultHead:
    """
    Read the head of a 200 or a 206 (RFC 9110 section 14.4).

    :raises EkycServerError: if a 206 does not say which bytes follow
    """
    lower = {name.lower(): value for name, value in headers.items()}
    etag = lower.get("etag") or None
    if status == 206:
        match = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", lower.get("content-range", "").strip())
        if match is None:
            raise EkycServerError(
                "The result's store sent a part of the result and did not say which (206).",
                status=status,
                retryable=True,
            )
        return ResultHead(int(match[1]), int(match[2]) + 1, int(match[3]) if match[3] != "*" else None, etag)
    length = lower.get("content-length", "")
    return ResultHead(0, None, int(length) if re.fullmatch(r"\d{1,18}", length) else None, etag)
