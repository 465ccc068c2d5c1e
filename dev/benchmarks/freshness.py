"""
Time and memory of leaving out 10,000,000 candidates that are fresh by 100,000,000 rows in 300 files, beside its peers.

    python -m dev.benchmarks.freshness [--rounds 3] [--quick] [--output FILE]

From a list to a list of what is left. Method, peers and figures: ``docs/benchmarks.md``. Exit code 1 if a bound does
not hold, or if the methods leave different numbers.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from dev.benchmarks.figures import OUTPUT, record
from dev.benchmarks.freshness_data import History, history
from dev.benchmarks.freshness_methods import METHODS, Job, question
from dev.benchmarks.json_process import JsonProcess
from dev.benchmarks.move_run import machine
from dev.benchmarks.move_table import Bound, spread, verdict

ROUNDS = 3
PEER = "duckdb"
NAMES = {"ours": "ours", "duckdb": "DuckDB anti-join over text, 1 GB", "polars": "Polars anti-join over text"}
BOUNDS = {"fresh_10m_of_100m": Bound(ratio=1.2, rss_mib=350)}
HEAD = "| | wall s | ratio to the peer | CPU s | MiB in all |\n| --- | --- | --- | --- | --- |"


def measure(made: History, rounds: int, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """
    Run each method in each round, in a process of its own.

    :raises ValueError: if two methods leave different numbers
    """
    found: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
    for _ in range(rounds):
        lists = {}
        for method, samples in found.items():
            target = folder / f"{method}.txt"
            job = Job(str(made.candidates), str(made.files), made.now.isoformat(), str(target), str(folder))
            process = JsonProcess(method, "dev.benchmarks.freshness_methods", [method])
            try:
                samples.append(process.ask(question(job)))
            finally:
                process.stop()
            lists[method] = sorted(target.read_bytes().split())
            target.unlink()
        if any(each != lists[PEER] for each in lists.values()):
            raise ValueError(f"different numbers are left: { ({name: len(each) for name, each in lists.items()}) }")
        print(f"{len(lists[PEER]):,} of {made.lines:,} are left by each method", flush=True)
    return found


def print_table(found: dict[str, list[dict[str, Any]]], size: str) -> list[dict[str, Any]]:
    """Print what was measured, and return the figures."""
    print(HEAD)
    peers = [sample["wall"] for sample in found[PEER]]
    figures = []
    for method, samples in found.items():
        walls = [sample["wall"] for sample in samples]
        ratios = [wall / peer for wall, peer in zip(walls, peers, strict=True)]
        peak = max(sample["peak_mib"] for sample in samples)
        cpu = statistics.median(sample["cpu"] for sample in samples)
        shown = "-" if method == PEER else spread(ratios)
        print(f"| {NAMES[method]} | {spread(walls)} | {shown} | {cpu:.2f} | {peak:.0f} |")
        figures.append(
            {
                "name": f"fresh_{size}" if method == "ours" else f"fresh_{method}_{size}",
                "value": round(statistics.median(walls), 4),
                "unit": "s",
                "peer": None if method == PEER else round(statistics.median(peers), 4),
                "ratio": None if method == PEER else round(statistics.median(ratios), 4),
                "rss_mib": round(peak, 1),
            }
        )
    alone = statistics.median(sample["find_fresh_seconds"] for sample in found["ours"])
    print(f"\nOf ours, find_fresh alone takes {alone:.2f} s; the rest reads, deduplicates and writes the list.")
    return figures


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description="Time and memory of leaving out what is fresh, beside its peers.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="small data; nothing is recorded")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    size = "quick" if arguments.quick else "10m_of_100m"
    print(machine())
    made = history(size)
    files = list(made.files.iterdir())
    print(
        f"\n{made.lines:,} candidates, {made.rows:,} rows in {len(files)} files of "
        f"{sum(file.stat().st_size for file in files):,} bytes; {arguments.rounds} rounds\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory(prefix="ekyc-bench-fresh-") as folder:
        figures = print_table(measure(made, arguments.rounds, Path(folder)), size)
    if not arguments.quick:
        record(figures, arguments.output)
    verdicts = {entry["name"]: verdict(entry, BOUNDS.get(entry["name"], Bound())) for entry in figures}
    print("\n" + "\n".join(line for _, line in verdicts.values()))
    broken = [name for name, (held, _) in verdicts.items() if not held]
    if broken:
        print(f"These bounds do not hold: {', '.join(broken)}", file=sys.stderr)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
