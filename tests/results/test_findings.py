"""What is said of a result: by its rows, its different numbers, its contradictions, and what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.results.archive.check import ArchiveSummary
from airflow_provider_ekyc.results.compare.expected_counts import expected_counts
from airflow_provider_ekyc.results.compare.findings import (
    Findings,
    answer_mismatch,
    findings_of,
    form_mismatch,
    remarks,
)
from airflow_provider_ekyc.results.compare.ledger import Unmatched
from airflow_provider_ekyc.results.table.number_forms import ADDRESS, SCIENTIFIC
from airflow_provider_ekyc.submission.record import Submission

SUBMISSION = Submission("d1", "amazon", "0" * 64, 200, 0, 0, 0, 200, 200, None, None, "a" * 32)


def findings(
    rows: int = 200,
    distinct: int | None = None,
    *,
    figures: tuple[int | None, int | None, int | None] = (200, 200, 0),
    contradictions: int = 0,
    content_key: str | None = None,
    submission: Submission | None = None,
    **compared: int,
) -> Findings:
    returned = rows if distinct is None else distinct
    found = {"sent": 0, "count": 0, "unexpected": returned, **compared}
    return findings_of(
        ArchiveSummary(rows, rows, 0, 0),
        Unmatched(returned=returned, rows=rows, contradictions=contradictions, content_key=content_key, **found),
        expected_counts(Task("d1", TaskStatus.EXPORTED, "exported", *figures), submission),
        submission,
        is_compared=bool(compared),
    )


def test_a_healthy_result_is_not_talked_about() -> None:
    assert findings() == Findings()
    healthy = Unmatched(0, 200, 0, 200, 200, 0, None)
    expected = expected_counts(Task("d1", TaskStatus.EXPORTED, "exported", 200, 200, 0))
    assert findings_of(ArchiveSummary(200, 200, 0, 0), healthy, expected) == Findings()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rows": 203}, "The result has 203 rows, but remote task d1 reports 200 ("),
        ({"rows": 197}, "The result has 197 rows, but remote task d1 reports 200 ("),
        ({"rows": 200, "distinct": 199}, "The result has 200 rows with 199 different numbers, but remote task d1 rep"),
        ({"rows": 200, "distinct": 1}, "The result has 200 rows with 1 different number, but remote task d1 reports"),
        ({"rows": 0, "figures": (None, None, None)}, "The result has no row."),
        ({"rows": 0, "figures": (200, 200, 0)}, "The result has 0 rows, but"),
        ({"contradictions": 3}, "3 of the result's 200 different numbers are both yes and no."),
        ({"rows": 150, "figures": (None, None, None), "submission": SUBMISSION}, "reports 200 (total unknown"),
    ],
)
def test_what_is_not_as_expected_is_one_mismatch(arguments: dict[str, Any], words: str) -> None:
    (mismatch,) = findings(**arguments).mismatches
    assert words in mismatch


def test_rows_that_repeat_a_number_are_a_warning_where_enough_numbers_are_there() -> None:
    found = findings(200, 198, figures=(200, 197, 3))
    assert found.mismatches == []
    assert found.warnings == ["The result has 200 rows with 198 different numbers: 2 repeat another row's number."]
    assert found.notes == ["2 of 200 numbers are not in the result (3 could not be processed)."]


def test_a_result_without_any_row_is_right_if_all_numbers_failed() -> None:
    found = findings(0, figures=(200, 0, 200))
    assert found.mismatches == []
    assert found.notes == ["200 of 200 numbers are not in the result (200 could not be processed)."]
    assert findings(200, figures=(200, 0, 200)) == Findings()


def test_as_many_numbers_as_were_sent_are_compared_by_their_key() -> None:
    same = findings(submission=SUBMISSION, content_key="a" * 32)
    assert (same.mismatches, same.notes) == ([], ["The result contains exactly the 200 numbers that were sent."])
    (mismatch,) = findings(submission=SUBMISSION, content_key="b" * 32).mismatches
    assert mismatch.startswith("The result contains as many numbers as were sent (200), but not the same ones.")


@pytest.mark.parametrize(
    "arguments",
    [
        {"rows": 197, "figures": (200, 197, 3), "submission": SUBMISSION, "content_key": "b" * 32},
        {"submission": SUBMISSION, "content_key": None},
        {"submission": None, "content_key": "b" * 32},
    ],
    ids=["fewer numbers", "no key of the result", "no submission"],
)
def test_where_keys_mean_nothing_they_are_not_compared(arguments: dict[str, Any]) -> None:
    assert findings(**arguments).mismatches == []


@pytest.mark.parametrize(
    ("unexpected", "words"),
    [
        (200, "None of the 200 numbers that were sent is in the result: it belongs to another submission."),
        (101, "Only 99 of the 200 numbers in the result were sent: it belongs to another submission."),
    ],
)
def test_a_result_most_of_which_was_never_sent_is_another_ones(unexpected: int, words: str) -> None:
    found = findings(sent=200, count=unexpected, unexpected=unexpected, submission=SUBMISSION, content_key="b" * 32)
    assert found.mismatches == [words]
    assert found.warnings == [
        f"Of 200 numbers that were sent, {unexpected} are not in the result; "
        f"{unexpected} numbers in the result were not sent."
    ]


def test_a_result_half_of_which_was_sent_may_be_the_right_one() -> None:
    found = findings(sent=200, count=100, unexpected=100, submission=SUBMISSION)
    assert (found.mismatches, found.notes) == ([], [])
    assert [warning.partition(",")[0] for warning in found.warnings] == ["Of 200 numbers that were sent"]


def test_that_all_numbers_came_back_is_no_warning() -> None:
    found = findings(sent=200, count=0, unexpected=0, submission=SUBMISSION)
    assert (found.mismatches, found.warnings) == ([], [])
    assert found.notes == [
        "Of 200 numbers that were sent, 0 are not in the result; 0 numbers in the result were not sent."
    ]


def test_rows_without_an_answer_are_right_if_all_numbers_failed() -> None:
    expected = expected_counts(Task("d1", TaskStatus.EXPORTED, "exported", 9, 0, 9))
    assert findings_of(summary(9, 0, 0), Unmatched(0, 9, 0, 9, 9, 0, None), expected) == Findings()


def test_some_other_numbers_are_a_warning_where_they_were_counted() -> None:
    found = findings(sent=200, count=1, unexpected=1, submission=SUBMISSION, content_key="b" * 32)
    assert found.mismatches == []
    (warning,) = found.warnings
    assert warning == "Of 200 numbers that were sent, 1 are not in the result; 1 numbers in the result were not sent."


def summary(rows: int, yes: int, no: int, **more: Any) -> ArchiveSummary:
    return ArchiveSummary(rows, yes, no, rows - yes - no, **more)


def test_a_result_without_a_yes_or_a_no_is_not_understood_unless_all_numbers_have_failed() -> None:
    words = '"vrai" 2, "faux" 1'
    assert answer_mismatch(summary(3, 0, 0, unknown_words=words), all_failed=False) == (
        f"None of the result's 3 rows is a yes or a no (answers: {words})."
    )
    assert answer_mismatch(summary(3, 1, 0), all_failed=False) is None
    assert answer_mismatch(summary(3, 0, 3), all_failed=False) is None
    assert answer_mismatch(summary(3, 0, 0), all_failed=True) is None


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
    found = summary(5, 2, 1, unknown_words="blank 2", repaired={"prefix 00": 1, "tel:": 2}, beside="failed.csv")
    said = [
        "2 of the result's 5 rows are unknown (answers: blank 2).",
        "3 numbers were written in another form and were read (2 tel:, 1 prefix 00).",
        "Not read as results: failed.csv.",
    ]
    assert list(remarks(found, is_archive=False)) == said
    said[1] += " The archive has them as they were written."
    assert list(remarks(found, is_archive=True)) == said


@pytest.mark.parametrize(("yes", "no"), [(3, 0), (0, 3)])
def test_unknown_rows_are_remarked_beside_rows_of_one_answer(yes: int, no: int) -> None:
    (remark,) = remarks(summary(5, yes, no, unknown_words="blank 2"), is_archive=False)
    assert remark == "2 of the result's 5 rows are unknown (answers: blank 2)."


def test_an_archive_that_was_not_read_is_said_to_be_none_that_was_understood() -> None:
    assert list(remarks(ArchiveSummary(0, 0, 0, 0, is_read=False, unchecked=2), is_archive=True)) == [
        "Only the archive itself was checked (check='archive'): its contents were not read, and its rows were not "
        "counted.",
        "2 of its members were not checked: they are encrypted, or compressed by another method.",
    ]
