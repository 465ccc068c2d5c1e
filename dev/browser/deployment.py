"""What the browser opens: Airflow with its own sandbox of the API and its own S3 server."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from airflow_provider_ekyc.sandbox import Sandbox
from dev.browser.fab_users import ADMIN, FAB_SETTINGS, FabUsers, Rights
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.demo_plan import write_numbers
from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import Stoppable
from dev.stack.s3_server import S3Server

BUCKET = "ekyc-browser"
#: Rows a second: 600 rows are waited for long enough to be seen on their way, and not longer.
PACE = 40.0


class Deployment(Stoppable):
    """An Airflow with a connection to AWS and none to eKYC, a sandbox and an S3 server with :data:`BUCKET`.

    :param folder: for Airflow's home, its DAG files, the numbers and the logs
    :param dags: DAG files, which are copied
    :param users: of the FAB auth manager, beside an administrator; without them there is the one user of the simple one
    :param python: interpreter of another virtual environment, to run its Airflow
    """

    def __init__(
        self,
        folder: Path,
        dags: Sequence[Path],
        users: Mapping[str, Rights] | None = None,
        python: Path | None = None,
    ) -> None:
        self.folder = folder
        self.key = f"made-up-key-{secrets.token_hex(12)}"
        self.sandbox = Sandbox(self.key, pace=PACE, queue_seconds=1.0)
        self.s3 = S3Server(folder / "s3.log")
        self._database = PostgresServer.for_airflow(folder / "postgres.log")
        self._dags = dags
        settings = {
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._database.airflow_url,
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(self.s3.connection()),
            **({} if users is None else FAB_SETTINGS),
        }
        self.airflow = AirflowStack(
            folder / "home", folder / "dags", settings, folder / "processes", python, import_once=True
        )
        self._users = users
        self._fab = FabUsers(self.airflow, python)
        self._started = ExitStack()

    def start(self) -> None:
        """Start all parts and wait until they answer."""
        (self.folder / "dags").mkdir(parents=True, exist_ok=True)
        for file in self._dags:
            shutil.copy(file, self.folder / "dags")
        self._started.enter_context(self._database)
        if self._users is not None:
            self._fab.make(self._users)
        self._started.callback(self.airflow.stop)
        self.airflow.launch()
        self._started.enter_context(self.s3)
        self.s3.create_bucket(BUCKET)
        self._started.enter_context(self.sandbox)
        self.airflow.wait_until_healthy()

    def stop(self) -> None:
        """End all parts."""
        self._started.close()

    def login(self, name: str = ADMIN) -> tuple[str, str]:
        """Return user name and password.

        :param name: the user; the administrator by default
        """
        return self.airflow.login if self._users is None else self._fab.login(name)

    @cached_property
    def rest(self) -> AirflowRest:
        """A client of the administrator's, once it is started."""
        return AirflowRest(self.airflow.url, *self.login())

    def numbers(self, rows: int) -> str:
        """Make up a file of numbers.

        :param rows: how many
        :return: its path
        """
        file = self.folder / f"numbers-{rows}-{secrets.token_hex(3)}.txt"
        write_numbers(file, rows)
        return str(file)

    def put_numbers(self, key: str, rows: int) -> str:
        """Put made-up numbers into the bucket.

        :param key: the object's key
        :param rows: how many
        :return: its address
        """
        self.s3.client().upload_file(self.numbers(rows), BUCKET, key)
        return f"s3://{BUCKET}/{key}"

    def paid_for(self, rows: int) -> int:
        """Return how many submissions of so many rows the account was charged for.

        :param rows: the rows; scenarios have numbers of rows of their own
        """
        return [charge.rows for charge in self.sandbox.bill.submissions].count(rows)
