"""``plugins/static/time.js``: times in the zone that the user chose in Airflow."""

from __future__ import annotations

import pytest

from tests.page.conftest import Run

STORAGE = "({ getItem: () => $0 })"


@pytest.mark.parametrize(
    ("stored", "zone"),
    [
        ('"Asia/Tokyo"', "Asia/Tokyo"),
        ('"UTC"', "UTC"),
        (None, "Europe/Madrid"),
        ("{", "Europe/Madrid"),
        ('"Mars"', "Europe/Madrid"),
        ("5", "Europe/Madrid"),
    ],
)
def test_the_zone_is_that_of_airflows_menu_else_the_browsers(run: Run, stored: str | None, zone: str) -> None:
    assert run("time", f"chosenZone({STORAGE})", stored) == zone


def test_storage_that_is_switched_off_does_no_harm(run: Run) -> None:
    assert run("time", "chosenZone({ getItem: () => { throw new Error('denied') } })") == "Europe/Madrid"


def test_a_time_is_shown_in_a_zone(run: Run) -> None:
    code = "[day($0, $1), clock($0, $1)]"
    assert run("time", code, "2026-11-26T23:30:05+00:00", "Asia/Tokyo") == ["2026-11-27", "08:30:05"]
    assert run("time", code, "2026-11-26T00:00:00+00:00", "UTC") == ["2026-11-26", "00:00:00"]
    assert run("time", code, "yesterday", "UTC") == [None, None]


@pytest.mark.parametrize(
    ("iso", "text"),
    [
        ("2026-11-26T06:00:12Z", "in 12 s"),
        ("2026-11-26T05:57:00Z", "3 min ago"),
        ("2026-11-26T06:00:00Z", "now"),
        (None, None),
    ],
)
def test_how_far_away_a_time_is(run: Run, iso: str | None, text: str | None) -> None:
    assert run("time", "relative($0, Date.parse('2026-11-26T06:00:00Z'))", iso) == text


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        ("2026-11-26", "UTC", "2026-11-26T00:00:00.000Z"),
        ("2026-11-26", "Asia/Tokyo", "2026-11-25T15:00:00.000Z"),
        ("2026-07-01", "Europe/Madrid", "2026-06-30T22:00:00.000Z"),
        # The clocks change on these days, at 2 and at 3 o'clock.
        ("2026-03-29", "Europe/Madrid", "2026-03-28T23:00:00.000Z"),
        ("2026-10-25", "Europe/Madrid", "2026-10-24T22:00:00.000Z"),
        ("2026-03-08", "America/New_York", "2026-03-08T05:00:00.000Z"),
        ("26.11.2026", "UTC", None),
        (None, "UTC", None),
    ],
)
def test_when_a_day_begins_in_a_zone(run: Run, day: str | None, zone: str, start: str | None) -> None:
    assert run("time", "startOfDay($0, $1)", day, zone) == start


def test_the_day_after_the_last_of_a_month(run: Run) -> None:
    assert run("time", "[nextDay('2026-11-30'), nextDay('2028-02-28'), nextDay('x')]") == [
        "2026-12-01",
        "2028-02-29",
        None,
    ]
