"""An Airflow with CeleryExecutor: API server, scheduler, dag-processor, two triggerers and two workers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from dev.scale.redis_server import RedisServer
from dev.stack.airflow_stack import AirflowStack
from dev.stack.imported_once import IMPORTED_ONCE
from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import ChildProcess

TRIGGERERS = ("triggerer", "triggerer-2")
WORKERS = ("worker-1", "worker-2")
WORKER_TIMEOUT = 180.0
#: What Celery's worker logs when it receives tasks.
_READY = re.compile(rb"\S+@\S+ ready")


def celery_environment(
    redis: RedisServer, postgres: PostgresServer, slots: int, *, import_once: bool
) -> dict[str, str]:
    """Return the settings by which Airflow uses Celery, Redis and PostgreSQL.

    :param redis: running
    :param postgres: running
    :param slots: tasks that a worker runs at once
    :param import_once: whether the workers import :data:`IMPORTED_ONCE` when they start
    """
    everywhere = slots * len(WORKERS)
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        # As many again as there are slots wait in Redis.
        "AIRFLOW__CORE__PARALLELISM": str(2 * everywhere),
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": str(2 * everywhere),
        "AIRFLOW__CELERY__BROKER_URL": redis.url,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{postgres.airflow_url}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(slots),
        "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": json.dumps({"imports": IMPORTED_ONCE if import_once else ()}),
        # Airflow's own default, which the stack of the tests lowers: the figures are to be those of a deployment.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.airflow_url,
    }


class CeleryStack(AirflowStack):
    """An Airflow of our own whose tasks run on Celery's workers.

    :param home: its AIRFLOW_HOME
    :param dags_folder: where the DAG files are
    :param env: the settings of :func:`celery_environment`, and further ones
    :param log_dir: takes the output of the components
    :param python: interpreter of an environment that has the Celery provider
    """

    def __init__(self, home: Path, dags_folder: Path, env: Mapping[str, str], log_dir: Path, python: Path) -> None:
        super().__init__(home, dags_folder, env, log_dir, python)
        self._further: dict[str, ChildProcess] = {}
        self._log_start: dict[str, int] = {}

    def start(self, timeout: float = 240.0, *, api_server_first: bool = True) -> None:
        """Start and wait until all components are healthy and the workers receive tasks.

        :param timeout: seconds, for each of both
        :param api_server_first: start the others when it is healthy
        """
        try:
            super().start(timeout, api_server_first=api_server_first)
            for component in (*TRIGGERERS[1:], *WORKERS):
                self.launch_further(component)
            for component in WORKERS:
                self.wait_until_ready(component, timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all components: workers and the second triggerer first."""
        for process in self._further.values():
            process.terminate()
        for process in self._further.values():
            process.stop()
        self._further.clear()
        super().stop()

    def pid(self, component: str) -> int:
        """Return the process id of a component.

        :param component: any of them
        """
        return self._further[component].pid if component in self._further else super().pid(component)

    def is_running(self, component: str) -> bool:
        """Return whether a component was started and not killed.

        :param component: any of them
        """
        return component in self._further or component in self._processes

    def kill(self, component: str) -> None:
        """End a component and everything below it (running tasks too) with SIGKILL, as a machine that goes away.

        :param component: any of them
        """
        if component in self._further:
            self._further.pop(component).kill()
        else:
            super().kill(component)

    def launch_further(self, component: str) -> None:
        """Start a worker or the second triggerer, without waiting for it.

        :param component: one of :data:`WORKERS` or the second of :data:`TRIGGERERS`
        """
        if component in WORKERS:
            name = ("--celery-hostname", f"{component}@%h", "--pid", str(self.home / f"{component}.pid"))
            arguments = ["celery", "worker", "--skip-serve-logs", "--without-mingle", "--without-gossip", *name]
        else:
            arguments = ["triggerer", "--skip-serve-logs"]
        (self.home / f"{component}.pid").unlink(missing_ok=True)
        log = self.log_of(component)
        self._log_start[component] = log.stat().st_size if log.exists() else 0
        self._further[component] = ChildProcess(
            f"Airflow's {component}",
            [self._python, "-m", "airflow", *arguments],
            log,
            env=self.env,
            directory=self.home,
        )

    def wait_until_ready(self, worker: str, timeout: float = WORKER_TIMEOUT) -> None:
        """Wait until a worker receives tasks.

        :param worker: one of :data:`WORKERS`
        :param timeout: seconds
        """
        self._further[worker].wait_until(lambda: self._says_ready(worker), timeout, interval=0.5)

    def _says_ready(self, worker: str) -> bool:
        with self.log_of(worker).open("rb") as log:
            log.seek(self._log_start[worker])  # before it is what one says that was killed
            return _READY.search(log.read()) is not None
