"""What can be set of a sandbox before (and while) it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Literal

Ending = Literal["exported", "failed"]
Booking = Literal["acceptance", "export", "delay"]

AMAZON_ROW_LIMITS = (100, 10_000_000)
"""Fewest and most rows of an ``amazon`` task, as the vendor publishes them."""

OTHER_ROW_LIMITS = (1, 10_000_000)
"""Row limits of task types for which nobody publishes any."""


def _amazon_limits() -> Mapping[str, tuple[int, int]]:
    return {"amazon": AMAZON_ROW_LIMITS}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The behaviour of one sandbox; what changes later holds for tasks accepted later.

    :param api_key: the key that callers must send as ``X-API-Key``; make one up.
    :param pace: rows worked through per second; ``None`` works a task through at once.
    :param queue_seconds: how long a task stays ``pending``.
    :param unknown_seconds: how long after its acceptance a status query is answered with 404.
    :param completed_seconds: how long a task is ``completed`` before it is ``exported``; 0 skips that state.
    :param ending: the last state of a task.
    :param fail_after_share: share of the rows (0 to 1) after which a task with ``ending="failed"`` gives up.
    :param failure_rows: rows of each task that cannot be processed: its last ones.
    :param failure_rows_in_result: whether those rows are in the archive (as ``undetermined``) or left out.
    :param undetermined_percent: share of rows (0 to 100) answered ``undetermined``.
    :param total_zero_while_pending: answer ``total`` 0 while a task is pending, as the vendor says
        may happen.
    :param extra_success: rows by which ``success`` exceeds the truth once exported, as in one published
        sample; 0 is honest.
    :param submit_status: HTTP status of an accepted submission: 200 in the document, 202 elsewhere.
    :param row_limits: fewest and most rows per task type, counted without duplicates and invalid lines.
    :param other_row_limits: the same for task types that ``row_limits`` does not name.
    :param max_upload_bytes: larger files are answered with 413; ``None`` for no limit (none is published).
    :param balance: money on the account at the start.
    :param credit: ``credit`` of the balance answer; it does not take part in the 402 decision.
    :param daily_limit: ``daily_limit`` of the balance answer; reported, not enforced.
    :param price_per_row: money per accepted row.
    :param price_per_poll: money per answered status call. The document says that a retrieved status is
        charged, a sister product says that it is not: 0 by default, and counted either way.
    :param booking: when a submission is taken off the balance.
    :param booking_delay_seconds: seconds between acceptance and booking with ``booking="delay"``.
    :param url_ttl_seconds: life of a result URL, at most 604800 (seven days, the limit of SigV4).
    :param user_id: ``user_id`` of the status answer.
    :raises ValueError: for values that cannot be meant.
    """

    api_key: str = field(repr=False)
    pace: float | None = None
    queue_seconds: float = 0.0
    unknown_seconds: float = 0.0
    completed_seconds: float = 0.0
    ending: Ending = "exported"
    fail_after_share: float = 0.5
    failure_rows: int = 0
    failure_rows_in_result: bool = False
    undetermined_percent: int = 0
    total_zero_while_pending: bool = False
    extra_success: int = 0
    submit_status: int = 200
    row_limits: Mapping[str, tuple[int, int]] = field(default_factory=_amazon_limits)
    other_row_limits: tuple[int, int] = OTHER_ROW_LIMITS
    max_upload_bytes: int | None = None
    balance: Decimal = Decimal(1_000_000)
    credit: Decimal = Decimal(0)
    daily_limit: Decimal = Decimal(1_000_000)
    price_per_row: Decimal = Decimal("0.001")
    price_per_poll: Decimal = Decimal(0)
    booking: Booking = "acceptance"
    booking_delay_seconds: float = 0.0
    url_ttl_seconds: int = 3600
    user_id: str = "sandboxUser000000000"

    def __post_init__(self) -> None:
        for name in ("balance", "credit", "daily_limit", "price_per_row", "price_per_poll"):
            # Callers write 0.001 or "0.001" as well; by way of text a float stays what it looks like.
            try:
                object.__setattr__(self, name, Decimal(str(getattr(self, name))))
            except InvalidOperation:
                raise ValueError(f"{name} must be an amount") from None
        problems = [text for wrong, text in self._checks() if wrong]
        if problems:
            raise ValueError("; ".join(problems))

    def _checks(self) -> list[tuple[bool, str]]:
        return [
            (not self.api_key, "api_key must not be empty"),
            (self.pace is not None and not self.pace > 0, "pace must be above 0 rows per second, or None"),
            (
                not all(
                    seconds >= 0
                    for seconds in (
                        self.queue_seconds,
                        self.unknown_seconds,
                        self.completed_seconds,
                        self.booking_delay_seconds,
                    )
                ),
                "seconds must not be negative",
            ),
            (
                any(amount.is_nan() for amount in (self.balance, self.credit, self.daily_limit)),
                "balance, credit and daily_limit must be amounts",
            ),
            (
                any(price.is_nan() or price < 0 for price in (self.price_per_row, self.price_per_poll)),
                "price_per_row and price_per_poll must not be negative",
            ),
            (
                not all(0 <= fewest <= most for fewest, most in (*self.row_limits.values(), self.other_row_limits)),
                "row_limits must be the fewest rows and the most",
            ),
            (self.ending not in ("exported", "failed"), "ending is exported or failed"),
            (not 0 <= self.fail_after_share <= 1, "fail_after_share must be between 0 and 1"),
            (self.failure_rows < 0, "failure_rows must not be negative"),
            (not 0 <= self.undetermined_percent <= 100, "undetermined_percent must be between 0 and 100"),
            (not 200 <= self.submit_status <= 299, "submit_status is a 2xx"),
            (self.booking not in ("acceptance", "export", "delay"), "booking is acceptance, export or delay"),
            (not 1 <= self.url_ttl_seconds <= 604_800, "url_ttl_seconds must be between 1 and 604800"),
        ]

    def limits_for(self, task_type: str) -> tuple[int, int]:
        """Fewest and most rows that a task of this type may have.

        :param task_type: as the caller sent it.
        """
        return self.row_limits.get(task_type, self.other_row_limits)
