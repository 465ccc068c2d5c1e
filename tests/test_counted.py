"""Counts with their nouns: ``counted.py``."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.counted import counted
from airflow_provider_ekyc.preparation.report import Report


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1_000, "1,000 files"), (10**7, "10,000,000 files")],
)
def test_one_is_singular_and_all_else_plural(count: int, text: str) -> None:
    assert counted(count, "file") == text


def test_a_report_of_one_source_says_so() -> None:
    counts = {"rows_read": 1, "blank": 0, "duplicates": 0, "held_back": 0, "to_send": 1, "fresh": 1, "stale_or_new": 0}
    first, last = Report(sources=1, invalid={}, changed={}, **counts).lines()
    assert first.startswith("Read 1 row of 1 source: 1 different number; left out 0 blank")
    assert last.startswith("Fresh, so not sent: 1 number.")
