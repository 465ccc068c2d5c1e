"""``history/windows.py``: the argument ``skip_verified_within``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.history.windows import Windows, read_windows

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "windows"),
    [
        (30 * DAY, Windows(30 * DAY, 30 * DAY, 30 * DAY)),
        (86400, Windows(DAY, DAY, DAY)),
        ("86400.0", Windows(DAY, DAY, DAY)),
        ({"yes": 2 * DAY, "no": "86400", "unknown": 3600}, Windows(2 * DAY, DAY, timedelta(hours=1))),
        ({"yes": 2 * DAY}, Windows(2 * DAY, None, None)),
        ({"no": DAY, "unknown": None, "yes": 0}, Windows(None, DAY, None)),
    ],
)
def test_durations_are_read_for_each_answer(value: Any, windows: Windows) -> None:
    assert read_windows(value) == windows


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "no window above 0"),
        (0, "no window above 0"),
        ({}, "no window above 0"),
        ({"yes": None, "no": timedelta(0)}, "no window above 0"),
        ({"Yes": DAY}, "1 of its keys are none of these"),
        ({"maybe": DAY, "yes": DAY}, "1 of its keys are none of these"),
        (-DAY, "must be a number, at least 0"),
        ("soon", "must be a number, at least 0"),
        (True, "must be a number, at least 0"),
        (timedelta.max, "must be a number, at least 0"),
        ({"no": "a month"}, "skip_verified_within['no'] must be a number"),
        ([DAY], "must be a number"),
    ],
)
def test_anything_else_is_an_error(value: Any, words: str) -> None:
    with pytest.raises(EkycSettingsError, match="Nothing was sent") as raised:
        read_windows(value)
    assert words in raised.value.message


def test_the_longest_window_says_what_is_too_old() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert Windows(DAY, 3 * DAY, None).since(now) == datetime(2026, 2, 26, tzinfo=UTC)
    assert Windows(None, None, None).since(now) is None
