"""The command: makes inputs, has them read, compares S3 with the verdicts, prints."""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from dev.fuzz.model import Verdict
from dev.fuzz.report import complaints, figures_of, last_line, table_of
from dev.fuzz.workers import FINDINGS, Order, run_workers
from dev.stack.s3_server import S3Server


def run_all(order: Order, processes: int) -> list[Verdict]:
    """Read all inputs of an order, and compare S3 with the verdicts afterwards."""
    with tempfile.TemporaryDirectory(prefix="ekyc-fuzz-") as home, S3Server() as s3:
        _prepare_environment(Path(home), s3)
        from dev.fuzz.bucket import BUCKET, SENT_BUCKET, check_bucket

        for bucket in (BUCKET, SENT_BUCKET):
            s3.create_bucket(bucket)
        verdicts = list(run_workers(order, processes))
        return [*verdicts, *check_bucket(s3.client(), order.seed, verdicts)]


def _prepare_environment(home: Path, s3: S3Server) -> None:
    """Set what Airflow reads when it is imported, and what boto reads."""
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(s3.connection()),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def unnoticed(verdicts: Sequence[Verdict]) -> list[str]:
    """Name the sabotages that were not caught."""
    # It imports Airflow, which a run without sabotages needs only in its workers.
    from dev.fuzz.negative_control import SABOTAGES

    at_work = {verdict.index: verdict.sabotage for verdict in verdicts if verdict.sabotage}
    caught = {(at_work.get(verdict.index), failure.figure) for verdict in verdicts for failure in verdict.failures}
    return [sabotage.name for sabotage in SABOTAGES if (sabotage.name, sabotage.figure) not in caught]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return 0 if every figure is as it must be."""
    options = _options(arguments)
    started = time.monotonic()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    if options.only is not None:
        order = Order(seed, options.only, options.only + 1)
    elif options.negative_control:
        from dev.fuzz.negative_control import COUNT

        order = Order(seed, 0, COUNT, control=True, searches=1)
    else:
        order = Order(seed, 0, options.count)
    verdicts = run_all(order, 1 if options.only is not None else options.processes)
    seconds = time.monotonic() - started
    print(table_of(verdicts), end="\n\n")
    for line in complaints(verdicts, seed):
        print(line)
    figures = figures_of(verdicts).values()
    print(f"Seed {seed}.{f' Failing inputs are in {FINDINGS}.' if any(figures) else ''}")
    if options.negative_control:
        missed = unnoticed(verdicts)
        print(f"The negative control {'FAILS: not noticed: ' + ', '.join(missed) if missed else 'holds'}.")
    print(last_line(verdicts, seconds))
    if options.negative_control:
        return 1 if missed else 0
    return 1 if any(figures) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dev.fuzz", description="Made-up inputs, and what must hold for each."
    )
    parser.add_argument("--count", type=int, default=10_000, help="inputs (10,000)")
    parser.add_argument("--seed", type=int, help="repeats a run's inputs")
    parser.add_argument("--only", type=int, metavar="INDEX", help="a single input, as a failure names it")
    parser.add_argument("--processes", type=int, default=2, help="at once (2)")
    parser.add_argument("--negative-control", action="store_true", help="wrong readers: each must be caught")
    return parser.parse_args(arguments)
