"""
Answers of the API, as frozen values that accept what a server really sends.

Fields are optional wherever the API page or its users have shown them missing, empty or as text; unknown
fields are ignored. Sources: ``docs/api.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from airflow_provider_ekyc.api.task_ids import read_task_id
from airflow_provider_ekyc.redaction import redact

#: A larger count is none: lists have some ten million numbers, and Airflow's messages no integer from 2**64 on.
MOST = 10**12


class TaskStatus(StrEnum):
    """Status of a remote task. ``EXPORTED`` and ``FAILED`` are its ends, ``COMPLETED`` is not one."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    EXPORTED = "exported"
    FAILED = "failed"
    UNKNOWN = "unknown"  #: not a documented word: keep querying until the deadline

    @classmethod
    def read(cls, word: str) -> TaskStatus:
        """Return the status that the server's word names, ``UNKNOWN`` for any other word."""
        try:
            return cls(word.strip().lower())
        except ValueError:
            return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Task:
    """
    One answer about a remote task.

    ``success`` counts numbers identified and ``failure`` numbers that could not be processed: neither is a
    count of yes or no (API page). ``success`` has been seen above ``total``.
    """

    ekyc_task_id: str
    status: TaskStatus
    word: str  #: the status as the server wrote it, made safe to show
    total: int | None = None
    success: int | None = None
    failure: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    #: A bearer secret: whoever holds it reads personal data. Never shown, stored or passed on.
    result_url: str | None = field(default=None, repr=False)

    @property
    def progress(self) -> float | None:
        """Share of the numbers that is done, 0 to 1, or None while the server gives no figures."""
        if not self.total or self.success is None:
            return None
        return max(0.0, min(1.0, (self.success + (self.failure or 0)) / self.total))


@dataclass(frozen=True, slots=True)
class Balance:
    """The account's balance, in the unit of the vendor (not documented)."""

    balance: float
    credit: float | None = None
    used_today: float | None = None
    daily_limit: float | None = None


class UnreadableAnswer(ValueError):
    """The answer is valid JSON but not what it should be; the message names the field."""


def read_task(answer: Mapping[str, Any]) -> Task:
    """
    Read the answer of ``POST /v1/gettasks``.

    :raises UnreadableAnswer: if there is no task id, or no status
    """
    ekyc_task_id = read_task_id(answer.get("task_id"))
    if ekyc_task_id is None:
        raise UnreadableAnswer("it has no task_id" if not answer.get("task_id") else "its task_id can't be one")
    word = answer.get("status")
    if not isinstance(word, str) or not word.strip():
        raise UnreadableAnswer("it has no status")
    url = answer.get("result_url")
    return Task(
        ekyc_task_id=ekyc_task_id,
        status=TaskStatus.read(word),
        word=redact(word.strip(), limit=40),
        total=_count(answer.get("total")),
        success=_count(answer.get("success")),
        failure=_count(answer.get("failure")),
        created_at=_time(answer.get("created_at")),
        updated_at=_time(answer.get("updated_at")),
        result_url=url if isinstance(url, str) and url else None,
    )


def read_created(answer: Mapping[str, Any]) -> Task:
    """
    Read the answer to a submission: a task id is all that it needs to carry.

    :raises UnreadableAnswer: if there is no task id
    """
    word = answer.get("status")
    known = isinstance(word, str) and word.strip()
    return read_task({**answer, "status": word if known else TaskStatus.PENDING.value})


def read_balance(answer: Mapping[str, Any]) -> Balance:
    """
    Read the answer of ``GET /v1/balance``.

    :raises UnreadableAnswer: if there is no balance
    """
    balance = _amount(answer.get("balance"))
    if balance is None:
        raise UnreadableAnswer("it has no balance")
    return Balance(
        balance=balance,
        credit=_amount(answer.get("credit")),
        used_today=_amount(answer.get("used_today")),
        daily_limit=_amount(answer.get("daily_limit")),
    )


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    # NaN compares false too.
    return number if abs(number) < float("inf") else None


def _count(value: object) -> int | None:
    """Return a count of numbers; None above :data:`MOST`, as an unsigned difference below zero is written."""
    number = _amount(value)
    return int(number) if number is not None and 0 <= number <= MOST else None


def _time(value: object) -> datetime | None:
    """
    Read an RFC 3339 time; the API writes three to nine fractional digits, Python keeps six.

    :return: None if there is none, which is written as the year 1 or 1970, depending on the language
    """
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if time.year <= 1970:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
