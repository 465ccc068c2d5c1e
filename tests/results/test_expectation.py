"""How many rows a task promises."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.results.expectation import row_mismatch


def task(total: int | None, success: int | None, failure: int | None) -> Task:
    return Task("d4g24nep2jvh04o9uoh0", TaskStatus.EXPORTED, "exported", total, success, failure)


@pytest.mark.parametrize(
    ("total", "success", "failure", "least", "most"),
    [
        (2049, 2049, 0, 2049, 2049),  # the sample of the API page
        (2049, 2060, 0, 2049, 2060),  # success above total, as seen once
        (200, 190, 10, 190, 200),  # failed numbers beside the identified ones: in the result or not
        (200, 200, 10, 190, 210),  # failed numbers counted among the identified ones, or on top
        (2049, 1024, 0, 1024, 2049),  # a figure that was not brought up to date
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
def test_what_lies_between_certain_and_taken_is_accepted_and_nothing_else(
    total: int | None, success: int | None, failure: int | None, least: int, most: int
) -> None:
    figures = task(total, success, failure)
    assert row_mismatch(max(least, 1), figures) is None
    assert row_mismatch(most, figures) is None
    for wrong in {least - 1, most + 1}:
        if wrong > 0:
            assert row_mismatch(wrong, figures) is not None


@pytest.mark.parametrize("figures", [(None, None, None), (0, None, None), (0, 0, 0), (None, 0, 5)])
def test_a_task_without_figures_promises_nothing(figures: tuple[int | None, int | None, int | None]) -> None:
    assert row_mismatch(1, task(*figures)) is None
    assert row_mismatch(10_000_000, task(*figures)) is None


def test_a_mismatch_is_told_with_every_figure() -> None:
    assert row_mismatch(1000, task(2049, 2060, None)) == (
        "The result has 1,000 rows, but remote task d4g24nep2jvh04o9uoh0 promises 2,049 to 2,060 (total 2,049, "
        "success 2,060, failure unknown)."
    )
    assert "promises 100 " in str(row_mismatch(99, task(100, 100, 0)))
