"""A run of ``ekyc_basic`` by ``dag.test()`` under another interpreter: for Airflow 2.11, which has no API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.stack.airflow_settings import airflow_environment
from dev.stack.airflow_stack import airflow_version
from dev.stack.processes import ProcessError, log_tail

INSIDE = Path(__file__).with_name("compat") / "inside.py"
TIMEOUT = 300.0


class DagTest:
    """An Airflow of our own without a scheduler: the triggers run in the process of the run.

    :param python: interpreter of its virtual environment
    :param home: its AIRFLOW_HOME
    :param dags_folder: where the DAG files are
    :param env: further environment variables, such as ``AIRFLOW_CONN_...``
    :param log_dir: takes the output
    """

    def __init__(self, python: Path, home: Path, dags_folder: Path, env: Mapping[str, str], log_dir: Path) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._python = str(python)
        self._home = home
        self._log_dir = log_dir
        # LocalExecutor, which nothing is started with here, refuses SQLite in Airflow 2.
        executor = {} if airflow_version(self._python)[0] != "2" else {"AIRFLOW__CORE__EXECUTOR": "SequentialExecutor"}
        self._env = airflow_environment(home, dags_folder, 1, {**executor, **env})

    def migrate(self) -> None:
        """Create the database, or upgrade it."""
        self.command("db-migrate", ["-m", "airflow", "db", "migrate"])

    def inside(self, task: str, text: str = "") -> dict[str, Any]:
        """Run a task of ``inside.py``.

        :param task: its name
        :param text: its standard input
        :return: its report
        """
        report = self._home / f"{task}.json"
        report.unlink(missing_ok=True)
        # -P: the folder of inside.py must not shadow what is installed.
        self.command(task, ["-P", str(INSIDE), task, str(report)], text)
        return dict(json.loads(report.read_text()))

    def command(self, name: str, arguments: list[str], text: str = "") -> None:
        """Run Python there.

        :param name: of the log file
        :param arguments: of the interpreter
        :param text: standard input
        :raises ProcessError: if it fails or does not end, with the end of its output
        """
        log_file = self._log_dir / f"{name}.log"
        try:
            with log_file.open("wb") as log:
                done = subprocess.run(
                    [self._python, *arguments],
                    env=self._env,
                    cwd=self._home,
                    input=text.encode(),
                    stdout=log,
                    stderr=log,
                    timeout=TIMEOUT,
                    check=False,
                )
        except subprocess.TimeoutExpired as error:
            raise ProcessError(f"{name} did not end within {TIMEOUT:.0f} s.\n{log_tail(log_file)}") from error
        if done.returncode:
            raise ProcessError(f"{name} ended with exit code {done.returncode}.\n{log_tail(log_file)}")
