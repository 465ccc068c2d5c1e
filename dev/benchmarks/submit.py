"""
Time and memory of uploading a file of 209 MB, over TLS to a local server; beside requests, its toolbelt and curl.

    python -m dev.benchmarks.submit [--rounds 9] [--quick] [--output FILE]

Method, peers and figures: ``docs/benchmarks.md``. Exit code 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from dev.benchmarks.alone import Method, rounds_of
from dev.benchmarks.alone_table import figure, table
from dev.benchmarks.figures import OUTPUT, record
from dev.benchmarks.move_run import machine, print_verdicts
from dev.benchmarks.move_table import Bound
from dev.benchmarks.submit_server import submit_server

_METHODS = "dev.benchmarks.submit_methods"
OURS = Method("ours", f"{_METHODS}:ours", "submit")
FILES = Method("requests files=", f"{_METHODS}:requests_files", "submit_requests_files")
TOOLBELT = Method("requests-toolbelt", f"{_METHODS}:toolbelt", "submit_toolbelt")
CURL = Method("curl", f"{_METHODS}:curl", "submit_curl")
METHODS = (OURS, FILES, TOOLBELT, CURL)

ROUNDS = 9
BOUNDS = {"submit_209mb": Bound(ratio=0.55, rss_mib=40)}
LINE = b"+999123456789\n"
SIZES = {"warm": 10_000, "quick": 20_000_000, "209mb": 209_000_000}
SHOWN = ("requests", "urllib3", "requests-toolbelt")


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description="Time and memory of uploading a file, beside its peers.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="a small file, 2 rounds; nothing is recorded")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    size, rounds = ("quick", 2) if arguments.quick else ("209mb", arguments.rounds)
    print(machine(SHOWN), flush=True)
    with tempfile.TemporaryDirectory(prefix="ekyc-bench-") as folder, submit_server() as (url, ca_file):

        def job(name: str) -> dict[str, str]:
            path = Path(folder, name)
            if not path.exists():
                path.write_bytes(LINE * (SIZES[name] // len(LINE)))
            return {"url": url, "ca_file": ca_file, "path": str(path)}

        print(f"\n{size}: {SIZES[size]:,} bytes; {rounds} rounds\n", flush=True)
        environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        runs = rounds_of(METHODS, lambda _: job("warm"), lambda _: job(size), rounds, environment)
    print("\n".join(table(runs, [FILES])))
    figures = [
        figure(f"{method.figure}_{size}", own, runs[FILES] if method != FILES else None) for method, own in runs.items()
    ]
    if not arguments.quick:
        record(figures, arguments.output)
    return int(not print_verdicts(figures, BOUNDS))


if __name__ == "__main__":
    sys.exit(main())
