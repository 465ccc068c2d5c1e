"""
Time and memory of leaving out 10,000,000 candidates that are fresh by 100,000,000 rows in 300 files, beside its peers.

    python -m dev.benchmarks.freshness [--rounds 3] [--quick] [--output FILE]

From a list to a list of what is left. Method, peers and figures: ``docs/benchmarks.md``. Exit code 1 if a bound does
not hold, or if the methods leave different numbers.
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
from dev.benchmarks.freshness_data import History, history
from dev.benchmarks.move import available_memory
from dev.benchmarks.move_data import NoRoom
from dev.benchmarks.move_run import machine, print_verdicts
from dev.benchmarks.move_table import Bound

_METHODS = "dev.benchmarks.freshness_methods"
OURS = Method("ours", f"{_METHODS}:ours", "fresh")
DUCKDB = Method("DuckDB, 1 GB", f"{_METHODS}:duckdb_text", "fresh_duckdb")
POLARS = Method("Polars", f"{_METHODS}:polars_text", "fresh_polars")

ROUNDS = {"quick": 2, "10m_of_100m": 3}
BOUNDS = {"fresh_10m_of_100m": Bound(ratio=1.2, rss_mib=350)}
#: What Polars needs of memory for a row of the history.
POLARS_BYTES = 110
SHOWN = ("numpy", "pyarrow", "polars", "duckdb")


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description="Time and memory of leaving out what is fresh, beside its peers.")
    parser.add_argument("--rounds", type=int, help="instead of 3")
    parser.add_argument("--quick", action="store_true", help="a small history, 2 rounds; nothing is recorded")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    print(machine(SHOWN), flush=True)
    size = "quick" if arguments.quick else "10m_of_100m"
    try:
        figures = measure(history(size), arguments.rounds or ROUNDS[size])
    except NoRoom as reason:
        print(f"LEFT OUT: {reason}")
        return 0
    if not arguments.quick:
        record(figures, arguments.output)
    return int(not print_verdicts(figures, BOUNDS))


def measure(made: History, rounds: int) -> list[dict[str, Any]]:
    """Measure one history and print its table; return its figures."""
    files = [path.stat().st_size for path in made.files.iterdir()]
    print(
        f"\n{made.lines:,} candidates, {made.rows:,} rows in {len(files)} files of {sum(files):,} bytes; "
        f"{rounds} rounds\n",
        flush=True,
    )
    methods = [OURS, DUCKDB, POLARS]
    if available_memory() < made.rows * POLARS_BYTES + 2**30:
        methods.remove(POLARS)
        print(f"LEFT OUT: {POLARS.name}: it needs {made.rows * POLARS_BYTES / 2**30:.1f} GiB of memory.\n")
    runs = rounds_of(methods, job_of(history("quick")), job_of(made), rounds)
    print("\n".join(table(runs, [DUCKDB])), flush=True)
    print(f"\nEach leaves {runs[OURS][0].result[0]:,} numbers.")
    return [
        figure(f"{method.figure}_{made.name}", own, runs[DUCKDB] if method != DUCKDB else None)
        for method, own in runs.items()
    ]


def job_of(made: History) -> Callable[[str], dict[str, str]]:
    """Return what to do with a history, in a directory."""
    return lambda folder: {
        "candidates": str(made.candidates),
        "files": str(made.files),
        "now": made.now.isoformat(),
        "target": f"{folder}/target",
        "spool_dir": folder,
    }


if __name__ == "__main__":
    sys.exit(main())
