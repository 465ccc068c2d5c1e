"""What was submitted, found and saved on each day. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_ekyc.plugins.page_rows import saved_by
from airflow_provider_ekyc.plugins.task_records import Role, TaskRecord, count_of, text_of

#: Keys of the XComs that are counted.
COUNTED = ("submission", "result", "preparation", "return_value")


@dataclass(frozen=True, slots=True)
class RunCounts:
    """
    What one run has pushed, by remote task.

    :param submitted: numbers that were sent, and what they cost
    :param not_processed: numbers that the vendor could not process
    :param landed: answers: yes, no, unknown
    :param saved: numbers that freshness has left out, and what that saves, by list
    """

    submitted: tuple[tuple[str, int, Decimal | None], ...] = ()
    not_processed: tuple[tuple[str, int], ...] = ()
    landed: tuple[tuple[str, int, int, int], ...] = ()
    saved: tuple[tuple[int, Decimal | None], ...] = ()


@dataclass(slots=True)
class DayTotal:
    """
    The counts of one day, on which the runs have started.

    :param cost: of what has a price; None if nothing has
    :param saved_cost: likewise
    """

    submissions: int = 0
    rows: int = 0
    yes: int = 0
    no: int = 0
    unknown: int = 0
    not_processed: int = 0
    cost: Decimal | None = None
    saved_rows: int = 0
    saved_cost: Decimal | None = None

    def as_dict(self, day: str) -> dict[str, Any]:
        """Return it as JSON takes it; amounts are text."""
        counts = ("submissions", "rows", "yes", "no", "unknown", "not_processed", "saved_rows")
        amounts = {"cost": _text(self.cost), "saved_cost": _text(self.saved_cost)}
        return {"day": day, **{name: getattr(self, name) for name in counts}, **amounts}


@dataclass(slots=True)
class DayTotals:
    """
    Sums over runs, each remote task counted once: it may have been landed twice, or be named by two tasks.

    :param counted: submissions that were counted
    """

    days: dict[str, DayTotal] = field(default_factory=dict)
    counted: int = 0
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def add(self, started: datetime, counts: RunCounts) -> None:
        """
        Add a run.

        :param started: when it started, in the time zone whose days are counted
        """
        if counts == _NOTHING:
            return
        day = self.days.setdefault(started.date().isoformat(), DayTotal())
        for ekyc_task_id, rows, cost in counts.submitted:
            if self._is_new("submitted", ekyc_task_id):
                self.counted += 1
                day.submissions += 1
                day.rows += rows
                day.cost = _sum(day.cost, cost)
        for ekyc_task_id, failed in counts.not_processed:
            if self._is_new("waited", ekyc_task_id):
                day.not_processed += failed
        for ekyc_task_id, yes, no, unknown in counts.landed:
            if self._is_new("landed", ekyc_task_id):
                day.yes += yes
                day.no += no
                day.unknown += unknown
        for rows, cost in counts.saved:
            day.saved_rows += rows
            day.saved_cost = _sum(day.saved_cost, cost)

    def as_list(self) -> list[dict[str, Any]]:
        """Return the days that have anything, the first one first."""
        return [self.days[day].as_dict(day) for day in sorted(self.days)]

    def _is_new(self, kind: str, ekyc_task_id: str) -> bool:
        if (kind, ekyc_task_id) in self._seen:
            return False
        self._seen.add((kind, ekyc_task_id))
        return True


_NOTHING = RunCounts()


def counts_of(records: Iterable[TaskRecord]) -> RunCounts:
    """Return what the task instances of a run have pushed, with the XComs of :data:`COUNTED`."""
    submitted, not_processed, landed, saved = [], [], [], []
    for record in records:
        if record.role is Role.PREPARE:
            if (found := saved_by(record)) is not None and found["rows"]:
                saved.append((found["rows"], _amount(found["cost"])))
            continue
        key = {Role.SUBMIT: "submission", Role.SENSOR: "return_value", Role.TRANSFER: "result"}[record.role]
        pushed = record.pushed(key)
        ekyc_task_id = text_of(pushed.get("ekyc_task_id"), 200)
        if ekyc_task_id is None:
            continue
        if record.role is Role.SUBMIT:
            rows, cost = count_of(pushed.get("rows")) or 0, _amount(pushed.get("estimated_cost"))
            submitted.append((ekyc_task_id, rows, cost))
        elif record.role is Role.SENSOR:
            not_processed.append((ekyc_task_id, count_of(pushed.get("failure")) or 0))
        else:
            yes, no, unknown = (count_of(pushed.get(name)) or 0 for name in ("yes", "no", "unknown"))
            landed.append((ekyc_task_id, yes, no, unknown))
    return RunCounts(tuple(submitted), tuple(not_processed), tuple(landed), tuple(saved))


def _amount(value: object) -> Decimal | None:
    """Return an amount; None for what is none, is not finite, or is beyond all reason."""
    shown = text_of(value, 50)
    try:
        amount = None if shown is None else Decimal(shown)
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and abs(amount.adjusted()) <= 30 else None


def _sum(before: Decimal | None, added: Decimal | None) -> Decimal | None:
    return before if added is None else added + (before or 0)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
