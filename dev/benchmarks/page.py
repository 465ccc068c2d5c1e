"""
The route of the eKYC page with 10,000 runs, over HTTP from a real API server, on SQLite and on PostgreSQL.

    python -m dev.benchmarks.page [--runs 10000] [--calls 40] [--database sqlite] [--python PATH] [--output FILE]

``--python`` names the interpreter of another environment, whose Airflow is run. Method and figures:
``docs/benchmarks.md``. Exit code 1 if a bound does not hold.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from dev.benchmarks.figures import OUTPUT, record
from dev.benchmarks.move_run import machine
from dev.stack.airflow_stack import AirflowStack, airflow_version
from dev.stack.postgres_server import USER, PostgresServer

ROOT = Path(__file__).parents[2]
DATABASES = ("sqlite", "postgres")
RUNS = 10_000
CALLS = 40
WARM_CALLS = 5

#: Milliseconds at the median, from the request to the last byte of the answer.
BOUND = 200.0

#: What is asked for, by the name of its figure. The first one is what an open page asks for every five seconds.
QUESTIONS: dict[str, dict[str, str]] = {
    "page": {"part": "needs,waiting,history"},
    "history": {"part": "history"},
    "needs": {"part": "needs"},
    "waiting": {"part": "waiting"},
    "days": {"part": "days"},
    "last_rows": {"part": "history", "offset": str(RUNS - 100)},
    "landed": {"part": "history", "state": "landed"},
    "failed": {"part": "history", "state": "failed,needs_you"},
    "one_dag": {"part": "history", "dag_id": "made_up_3"},
}

#: The ones that must hold: what shows 100 rows, and the days.
BOUND_QUESTIONS = ("history", "needs", "waiting", "days", "one_dag")


@dataclass(frozen=True, slots=True)
class Timing:
    """
    The calls of one question.

    :param seconds: of each call
    :param cpu: seconds of the server's CPU, a call
    :param size: bytes of an answer
    """

    name: str
    seconds: list[float]
    cpu: float
    size: int

    @property
    def median_ms(self) -> float:
        """Milliseconds at the median."""
        return statistics.median(self.seconds) * 1000

    def row(self) -> str:
        """Return a row of the table."""
        worst = statistics.quantiles(self.seconds, n=10)[-1] * 1000
        return f"| {self.name} | {self.median_ms:.0f} | {worst:.0f} | {self.cpu * 1000:.0f} | {self.size / 1000:.0f} |"


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description="The route of the eKYC page with many runs.")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    number = airflow_version(str(arguments.python))
    print(f"{machine(('requests',))}, Airflow {number}", flush=True)
    figures: list[dict[str, Any]] = []
    for database in arguments.database or DATABASES:
        with _server(database, arguments.runs, arguments.python) as server:
            timings = _measure(server, arguments.calls)
        print(f"\n{database}, {arguments.runs:,} runs, {arguments.calls} calls of each question\n")
        print("| | median ms | 90 % ms | server's CPU ms | answer kB |\n| --- | --- | --- | --- | --- |")
        print("\n".join(timing.row() for timing in timings), flush=True)
        figures += [{"name": f"page_{database}_{each.name}", "value": each.median_ms / 1000} for each in timings]
    if arguments.runs == RUNS and arguments.python == Path(sys.executable):
        record(figures, arguments.output)
    return int(not _print_verdicts(figures))


@contextmanager
def _server(database: str, runs: int, python: Path) -> Iterator[AirflowStack]:
    """Yield an Airflow whose API server runs, over a database with made-up runs."""
    with tempfile.TemporaryDirectory(prefix="ekyc-bench-page-") as folder, _database(database) as settings:
        home = Path(folder, "home")
        (home / "dags").mkdir(parents=True)
        env = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": settings} if settings else {}
        stack = AirflowStack(home, home / "dags", env, python=python)
        stack.migrate()
        command = [str(python), "-m", "dev.benchmarks.page_data", "--runs", str(runs)]
        subprocess.run(command, cwd=ROOT, env={**stack.env, "PYTHONPATH": str(ROOT)}, check=True)
        try:
            stack.serve()
            yield stack
        finally:
            stack.stop()


@contextmanager
def _database(name: str) -> Iterator[str]:
    """Yield the address of an empty database; empty text for the file in Airflow's home."""
    if name == "sqlite":
        yield ""
        return
    with PostgresServer() as server:
        # Each statement is logged for the tests; the log would be part of what is measured.
        server.execute(f"ALTER ROLE {USER} SET log_statement = 'none'")
        yield server.airflow_url


def _measure(server: AirflowStack, calls: int) -> list[Timing]:
    session = requests.Session()
    session.trust_env = False
    login = dict(zip(("username", "password"), server.login, strict=True))
    token = session.post(f"{server.url}/auth/token", json=login, timeout=60).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    processes = _tree(server.pid("api-server"))
    timings = []
    for name, question in QUESTIONS.items():
        for _ in range(WARM_CALLS):
            size = _call(session, server.url, question)
        seconds, cpu = [], _cpu(processes)
        for _ in range(calls):
            begun = time.perf_counter()
            _call(session, server.url, question)
            seconds.append(time.perf_counter() - begun)
        timings.append(Timing(name, seconds, (_cpu(processes) - cpu) / calls, size))
    return timings


def _call(session: requests.Session, url: str, question: dict[str, str]) -> int:
    answer = session.get(f"{url}/ekyc/verifications", params=question, timeout=120)
    answer.raise_for_status()
    return len(answer.content)


def _tree(pid: int) -> list[psutil.Process]:
    server = psutil.Process(pid)
    return [server, *server.children(recursive=True)]


def _cpu(processes: list[psutil.Process]) -> float:
    return float(sum(times.user + times.system for times in (process.cpu_times() for process in processes)))


def _print_verdicts(figures: list[dict[str, Any]]) -> bool:
    """Say which bounds hold."""
    print()
    held = True
    for figure in figures:
        if figure["name"].split("_", 2)[2] in BOUND_QUESTIONS:
            holds = figure["value"] * 1000 <= BOUND
            held = held and holds
            verdict = "holds" if holds else "BROKEN"
            print(f"{figure['name']}: median={figure['value'] * 1000:.0f} ms (bound {BOUND:.0f}: {verdict})")
    return held


if __name__ == "__main__":
    sys.exit(main())
