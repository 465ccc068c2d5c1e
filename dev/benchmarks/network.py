"""
The same moves, where each connection has a rate and each request a latency: a model of S3 over a network.

    python -m dev.benchmarks.network [--sizes 60mb 557mb parquet] [--rounds 5] [--rate 80] [--latency 40]
        [--quick] [--output FILE]

``python -m dev.benchmarks.network --size 60mb --rounds 5`` measures one size alone. What the model is, and what it
leaves out: ``docs/benchmarks.md``. Exit code 1 if a bound does not hold.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from dev.benchmarks import move, parquet
from dev.benchmarks.move_data import SIZES, archive
from dev.benchmarks.move_pace import Network
from dev.benchmarks.move_rounds import Method
from dev.benchmarks.move_run import Bench, options, run
from dev.benchmarks.move_table import Bound, print_table

#: What one request to S3 gives, in MB/s, and what it waits for, in ms: docs/benchmarks.md names the source.
RATE, LATENCY = 80.0, 40.0
#: By name: the archive, how many rounds, and the methods, the peer of the others first.
TABLES = {
    "60mb": ("60mb", 7, (move.PEER, move.CHECKED, move.STREAM, move.CURL)),
    "557mb": ("557mb", 5, (move.PEER, move.CHECKED, move.STREAM, move.CURL)),
    "parquet": ("60mb", 5, (parquet.PEER, parquet.CHECKED)),
}
#: What a figure ends with, where that is not the table's name.
SUFFIXES = {"parquet": "10m"}
OURS = ("net_checked_60mb", "net_checked_557mb", "net_parquet_10m")
MEMORY = Bound(rss_mib=move.MEMORY)
BOUNDS = {
    "net_checked_60mb": Bound(ratio=0.85),
    "net_checked_557mb": Bound(ratio=0.65),
    "net_parquet_10m": Bound(ratio=0.75),
    "net_memory_mib": MEMORY,
}


def main() -> int:
    """Measure, print and record."""
    parser = options("Time and memory of moving a result to S3, over connections that have a speed.")
    parser.add_argument("--sizes", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--rate", type=float, default=RATE, help="MB/s of one connection (default: %(default)g)")
    parser.add_argument("--latency", type=float, default=LATENCY, help="ms of each request (default: %(default)g)")
    arguments = parser.parse_args()
    sizes = {name: "quick" if arguments.quick else TABLES[name][0] for name in arguments.sizes}
    made = {size: archive(SIZES[size]) for size in dict.fromkeys(sizes.values())}

    def print_tables(bench: Bench) -> list[dict[str, Any]]:
        print(f"\n{arguments.rate:g} MB/s a connection, {arguments.latency:g} ms a request")
        figures = []
        for name, size in sizes.items():
            _, rounds, methods = TABLES[name]
            rounds = arguments.rounds or (2 if arguments.quick else rounds)
            print(
                f"\n{name}: {made[size].rows:,} rows, {made[size].size:,} bytes of zip; {rounds} rounds\n", flush=True
            )
            table = bench.measure([in_network(method) for method in methods], made[size], rounds)
            figures += print_table(table, table[0], size if arguments.quick else SUFFIXES.get(name, name))
        return [*figures, *memory(figures)]

    network = Network(rate=arguments.rate * 1e6, latency=arguments.latency / 1e3)
    return run(arguments, list(made.values()), print_tables, (), BOUNDS, network)


def in_network(method: Method) -> Method:
    """Return the method under the name that its figures have here."""
    return replace(method, figure=f"net_{method.figure.removeprefix('move_')}")


def memory(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the figure ``net_memory_mib``, the most memory that ours needed; none if ours was not measured."""
    measured = [entry["rss_mib"] for entry in figures if entry["name"] in OURS]
    return [
        {"name": "net_memory_mib", "value": most, "unit": "MiB", "peer": None, "ratio": None, "rss_mib": most}
        for most in [max(measured, default=None)]
        if most is not None
    ]


if __name__ == "__main__":
    sys.exit(main())
