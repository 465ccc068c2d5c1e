"""
When to ask next, and what each answer means: one policy for the trigger, poke and reschedule.

Pure: the time is passed in as epoch seconds (wall clock: it survives a restart of the triggerer, which
monotonic clocks don't), the jitter as a random number. An answered query may be charged, so it asks
as seldom as it can: how long to wait is the rule of ``poll_interval.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import EkycApiError
from airflow_provider_ekyc.poll_interval import PollPolicy, next_wait, wait_after_failure

#: What a wait that is killed leaves in the log: there is no cancel call, and nothing paid is given up in silence.
STILL_PAID = (
    "No longer waiting for remote task %s. It goes on and stays paid: clear this sensor, or give the id to another "
    "EkycTaskSensor or EkycResultsToS3Operator, to pick it up."
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    Until when to wait, in epoch seconds; both count from the start of this try of the task.

    :param timeout: end of the sensor's ``timeout``
    :param execution_timeout: end of the task's ``execution_timeout``, or None
    """

    timeout: float
    execution_timeout: float | None = None

    @property
    def at(self) -> float:
        """The earlier of the two."""
        if self.execution_timeout is None:
            return self.timeout
        return min(self.timeout, self.execution_timeout)

    @property
    def end(self) -> End:
        """What it is when the earlier of the two has come."""
        return End.TIMEOUT if self.at == self.timeout else End.EXECUTION_TIMEOUT


class End(StrEnum):
    """How a wait ended; the words travel in the trigger's event."""

    EXPORTED = "exported"
    FAILED = "failed"
    TIMEOUT = "timeout"
    EXECUTION_TIMEOUT = "execution_timeout"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What to do after an answer or a failure.

    :param note: one line for the task's log
    :param ask_at: epoch seconds of the next query; None when the wait has ended
    :param end: how it ended; None while it goes on
    :param unusual: the line is a warning
    """

    note: str
    ask_at: float | None = None
    end: End | None = None
    unusual: bool = False


class Poller:
    """
    Decides for one wait. Holds what earlier answers said and does no I/O.

    A restart forgets the earlier answers, which costs a query or two: ``started`` and the answer itself suffice.

    :param policy: how often to ask
    :param started: epoch seconds of the start of the wait
    :param deadline: until when to wait
    """

    def __init__(self, policy: PollPolicy, started: float, deadline: Deadline) -> None:
        self.policy = policy
        self.started = started
        self.deadline = deadline
        self.queries = 0
        self._failures = 0
        self._unknown_word = ""
        self._previous: tuple[float, float] | None = None

    def first_query(self) -> float:
        """
        Return the epoch seconds of the first query after a deferral.

        A moment later: right after a submission nothing is done yet, so an answer would only cost. And a trigger
        that ends while its task is still being put aside makes the scheduler fail the task (apache/airflow#72716).
        """
        return min(self.started + self.policy.least, self.deadline.at)

    def on_task(self, task: Task, now: float, jitter: float) -> Decision:
        """
        Decide after an answer. A task found exported has succeeded, deadline or not.

        :param now: epoch seconds
        :param jitter: a random number from 0 to 1
        """
        self.queries += 1
        self._failures = 0
        figures = _figures(task)
        if task.status is TaskStatus.EXPORTED:
            return Decision(f"Remote task {task.ekyc_task_id} is exported{figures}.", end=End.EXPORTED)
        if task.status is TaskStatus.FAILED:
            return Decision(f"Remote task {task.ekyc_task_id} has failed{figures}.", end=End.FAILED)
        wait = next_wait(self.policy, now, self.started, task, self._previous, jitter)
        if self._previous is None or not self._previous[1]:
            # The first figures stay: the longer the way from them, the less their noise counts.
            share = 0.0 if task.status is TaskStatus.PENDING and not task.progress else task.progress
            self._previous = self._previous if share is None else (now, share)
        unknown = task.status is TaskStatus.UNKNOWN and task.word != self._unknown_word
        word = task.status.value
        if task.status is TaskStatus.UNKNOWN:
            self._unknown_word = task.word
            word = "in a state that nobody documented"
        return self._go_on(f"Remote task {task.ekyc_task_id} is {word}{figures}.", now, wait, unusual=unknown)

    def on_error(self, error: EkycApiError, now: float, jitter: float) -> Decision:
        """
        Decide after a failed query: what may get better widens the interval, anything else ends the wait.

        :param now: epoch seconds
        :param jitter: a random number from 0 to 1
        """
        self.queries += 1
        if not error.retryable:
            return Decision(error.message, end=End.ERROR, unusual=True)
        self._failures += 1
        wait = wait_after_failure(self.policy, self._failures, error.retry_after, now - self.started, jitter)
        return self._go_on(f"{error.message} The wait goes on.", now, wait, unusual=True)

    def _go_on(self, note: str, now: float, wait: float, *, unusual: bool) -> Decision:
        if now >= self.deadline.at:
            return Decision(note, end=self.deadline.end)
        # One last query is made at the deadline, unless that were sooner than the floor allows.
        ask_at = min(now + wait, max(self.deadline.at, now + self.policy.least))
        return Decision(f"{note} Next query in {ask_at - now:.0f} s.", ask_at=ask_at, unusual=unusual)


def summary(task: Task, *, seconds: float, queries: int) -> dict[str, Any]:
    """
    Return what a finished wait tells the next tasks: scalars only, and never a URL.

    :param seconds: how long this wait took
    :param queries: how often the API was asked
    """
    return {
        "ekyc_task_id": task.ekyc_task_id,
        "status": task.status.value,
        "total": task.total,
        "success": task.success,
        "failure": task.failure,
        "created_at": _iso(task.created_at),
        "updated_at": _iso(task.updated_at),
        "seconds": round(seconds, 1),
        "queries": queries,
    }


def _figures(task: Task) -> str:
    if task.progress is None:
        return ""
    failed = f", {task.failure:,} could not be processed" if task.failure else ""
    return f": {task.progress:.0%}, {task.success:,} of {task.total:,} numbers{failed}"


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
