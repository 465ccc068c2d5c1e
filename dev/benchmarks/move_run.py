"""What the benchmarks of moves have in common: their options, their servers, and how they end."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dev.benchmarks.figures import OUTPUT, record
from dev.benchmarks.move_check import check_moves
from dev.benchmarks.move_data import SIZES, Archive, archive
from dev.benchmarks.move_pace import LOOPBACK, Network
from dev.benchmarks.move_rounds import Measured, Method, child_environment, job, measure
from dev.benchmarks.move_servers import Servers
from dev.benchmarks.move_table import Bound, verdict

SHOWN = ("apache-airflow-core", "apache-airflow-providers-amazon", "boto3", "requests", "isal", "numpy", "pyarrow")


@dataclass(frozen=True, slots=True)
class Bench:
    """
    Servers that run, and all that a measurement needs.

    :param environment: of the children
    :param spool_dir: for files in between
    :param warm: a small archive
    """

    servers: Servers
    environment: Mapping[str, str]
    spool_dir: Path
    warm: Archive

    def measure(self, methods: Sequence[Method], made: Archive, rounds: int) -> list[Measured]:
        """Move an archive by every method in every round."""
        warm, one = (job(each, self.spool_dir) for each in (self.warm, made))
        return measure(methods, self.servers, self.environment, warm, one, rounds)


def options(description: str) -> argparse.ArgumentParser:
    """Return a parser of the options that they share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, help="instead of those of each table")
    parser.add_argument("--quick", action="store_true", help="small data, 2 rounds; nothing is recorded")
    parser.add_argument("--no-check", action="store_true", help="leave out the comparison in a real S3 server")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    return parser


def run(
    arguments: argparse.Namespace,
    made: Sequence[Archive],
    print_tables: Callable[[Bench], list[dict[str, Any]]],
    moves: Sequence[tuple[Method, Archive]],
    bounds: Mapping[str, Bound],
    network: Network = LOOPBACK,
) -> int:
    """
    Measure, record, compare what lands, and say which bounds hold.

    :param made: what the source exports
    :param print_tables: measures, prints, and returns the figures
    :param moves: what to land in a real S3 server
    :param bounds: by name of the figure
    :param network: the speed of each connection
    :return: exit code: 1 if a bound does not hold, or if another object landed than was sent
    """
    print(machine())
    warm = archive(SIZES["warm"])
    with (
        Servers([warm, *made], network) as servers,
        child_environment(servers) as environment,
        tempfile.TemporaryDirectory(prefix="ekyc-bench-spool-") as folder,
    ):
        table = print_tables(Bench(servers, environment, Path(folder), warm))
        if not arguments.quick:
            record(table, arguments.output)
        is_same = arguments.no_check or not moves or check_moves(moves, servers, Path(folder))
    held = print_verdicts(table, bounds)
    return int(not (is_same and held))


def print_verdicts(table: Sequence[dict[str, Any]], bounds: Mapping[str, Bound]) -> bool:
    """
    Say which bounds hold.

    :param table: figures
    :param bounds: by name of the figure
    :return: whether all hold
    """
    verdicts = {entry["name"]: verdict(entry, bounds.get(entry["name"], Bound())) for entry in table}
    print("\n" + "\n".join(line for _, line in verdicts.values()))
    broken = [name for name, (held, _) in verdicts.items() if not held]
    if broken:
        print(f"These bounds do not hold: {', '.join(broken)}", file=sys.stderr)
    return not broken


def machine(shown: Sequence[str] = SHOWN) -> str:
    """Say when and on what it is measured, and the versions of some packages."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {len(os.sched_getaffinity(0))} cores ({processor()}), "
        f"{memory:.0f} GiB, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in shown)
    )


def processor() -> str:
    """Return the processor's name (Linux), or its kind."""
    with open("/proc/cpuinfo") as file:
        names = (line.partition(":")[2].strip() for line in file if line.startswith("model name"))
        return next(names, platform.machine())
