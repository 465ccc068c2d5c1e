"""
When to ask next, and what each answer means: one policy for the trigger, poke and reschedule.

Pure: the time is passed in as epoch seconds (wall clock: it survives a restart of the triggerer, which
monotonic clocks don't), the jitter as a random number. An answered query may be charged, so the policy asks
near the projected end when the server gives figures, and less and less often when it does not. The rule is
:func:`next_wait`; what it costs and how soon it finds the export: ``docs/polling.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import EkycApiError

#: Seconds between two queries, at the least: the vendor's own examples ask every 5 s.
FLOOR = 5.0
#: Seconds between two queries, at the most: a result is found within an hour of its export.
CEILING = 3600.0

# The shares below are of the time since the task was created (or since the wait began, if that is all we know).
# SOON and BLIND are what was asked for; the others are round values, found by trying, with which
# ``python -m benchmarks.poll_policy`` stays within 8 queries at the median and 12 at the 95th percentile.

#: Found so late is soon enough, so nothing is asked again sooner.
SOON = 0.05
#: Found so late is accepted where the server shows nothing.
BLIND = 0.25
#: The longest wait while the task is queued: the work that follows is mostly longer than its queue.
QUEUED = 4.0
#: ... but no longer than half an hour, unless that is less than BLIND.
QUEUED_SECONDS = 1800.0
#: The longest wait while it is being worked on: early figures say little about the end.
WORKING = 2.5
#: The part of the projected rest after which to look again, as long as the projection is a rough one.
ROUGH = 0.75
#: Waits are up to so much shorter, at random, lest sensors that began together go on asking together.
JITTER = 0.05


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """
    How often to ask.

    :param floor: seconds between two queries, at the least
    :param ceiling: seconds between two queries, at the most
    :param poll_interval: seconds between two queries, fixed; None lets the progress decide
    :param exponential_backoff: a fixed interval doubles with each query, up to the ceiling
    """

    floor: float = FLOOR
    ceiling: float = CEILING
    poll_interval: float | None = None
    exponential_backoff: bool = False

    @property
    def least(self) -> float:
        """Seconds between two queries, at the least: a fixed interval is the user's own floor."""
        return self.floor if self.poll_interval is None else self.poll_interval


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
        wait = wait_after_failure(self.policy, self._failures, error.retry_after, jitter)
        return self._go_on(f"{error.message} The wait goes on.", now, wait, unusual=True)

    def _go_on(self, note: str, now: float, wait: float, *, unusual: bool) -> Decision:
        if now >= self.deadline.at:
            return Decision(note, end=self.deadline.end)
        # One last query is made at the deadline, unless that were sooner than the floor allows.
        ask_at = min(now + wait, max(self.deadline.at, now + self.policy.least))
        return Decision(f"{note} Next query in {ask_at - now:.0f} s.", ask_at=ask_at, unusual=unusual)


def next_wait(
    policy: PollPolicy,
    now: float,
    started: float,
    task: Task,
    previous: tuple[float, float] | None,
    jitter: float,
) -> float:
    """
    Return the seconds to wait before the next query. ``elapsed`` is the time since the task was created.

    - Queued: four times ``elapsed``, at most half an hour (a quarter of ``elapsed`` where that is more).
      Being worked on, none done yet: two and a half times, with the same limit.
    - No figures: a quarter of ``elapsed``.
    - With figures: three quarters of the projected rest, at most two and a half times ``elapsed``. If the
      figures of two answers give the speed and still move, the whole rest and a little more. Never less than
      a twentieth of ``elapsed``, nor than twice the time for which the figures have stood still (up to a
      quarter of ``elapsed``).

    The server's clock is used for differences only.

    :param now: epoch seconds of this answer
    :param started: epoch seconds of the start of the wait
    :param previous: (epoch seconds, progress) of an earlier answer, if known: the first one with figures
    :param jitter: a random number from 0 to 1
    """
    if policy.poll_interval is not None:
        # Doubling is the interval and all that was waited so far: it needs no count that a restart would forget.
        waited = max(now - started, 0.0) if policy.exponential_backoff else 0.0
        return max(min(policy.poll_interval + waited, policy.ceiling), policy.poll_interval)
    moved = _server_seconds(task)
    elapsed = max(now - started, moved, 0.0)
    progress = task.progress
    queued = task.status is TaskStatus.PENDING
    wait = BLIND * elapsed
    if progress:
        # An updated_at that never left created_at does not tell when the figures moved.
        still = elapsed - moved if moved > 0 else 0.0
        least = max(SOON * elapsed, min(2 * still, wait))
        rest = _projected(now, elapsed, progress, previous, steady=still <= SOON * elapsed)
        wait = max(least, min(rest, WORKING * elapsed))
    elif queued or progress is not None:
        wait = max(wait, min((QUEUED if queued else WORKING) * elapsed, QUEUED_SECONDS))
    # The jitter shortens, so the shortest wait gets its room above the floor.
    floor = min(policy.floor, policy.ceiling)
    wait = min(max(wait, floor / (1 - JITTER)), policy.ceiling)
    return max(wait * (1 - JITTER * jitter), floor)


def _projected(
    now: float, elapsed: float, progress: float, previous: tuple[float, float] | None, *, steady: bool
) -> float:
    """Return the seconds after which the projection says to look again; ``progress`` is above 0."""
    rest = elapsed * (1 - progress) / progress
    if previous is not None and now > previous[0] and progress > previous[1]:
        # If it was queued then, this is an upper limit: when the queue ended is not known.
        rest = (now - previous[0]) * (1 - progress) / (progress - previous[1])
        if steady and previous[1] > 0:
            return rest + SOON / 2 * elapsed  # a query just before the end would need another one after it
    # Also with a ceiling of days, a rough guess after a long queue must not cost more than the default ceiling.
    return min(ROUGH * rest, max(BLIND * elapsed, CEILING))


def wait_after_failure(policy: PollPolicy, failures: int, retry_after: float | None, jitter: float) -> float:
    """
    Return the seconds to wait after so many failures in a row: doubled each time, from the floor on.

    :param retry_after: seconds that the server asked for, honoured above all else
    :param jitter: a random number from 0 to 1
    """
    backoff = policy.least * 2.0 ** min(failures - 1, 16) * (1 + jitter / 10)
    return max(min(backoff, max(policy.ceiling, policy.least)), retry_after or 0.0)


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


def _server_seconds(task: Task) -> float:
    if task.created_at is None or task.updated_at is None:
        return 0.0
    return (task.updated_at - task.created_at).total_seconds()


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
