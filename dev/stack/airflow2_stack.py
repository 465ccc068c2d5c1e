"""A real Airflow 2 on 127.0.0.1: web server, scheduler and triggerer as three processes over PostgreSQL.

Not over SQLite, which LocalExecutor refuses in Airflow 2. The scheduler reads the DAG files itself.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.stack.airflow_settings import USER, home_secrets
from dev.stack.airflow_stack import MIGRATED_FILE, AirflowStack
from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import LOOPBACK, ProcessError

MAKE_ADMIN = Path(__file__).with_name("make_admin.py")
FAB_BACKENDS = "airflow.providers.fab.auth_manager.api.auth.backend"


class Airflow2Stack(AirflowStack):
    """An Airflow 2 of our own, with its own home and secrets.

    :param home: its AIRFLOW_HOME, a new one
    :param dags_folder: where the DAG files are
    :param database: a running, empty server, which is this Airflow's alone
    :param env: further environment variables of all components, such as ``AIRFLOW_CONN_...``
    :param log_dir: takes the output of the components
    :param python: interpreter of the virtual environment whose Airflow is run
    """

    components = ("webserver", "scheduler", "triggerer")
    health_path = "/health"

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        database: PostgresServer,
        env: Mapping[str, str],
        log_dir: Path,
        python: Path,
    ) -> None:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = {
            "DATABASE__SQL_ALCHEMY_CONN": database.airflow_url,
            "API__AUTH_BACKENDS": f"{FAB_BACKENDS}.session,{FAB_BACKENDS}.basic_auth",
            "WEBSERVER__SECRET_KEY": home_secrets(home)["api_secret"],
            # 300 s and 30 s by default, as ``[dag_processor]`` has them in Airflow 3.
            "SCHEDULER__DAG_DIR_LIST_INTERVAL": "5",
            "SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "10",
            "SCHEDULER__PARSING_PROCESSES": "1",
        }
        given = {f"AIRFLOW__{name}": value for name, value in settings.items()}
        super().__init__(home, dags_folder, {**given, **env}, log_dir, python)

    def migrate(self) -> None:
        """Create the tables and the administrator, once."""
        stamp = self.home / MIGRATED_FILE
        if stamp.exists():
            return
        self._run_migration()
        done = subprocess.run(
            [self._python, str(MAKE_ADMIN)],
            input=json.dumps({"name": USER, "password": home_secrets(self.home)["password"]}),
            capture_output=True,
            text=True,
            check=False,
            env=self.env,
            cwd=self.home,
        )
        if done.returncode:
            raise ProcessError(f"the administrator could not be made.\n{done.stderr[-2000:]}")
        stamp.touch()

    def _serves_tasks(self) -> bool:
        """Return True: tasks of Airflow 2 use the database."""
        return True

    def _arguments(self, component: str) -> list[str]:
        if component == "webserver":
            return ["--hostname", LOOPBACK, "--port", str(self._port), "--workers", "1"]
        return super()._arguments(component)
