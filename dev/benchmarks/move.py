"""
Time and memory of a checked move of a result to S3, compared with the amazon provider's unchecked one.

    python -m dev.benchmarks.move [--sizes 60mb 557mb 2200mb] [--rounds 5] [--quick] [--no-check] [--output FILE]

Method, peers and figures: ``docs/benchmarks.md``. Exit code 1 if a bound does not hold, or if what landed in a real
S3 server is not what was sent.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from dev.benchmarks.move_data import SIZES, Archive, NoRoom, archive
from dev.benchmarks.move_rounds import Method
from dev.benchmarks.move_run import Bench, options, run
from dev.benchmarks.move_table import Bound, print_table

CHECKED = Method("EkycResultsToS3Operator, checked", "dev.benchmarks.move_methods:checked", "move_checked")
PEER = Method("HttpToS3Operator, unchecked", "dev.benchmarks.move_methods:http_to_s3", "move_http_to_s3")
STREAM = Method("requests into upload_fileobj, unchecked", "dev.benchmarks.move_methods:stream", "move_stream")
CURL = Method("curl into curl, unchecked", "dev.benchmarks.move_methods:curl", "move_curl", in_process=False)
METHODS = (CHECKED, PEER, STREAM, CURL)

ROUNDS = {"60mb": 15, "557mb": 5, "2200mb": 5, "quick": 2}
#: MiB above an idle process, at any size.
MEMORY = 200
#: What must hold.
BOUNDS = {
    "move_checked_60mb": Bound(ratio=1.15, rss_mib=MEMORY),
    "move_checked_557mb": Bound(ratio=1.0, rss_mib=MEMORY),
    "move_checked_2200mb": Bound(ratio=0.9, rss_mib=MEMORY),
}
#: HttpToS3Operator needs this many times the zip: it holds the result twice while it joins its pieces.
PEER_MEMORY = 2.5


def main() -> int:
    """Measure, print and record."""
    parser = options("Time and memory of moving a result to S3, beside its peers.")
    parser.add_argument("--sizes", nargs="+", choices=list(ROUNDS), default=["60mb", "557mb", "2200mb"])
    arguments = parser.parse_args()
    made = archives(["quick"] if arguments.quick else arguments.sizes)

    def print_tables(bench: Bench) -> list[dict[str, Any]]:
        figures = []
        for one in made:
            figures += print_size(bench, one, arguments.rounds or ROUNDS[one.name])
        return figures

    moves = [(CHECKED, one) for one in made] + [(PEER, one) for one in made[:1]]
    return run(arguments, made, print_tables, moves, BOUNDS)


def archives(names: Sequence[str]) -> list[Archive]:
    """Return the archives for which there is room, and say for which there is none."""
    made = []
    for name in names:
        print(f"Making {name}, unless it is there.", flush=True)
        try:
            made.append(archive(SIZES[name]))
        except NoRoom as reason:
            print(f"LEFT OUT: {reason}")
    return made


def print_size(bench: Bench, one: Archive, rounds: int) -> list[dict[str, Any]]:
    """Measure one size and print its table; return its figures."""
    print(f"\n{one.name}: {one.rows:,} rows, {one.size:,} bytes of zip, {one.csv_size:,} unpacked; {rounds} rounds\n")
    methods = list(METHODS)
    available = available_memory()
    if available < PEER_MEMORY * one.size + 2**30:
        methods.remove(PEER)
        print(f"LEFT OUT: {PEER.name}: {available / 2**30:.1f} GiB of memory are available, it needs more.\n")
    table = bench.measure(methods, one, rounds)
    peer = next((measured for measured in table if measured.method == PEER), None)
    return print_table(table, peer, one.name)


def available_memory() -> int:
    """Return the bytes that a new process could take without swapping, from ``/proc`` (Linux)."""
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))


if __name__ == "__main__":
    sys.exit(main())
