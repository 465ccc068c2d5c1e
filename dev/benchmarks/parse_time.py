"""
How much longer one of our DAG files takes to parse than one of ``EmptyOperator``s.

Each file is parsed in a process of its own in which Airflow is loaded already, as the dag-processor does it
(it forks). Rounds alternate; the figures are medians.

    python -m dev.benchmarks.parse_time
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_MS = 50.0
OURS = Path(__file__).parents[2] / "example_dags" / "ekyc_basic.py"

EMPTY = """
from airflow.sdk import DAG, Asset, Param
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("empty", schedule=None, params={"numbers": Param("x", type="string")}):
    EmptyOperator(task_id="submit") >> EmptyOperator(task_id="wait") >> EmptyOperator(task_id="land")
"""

PARSE = """
import sys, time, runpy
import airflow.dag_processing.dagbag, airflow.sdk
from airflow.providers.standard.operators.empty import EmptyOperator
begun = time.perf_counter()
runpy.run_path(sys.argv[1])
print((time.perf_counter() - begun) * 1000)
"""


def parse_ms(path: Path) -> float:
    """Return how long one parse took, in milliseconds."""
    done = subprocess.run([sys.executable, "-c", PARSE, str(path)], check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    """Measure and print; exit code 1 above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        parse_ms(empty), parse_ms(OURS)  # the first of each writes the byte code
        pairs = [(parse_ms(empty), parse_ms(OURS)) for _ in range(rounds)]
    empty_ms, ours_ms = (statistics.median(column) for column in zip(*pairs, strict=True))
    more = statistics.median(ours - empty for empty, ours in pairs)
    print(f"Of {rounds} rounds: EmptyOperators {empty_ms:.1f} ms, ours {ours_ms:.1f} ms (limit {LIMIT_MS:.0f} ms more)")
    print(f"parse_time: empty_ms={empty_ms:.1f} ours_ms={ours_ms:.1f} more_ms={more:.1f} limit_ms={LIMIT_MS:.0f}")
    return int(more > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
