"""How many numbers a task, or its submission, reports."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.results.compare.expected_counts import expected_counts
from airflow_provider_ekyc.submission.record import Submission


def task(total: int | None, success: int | None, failure: int | None) -> Task:
    return Task("d4g24nep2jvh04o9uoh0", TaskStatus.EXPORTED, "exported", total, success, failure)


def submission(rows: int, total: int | None) -> Submission:
    return Submission("d4g24nep2jvh04o9uoh0", "amazon", "0" * 64, rows, 0, 0, 0, rows, total, None)


@pytest.mark.parametrize(
    ("total", "success", "failure", "least", "most"),
    [
        (2049, 2049, 0, 2049, 2049),  # the sample of the API page
        (2049, 2060, 0, 2049, 2060),  # success above total, as seen once
        (200, 190, 10, 190, 200),  # failed numbers beside the identified ones: in the result or not
        (200, 200, 10, 190, 210),  # failed numbers counted among the identified ones, or on top
        (2049, 1024, 0, 1024, 2049),  # a figure that was not updated
        (2049, None, None, 2049, 2049),
        (2049, None, 9, 2040, 2049),
        (2049, 0, 0, 2049, 2049),
        (100, 0, 100, 0, 100),
        (None, 2049, None, 2049, 2049),
        (None, 2049, 9, 2040, 2058),
        (0, 2049, 0, 2049, 2049),  # a total that is not known yet
        (100, 100, 1000, 0, 1100),
    ],
)
def test_what_is_between_certain_and_accepted_is_expected_counts(
    total: int | None, success: int | None, failure: int | None, least: int, most: int
) -> None:
    expected = expected_counts(task(total, success, failure))
    assert (expected.least, expected.most, expected.total) == (least, most, total or None)


@pytest.mark.parametrize("figures", [(None, None, None), (0, None, None), (0, 0, 0), (None, 0, 5)])
def test_a_task_without_figures_gives_no_expected_counts(figures: tuple[int | None, int | None, int | None]) -> None:
    expected = expected_counts(task(*figures))
    assert (expected.least, expected.most, expected.total, expected.all_failed) == (0, 0, None, False)


def test_what_is_expected_is_shown_with_every_figure() -> None:
    assert expected_counts(task(2049, 2060, None)).shown == (
        "remote task d4g24nep2jvh04o9uoh0 reports 2,049 to 2,060 (total 2,049, success 2,060, failure unknown)"
    )
    assert expected_counts(task(2049, 2049, 1009)).shown.endswith("(total 2,049, success 2,049, failure 1,009)")
    assert "reports 100 (" in expected_counts(task(100, 100, 0)).shown


@pytest.mark.parametrize("figures", [(None, None, None), (0, 0, 0)])
@pytest.mark.parametrize(
    ("total", "numbers", "words"),
    [(190, 190, "190 were accepted at its submission"), (None, 200, "200 were sent"), (0, 200, "200 were sent")],
)
def test_without_counts_in_the_status_the_submission_is_the_measure(
    figures: tuple[int | None, int | None, int | None], total: int | None, numbers: int, words: str
) -> None:
    expected = expected_counts(task(*figures), submission(200, total))
    assert (expected.least, expected.most, expected.total) == (numbers, numbers, numbers)
    assert words in expected.shown


def test_the_counts_of_the_status_come_before_those_of_the_submission() -> None:
    expected = expected_counts(task(150, 150, 0), submission(200, 200))
    assert (expected.least, expected.most, expected.total) == (150, 150, 150)
    assert "submission" not in expected.shown


@pytest.mark.parametrize(
    ("figures", "submitted", "all_failed"),
    [
        ((200, 0, 200), submission(200, 200), True),
        ((200, None, 200), submission(200, 200), True),
        ((200, 0, 199), submission(200, 200), False),
        ((200, 1, 200), submission(200, 200), False),
        ((None, 0, 200), submission(200, 200), True),
        ((200, 0, None), submission(200, 200), False),
        ((3, 0, 3), None, True),
        ((3, None, 3), None, True),
        ((3, 1, 2), None, False),
        ((3, 3, None), None, False),
        ((0, 0, 0), None, False),
        ((None, None, None), None, False),
        ((None, 0, 5), None, False),
    ],
)
def test_all_numbers_have_failed_if_failure_says_so_of_the_total(
    figures: tuple[int | None, int | None, int | None], submitted: Submission | None, all_failed: bool
) -> None:
    expected = expected_counts(task(*figures), submitted)
    assert expected.all_failed == all_failed
    assert expected.least == 0 or not all_failed
