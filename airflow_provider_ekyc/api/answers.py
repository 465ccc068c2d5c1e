"""
An HTTP answer, and who wrote it: the vendor's API, or a server between. Pure.

A status code alone says little: proxies, gateways, load balancers and captive portals answer with the same codes.
The API answers with a JSON object; its error bodies name the reason as ``error``, ``message`` or ``msg``
(``docs/api.md``). Anything else is not known to be the API's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any

#: Bytes of an answer that are read: the API's are below 1 KiB, a proxy's error page may be anything.
ANSWER_LIMIT = 1024 * 1024

#: Bytes of an answer to a status query, at the most. A longer one is not the API's: it is not read to its end.
STATUS_ANSWER_LIMIT = 64 * 1024

#: ``Retry-After`` is honoured up to here: one hour, the ceiling of the poll policy.
RETRY_AFTER_LIMIT = 3600.0

#: Where the API's error bodies say the reason.
REASONS = ("error", "message", "msg")

# Headers of answers that gateways and proxies write themselves: RFC 9110 section 11.7, Squid, Cloudflare, Kong, AWS,
# Tyk. A gateway may answer 500, which is free of the API itself, after it has sent the list on.
_OTHERS_HEADERS = frozenset(
    {
        *("proxy-authenticate", "x-squid-error", "cf-mitigated", "x-kong-response-latency", "x-amzn-errortype"),
        "x-generator",
    }
)

# Shapes of error bodies that frameworks and gateways write by themselves: RFC 9457, Spring, Cloudflare, Azure.
_OTHERS_SHAPES = (
    frozenset({"type", "title"}),
    frozenset({"timestamp", "path"}),
    frozenset({"cloudflare_error"}),
    frozenset({"statuscode", "activityid"}),
)


class Call(StrEnum):
    """The calls of the API; the words are used in messages."""

    SUBMIT = "submission"
    STATUS = "status query"
    BALANCE = "balance query"
    RESULT = "result download"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """
    An answer, the same for either HTTP library.

    :param body: at most :data:`ANSWER_LIMIT` bytes; never shown as it is
    :param received_at: aware time of arrival, to turn a ``Retry-After`` date into seconds
    :param broken_off: what ended the body before its end, or an empty text
    :param request_sent: whether the whole request had been sent when the answer arrived
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime
    broken_off: str = ""
    request_sent: bool = True

    def header(self, name: str) -> str:
        """Return a header in any case, or an empty text."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


class Author(StrEnum):
    """Who wrote an answer; the words are used in messages."""

    VENDOR = "the API"
    PAGE = "an HTML page"
    XML = "an XML document"
    JSON = "JSON that is not the API's"
    TEXT = "plain text"
    EMPTY = "an empty body"


def author_of(answer: HttpAnswer) -> Author:
    """
    Return who wrote an answer whose status is an error.

    The vendor's is a whole JSON object with a reason or a task, without the marks of a page or of a gateway.
    Everything else is another server's, or says nothing.
    """
    text = answer.body[:4096].decode("utf-8", "replace").strip().lstrip("\ufeff")
    kind = answer.header("content-type").lower()
    if not text:
        return Author.EMPTY
    if text.startswith("<"):
        return Author.XML if "html" not in kind and ("xml" in kind or text.startswith("<?xml")) else Author.PAGE
    value = read_json(answer.body)
    if not isinstance(value, dict):
        return Author.JSON if value is not None else Author.PAGE if "html" in kind else Author.TEXT
    named = {str(name).lower() for name in value}
    others = (
        answer.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED
        or "problem+json" in kind
        or "html" in kind
        or any(shape <= named for shape in _OTHERS_SHAPES)
        or any(name.lower() in _OTHERS_HEADERS for name in answer.headers)
        or "error=" in answer.header("proxy-status").replace(" ", "")  # RFC 9209: a proxy that failed by itself
    )
    known = any(value.get(name) for name in (*REASONS, "task_id"))
    return Author.VENDOR if known and not others else Author.JSON


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return ``Retry-After`` (seconds or a date, RFC 9110 section 10.2.3) in seconds, or None."""
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", value):
        seconds = float(value)
    else:
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)


def read_json(body: bytes) -> Any:
    """Return the JSON value, or None if it is none; of another encoding than Unicode's all but ASCII is lost."""
    try:
        try:
            return json.loads(body)
        except UnicodeDecodeError:
            return json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
