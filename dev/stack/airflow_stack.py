"""A real Airflow on 127.0.0.1: API server, scheduler, dag-processor and triggerer as four processes.

Not ``airflow standalone``: that one serves its log files on all interfaces.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from dev.stack.airflow_database import database_of
from dev.stack.airflow_settings import USER, airflow_environment, home_secrets
from dev.stack.imported_once import import_in_scheduler
from dev.stack.migrated_database import migrated_database
from dev.stack.processes import LOOPBACK, ChildProcess, ProcessError, Stoppable, free_ports, log_tail

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
HEALTHY_TIMEOUT = 240.0
MIGRATED_FILE = "migrated-by.txt"

# With everything at an end there is nobody to hand over to, and these two take long: the triggerer may
# sleep ten seconds past the end of its own child, the API server five after it has stopped serving.
GRACE_AT_THE_END = {"triggerer": 3.0, "api-server": 1.0}

# What the health report calls the three that send heartbeats.
REPORTED_AS = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}


def airflow_version(python: str) -> str:
    """Return the version of Airflow in a virtual environment.

    :param python: its interpreter
    """
    code = "from importlib.metadata import version; print(version('apache-airflow'))"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


class AirflowStack(Stoppable):
    """An Airflow 3 of our own, with its own home, database and secrets.

    :class:`~dev.stack.airflow2_stack.Airflow2Stack` runs Airflow 2.

    :param home: its AIRFLOW_HOME; one that was used before starts faster and still knows its runs
    :param dags_folder: where the DAG files are
    :param env: further environment variables of all components, such as ``AIRFLOW_CONN_...``
    :param log_dir: takes the output of the components; inside the home by default
    :param python: interpreter of the virtual environment whose Airflow is run; this one by default
    :param import_once: whether the scheduler imports what its tasks need, before it forks them
    """

    #: Its processes; the first is the web server, which the others need.
    components: tuple[str, ...] = COMPONENTS
    health_path = "/api/v2/monitor/health"

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        env: Mapping[str, str] | None = None,
        log_dir: Path | None = None,
        python: Path | None = None,
        *,
        import_once: bool = False,
    ) -> None:
        self.home = home.resolve()
        self.log_dir = log_dir.resolve() if log_dir else self.home / "processes"
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if import_once:
            import_in_scheduler(self.home)
        self._python = str(python or sys.executable)
        self._port = free_ports(1)[0]
        self.env = airflow_environment(self.home, dags_folder.resolve(), self._port, env or {})
        self._processes: dict[str, ChildProcess] = {}
        self._has_tasks = True
        self._session = requests.Session()
        # A proxy from the environment has no business between two processes of one machine.
        self._session.trust_env = False

    @property
    def url(self) -> str:
        """Address of the web UI and of the REST API."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def login(self) -> tuple[str, str]:
        """User and password."""
        return USER, home_secrets(self.home)["password"]

    def pid(self, component: str) -> int:
        """Return the process id of a component.

        :param component: one of :data:`COMPONENTS`
        :return: its process id
        """
        return self._processes[component].pid

    def log_of(self, component: str) -> Path:
        """Return where a component's output is.

        :param component: one of :data:`COMPONENTS`, or ``db-migrate``
        :return: the log file
        """
        return self.log_dir / f"{component}.log"

    def launch(self) -> None:
        """Migrate the database if needed and start all components at once, without waiting for them."""
        self.migrate()
        for component in self.components:
            self._launch(component)

    def start(self, timeout: float = HEALTHY_TIMEOUT, *, api_server_first: bool = False) -> None:
        """Start and wait until all components are healthy.

        :param timeout: seconds
        :param api_server_first: start the others when it is healthy. With runs under way the scheduler starts tasks at
            once, and Airflow fails a task whose calls nobody answers for some 15 s
        """
        try:
            if api_server_first:
                self.migrate()
                self._launch(self.components[0])
                self.wait_until_healthy(timeout, self.components[:1])
                for component in self.components[1:]:
                    self._launch(component)
            else:
                self.launch()
            self.wait_until_healthy(timeout)
        except BaseException:
            self.stop()
            raise

    def serve(self, timeout: float = HEALTHY_TIMEOUT) -> None:
        """Start the API server alone, without its part for tasks, and wait until it is healthy.

        :param timeout: seconds
        """
        self._has_tasks = False
        try:
            self.migrate()
            self._launch(self.components[0])
            self.wait_until_healthy(timeout, self.components[:1])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all components, the web server last: the others still talk to it while they end."""
        server, *others = self.components
        for component in reversed(others):
            if component in self._processes:
                self._processes[component].terminate()
        for component in (*others, server):
            if component in self._processes:
                self._processes[component].stop(GRACE_AT_THE_END.get(component))
        self._processes.clear()

    def restart(self, component: str, timeout: float = HEALTHY_TIMEOUT) -> None:
        """End a component if it runs, start it anew and wait until it is healthy.

        :param component: one of :data:`COMPONENTS`
        :param timeout: seconds
        """
        old = self._processes.pop(component, None)
        if old is not None:
            old.stop()
        self._launch(component)
        self.wait_until_healthy(timeout, (component,))

    def kill(self, component: str) -> None:
        """End a component and everything below it (running tasks too) with SIGKILL.

        :param component: one of :data:`COMPONENTS`
        """
        self._processes.pop(component).kill()

    def migrate(self) -> None:
        """Create the database, or upgrade that of an older Airflow; do nothing if it is up to date."""
        stamp = self.home / MIGRATED_FILE
        wanted = airflow_version(self._python)
        has_tables = database_of(self.env).has_tables()
        if has_tables and stamp.exists() and stamp.read_text() == wanted:
            return
        if has_tables:
            self._run_migration()
        else:
            migrated_database(self._python, self.env, self._run_migration)
        stamp.write_text(wanted)

    def _run_migration(self) -> None:
        command = [self._python, "-m", "airflow", "db", "migrate"]
        log = self.log_of("db-migrate")
        with ChildProcess("airflow db migrate", command, log, env=self.env) as process:
            code = process.wait(HEALTHY_TIMEOUT)
        if code:
            raise ProcessError(f"airflow db migrate failed with exit code {code}.\n{log_tail(log)}")

    def wait_until_healthy(self, timeout: float = HEALTHY_TIMEOUT, components: tuple[str, ...] = ()) -> None:
        """Wait until components are healthy.

        :param timeout: seconds
        :param components: which ones; all by default
        """
        deadline = time.monotonic() + timeout
        for component in components or self.components:
            self._processes[component].wait_until(
                lambda component=component: self._is_healthy(component),  # type: ignore[misc]
                deadline - time.monotonic(),
                interval=0.25,
            )

    def health(self) -> dict[str, Any]:
        """Ask for the health report.

        :return: the report; empty while the API server does not answer
        """
        try:
            answer = self._session.get(f"{self.url}{self.health_path}", timeout=10)
        except requests.RequestException:
            return {}
        return dict(answer.json()) if answer.ok else {}

    def _is_healthy(self, component: str) -> bool:
        report = self.health()
        for name, process in self._processes.items():
            if not process.alive:
                raise ProcessError(
                    f"Airflow's {name} ended with exit code {process.exit_code}.\n{log_tail(process.log_file)}"
                )
        if component == self.components[0]:
            return report.get("metadatabase", {}).get("status") == "healthy" and self._serves_tasks()
        name = REPORTED_AS[component]
        part = report.get(name, {})
        beat = part.get(f"latest_{name}_heartbeat")
        # A process that was killed counts as healthy for 30 s: only a heartbeat of the new one will do.
        return (
            part.get("status") == "healthy"
            and beat is not None
            and datetime.fromisoformat(beat).timestamp() >= self._processes[component].started_at
        )

    def _serves_tasks(self) -> bool:
        """Make the first call to the tasks' part of the API server: it takes 6 s, better now than later."""
        if not self._has_tasks:
            return True
        try:
            return self._session.get(f"{self.url}/execution/health", timeout=60).ok
        except requests.RequestException:
            return False

    def _arguments(self, component: str) -> list[str]:
        apps = "all" if self._has_tasks else "core"
        return {
            "api-server": ["--host", LOOPBACK, "--port", str(self._port), "--workers", "1", "--apps", apps],
            "scheduler": ["--skip-serve-logs"],
            "dag-processor": [],
            "triggerer": ["--skip-serve-logs"],
        }[component]

    def _launch(self, component: str) -> None:
        self._processes[component] = ChildProcess(
            f"Airflow's {component}",
            [self._python, "-m", "airflow", component, *self._arguments(component)],
            self.log_of(component),
            env=self.env,
            directory=self.home,
        )
