"""
When to query next, and what each answer means: one policy for the trigger, poke and reschedule.

Pure: the time is passed in as epoch seconds (wall clock: it survives a restart of the triggerer, which
monotonic clocks don't), the jitter as a random number. An answered query may be charged; how long to wait for the
next one is the rule of ``polling/interval.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycApiError,
    EkycError,
    EkycNotFoundError,
    EkycTaskFailedError,
    EkycTimeoutError,
)
from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.polling.interval import PollPolicy, next_wait, wait_after_failure

#: Seconds for which a 404 of the API does not end the wait. The vendor documents 404 as "task not found" and nothing
#: about when a new id is known to all of its servers. An id that is wrong should be reported while a person still
#: watches, and ten minutes are long for a copy of a database to follow.
NOT_FOUND_SECONDS = 600.0

#: Seconds after the deadline at which Airflow itself ends a deferral. The wait's own deadline is earlier, and its
#: message says more.
BACKSTOP = 600.0

#: Seconds from the start of a trigger to its first query, at the least: see :meth:`Poller.first_query`.
FIRST_QUERY = 1.0

#: Logged when a wait is killed. The API has no call that cancels a task.
STILL_PAID = (
    "No longer waiting for remote task %s. It is already paid for and continues: clear this sensor, or give the id to "
    "another EkycTaskSensor or EkycResultsToS3Operator, to use its result."
)

#: What a person can do about a remote task that has failed.
SUBMIT_ANEW = (
    "To submit its list again, which is charged again: start a new run; or clear EkycSubmitOperator, whose log then "
    "names the record to write 'send again' into, and clear it once more."
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
        """Which of the two ends the wait."""
        return End.TIMEOUT if self.at == self.timeout else End.EXECUTION_TIMEOUT

    def moved(self, seconds: float) -> Deadline:
        """Return it so many seconds later, or earlier if negative."""
        limit = self.execution_timeout
        return Deadline(self.timeout + seconds, None if limit is None else limit + seconds)


class End(StrEnum):
    """How a wait ended; the words are sent in the trigger's event."""

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
    :param is_warning: whether the line is a warning
    :param summary: of a task that is exported
    :param error: what else ended the wait
    """

    note: str
    ask_at: float | None = None
    end: End | None = None
    is_warning: bool = False
    summary: dict[str, Any] | None = None
    error: EkycError | None = None

    def log_to(self, log: Any) -> None:
        """
        Write the note; a warning, which may quote the server, as lines of a log page.

        :param log: a logger of the standard library, or Airflow's own
        """
        if self.is_warning:
            warn(log, self.note)
        else:
            log.info(self.note)

    @property
    def event(self) -> dict[str, Any]:
        """How the wait ended, as plain values: what the trigger returns, and what the sensor ends with in any mode."""
        if self.summary is not None:
            return {"end": End.EXPORTED.value, "summary": self.summary}
        return failure_event(self.end or End.ERROR, self.error or EkycError(self.note))


def failure_event(end: End, error: EkycError) -> dict[str, Any]:
    """Return the event of a wait that ended otherwise than with an export."""
    return {"end": end.value, "message": error.message, **error.details(submitted=True)}


class Poller:
    """
    Decides for one wait. Holds what earlier answers said and does no I/O.

    A restart forgets the earlier answers, which costs a query or two: ``started`` and the answer itself suffice.

    ``started`` and ``deadline`` were read from a worker's clock, ``now`` may be read from another one (the
    triggerer's). A start in the future shows that this clock is behind: then both are moved, so that the
    wait begins now and lasts as long as it was to last.

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
        self._is_known = False
        self._is_resumed = False
        self._not_found_since: float | None = None
        self._unknown_word: str | None = None
        self._previous: tuple[float, float] | None = None

    @property
    def is_known(self) -> bool:
        """Whether the API has answered about the remote task."""
        return self._is_known

    def first_query(self, now: float) -> float:
        """
        Return the epoch seconds of the first query after a deferral.

        Not at once: right after a submission nothing is done yet, so an answer would only cost. And a trigger that
        ends before the scheduler has stored the deferral makes the scheduler fail the task (apache/airflow#72716).

        A trigger that starts later than Airflow would have ended the deferral shows that this clock is ahead of
        the worker's: then the wait begins now, as if the clocks agreed.

        :param now: epoch seconds
        """
        self._read_clock(now)
        if now > self.deadline.at + BACKSTOP:
            self._begin_at(now)
        # A wait that no 404 has ended in its first ten minutes, and whose answers a restart has forgotten.
        self._is_resumed = now - self.started > NOT_FOUND_SECONDS
        ask_at = min(self.started + self.policy.least, self.deadline.at)
        return max(ask_at, now + FIRST_QUERY)

    def decide(self, answer: Task | EkycApiError, now: float, jitter: float) -> Decision:
        """
        Decide after a query.

        A task found exported has succeeded, deadline or not. A failed query that may succeed later widens the
        interval, any other ends the wait; but a 404 of the API ends it only after :data:`NOT_FOUND_SECONDS`: from the
        start of the wait, or from the first 404 in a row if the task was known before.

        :param answer: the task, or the error of the query
        :param now: epoch seconds
        :param jitter: a random number from 0 to 1
        """
        self._read_clock(now)
        self.queries += 1
        if isinstance(answer, Task):
            return self._after_answer(answer, now, jitter)
        return self._after_failure(answer, now, jitter)

    def _after_answer(self, task: Task, now: float, jitter: float) -> Decision:
        self._failures = 0
        self._is_known, self._not_found_since = True, None
        figures = _figures(task)
        if task.status is TaskStatus.EXPORTED:
            summary = task_summary(task, seconds=now - self.started, queries=self.queries)
            note = f"Remote task {task.ekyc_task_id} is exported{figures}."
            return Decision(note, end=End.EXPORTED, summary=summary)
        if task.status is TaskStatus.FAILED:
            note = f"Remote task {task.ekyc_task_id} has failed{figures}."
            return Decision(note, end=End.FAILED, error=EkycTaskFailedError(note))
        wait = next_wait(self.policy, now, self.started, task, self._previous, jitter)
        if self._previous is None or not self._previous[1]:
            # The first figures stay: the longer the way from them, the less their noise counts.
            share = 0.0 if task.status is TaskStatus.PENDING and not task.progress else task.progress
            self._previous = self._previous if share is None else (now, share)
        unknown = task.status is TaskStatus.UNKNOWN and task.word != self._unknown_word
        word = task.status.value
        if task.status is TaskStatus.UNKNOWN:
            self._unknown_word = task.word
            word = "in a state that is not documented"
        return self._go_on(f"Remote task {task.ekyc_task_id} is {word}{figures}.", now, wait, is_warning=unknown)

    def _after_failure(self, error: EkycApiError, now: float, jitter: float) -> Decision:
        self._failures += 1
        elapsed = now - self.started
        wait = wait_after_failure(self.policy, self._failures, error.retry_after, elapsed, jitter)
        if error.retryable:
            return self._go_on(error.message, now, wait, is_warning=True, going_on="The wait continues. ")
        if isinstance(error, EkycNotFoundError) and now < self.deadline.at:
            first = self._not_found_since = self._not_found_since or now
            since = first if self._is_known or self._is_resumed else self.started
            left = since + NOT_FOUND_SECONDS - now
            if left > 0:
                # Doubling by the time waited so far needs no count, which reschedule mode would forget.
                wait = max(min(max(wait, min(now - since, self.policy.ceiling)), left), self.policy.least)
                note = (
                    f"The API does not know this task (404). A new task may take a while: {left / 60:.0f} minutes are "
                    f"left."
                )
                return self._go_on(note, now, wait, is_warning=True)
        return Decision(error.message, end=End.ERROR, is_warning=True, error=error)

    def _go_on(self, note: str, now: float, wait: float, *, is_warning: bool, going_on: str = "") -> Decision:
        if now >= self.deadline.at:
            error = EkycTimeoutError(note)
            error.charge = Charge.CERTAIN if self._is_known else Charge.POSSIBLE
            return Decision(note, end=self.deadline.end, error=error)
        # One last query is made at the deadline, unless that were sooner than the floor allows.
        ask_at = min(now + wait, max(self.deadline.at, now + self.policy.least))
        return Decision(f"{note} {going_on}Next query in {ask_at - now:.0f} s.", ask_at=ask_at, is_warning=is_warning)

    def _read_clock(self, now: float) -> None:
        if now < self.started:
            self._begin_at(now)

    def _begin_at(self, now: float) -> None:
        self.deadline = self.deadline.moved(now - self.started)
        self.started = now


def task_summary(task: Task, *, seconds: float, queries: int) -> dict[str, Any]:
    """
    Return what a finished wait passes to the next tasks: scalars only, and never a URL.

    :param seconds: from the start of the wait to now
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
