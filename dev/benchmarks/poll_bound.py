"""
What the best of all policies could do with bursty progress, to show which of our bounds can't be reached.

The task has no queue, is long enough for the floor of 5 s not to matter, and the policy knows how many jumps there
will be. Jumps are uniform in time, so the time of the last query and the jumps seen by then are all that is
known about the duration (the times of these jumps add nothing). With a log-uniform prior the elapsed share of the
duration follows Beta(seen, jumps - seen + 1). That makes a small decision problem, solved here by dynamic
programming: by which factor to let the elapsed time grow, if a query costs 1 and a find too late costs ``price``.
The result has the fewest polls on average for its share of late finds.

    python -m dev.benchmarks.poll_bound [--seed 1]

Polls are counted from the first figures on; those before, and the result operator's, come on top.
"""

from __future__ import annotations

import argparse
import math
import random
import sys

from dev.benchmarks.poll_policy import quantile

SOON = 0.05
FACTORS = [1.05 + 0.03 * step for step in range(12)] + [1.4 + 0.1 * step for step in range(12)]
FACTORS += [2.6 + 0.3 * step for step in range(12)]
CELLS = 200


def best_factors(jumps: int, price: float) -> dict[int, float]:
    """Return, per number of jumps seen, the factor by which to let the elapsed time grow."""
    cost = {jumps + 1: 0.0}
    factors = {}
    for seen in range(jumps, 0, -1):
        choices = []
        for factor in FACTORS:
            late, moves = _after(jumps, seen, factor)
            onward = sum(chance * cost[seen + more] for more, chance in enumerate(moves) if more)
            choices.append(((1 + price * late + onward) / (1 - moves[0]), factor))
        cost[seen], factors[seen] = min(choices)
    return factors


def _after(jumps: int, seen: int, factor: float) -> tuple[float, list[float]]:
    """Return the chance that the next query is too late, and of each number of new jumps without an export."""
    rest = jumps - seen
    cells = [(cell + 0.5) / CELLS for cell in range(CELLS)]
    weights = [cell ** (seen - 1) * (1 - cell) ** rest for cell in cells]
    late = 0.0
    moves = [0.0] * (rest + 1)
    for cell, weight in zip(cells, weights, strict=True):
        if cell * factor > 1 + SOON:
            late += weight
        elif cell * factor < 1:
            chance = (factor - 1) * cell / (1 - cell)
            for more in range(rest + 1):
                moves[more] += weight * math.comb(rest, more) * chance**more * (1 - chance) ** (rest - more)
    whole = sum(weights)
    return late / whole, [move / whole for move in moves]


def polls_and_delay(factors: dict[int, float], jumps: int, chance: random.Random) -> tuple[int, float]:
    """Wait for one task of duration 1 with these factors, from the first figures on."""
    times = sorted(chance.random() for _ in range(jumps))
    elapsed = max(times[0], 0.02 * 5 ** chance.random())
    polls = 0
    while elapsed < 1:
        elapsed *= factors[sum(time <= elapsed for time in times)]
        polls += 1
    return polls, elapsed - 1


def main() -> int:
    """Print the frontier."""
    parser = argparse.ArgumentParser(description="The least polls that bursty progress allows.")
    parser.add_argument("--seed", type=int, default=1)
    chance = random.Random(parser.parse_args().seed)
    print("| polls after the first figures, p50 | p95 | delay p95, share of the duration |\n| --- | --- | --- |")
    for price in (5, 10, 20, 40, 80):
        found = []
        for jumps in range(5, 21):
            factors = best_factors(jumps, price)
            found += [polls_and_delay(factors, jumps, chance) for _ in range(500)]
        asked, delays = zip(*found, strict=True)
        print(f"| {quantile(asked, 0.5)} | {quantile(asked, 0.95)} | {quantile(delays, 0.95):.1%} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
