"""
How long to wait between two queries: the rule, and what it is made of. Pure.

An answered query may be charged, so the rule asks near the projected end when the server gives figures, and
less and less often when it does not. ``docs/polling.md`` has what it costs and brings in a simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ekyc.api.models import Task, TaskStatus

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
