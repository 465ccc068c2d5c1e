"""``history/answers.py`` and ``history/times.py``: what rows prove, in each unit of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pyarrow
import pytest

from airflow_provider_ekyc.history.answers import NO_TIME, Limits, converted, proofs, times_of
from airflow_provider_ekyc.history.times import TICKS, ticks_at
from airflow_provider_ekyc.history.windows import Windows
from tests.history.rows import DAY, NOW

WINDOWS = Windows(yes=30 * DAY, no=10 * DAY, unknown=None)


@pytest.mark.parametrize("unit", TICKS)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_each_unit_and_zone_means_the_same_time(unit: str, zone: str) -> None:
    kind = pyarrow.timestamp(unit, zone)
    ages = [DAY, 10 * DAY - timedelta(seconds=1), 10 * DAY, 29 * DAY, 30 * DAY, -DAY, -DAY - timedelta(seconds=1), None]
    column = pyarrow.array([None if age is None else NOW - age for age in ages], kind)
    limits, registered = Limits.of(WINDOWS, NOW, unit), pyarrow.array([True] * len(ages), pyarrow.bool_())
    fresh, undecided = proofs(times_of(column), registered, limits)
    assert fresh.tolist() == [True, True, False, False, False, True, False, False]
    assert undecided.tolist() == [False, False, True, True, False, False, False, False]


def test_the_time_of_a_null_is_none() -> None:
    assert times_of(pyarrow.array([NOW, None], pyarrow.timestamp("us", "UTC"))).tolist()[1] == NO_TIME


@pytest.mark.parametrize("unit", TICKS)
def test_times_of_two_units_are_compared_in_one(unit: str) -> None:
    column = pyarrow.array([NOW, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)], pyarrow.timestamp(unit, "UTC"))
    assert converted(times_of(column), unit).tolist() == [int(NOW.timestamp()) * 10**6, -(10**6)]


@pytest.mark.parametrize(
    ("time", "unit", "ticks"),
    [
        (datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC), "s", 1),
        (datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC), "ms", 1999),
        (datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC), "ns", 1_999_999_000),
        (datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), "s", -1),
        (datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), "us", 0),
    ],
)
def test_a_limit_is_the_last_count_at_or_before_it(time: datetime, unit: str, ticks: int) -> None:
    assert ticks_at(time, unit) == ticks
