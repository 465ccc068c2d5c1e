"""
Peak memory above an idle process, and time, of preparing an input of full size.

Makes 10,000,000 lines (``+999`` and nine random digits, about 5 % of them repeats; always the same file),
runs :func:`prepared_numbers` over it in a child process, and compares that child's peak resident memory with
a child that imported the same modules and did nothing. Linux only (``VmHWM``).

    python -m dev.benchmarks.submit_memory [--lines 10000000] [--spool-dir DIR]

The first line of the output is for scripts (``key=value``), the second for people.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import IO

from airflow_provider_ekyc.numbers.prepare import prepared_numbers

SEED = 20251121
BLOCK_LINES = 50_000
REPEATS_PER_BLOCK = BLOCK_LINES // 20
MEMORY_LIMIT_MIB = 400


def line_blocks(lines: int) -> Iterator[list[bytes]]:
    """Yield ``lines`` lines in blocks; 5 % of each repeat lines of the first block or of the one before."""
    random_numbers = random.Random(SEED)
    first: list[bytes] = []
    previous: list[bytes] = []
    made = 0
    while made < lines:
        block = [b"+999%09d" % random_numbers.randrange(10**9) for _ in range(min(BLOCK_LINES, lines - made))]
        if previous:
            for place in random_numbers.sample(range(len(block)), min(REPEATS_PER_BLOCK, len(block))):
                block[place] = random_numbers.choice(random_numbers.choice((first, previous)))
        first = first or block
        previous = block
        made += len(block)
        yield block


def write_lines(file: IO[bytes], lines: int) -> None:
    """Write the input."""
    for block in line_blocks(lines):
        file.write(b"\n".join(block) + b"\n")
    file.flush()


def run_child(mode: str, path: str, spool_dir: str | None) -> tuple[float, str]:
    """Run this file as a child in ``mode``; return its peak memory in MiB, and what it printed."""
    command = [sys.executable, os.path.abspath(__file__), "--child", mode, "--input", path]
    if spool_dir:
        command += ["--spool-dir", spool_dir]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    peak_kib, _, printed = done.stdout.strip().partition(" ")
    return int(peak_kib) / 1024, printed


def child(mode: str, path: str, spool_dir: str | None) -> None:
    """Do the work of ``mode`` and print the peak memory of this process in KiB, then the counts."""
    printed = ""
    if mode == "prepare":
        started = time.perf_counter()
        with (
            open(path, "rb") as source,
            prepared_numbers(source, max_rows=10**9, spool_dir=spool_dir) as prepared,
        ):
            seconds = time.perf_counter() - started
            printed = f"{seconds:.2f} {prepared.rows} {prepared.duplicates} {prepared.sha256}"
    print(peak_memory_kib(), printed)


def peak_memory_kib() -> int:
    """
    Return this process's peak resident memory, from ``VmHWM`` in ``/proc``.

    Not ``ru_maxrss``: Linux carries that over from the parent through fork and exec (getrusage(2)), so an
    idle child would show the memory of the process that made the input.
    """
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main() -> int:
    """Run the measurement; 1 if the memory limit is passed."""
    parser = argparse.ArgumentParser(description="Memory and time of preparing an input file.")
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--spool-dir")
    parser.add_argument("--child", choices=("idle", "prepare"), help=argparse.SUPPRESS)
    parser.add_argument("--input", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.input, arguments.spool_dir)
        return 0
    with tempfile.NamedTemporaryFile(dir=arguments.spool_dir) as file:
        write_lines(file, arguments.lines)
        idle_mib, _ = run_child("idle", file.name, arguments.spool_dir)
        peak_mib, printed = run_child("prepare", file.name, arguments.spool_dir)
    seconds, rows, duplicates, sha256 = printed.split()
    above_mib = peak_mib - idle_mib
    print(
        f"lines={arguments.lines} rows={rows} duplicates={duplicates} seconds={seconds} "
        f"idle_mib={idle_mib:.1f} peak_mib={peak_mib:.1f} above_idle_mib={above_mib:.1f} "
        f"limit_mib={MEMORY_LIMIT_MIB} sha256={sha256}"
    )
    print(
        f"{arguments.lines:,} lines, {int(duplicates):,} duplicates dropped, {int(rows):,} left: "
        f"{seconds} s, {above_mib:.0f} MiB above an idle process (limit {MEMORY_LIMIT_MIB} MiB)."
    )
    return 0 if above_mib <= MEMORY_LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
