"""
How long to wait between two queries. Pure.

An answered query may be charged, so the rule queries near the projected end when the server gives figures, and
less and less often when it does not. Every wait is a share of the time waited so far, so a task is found late by a
share of its duration. ``docs/polling.md`` has the polls and delays of a simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ekyc.api.models import Task, TaskStatus

#: Seconds between two queries, at the least: the vendor's own examples ask every 5 s.
FLOOR = 5.0
#: The same where a user fixes the interval.
FIXED_FLOOR = 1.0
#: Seconds between two queries, at the most: a result is found within an hour of its export.
CEILING = 3600.0

# The shares below are of the time since the task was created (or since the wait began, if only that is known).
# SOON and BLIND are requirements; the others are round values chosen with ``python -m dev.benchmarks.poll_policy``:
# they keep its bounds on polls and on delays, and no simulated shape is found later than half of its duration at
# the 95th percentile.

#: A delay below this share is soon enough, so no query follows sooner.
SOON = 0.05
#: The longest wait where the server gives no figures.
BLIND = 0.25
#: The longest wait while the task is queued: the work that follows is mostly longer than its queue.
QUEUED = 1.2
#: The longest wait while the task is worked on and no number is done: the figures may stay 0 until the end.
NONE_DONE = 0.5
#: The longest wait after the first figures: the work may be faster than the time since the creation suggests.
FIRST_FIGURES = 0.8
#: The longest wait once two answers give the speed: the work may become faster.
MEASURED = 1.0
#: The part of the projected rest after which to ask again, as long as the speed was not measured.
ROUGH = 0.75
#: The work is assumed to begin in the middle between the last answer without figures and the first one with them.
START = 0.5
#: Waits are up to so much shorter, at random, so that sensors that began together do not ask at the same moments.
JITTER = 0.05


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """
    How often to ask.

    :param ceiling: seconds between two queries, at the most
    :param poll_interval: seconds between two queries, fixed; None lets the progress decide
    :param exponential_backoff: a fixed interval doubles with each query, up to the ceiling
    """

    ceiling: float = CEILING
    poll_interval: float | None = None
    exponential_backoff: bool = False

    @property
    def least(self) -> float:
        """Seconds between two queries, at the least: a fixed interval is the user's own floor."""
        return FLOOR if self.poll_interval is None else self.poll_interval


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

    - Queued: 1.2 times ``elapsed``. Worked on, none done yet: half of it. No figures: a quarter.
    - First figures: three quarters of the projected rest, at most 0.8 times ``elapsed``.
    - Figures of two answers, which still move: the whole projected rest and a little more, at most ``elapsed``.
    - With figures never less than a twentieth of ``elapsed``, nor than twice the time for which they have not
      changed (up to a quarter of ``elapsed``).

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
        # An updated_at that stays at created_at does not say when the figures changed.
        still = elapsed - moved if moved > 0 else 0.0
        least = max(SOON * elapsed, min(2 * still, wait))
        wait = max(least, _until_projected_end(now, elapsed, progress, previous, steady=still <= SOON * elapsed))
    elif queued:
        wait = QUEUED * elapsed
    elif progress is not None:
        wait = NONE_DONE * elapsed
    # The jitter shortens, so the shortest wait gets its room above the floor.
    floor = min(FLOOR, policy.ceiling)
    wait = min(max(wait, floor / (1 - JITTER)), policy.ceiling)
    return max(wait * (1 - JITTER * jitter), floor)


def _until_projected_end(
    now: float, elapsed: float, progress: float, previous: tuple[float, float] | None, *, steady: bool
) -> float:
    """Return the seconds after which the projection says to ask again; ``progress`` is above 0."""
    rest = elapsed * (1 - progress) / progress
    if previous is not None and now > previous[0] and progress > previous[1]:
        span = now - previous[0]
        if not previous[1]:
            span *= START
        rest = span * (1 - progress) / (progress - previous[1])
        if steady and previous[1] > 0:
            # A query just before the end would need another one after it.
            return min(rest + SOON / 2 * elapsed, MEASURED * elapsed)
    return min(ROUGH * rest, FIRST_FIGURES * elapsed)


def wait_after_failure(
    policy: PollPolicy, failures: int, retry_after: float | None, elapsed: float, jitter: float
) -> float:
    """
    Return the seconds to wait after so many failures in a row: doubled each time, from the floor on.

    It is a twentieth of the time waited so far, at the least: reschedule mode remembers no failures.

    :param elapsed: seconds since the start of the wait
    :param retry_after: seconds that the server asked for, honoured above all else
    :param jitter: a random number from 0 to 1
    """
    backoff = max(policy.least * 2.0 ** min(failures - 1, 16), SOON * elapsed) * (1 + jitter / 10)
    return max(min(backoff, max(policy.ceiling, policy.least)), retry_after or 0.0)


def _server_seconds(task: Task) -> float:
    if task.created_at is None or task.updated_at is None:
        return 0.0
    return (task.updated_at - task.created_at).total_seconds()
