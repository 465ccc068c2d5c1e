"""The command: chooses the cases, runs them, finds their verdicts, prints."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from botocore.credentials import Credentials

from dev.faults.case import Case, Evidence
from dev.faults.environment import BUCKET, prepare_environment
from dev.faults.negative_control import control_cases
from dev.faults.plan import plan
from dev.faults.points import POINTS
from dev.faults.process_chain import ProcessTier
from dev.faults.reach import points_never_reached
from dev.faults.report import complaints, figures_of, last_line, table_of
from dev.faults.scheduler_tier import run_scheduled
from dev.faults.verdict import Verdict, verdict_of
from dev.faults.warehouse import kills_and_clears, table_cases
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Relay

#: Cases of tier P at once.
AT_ONCE = 4


def run_processes(cases: Sequence[Case], folder: Path, s3: S3Server, report: Callable[[str], None]) -> list[Verdict]:
    """Run the cases of tier P and find their verdicts."""
    found: list[tuple[Case, Evidence]] = []
    relay = S3Relay(s3.endpoint_url, ignores_conditions=Credentials(s3.access_key, s3.secret_key))
    with relay as unconditional, S3Relay(s3.endpoint_url) as faulty, ThreadPoolExecutor(AT_ONCE) as pool:
        tier = ProcessTier(folder, s3, unconditional.endpoint_url, faulty)
        for case, evidence in zip(cases, pool.map(tier.run, cases), strict=True):
            found.append((case, evidence))
            if len(found) % 20 == 0:
                report(f"{len(found)} of {len(cases)} cases in processes")
        if any(case.operator == "table" for case in cases):
            # Read when all is over: what one case has added another one may have lost.
            rows = tier.warehouse.rows()
            for case, evidence in found:
                if case.operator == "table":
                    evidence.in_table = sum((rows[one] for one in evidence.prepaid), Counter())
    return [verdict_of(case, evidence) for case, evidence in found]


def run_all(cases: Sequence[Case], report: Callable[[str], None]) -> list[Verdict]:
    """Run all cases and find their verdicts."""
    with tempfile.TemporaryDirectory(prefix="ekyc-faults-") as name, S3Server() as s3:
        folder = Path(name)
        prepare_environment(folder / "airflow")
        s3.create_bucket(BUCKET)
        verdicts = run_processes([case for case in cases if not case.scheduled], folder, s3, report)
        scheduled = [case for case in cases if case.scheduled]
        if scheduled:
            verdicts += run_scheduled(scheduled, folder, s3, report)
    return verdicts


def run_reach() -> int:
    """Print the kill points that no unharmed try reaches; return 0 if there are none."""
    with tempfile.TemporaryDirectory(prefix="ekyc-faults-") as name, S3Server() as s3:
        folder = Path(name)
        prepare_environment(folder / "airflow")
        s3.create_bucket(BUCKET)
        missed = points_never_reached(ProcessTier(folder, s3).run, folder)
    for point in missed:
        print(f"{point.operator}, {point.name}: no try reached it; correct dev/faults/points.py")
    print(f"points: n={len(POINTS)} never_reached={len(missed)}")
    return 1 if missed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return 0 if every figure is as it must be."""
    options = _options(arguments)
    if options.points:
        return run_reach()
    started = time.monotonic()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)

    def report(what: str) -> None:
        print(f"[{time.monotonic() - started:4.0f} s] {what}", file=sys.stderr, flush=True)

    if options.negative_control:
        cases = control_cases()
    else:
        cases = plan(options.count, seed, scheduler=not options.short)
        cases += table_cases(options.count, seed, first=len(cases) + 1)
    verdicts = run_all(cases, report)
    print(table_of(verdicts), end="\n\n")
    for line in complaints(verdicts):
        print(line)
    around_commits = kills_and_clears({verdict.case: verdict.kills for verdict in verdicts})
    print(f"Kills and clears around a commit to the table: {around_commits}.", end=" ")
    print(f"Under the real scheduler: {sum(v.case.scheduled for v in verdicts)} of {len(verdicts)}.", end=" ")
    print(f"Seed {seed}. {time.monotonic() - started:.0f} s.")
    figures = figures_of(verdicts).values()
    if options.negative_control:
        print(f"The negative control {'holds' if all(figures) else 'FAILS'}: each figure has to rise.")
    print(last_line(verdicts))
    as_it_must_be = all(figures) if options.negative_control else not any(figures)
    return 0 if as_it_must_be else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.faults", description="Kills and faults, and what they cost.")
    parser.add_argument("--count", type=int, default=200, help="cases (200)")
    parser.add_argument("--seed", type=int, help="repeats a run's cases")
    parser.add_argument("--short", action="store_true", help="without a real scheduler")
    parser.add_argument("--points", action="store_true", help="kill nothing; say which kill points no try reaches")
    parser.add_argument("--negative-control", action="store_true", help="switch safeguards off: all figures must rise")
    return parser.parse_args(arguments)
