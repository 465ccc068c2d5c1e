"""A task's state, computed from the clock whenever somebody asks. Pure: nothing runs between two calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from airflow_provider_ekyc.sandbox.settings import Ending, Settings

Status = Literal["pending", "processing", "completed", "exported", "failed"]


@dataclass(frozen=True)
class TaskPlan:
    """How one task will go; fixed when it is accepted.

    :param accepted_at: Unix time in seconds.
    :param total: rows of the task.
    :param pace: rows per second, or ``None`` for all at once.
    :param queue_seconds: time spent ``pending``.
    :param completed_seconds: time spent ``completed``.
    :param ending: last state.
    :param fail_after_share: share of the rows after which a failing task gives up.
    :param failure_rows: rows that cannot be processed.
    """

    accepted_at: float
    total: int
    pace: float | None
    queue_seconds: float
    completed_seconds: float
    ending: Ending
    fail_after_share: float
    failure_rows: int

    @classmethod
    def of(cls, settings: Settings, *, accepted_at: float, total: int) -> TaskPlan:
        """The plan that these settings give to a task.

        :param settings: as they are when the task is accepted.
        :param accepted_at: Unix time in seconds.
        :param total: rows of the task.
        """
        return cls(
            accepted_at=accepted_at,
            total=total,
            pace=settings.pace,
            queue_seconds=settings.queue_seconds,
            completed_seconds=settings.completed_seconds,
            ending=settings.ending,
            fail_after_share=settings.fail_after_share,
            failure_rows=min(settings.failure_rows, total),
        )

    @property
    def starts_at(self) -> float:
        """When the task leaves the queue, Unix time."""
        return self.accepted_at + self.queue_seconds

    @property
    def worked_through_at(self) -> float:
        """When the last row that will be worked on is done, Unix time."""
        rows = self.total * (self.fail_after_share if self.ending == "failed" else 1.0)
        return self.starts_at + (rows / self.pace if self.pace else 0.0)

    @property
    def ends_at(self) -> float:
        """When the last state is reached, Unix time."""
        return self.worked_through_at + (self.completed_seconds if self.ending == "exported" else 0.0)

    @property
    def exported_at(self) -> float | None:
        """When the results are there, Unix time; ``None`` for a task that will fail."""
        return self.ends_at if self.ending == "exported" else None


@dataclass(frozen=True)
class Standing:
    """Where a task stands at one moment.

    :param status: its state.
    :param success: rows identified so far.
    :param failure: rows given up so far.
    :param updated_at: last change, Unix time in seconds.
    """

    status: Status
    success: int
    failure: int
    updated_at: float


def standing(plan: TaskPlan, now: float) -> Standing:
    """Where a task stands.

    :param plan: how it was going to go.
    :param now: Unix time in seconds.
    """
    if now < plan.starts_at:
        return Standing("pending", 0, 0, plan.accepted_at)
    done = plan.total
    if plan.pace is not None:
        done = min(done, int((now - plan.starts_at) * plan.pace))
    if plan.ending == "failed":
        done = min(done, int(plan.total * plan.fail_after_share))
    failure = done * plan.failure_rows // plan.total if plan.total else 0
    if now >= plan.ends_at:
        return Standing(plan.ending, done - failure, failure, plan.ends_at)
    if now >= plan.worked_through_at:
        return Standing("completed", done - failure, failure, plan.worked_through_at)
    return Standing("processing", done - failure, failure, now)


def timestamp(now: float, digits: Literal[3, 9]) -> str:
    """A time as the document's samples have it: nine fractional digits on creation, three on status.

    :param now: Unix time in seconds.
    :param digits: how many fractional digits.
    """
    nanoseconds = int(now * 1_000_000_000)
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{f'{fraction:09d}'[:digits]}Z"
