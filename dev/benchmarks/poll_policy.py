"""
How many queries the polling policy makes, and how soon it finds the export: a simulation with the real policy.

Seeded and free of clocks, so the figures are the same on every machine. Beside it stand a query every 5 s, as in
the vendor's examples, and every 60 s. Polls include the one that the result operator makes after the wait.

    python -m dev.benchmarks.poll_policy [--seed 1] [--jobs 1000] [--output build/bench.json]

Exit code 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.polling.interval import PollPolicy
from airflow_provider_ekyc.polling.poller import Deadline, Poller
from dev.benchmarks.figures import OUTPUT, record
from dev.benchmarks.poll_jobs import BOUNDED, CREATED, DAY, READINGS, SHAPES, Job, jobs

ADAPTIVE = PollPolicy()
#: For the bound on tasks without figures, which is meant without the ceiling.
LIFTED = PollPolicy(ceiling=math.inf)
NO_DEADLINE = Deadline(math.inf)
#: When the policy forgets its earlier answers: a triggerer that restarts, a sensor in reschedule mode.
FORGETS = ("never", "once", "always")
#: The bound on the delay: 5 % of the task's duration or 5 s, that is 5 % of this many seconds at the least.
LEAST_SECONDS = 100.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The result of one wait.

    :param seconds: how long the task took
    :param polls: answered queries, with the result operator's
    :param delay: seconds from the export until it was found
    """

    seconds: float
    polls: int
    delay: float

    @property
    def share(self) -> float:
        """The delay as a share of the task's duration."""
        return self.delay / self.seconds

    @property
    def bounded_share(self) -> float:
        """The same, of 100 s for shorter tasks: the bound "5 % of the duration or 5 s" holds up to 0.05."""
        return self.delay / max(self.seconds, LEAST_SECONDS)


def wait_for(job: Job, policy: PollPolicy, chance: random.Random, forgets: str = "never") -> Outcome:
    """
    Wait for a job as the trigger does.

    :param forgets: one of ``FORGETS``: when earlier answers are forgotten (``once``: at a random time)
    """
    poller = Poller(policy, CREATED, NO_DEADLINE)
    restart = chance.uniform(0, job.seconds) if forgets == "once" else math.inf
    now = 0.0
    polls = 1
    while True:
        if forgets == "always" or now >= restart:
            poller = Poller(policy, CREATED, NO_DEADLINE)
            restart = math.inf
        decision = poller.decide(job.answer(now, chance), CREATED + now, chance.random())
        polls += 1
        if decision.ask_at is None:
            return Outcome(job.seconds, polls, now - job.seconds)
        now = decision.ask_at - CREATED


def wait_fixed(job: Job, interval: float) -> Outcome:
    """Wait for a job with a fixed interval: what :func:`wait_for` would find, without walking through it."""
    waits = math.ceil(job.seconds / interval)
    return Outcome(job.seconds, waits + 2, waits * interval - job.seconds)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values don't exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def outcomes(
    shape: str,
    count: int,
    seed: int,
    *,
    policy: PollPolicy = ADAPTIVE,
    forgets: str = "never",
    shortest: float | None = None,
    longest: float = DAY,
) -> list[Outcome]:
    """Return the results of the waits for ``count`` jobs; the same ones for the same seed."""
    limits = {"longest": longest} if shortest is None else {"longest": longest, "shortest": shortest}
    chance = random.Random(f"{seed} {shape} noise and jitter")
    return [wait_for(job, policy, chance, forgets) for job in jobs(shape, count, seed, **limits)]


def fixed_outcomes(shape: str, count: int, seed: int, interval: float, longest: float) -> list[Outcome]:
    """Return the same for a fixed interval."""
    return [wait_fixed(job, interval) for job in jobs(shape, count, seed, longest=longest)]


def row(name: str, found: Sequence[Outcome]) -> str:
    """Return a line of a Markdown table: polls, and delay in seconds and as a share."""
    asked = [one.polls for one in found]
    delays = [one.delay for one in found]
    shares = [one.bounded_share for one in found]
    return (
        f"| {name} | {quantile(asked, 0.5):,} | {quantile(asked, 0.95):,} "
        f"| {quantile(delays, 0.5):,.0f} s | {quantile(delays, 0.95):,.0f} s "
        f"| {quantile(shares, 0.5):.1%} | {quantile(shares, 0.95):.1%} |"
    )


HEAD = (
    "| | polls p50 | polls p95 | delay p50 | delay p95 | share p50 | share p95 |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


def print_tables(count: int, seed: int) -> None:
    """Print polls and delays per shape, beside fixed intervals, after restarts, and for a whole day."""
    print("share: the delay as a share of the duration (of 100 s for shorter tasks: 5 s are acceptable)")
    for title, longest in (("10 s to 6 h", BOUNDED), ("10 s to 24 h", DAY)):
        print(f"\nTasks of {title}, {count:,} a shape, seed {seed}\n\n{HEAD}")
        for shape in SHAPES:
            print(row(shape, outcomes(shape, count, seed, longest=longest)))
            for interval in (5, 60):
                print(row(f"{shape}, every {interval} s", fixed_outcomes(shape, count, seed, interval, longest)))
    print(f"\nOther readings of these shapes, 10 s to 6 h\n\n{HEAD}")
    for shape in READINGS:
        print(row(shape, outcomes(shape, count, seed, longest=BOUNDED)))
    for forgets, title in (
        ("once", "A restart at a random time"),
        ("always", "Reschedule mode, no earlier answer known"),
    ):
        print(f"\n{title}, 10 s to 6 h\n\n{HEAD}")
        for shape in SHAPES:
            print(row(shape, outcomes(shape, count, seed, forgets=forgets, longest=BOUNDED)))
    print(f"\nTasks of exactly 24 h without figures\n\n{HEAD}")
    for title, policy in (("ceiling of 1 h", ADAPTIVE), ("no ceiling", LIFTED)):
        print(row(title, outcomes("opaque", count, seed, policy=policy, shortest=DAY)))


polls = attrgetter("polls")
limited = attrgetter("bounded_share")


#: Shapes with figures for tasks up to :data:`BOUNDED`, and their part of the figures' names.
BOUNDED_SHAPES = {
    "linear": "linear",
    "bursty": "bursty",
    "queued": "queued",
    "opaque, 0 until the end": "opaque_zero",
}


def figures(count: int, seed: int) -> list[dict[str, Any]]:
    """Return the figures that have bounds, each beside that of a query every 5 s."""
    table = []
    for shape, name in BOUNDED_SHAPES.items():
        found = outcomes(shape, count, seed, longest=BOUNDED)
        peers = fixed_outcomes(shape, count, seed, 5, BOUNDED)
        table += [
            figure(f"polls_{name}_p50", "polls", found, peers, polls, 0.5),
            figure(f"polls_{name}_p95", "polls", found, peers, polls, 0.95),
            figure(f"delay_{name}_p95", "share of the duration (of 100 s if shorter)", found, peers, limited, 0.95),
        ]
    whole_day = outcomes("opaque", count, seed, policy=LIFTED, shortest=DAY)
    peers = [wait_fixed(job, 5) for job in jobs("opaque", count, seed, shortest=DAY)]
    table.append(figure("polls_opaque_24h", "polls, the most of all jobs", whole_day, peers, polls, 1.0))
    found = outcomes("opaque", count, seed, policy=LIFTED)
    peers = fixed_outcomes("opaque", count, seed, 5, DAY)
    table.append(figure("delay_opaque_p95", "share of the duration", found, peers, attrgetter("share"), 0.95))
    return table


def figure(
    name: str,
    unit: str,
    found: Sequence[Outcome],
    peers: Sequence[Outcome],
    measure: Callable[[Outcome], float],
    share: float,
) -> dict[str, Any]:
    """Return one entry of the shared file: a quantile of ours beside that of the fixed interval."""
    value = quantile([measure(one) for one in found], share)
    peer = quantile([measure(one) for one in peers], share)
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "peer": round(peer, 4),
        "ratio": round(value / peer, 6),
        "rss_mib": None,  # nothing is held in memory
    }


#: What must hold: the most polls, and the latest find. The polls of long queues and of figures that stay 0 have no
#: bound of their own.
BOUNDS = {
    "polls_linear_p50": 11,
    "polls_linear_p95": 17,
    "delay_linear_p95": 0.05,
    "polls_bursty_p50": 12,
    "polls_bursty_p95": 18,
    "delay_bursty_p95": 0.3,
    "delay_queued_p95": 0.5,
    "delay_opaque_zero_p95": 0.5,
    "polls_opaque_24h": 45,
    "delay_opaque_p95": 0.25,
}


def main() -> int:
    """Simulate, print and record; exit code 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description="Polls and delay of the polling policy, simulated.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    print_tables(arguments.jobs, arguments.seed)
    table = figures(arguments.jobs, arguments.seed)
    record(table, arguments.output)
    print()
    broken = False
    for entry in table:
        bound = BOUNDS.get(entry["name"])
        held = bound is None or entry["value"] <= bound
        broken = broken or not held
        verdict = "no bound" if bound is None else f"bound {bound:g}: {'holds' if held else 'BROKEN'}"
        print(f"{entry['name']}: value={entry['value']:g} peer={entry['peer']:g} unit={entry['unit']} ({verdict})")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
