"""
Made-up remote tasks for the simulation of the polling policy: what the API would answer at any moment.

No I/O and no clock: a job is drawn once from a seeded generator, then asked with the seconds since it was created.
"""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow_provider_ekyc.api.models import Task, TaskStatus

HOUR = 3600.0
DAY = 24 * HOUR
#: Our bounds on polls are for tasks up to this long, in seconds.
BOUNDED = 6 * HOUR
SHORTEST = 10.0
#: Epoch seconds, on our clock, at which every job is created and the wait for it begins.
CREATED = 1_800_000_000.0

SHAPES = ("linear", "bursty", "queued", "stuck", "opaque", "backwards")
#: What else these shapes may mean; simulated so that the rule does not depend on one reading of them.
READINGS = (
    "linear, figures off by 10 %",
    "linear, slow at first",
    "bursty, last jump is the export",
    "opaque, 0 until the end",
)


@dataclass(frozen=True, slots=True)
class Job:
    """
    One remote task from its creation to its export.

    :param seconds: from creation to export
    :param queue: seconds of these in ``pending``
    :param steps: (seconds, share done) at which the figures change; in between they stay or, if ``smooth``, follow
        the line through both
    :param total: numbers in the task
    :param hides_total: the server says ``total: 0`` while pending
    :param opaque: the server gives no figures at all until the export
    :param says_completed: the server says ``completed``, not ``processing``, once all is done
    :param clock: seconds by which the server's clock is ahead
    :param noise: the figures are off by up to this share of themselves, each answer anew
    :param shrinks: an answer shows, with this probability, figures up to a third too low
    """

    seconds: float
    queue: float
    steps: tuple[tuple[float, float], ...]
    smooth: bool
    total: int
    hides_total: bool
    opaque: bool
    says_completed: bool
    clock: float
    noise: float = 0.0
    shrinks: float = 0.0

    def answer(self, at: float, chance: random.Random) -> Task:
        """
        Return what the API says ``at`` seconds after the creation.

        :param chance: where the noise of the figures comes from
        """
        created = CREATED + self.clock
        if at >= self.seconds:
            return self._task(TaskStatus.EXPORTED, self.total, self.total, created, created + self.seconds)
        if at < self.queue:
            return self._task(TaskStatus.PENDING, 0 if self.hides_total else self.total, 0, created, created)
        if self.opaque:
            return self._task(TaskStatus.PROCESSING, None, None, created, created + self.queue)
        moved, share = self._figures(at)
        if self.noise and share < 1:
            share *= 1 + chance.uniform(-self.noise, self.noise)
        if self.shrinks and chance.random() < self.shrinks:
            share *= chance.uniform(2 / 3, 1)
        done = min(int(share * self.total), self.total)
        word = TaskStatus.COMPLETED if done == self.total and self.says_completed else TaskStatus.PROCESSING
        return self._task(word, self.total, done, created, created + moved)

    def _figures(self, at: float) -> tuple[float, float]:
        """Return when the figures moved last, and the share that is done."""
        place = bisect.bisect_right(self.steps, (at, math.inf))
        before = self.steps[place - 1] if place else (self.queue, 0.0)
        if not self.smooth or place == len(self.steps):
            return before
        after = self.steps[place]
        return at, before[1] + (after[1] - before[1]) * (at - before[0]) / (after[0] - before[0])

    @staticmethod
    def _task(status: TaskStatus, total: int | None, done: int | None, created: float, updated: float) -> Task:
        return Task(
            ekyc_task_id="dmadeup1",
            status=status,
            word=status.value,
            total=total,
            success=done,
            failure=None if done is None else 0,
            created_at=datetime.fromtimestamp(created, UTC),
            updated_at=datetime.fromtimestamp(created, UTC) + timedelta(seconds=updated - created),
        )


def jobs(shape: str, count: int, seed: int, *, longest: float = DAY, shortest: float = SHORTEST) -> Iterator[Job]:
    """
    Yield ``count`` jobs of a shape; the same ones for the same seed.

    :param shape: one of ``SHAPES`` or ``READINGS``
    :param longest: seconds that a job takes, at the most; durations are log-uniform
    """
    chance = random.Random(f"{seed} {shape}")
    for _ in range(count):
        yield _job(shape, shortest * (longest / shortest) ** chance.random(), chance)


def _job(shape: str, seconds: float, chance: random.Random) -> Job:
    queue = seconds * (0.7 if shape == "queued" else chance.uniform(0, 0.1))
    steps = ((queue, 0.0), *_steps(shape, seconds, queue, chance))
    return Job(
        seconds=seconds,
        queue=queue,
        steps=steps,
        smooth="bursty" not in shape,
        total=round(100 * 10_000 ** chance.random()),
        hides_total=chance.random() < 0.3,
        opaque=shape == "opaque",
        says_completed=chance.random() < 0.5,
        clock=chance.uniform(-HOUR, HOUR),
        noise=0.1 if "off by" in shape else 0.0,
        shrinks=0.3 if shape == "backwards" else 0.0,
    )


def _steps(shape: str, seconds: float, queue: float, chance: random.Random) -> list[tuple[float, float]]:
    if shape == "opaque, 0 until the end":
        return [(seconds, 0.0)]
    if shape == "linear, slow at first":  # the share done is the square of the share of the time
        return [(queue + (seconds - queue) * step / 40, (step / 40) ** 2) for step in range(1, 41)]
    if shape == "stuck":
        return [(seconds / 2, 0.99), (seconds, 0.99)]
    if shape.startswith("bursty"):
        count = chance.randint(5, 20)
        times = sorted(chance.uniform(queue, seconds) for _ in range(count))
        if "last jump" in shape:
            times[-1] = seconds
        return _cumulated(times, [chance.uniform(0.5, 1.5) for _ in times])
    # Twenty stretches, the speed of each off by 10 % (standard deviation): the figures rise evenly, time does not.
    lasting = [1 / max(chance.gauss(1, 0.1), 0.5) for _ in range(20)]
    times = [queue + (seconds - queue) * part for part in _shares(lasting)]
    return _cumulated(times, [1.0] * 20)


def _cumulated(times: list[float], weights: list[float]) -> list[tuple[float, float]]:
    return list(zip(times, _shares(weights), strict=True))


def _shares(weights: list[float]) -> list[float]:
    whole = sum(weights)
    shares = [part / whole for part in itertools.accumulate(weights)]
    shares[-1] = 1.0  # the sum may fall short of it by a rounding error
    return shares
