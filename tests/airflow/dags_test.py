"""Runs of DAGs by ``airflow dags test`` in one process, which imports Airflow and makes its API for tasks once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.stack.airflow_settings import airflow_environment
from dev.stack.migrated_database import migrated_database
from dev.stack.processes import Stoppable
from dev.testing.waiting import wait_until

DAGS = Path(__file__).parent / "dags"
TIMEOUT = 300.0
#: Between a run's output and its exit code.
ENDED = "\nended with exit code "

_RUNS = f"""
import json, os, sys
from airflow.__main__ import main

own = dict(os.environ)
for line in sys.stdin:
    dag_id, env = json.loads(line)
    os.environ.update(env)
    sys.argv[1:] = ["dags", "test", dag_id]
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    print({ENDED!r}, code, sep="", flush=True)
    os.environ.clear()
    os.environ.update(own)
"""


@dataclass(frozen=True)
class Run:
    """
    What one run left.

    :param code: the exit code
    :param output: of both streams
    """

    code: int
    output: str


class DagsTest(Stoppable):
    """
    A process that runs the DAGs of the folder ``dags``, one after another.

    :param home: an empty folder for Airflow
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._log = home / "dags-test.log"
        self._env = airflow_environment(home, DAGS, 1, {})

    def start(self) -> None:
        """Make the database and start the process."""
        airflow = [sys.executable, "-m", "airflow"]

        def migrate() -> None:
            subprocess.run([*airflow, "db", "migrate"], env=self._env, check=True, capture_output=True, timeout=180)

        migrated_database(sys.executable, self._env, migrate)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _RUNS], env=self._env, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True
            )

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def run(self, dag_id: str, env: Mapping[str, str]) -> Run:
        """
        Run a DAG once.

        :param env: connections, and what the DAG reads
        """
        begin = self._log.stat().st_size

        def output() -> str:
            return self._log.read_bytes()[begin:].decode()

        assert self._process.stdin
        self._process.stdin.write(json.dumps([dag_id, dict(env)]) + "\n")
        self._process.stdin.flush()
        wait_until(lambda: self._process.poll() is not None or ENDED in output(), TIMEOUT, interval=0.2)
        text, ended, code = output().partition(ENDED)
        assert ended, text[-5000:]
        return Run(int(code), text)
