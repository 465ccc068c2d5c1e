"""
A day of verifications as events: places of workers, starts of the scheduler, waits in the triggerer, the vendor's work.

The queries of each wait are made by the package's own policy (``polling/poller.py``), by the simulation that its
benchmark uses. Seeded, and without a clock: the figures are the same on every machine.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from dev.benchmarks.poll_jobs import Job
from dev.benchmarks.poll_policy import ADAPTIVE, wait_for
from dev.capacity.figures import ASSUMED, MILLION, RANGES_AT_ONCE, measured
from dev.capacity.plan import Day


@dataclass(frozen=True, slots=True)
class Setup:
    """
    What there is to do it with.

    :param places: tasks that run at the same time, on all workers
    :param starts: tasks that the scheduler starts in a second
    :param start: seconds from the start of a task to its own code, beside its imports
    :param remote_rows: numbers that the vendor verifies in a second, of one remote task
    :param remote_tasks: remote tasks that the vendor works on at the same time; None for any number
    :param upload_rate: bytes in a second of one upload
    :param seed: of the chance in the vendor's speed and in the jitter
    """

    places: int = 32
    starts: float = ASSUMED["starts"].value
    start: float = ASSUMED["start"].value
    remote_rows: float = 2_800.0
    remote_tasks: int | None = None
    upload_rate: float = ASSUMED["upload_rate"].value
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """
    What has happened.

    :param seconds: from the lists to the last landed result
    :param busy: seconds of places by task: ``prepare``, ``submit``, ``wait`` (both parts), ``land``
    :param most_places: that were busy at the same time
    :param most_waits: in the triggerer at the same time
    :param queries: of all waits and landings
    :param late: seconds from the export of a file until it was found, on average
    :param remote_seconds: that the vendor has worked, of all remote tasks
    :param started: tasks that were started
    """

    seconds: float = 0.0
    busy: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    most_places: int = 0
    most_waits: int = 0
    queries: int = 0
    late: float = 0.0
    remote_seconds: float = 0.0
    started: int = 0

    def use(self, setup: Setup) -> dict[str, float]:
        """Return the share of each means that was used until the end: the largest one saturates first."""
        shares = {
            "places": sum(self.busy.values()) / (setup.places * self.seconds),
            "scheduler": self.started / (setup.starts * self.seconds),
        }
        if setup.remote_tasks is not None:
            shares["vendor"] = self.remote_seconds / (setup.remote_tasks * self.seconds)
        return shares


def task_seconds(day: Day, setup: Setup, task: str, index: int = 0) -> float:
    """
    Return how long a task has a place.

    :param task: ``prepare``, ``submit``, ``wait`` (either part) or ``land``
    :param index: of a file in its list: a submission reads the records of those before it
    """
    rate, begin = ASSUMED["connection_rate"].value, setup.start + measured("imports")
    rows = min(day.file_rows, day.numbers)
    size = rows * measured("list_bytes")
    if task == "prepare":
        rows = min(day.list_rows, day.numbers)
        size = rows * measured("list_bytes")
        return begin + max(rows / MILLION * measured("prepare_wall"), size / rate) + size / rate / RANGES_AT_ONCE
    if task == "submit":
        read = max(rows / MILLION * measured("submit_wall"), size / rate)
        return begin + read + record_seconds(day, index) + size / setup.upload_rate
    if task == "land":
        landed = rows * measured("parquet_bytes") / rate / RANGES_AT_ONCE
        archive = rows * measured("archive_bytes") / rate / RANGES_AT_ONCE
        return begin + max(rows / MILLION * measured("land_wall"), archive) + landed
    return begin


def record_seconds(day: Day, index: int) -> float:
    """Return how long a submission reads and writes its records, and those of the files before it."""
    variable, request = ASSUMED["variable"].value, ASSUMED["request"].value
    if not day.journal_in_s3:
        calls = measured("variable_reads") + measured("variable_writes") + measured("earlier_reads") * index
        return variable * calls
    calls = measured("journal_gets") + measured("journal_puts") + 1 + measured("earlier_reads") * index
    return request * calls + variable * (measured("variable_reads_s3") + measured("variable_writes_s3"))


def simulate(day: Day, setup: Setup) -> Outcome:
    """Return what happens to a day's lists, all of which are there at the start."""
    return _Run(day, setup).run()


class _Run:
    def __init__(self, day: Day, setup: Setup) -> None:
        self._day, self._setup = day, setup
        self._chance = random.Random(f"{setup.seed} capacity")
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._ready: deque[tuple[str, int, Callable[[float], None]]] = deque()
        self._free = setup.places
        self._next_start = 0.0
        self._woken_at = 0.0
        self._waits = 0
        # When each of the vendor's places is free again.
        self._vendor = [0.0] * setup.remote_tasks if setup.remote_tasks is not None else None
        self._sequence = 0
        self._out = Outcome()

    def run(self) -> Outcome:
        for _ in range(self._day.lists):
            self._put("prepare", 0, self._prepared)
        self._begin(0.0)
        while self._events:
            now, _, act = heapq.heappop(self._events)
            act(now)
            self._begin(now)
            self._out.seconds = now
        self._out.late /= self._day.files
        return self._out

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._events, (when, self._sequence, act))

    def _put(self, task: str, index: int, then: Callable[[float], None]) -> None:
        self._ready.append((task, index, then))

    def _begin(self, now: float) -> None:
        """Start what is ready, as long as places are free and the scheduler keeps up."""
        while self._ready and self._free and self._next_start <= now:
            task, index, then = self._ready.popleft()
            self._free -= 1
            self._out.started += 1
            self._out.most_places = max(self._out.most_places, self._setup.places - self._free)
            self._next_start = now + 1 / self._setup.starts
            seconds = task_seconds(self._day, self._setup, task, index)
            self._out.busy[task] += seconds
            self._at(now + seconds, self._ending(then))
        if self._ready and self._free and self._woken_at < self._next_start:
            self._woken_at = self._next_start
            self._at(self._next_start, lambda _: None)

    def _ending(self, then: Callable[[float], None]) -> Callable[[float], None]:
        def end(now: float) -> None:
            self._free += 1
            then(now)

        return end

    def _prepared(self, now: float) -> None:
        for index in range(self._day.files_each):
            self._put("submit", index, self._submitted)

    def _submitted(self, now: float) -> None:
        job = self._job(now)
        self._put("wait", 0, lambda deferred: self._deferred(now, deferred, job))

    def _job(self, now: float) -> Job:
        """Return the remote task: its queue at the vendor, and its work."""
        work = self._day.file_rows / self._setup.remote_rows * self._chance.uniform(0.9, 1.1)
        queue = 0.0
        if self._vendor is not None:
            free = heapq.heappop(self._vendor)
            queue = max(free - now, 0.0)
            heapq.heappush(self._vendor, now + queue + work)
        self._out.remote_seconds += work
        seconds = queue + work
        return Job(
            seconds=seconds,
            queue=queue,
            steps=((queue, 0.0), (seconds, 1.0)),
            smooth=True,
            total=self._day.file_rows,
            hides_total=False,
            opaque=False,
            says_completed=False,
            clock=0.0,
        )

    def _deferred(self, created: float, now: float, job: Job) -> None:
        self._waits += 1
        self._out.most_waits = max(self._out.most_waits, self._waits)
        found = wait_for(job, ADAPTIVE, self._chance)
        self._out.queries += found.polls
        self._out.late += found.delay
        self._at(max(created + job.seconds + found.delay, now), self._found)

    def _found(self, now: float) -> None:
        self._waits -= 1
        self._put("wait", 0, lambda _: self._put("land", 0, lambda _: None))
