"""
Time and memory from 10,000,000 rows to checked, compared Parquet in S3, beside ``zipfile`` and pyarrow.

    python -m dev.benchmarks.parquet [--rounds 5] [--quick] [--no-check] [--output FILE]

From end to end (source over TLS to sink over TLS) and, apart, the conversion alone from file to file. Method, peers
and figures: ``docs/benchmarks.md``. Exit code 1 if a bound does not hold, or if the rows that landed in a real S3
server are not those that were sent.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from dev.benchmarks.move_data import SIZES, archive
from dev.benchmarks.move_rounds import Method
from dev.benchmarks.move_run import Bench, options, run
from dev.benchmarks.move_table import Bound, print_table

_method = partial(Method, carries="table")
CHECKED = _method("ours, against the task's figures", "dev.benchmarks.parquet_methods:checked", "parquet")
RECONCILED = _method("ours, against each number sent", "dev.benchmarks.parquet_methods:reconciled", "parquet_numbers")
PEER = _method("zipfile + pyarrow, snappy", "dev.benchmarks.parquet_methods:peer_snappy", "parquet_pyarrow_snappy")
PEER_ZSTD = _method("zipfile + pyarrow, zstd", "dev.benchmarks.parquet_methods:peer_zstd", "parquet_pyarrow_zstd")

_conversion = partial(Method, carries="nothing")
CONVERT = _conversion("ours", "dev.benchmarks.parquet_methods:convert_ours", "convert")
CONVERT_PEER = _conversion(
    "zipfile + pyarrow, snappy", "dev.benchmarks.parquet_methods:convert_peer_snappy", "convert_pyarrow_snappy"
)
CONVERT_PEER_ZSTD = _conversion(
    "zipfile + pyarrow, zstd", "dev.benchmarks.parquet_methods:convert_peer_zstd", "convert_pyarrow_zstd"
)

#: Each with the peer that the others are compared with first.
TABLES = {
    "From end to end": (PEER, CHECKED, RECONCILED, PEER_ZSTD),
    "The conversion alone, from file to file": (CONVERT_PEER, CONVERT, CONVERT_PEER_ZSTD),
}
ROUNDS = {"10m": 5, "quick": 2}
BOUNDS = {"parquet_10m": Bound(ratio=0.7, rss_mib=300)}


def main() -> int:
    """Measure, print and record."""
    arguments = options("Time and memory of a result's way to Parquet, beside its peers.").parse_args()
    size = "quick" if arguments.quick else "10m"
    rounds = arguments.rounds or ROUNDS[size]
    made = archive(SIZES["quick" if arguments.quick else "60mb"])

    def print_tables(bench: Bench) -> list[dict[str, Any]]:
        figures = []
        for title, methods in TABLES.items():
            print(f"\n{title}: {made.rows:,} rows, {made.csv_size:,} bytes of CSV; {rounds} rounds\n", flush=True)
            table = bench.measure(methods, made, rounds)
            figures += print_table(table, table[0], size)
        return figures

    return run(arguments, [made], print_tables, [(RECONCILED, made), (CHECKED, made)], BOUNDS)


if __name__ == "__main__":
    sys.exit(main())
