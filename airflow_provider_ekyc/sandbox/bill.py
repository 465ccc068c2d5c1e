"""What the account was charged for: the witness against paying twice. Holds no number, only checksums."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from airflow_provider_ekyc.sandbox.lifecycle import TaskPlan
from airflow_provider_ekyc.sandbox.settings import Settings


@dataclass(frozen=True)
class Charge:
    """One accepted submission.

    :param time: when it was accepted, Unix time in seconds.
    :param task_id: the task that it made.
    :param task_type: as it was sent.
    :param rows: rows that are charged.
    :param amount: money.
    :param sha256: of the uploaded file, hexadecimal.
    :param booked_at: when it comes off the balance, Unix time; ``None`` for never.
    """

    time: float
    task_id: str
    task_type: str
    rows: int
    amount: Decimal
    sha256: str
    booked_at: float | None


@dataclass(frozen=True)
class Bill:
    """The account at one moment.

    :param submissions: every accepted submission in order, booked or not yet.
    :param polls: status calls that were answered with 200.
    :param booked: money taken off the balance so far, polls included.
    :param reserved: money of submissions that are accepted and not booked yet.
    :param used_today: money booked since midnight UTC, polls included.
    :param balance: what is left.
    """

    submissions: tuple[Charge, ...]
    polls: int
    booked: Decimal
    reserved: Decimal
    used_today: Decimal
    balance: Decimal

    @property
    def charged_twice(self) -> tuple[str, ...]:
        """Checksums that were accepted more than once for the same task type: paid twice, or going to be."""
        counts = Counter((charge.sha256, charge.task_type) for charge in self.submissions)
        return tuple(sha256 for (sha256, _), count in counts.items() if count > 1)


def booking_time(settings: Settings, plan: TaskPlan) -> float | None:
    """When a submission comes off the balance, Unix time; ``None`` for never.

    :param settings: as they are when the task is accepted.
    :param plan: how the task will go.
    """
    if settings.booking == "export":
        return plan.exported_at
    if settings.booking == "delay":
        return plan.accepted_at + settings.booking_delay_seconds
    return plan.accepted_at


def bill_at(
    now: float,
    *,
    opening_balance: Decimal,
    submissions: tuple[Charge, ...],
    polls: tuple[tuple[float, Decimal], ...],
) -> Bill:
    """The account as it stands.

    :param now: Unix time in seconds.
    :param opening_balance: money at the start.
    :param submissions: every accepted submission.
    :param polls: time and price of each answered status call.
    """
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    dated = [(c.booked_at, c.amount) for c in submissions if c.booked_at is not None]
    booked = [(time, amount) for time, amount in [*dated, *polls] if time <= now]
    total = sum((amount for _, amount in booked), Decimal(0))
    return Bill(
        submissions=submissions,
        polls=len(polls),
        booked=total,
        reserved=sum((amount for time, amount in dated if time > now), Decimal(0)),
        used_today=sum((amount for time, amount in booked if time >= midnight), Decimal(0)),
        balance=opening_balance - total,
    )
