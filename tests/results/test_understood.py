"""What is said of a result that was read, and what of it keeps it from being landed unasked."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.results.archive.check import ArchiveSummary
from airflow_provider_ekyc.results.compare.expectation import promised
from airflow_provider_ekyc.results.compare.understood import answer_mismatch, form_mismatch, remarks
from airflow_provider_ekyc.results.table.number_forms import ADDRESS, SCIENTIFIC


def task(**figures: int | None) -> Task:
    return Task("t", TaskStatus.EXPORTED, "exported", **figures)


def summary(rows: int, yes: int, no: int, **more: Any) -> ArchiveSummary:
    return ArchiveSummary(rows, yes, no, rows - yes - no, **more)


def test_a_result_without_a_yes_or_a_no_is_not_understood_unless_all_numbers_have_failed() -> None:
    words = '"vrai" 2, "faux" 1'
    assert answer_mismatch(summary(3, 0, 0, unknown_words=words), all_failed=False) == (
        f"Not one of the result's 3 rows is a yes or a no (answers: {words})."
    )
    assert answer_mismatch(summary(3, 1, 0), all_failed=False) is None
    assert answer_mismatch(summary(3, 0, 3), all_failed=False) is None
    assert answer_mismatch(summary(3, 0, 0), all_failed=True) is None


@pytest.mark.parametrize(
    ("figures", "all_failed"),
    [
        ({"total": 3, "success": 0, "failure": 3}, True),
        ({"total": 3, "success": None, "failure": 3}, True),
        ({"total": 3, "success": 1, "failure": 2}, False),
        ({"total": 3, "success": 3, "failure": None}, False),
        ({"total": 0, "success": 0, "failure": 0}, False),
        ({"total": None, "success": None, "failure": None}, False),
        ({"total": None, "success": 0, "failure": 5}, False),
    ],
)
def test_all_have_failed_only_where_the_figures_say_so(figures: dict[str, int | None], all_failed: bool) -> None:
    assert promised(task(**figures)).all_failed is all_failed


def test_numbers_that_can_not_be_read_are_counted_by_the_reason() -> None:
    found = summary(9, 9, 0, unreadable={"with other text": 1, SCIENTIFIC: 2})
    assert form_mismatch(found) == (
        "3 of the result's 9 rows have a number that can't be read (2 in scientific notation, 1 with other text)."
    )
    assert form_mismatch(summary(9, 9, 0)) is None


def test_addresses_are_what_some_task_types_verify_and_no_numbers_among_others() -> None:
    assert form_mismatch(summary(4, 4, 0, unreadable={ADDRESS: 4})) is None
    assert form_mismatch(summary(4, 4, 0, unreadable={ADDRESS: 3})) is not None
    assert form_mismatch(summary(4, 4, 0, unreadable={ADDRESS: 3, SCIENTIFIC: 1})) is not None


def test_nothing_is_remarked_of_a_result_as_documented() -> None:
    assert list(remarks(summary(3, 1, 2), is_archive=False)) == []


def test_all_that_was_read_otherwise_or_left_out_is_remarked() -> None:
    found = summary(5, 2, 1, unknown_words="blank 2", repaired={"prefix 00": 2, "tel:": 1}, beside="failed.csv")
    said = [
        "2 of the result's 5 rows are unknown (answers: blank 2).",
        "3 numbers were written otherwise and read all the same (2 prefix 00, 1 tel:).",
        "Not read as results: failed.csv.",
    ]
    assert list(remarks(found, is_archive=False)) == said
    said[1] += " The archive has them as they were written."
    assert list(remarks(found, is_archive=True)) == said


def test_an_archive_that_was_not_read_is_said_to_be_none_that_was_understood() -> None:
    assert list(remarks(ArchiveSummary(0, 0, 0, 0, is_read=False, unchecked=2), is_archive=True)) == [
        "Only the archive itself was checked (check='archive'): its contents were not understood, and nothing is known "
        "of its rows.",
        "2 of its members are encrypted, or packed by another method: not checked.",
    ]
