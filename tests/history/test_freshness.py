"""``history/freshness.py`` and ``history/source.py``: which numbers are fresh."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ekyc.history.freshness import Freshness, find_fresh
from airflow_provider_ekyc.history.source import HistorySource
from airflow_provider_ekyc.history.windows import Windows
from tests.history.rows import DAY, NOW, Row, Rows, candidates, kept_numbers

A, B, C = 12025550100, 12025550101, 12025550102
ONE_WINDOW = Windows(30 * DAY, 30 * DAY, 30 * DAY)
OWN_WINDOWS = Windows(yes=90 * DAY, no=30 * DAY, unknown=7 * DAY)
SHORT_YES = Windows(yes=5 * DAY, no=10 * DAY, unknown=None)
TICK = timedelta(microseconds=1)


def found(rows: Sequence[Row], windows: Windows, *those: int, **options: Any) -> tuple[Freshness, list[int]]:
    source: HistorySource = Rows(rows)
    with candidates(those or (A,)) as numbers:
        return find_fresh(numbers, source, windows, "amazon", NOW, None, **options), kept_numbers(numbers)


def row(registered: bool | None, age: timedelta | None, number: str = f"+{A}", task_type: str | None = "amazon") -> Row:
    return Row(number, registered, age, task_type)


@pytest.mark.parametrize(
    ("rows", "windows", "is_fresh"),
    [
        ([row(True, 29 * DAY)], ONE_WINDOW, True),
        ([row(False, 29 * DAY)], ONE_WINDOW, True),
        ([row(None, 29 * DAY)], ONE_WINDOW, True),
        ([row(True, 30 * DAY - TICK)], ONE_WINDOW, True),
        ([row(True, 30 * DAY)], ONE_WINDOW, False),
        ([], ONE_WINDOW, False),
        # Each answer has its window.
        ([row(True, 89 * DAY)], OWN_WINDOWS, True),
        ([row(True, 90 * DAY)], OWN_WINDOWS, False),
        ([row(False, 30 * DAY)], OWN_WINDOWS, False),
        ([row(None, 6 * DAY)], OWN_WINDOWS, True),
        ([row(None, 7 * DAY)], OWN_WINDOWS, False),
        ([row(None, DAY)], Windows(30 * DAY, 30 * DAY, None), False),
        # The latest yes or no decides.
        ([row(True, 50 * DAY), row(False, 40 * DAY)], OWN_WINDOWS, False),
        ([row(False, 50 * DAY), row(True, 40 * DAY)], OWN_WINDOWS, True),
        ([row(False, 20 * DAY), row(True, 40 * DAY)], OWN_WINDOWS, True),
        ([row(True, 20 * DAY), row(False, 10 * DAY)], Windows(30 * DAY, None, None), False),
        ([row(True, 7 * DAY)], SHORT_YES, False),
        ([row(True, 4 * DAY)], SHORT_YES, True),
        ([row(True, 7 * DAY), row(False, 8 * DAY)], SHORT_YES, False),
        ([row(False, 7 * DAY), row(True, 8 * DAY)], SHORT_YES, True),
        ([row(False, 7 * DAY), row(True, 7 * DAY)], SHORT_YES, False),
        # An unknown does not end what was known before, and counts by itself.
        ([row(True, 40 * DAY), row(None, 8 * DAY)], OWN_WINDOWS, True),
        ([row(False, 40 * DAY), row(None, 6 * DAY)], OWN_WINDOWS, True),
        ([row(False, 40 * DAY), row(None, 8 * DAY)], OWN_WINDOWS, False),
        # Both answers at one time: both windows must hold.
        ([row(True, 40 * DAY), row(False, 40 * DAY)], OWN_WINDOWS, False),
        ([row(False, 20 * DAY), row(True, 20 * DAY)], OWN_WINDOWS, True),
        ([row(True, 20 * DAY), row(False, 20 * DAY)], Windows(30 * DAY, None, None), False),
        # A time that is missing, or that no clock can have had.
        ([row(True, None)], ONE_WINDOW, False),
        ([row(True, -DAY)], ONE_WINDOW, True),
        ([row(True, -DAY - TICK)], ONE_WINDOW, False),
        ([row(True, -2 * DAY), row(False, DAY)], ONE_WINDOW, True),
        # Other task types, and none.
        ([row(True, DAY, task_type="ws")], ONE_WINDOW, False),
        ([row(True, DAY, task_type=None)], ONE_WINDOW, False),
        ([row(True, DAY, task_type="Amazon")], ONE_WINDOW, False),
        # A number as landed results write it.
        ([row(True, DAY, number=f"{A}")], ONE_WINDOW, True),
        ([row(True, DAY, number="+1 202-555-0100")], ONE_WINDOW, True),
        ([row(True, DAY, number="1.20255E+10")], ONE_WINDOW, False),
        ([row(True, DAY, number=f"+{A}0")], ONE_WINDOW, False),
        ([row(True, DAY, number="someone@example.com")], ONE_WINDOW, False),
        ([row(True, DAY, number="")], ONE_WINDOW, False),
    ],
)
@pytest.mark.parametrize("count_stale", [False, True])
def test_a_number_is_fresh_by_its_latest_answer(
    rows: list[Row], windows: Windows, is_fresh: bool, count_stale: bool
) -> None:
    freshness, kept = found(rows, windows, count_stale=count_stale)
    assert (kept == []) is is_fresh
    assert (freshness.fresh, freshness.stale_or_new) == ((1, 0) if is_fresh else (0, 1))


def test_stale_and_new_are_counted_where_all_was_read() -> None:
    rows = [row(True, DAY), row(True, 400 * DAY, f"+{B}"), row(True, None, f"+{B}"), row(False, DAY, "+12025550199")]
    freshness, kept = found(rows, ONE_WINDOW, A, B, C, count_stale=True)
    assert (freshness.fresh, freshness.stale, freshness.new, freshness.stale_or_new) == (1, 1, 1, 2)
    assert freshness.rows_read == 4
    assert kept == [B, C]
    freshness, kept = found(rows, ONE_WINDOW, A, B, C)
    assert (freshness.fresh, freshness.stale, freshness.new, freshness.stale_or_new) == (1, None, None, 2)
    assert kept == [B, C]


def test_all_was_read_where_nothing_is_too_old() -> None:
    freshness, _ = found([row(True, DAY), row(False, 29 * DAY, f"+{B}")], OWN_WINDOWS, A, B, C)
    assert (freshness.fresh, freshness.stale, freshness.new) == (2, 0, 1)
