"""How many numbers a result should hold, by the figures of the remote task and of its submission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.submission.record import Submission


@dataclass(frozen=True, slots=True)
class ExpectedCounts:
    """
    How many numbers a result should hold.

    :param least: numbers that were identified for certain
    :param most: numbers that were accepted; 0 if that is not known
    :param total: numbers that were accepted, by the one figure that is known; None if there is none
    :param failure: numbers that could not be processed
    :param all_failed: whether no number could be processed, so that a result without any row or answer is right
    :param shown: the remote task and its counts, for a message
    """

    least: int
    most: int
    total: int | None
    failure: int
    all_failed: bool
    shown: str


def expected_counts(task: Task, submission: Submission | None = None) -> ExpectedCounts:
    """
    Return how many numbers a result should hold.

    The API page does not say whether numbers that could not be processed (``failure``) are in the result or counted in
    ``success``, and ``success`` has been seen above ``total``. So a healthy result is between what was
    identified for certain and everything that was accepted; only outside of that is it short or long.

    :param task: the API's answer
    :param submission: of the submit operator; used where the task has no ``total``: the numbers
        that the API accepted then, otherwise those that were sent
    """
    # A total of 0 means that the API does not know it yet.
    total, success, failure = task.total or None, task.success or None, task.failure or 0
    known_of_submission = ""
    if total is None and submission is not None:
        total = submission.total or submission.rows or None
        accepted = "accepted at its submission" if submission.total else "sent"
        known_of_submission = f"; {_shown(total)} were {accepted}"
    least = max(min(success or total or 0, (total or success or 0) - failure), 0)
    most = max(total or 0, success + failure if success else 0)
    figures = f"(total {_shown(task.total)}, success {_shown(task.success)}, failure {_shown(task.failure)}"
    span = f"{least:,} to {most:,}" if least < most else f"{most:,}"
    return ExpectedCounts(
        least=least,
        most=most,
        total=total,
        failure=failure,
        all_failed=total is not None and success is None and failure >= total,
        shown=f"remote task {task.ekyc_task_id} reports {span} {figures}{known_of_submission})",
    )


def _shown(figure: int | None) -> str:
    return "unknown" if figure is None else f"{figure:,}"
