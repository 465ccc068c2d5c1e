"""One run of a DAG by ``airflow dags test``, with a database of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.stack.airflow_settings import airflow_environment
from dev.stack.migrated_database import migrated_database


def run_dag(dag_id: str, dags: Path, home: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """
    Run a DAG once and return the exit code and the output.

    :param dags: the folder of DAG files
    :param home: an empty folder for Airflow
    :param env: connections, and what the DAG reads
    """
    environment = airflow_environment(home, dags, 1, env)
    airflow = [sys.executable, "-m", "airflow"]

    def migrate() -> None:
        subprocess.run([*airflow, "db", "migrate"], env=environment, check=True, capture_output=True, timeout=180)

    migrated_database(sys.executable, home / "airflow.db", environment, migrate)
    return subprocess.run(
        [*airflow, "dags", "test", dag_id],
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
