"""
Time and memory of preparing a list: checked, each number once, in order; beside a loop, ``sort -u``, Polars and DuckDB.

    python -m dev.benchmarks.prepare [--sizes 10m 50m] [--rounds 3] [--quick] [--output FILE]

Method, peers and figures: ``docs/benchmarks.md``. Exit code 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dev.benchmarks.alone import Method, rounds_of
from dev.benchmarks.alone_table import figure, table
from dev.benchmarks.figures import OUTPUT, record
from dev.benchmarks.move import available_memory
from dev.benchmarks.move_data import NoRoom
from dev.benchmarks.move_run import machine, print_verdicts
from dev.benchmarks.move_table import Bound
from dev.benchmarks.prepare_data import NumberList, number_list

_METHODS = "dev.benchmarks.prepare_methods"
OURS = Method("ours", f"{_METHODS}:ours", "prepare")
FILES = Method("ours, EkycPrepareNumbersOperator's way", f"{_METHODS}:files", "prepare_files")
SUBMIT = Method("ours, EkycSubmitOperator's pass", f"{_METHODS}:submit_pass", "prepare_submit")
LOOP = Method("loop with a set", f"{_METHODS}:loop", "prepare_loop")
SORT = Method("sort -u", f"{_METHODS}:sort", "prepare_sort")
POLARS = Method("Polars", f"{_METHODS}:polars", "prepare_polars")
DUCKDB = Method("DuckDB", f"{_METHODS}:duckdb", "prepare_duckdb")
METHODS = (OURS, FILES, SUBMIT, LOOP, SORT, POLARS, DUCKDB)

ROUNDS = {"quick": 2, "10m": 3, "50m": 1}
BOUNDS = {
    "prepare_10m": Bound(ratio=0.22, rss_mib=150),
    "prepare_beside_duckdb_10m": Bound(ratio=0.8, rss_mib=150),
    "prepare_files_10m": Bound(ratio=0.22, rss_mib=150),
    "prepare_submit_10m": Bound(ratio=0.22, rss_mib=150),
    "prepare_50m": Bound(rss_mib=250),
    "prepare_files_50m": Bound(rss_mib=250),
    "prepare_submit_50m": Bound(rss_mib=250),
}
#: What the loop needs of memory for a line: an object and its place in the set.
LOOP_BYTES = 110
SHOWN = ("numpy", "polars", "duckdb")


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description="Time and memory of preparing a list, beside its peers.")
    parser.add_argument("--sizes", nargs="+", choices=list(ROUNDS), default=["10m", "50m"])
    parser.add_argument("--rounds", type=int, help="instead of those of each size")
    parser.add_argument("--quick", action="store_true", help="a small list, 2 rounds; nothing is recorded")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    print(machine(SHOWN), flush=True)
    figures = []
    for size in ["quick"] if arguments.quick else arguments.sizes:
        try:
            figures += measure(number_list(size), arguments.rounds or ROUNDS[size])
        except NoRoom as reason:
            print(f"LEFT OUT: {reason}")
    if not arguments.quick:
        record(figures, arguments.output)
    return int(not print_verdicts(figures, BOUNDS))


def measure(made: NumberList, rounds: int) -> list[dict[str, Any]]:
    """Measure one size and print its table; return its figures."""
    print(f"\n{made.name}: {made.lines:,} lines, {made.path.stat().st_size:,} bytes; {rounds} rounds\n", flush=True)
    methods = list(METHODS)
    if available_memory() < made.lines * LOOP_BYTES + 2**30:
        methods.remove(LOOP)
        print(f"LEFT OUT: {LOOP.name}: it needs {made.lines * LOOP_BYTES / 2**30:.1f} GiB of memory.\n")
    runs = rounds_of(methods, job_of(number_list("warm")), job_of(made), rounds)
    peers = [peer for peer in (LOOP, DUCKDB) if peer in runs]
    print("\n".join(table(runs, peers)), flush=True)
    figures = [
        figure(f"{method.figure}_{made.name}", own, runs.get(LOOP) if method != LOOP else None)
        for method, own in runs.items()
    ]
    return [*figures, figure(f"prepare_beside_duckdb_{made.name}", runs[OURS], runs[DUCKDB])]


def job_of(made: NumberList) -> Callable[[str], dict[str, str]]:
    """Return what to do with a list, in a directory."""
    return lambda folder: {"source": str(made.path), "target": f"{folder}/target", "spool_dir": folder}


if __name__ == "__main__":
    sys.exit(main())
