"""An API server over a database with many made-up runs, without a scheduler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dev.stack.airflow_stack import AirflowStack
from dev.stack.compat.versions import ROOT
from dev.stack.processes import ProcessError, Stoppable, log_tail

RUNS = 10_000
#: Seconds, on a machine that does other things as well.
PATIENCE = 300.0


class MadeUpRuns(Stoppable):
    """Airflow's API server alone, with the data of the page's benchmark.

    :param folder: for Airflow's home and the logs
    :param runs: how many
    :param python: interpreter of another virtual environment, to run its Airflow
    """

    def __init__(self, folder: Path, runs: int = RUNS, python: Path | None = None) -> None:
        (folder / "dags").mkdir(parents=True, exist_ok=True)
        settings = {"AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
        self.airflow = AirflowStack(folder / "home", folder / "dags", settings, folder / "processes", python)
        self._python = str(python or sys.executable)
        self._runs = runs
        self._log = folder / "made-up-runs.log"

    def start(self) -> None:
        """Make the database and start the API server.

        :raises ProcessError: if it can't be done
        """
        self.airflow.migrate()
        command = [self._python, "-m", "dev.benchmarks.page_data", "--runs", str(self._runs)]
        with self._log.open("ab") as log:
            done = subprocess.run(
                command, stdout=log, stderr=log, check=False, env=self.airflow.env, cwd=ROOT, timeout=PATIENCE
            )
        if done.returncode:
            raise ProcessError(f"the runs could not be made.\n{log_tail(self._log)}")
        self.airflow.serve()

    def stop(self) -> None:
        """End the API server."""
        self.airflow.stop()
