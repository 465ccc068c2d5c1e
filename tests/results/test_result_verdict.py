"""What is said of a result: by its rows, its different numbers, its contradictions, and what was sent."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.results.archive.check import ArchiveSummary
from airflow_provider_ekyc.results.compare.expectation import promised
from airflow_provider_ekyc.results.compare.ledger import Unmatched
from airflow_provider_ekyc.results.compare.verdict import Verdict, judge
from airflow_provider_ekyc.submission.record import Submission

SUBMISSION = Submission("d1", "amazon", "0" * 64, 200, 0, 0, 0, 200, 200, None, None, "a" * 32)


def verdict(
    rows: int = 200,
    distinct: int | None = None,
    *,
    figures: tuple[int | None, int | None, int | None] = (200, 200, 0),
    contradictions: int = 0,
    content_key: str | None = None,
    submission: Submission | None = None,
    **compared: int,
) -> Verdict:
    returned = rows if distinct is None else distinct
    found = {"sent": 0, "count": 0, "unexpected": returned, **compared}
    return judge(
        ArchiveSummary(rows, rows, 0, 0),
        Unmatched(returned=returned, rows=rows, contradictions=contradictions, content_key=content_key, **found),
        promised(Task("d1", TaskStatus.EXPORTED, "exported", *figures), submission),
        submission,
        is_compared=bool(compared),
    )


def test_a_healthy_result_is_not_talked_about() -> None:
    assert verdict() == Verdict()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rows": 203}, "The result has 203 rows, but remote task d1 promises 200 ("),
        ({"rows": 197}, "The result has 197 rows, but remote task d1 promises 200 ("),
        ({"rows": 200, "distinct": 199}, "The result has 200 rows with 199 different numbers, but remote task d1 prom"),
        ({"rows": 200, "distinct": 1}, "The result has 200 rows with 1 different number, but remote task d1 promises"),
        ({"rows": 0, "figures": (None, None, None)}, "The result has no row."),
        ({"rows": 0, "figures": (200, 200, 0)}, "The result has 0 rows, but"),
        ({"contradictions": 3}, "3 of the result's 200 different numbers are both yes and no."),
        ({"rows": 150, "figures": (None, None, None), "submission": SUBMISSION}, "promises 200 (total unknown"),
    ],
)
def test_what_is_not_as_promised_is_one_mismatch(arguments: dict[str, Any], words: str) -> None:
    (mismatch,) = verdict(**arguments).mismatches
    assert words in mismatch


def test_rows_that_repeat_a_number_are_a_warning_where_enough_numbers_are_there() -> None:
    found = verdict(200, 198, figures=(200, 197, 3))
    assert found.mismatches == []
    assert found.warnings == ["The result has 200 rows with 198 different numbers: 2 repeat another row's number."]
    assert found.notes == ["2 of 200 numbers are not in the result (3 could not be processed)."]


def test_a_result_without_any_row_is_right_if_all_numbers_failed() -> None:
    found = verdict(0, figures=(200, 0, 200))
    assert found.mismatches == []
    assert found.notes == ["200 of 200 numbers are not in the result (200 could not be processed)."]
    assert verdict(200, figures=(200, 0, 200)) == Verdict()


def test_as_many_numbers_as_were_sent_are_compared_by_their_key() -> None:
    same = verdict(submission=SUBMISSION, content_key="a" * 32)
    assert (same.mismatches, same.notes) == ([], ["The result holds just the 200 numbers that were sent."])
    (mismatch,) = verdict(submission=SUBMISSION, content_key="b" * 32).mismatches
    assert mismatch.startswith("The result holds as many numbers as were sent (200), but not the same ones.")


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
    assert verdict(**arguments).mismatches == []


@pytest.mark.parametrize(
    ("unexpected", "words"),
    [
        (200, "Not one of the 200 numbers that were sent is in the result: it is another one's."),
        (101, "Only 99 of the 200 numbers in the result were sent: it is another one's."),
    ],
)
def test_a_result_most_of_which_was_never_sent_is_another_ones(unexpected: int, words: str) -> None:
    found = verdict(sent=200, count=unexpected, unexpected=unexpected, submission=SUBMISSION, content_key="b" * 32)
    assert found.mismatches == [words]
    assert found.warnings == [
        f"Of 200 numbers that were sent {unexpected} did not come back; {unexpected} came back that were not sent."
    ]


def test_some_other_numbers_are_a_warning_where_they_were_counted() -> None:
    found = verdict(sent=200, count=1, unexpected=1, submission=SUBMISSION, content_key="b" * 32)
    assert found.mismatches == []
    assert found.warnings == ["Of 200 numbers that were sent 1 did not come back; 1 came back that were not sent."]
