"""
What a failure means: classified once, for both clients. Pure.

Money and codes follow ``docs/api.md``: a submission is charged when it is accepted; 400 and 500 are free by
the API page; 502, 503, 504, a time-out or a lost connection leave a submission's fate unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycNotFoundError,
    EkycRateLimitError,
    EkycRequestError,
    EkycServerError,
    EkycTooLargeError,
    Outcome,
)
from airflow_provider_ekyc.redaction import redact

#: Bytes of an answer that are read: the API's are below 1 KiB, a proxy's error page may be anything.
ANSWER_LIMIT = 1024 * 1024

#: Bytes of an answer to a status query, at the most. A longer one is not the API's: it is not read to its end.
STATUS_ANSWER_LIMIT = 64 * 1024

#: ``Retry-After`` is honoured up to here: one hour, the ceiling of the poll policy.
RETRY_AFTER_LIMIT = 3600.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """
    What came back over HTTP, whichever library brought it.

    :param body: at most :data:`ANSWER_LIMIT` bytes; never shown as it is
    :param received_at: aware time of arrival, to turn a ``Retry-After`` date into seconds
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime


class Call(StrEnum):
    """The calls of the API; the words are used in messages."""

    SUBMIT = "submission"
    STATUS = "status query"
    BALANCE = "balance query"
    RESULT = "result download"


def classify_status(call: Call, settings: EkycSettings, answer: HttpAnswer) -> EkycApiError:
    """Say what an HTTP status other than 2xx means for this call."""
    status = answer.status
    said = server_message(answer.body, settings)
    quoted = f' The server says: "{said}".' if said else ""
    wait = retry_after(answer.headers, answer.received_at)
    free = " Nothing was charged." if call is Call.SUBMIT else ""
    if status in (401, 403):
        return EkycAuthenticationError(
            f"The API refused access with this key ({status}).{quoted}{free} Set the API key in the "
            f"connection's password field, then clear this task; a retry alone can't help.",
            status=status,
        )
    if status == 402:
        return EkycBalanceError(
            f"The account's balance is too low (402).{quoted}{free} Top up the account, then clear this "
            f"task; a retry alone can't help.",
            status=status,
        )
    if status == 404 and call is Call.STATUS:
        return EkycNotFoundError(
            f"The API knows no task with this id (404).{quoted} Check ekyc_task_id, and that the connection "
            f"is of the account that submitted it; a retry can't help.",
            status=status,
        )
    if status == 413 and call is Call.SUBMIT:
        return EkycTooLargeError(
            f"The file is too large for the API (413).{quoted}{free} Split the input into smaller files and "
            f"submit each (a mapped EkycSubmitOperator does); a retry can't help.",
            status=status,
        )
    if status == 429:
        return EkycRateLimitError(
            f"The API asks to slow down (429).{quoted}{free}", status=status, retryable=True, retry_after=wait
        )
    if status == 500:
        return EkycServerError(
            f"The API failed on the {call} (500), which is free.{quoted}",
            status=status,
            retryable=True,
            retry_after=wait,
        )
    if status > 500:
        return EkycServerError(
            f"The API, or a proxy before it, failed on the {call} ({status}).{quoted}",
            status=status,
            retryable=True,
            retry_after=wait,
            outcome=Outcome.UNKNOWN if call is Call.SUBMIT else Outcome.REFUSED,
        )
    if status == 407:
        return EkycRequestError(
            f"The proxy before the API wants other credentials (407).{free} Put them into the URL of the "
            f"connection's proxy, or of the environment's; a retry can't help.",
            status=status,
        )
    if status in (408, 425) and call is not Call.SUBMIT:
        return EkycServerError(
            f"The {call} was not answered in time ({status}).{quoted}", status=status, retryable=True
        )
    if status == 303 and call is Call.SUBMIT:
        # "Processed, look elsewhere" (RFC 9110 section 15.4.4): it may have been taken.
        return EkycRequestError(
            f"The API answered the {call} with 303, which is not followed.", status=status, outcome=Outcome.UNKNOWN
        )
    if status < 400:
        return EkycRequestError(
            f"The API answered the {call} with a redirect or another unexpected code ({status}), which is "
            f"not followed: the key goes to the connection's host alone.{free} Check the connection's host.",
            status=status,
        )
    return EkycRequestError(
        f"The API refused the {call} ({status}).{quoted}{free} Correct the input or the arguments, then "
        f"clear this task; a retry can't help.",
        status=status,
    )


def classify_result_status(answer: HttpAnswer) -> EkycApiError:
    """
    Say what an HTTP status other than 200 and 206 means for a download from S3.

    S3 answers an expired URL with 403 ``Request has expired``, and 400 ``ExpiredToken`` when the session that
    signed it has ended.
    """
    status = answer.status
    text = answer.body[:4096].decode("utf-8", "replace")
    code = match[1] if (match := re.search(r"<Code>([A-Za-z]{1,60})</Code>", text)) else "no reason given"
    if (status == 403 and "expired" in text.lower()) or (status == 400 and "ExpiredToken" in text):
        return EkycExpiredUrlError(f"The result's URL has expired ({status}, {code}).", status=status)
    if status in (408, 429) or status >= 500:
        return EkycServerError(
            f"The result's store is not ready ({status}, {code}).",
            status=status,
            retryable=True,
            retry_after=retry_after(answer.headers, answer.received_at),
        )
    return EkycRequestError(f"The result's store refused the download ({status}, {code}).", status=status)


def classify_transport(call: Call, kind: str, *, sent: bool) -> EkycConnectionError:
    """
    Say what a connection failure means.

    :param kind: name of the library's exception; its text may hold a URL with its query, so it is not used
    :param sent: whether a byte of the body may have left
    """
    if call is Call.SUBMIT and sent:
        outcome, tail = Outcome.UNKNOWN, " after the upload had begun"
    else:
        outcome, tail = Outcome.NOT_SENT, ""
    return EkycConnectionError(f"The {call} got no answer{tail} ({kind}).", retryable=True, outcome=outcome)


def server_message(body: bytes, settings: EkycSettings) -> str:
    """Return what the server says, made safe to show: JSON's ``error``/``message``/``msg``, or text."""
    text = body.decode("utf-8", "replace").strip()
    answer = read_json(body)
    if isinstance(answer, dict):
        words = [str(answer[name]) for name in ("error", "message", "msg") if answer.get(name)]
        text = ": ".join(dict.fromkeys(words))
    elif text.startswith("<"):
        title = re.search(r"<title[^>]*>([^<]*)</title>", text[:4096], re.IGNORECASE)
        text = f"an HTML page, {title[1].strip()}" if title else "an HTML page"
    return redact(text, secrets=(settings.api_key,))


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
    """Return the JSON value, or None if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
