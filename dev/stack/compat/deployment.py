"""A whole deployment of one version, from the wheel alone: its processes, its REST API, its pages, and the bill."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.airflow2_rest import Airflow2Rest
from dev.stack.airflow2_stack import Airflow2Stack
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.compat import renamed_dag
from dev.stack.compat.airflow_names import minor_version
from dev.stack.compat.checks import BUCKET, EXAMPLES
from dev.stack.compat.connection_form import Connection2Form, ConnectionForm
from dev.stack.compat.page_requests import PageRequests
from dev.stack.compat.versions import CompatError, Version
from dev.stack.compat.web_session import Web2Session, WebSession
from dev.stack.demo_plan import write_numbers
from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import Stoppable
from dev.stack.s3_server import S3Server

BASIC = "ekyc_basic"
MAPPED = "ekyc_mapped"
LOOP = "compat_loop"
LOOP_DAGS = Path(__file__).with_name("dags_3_4")
#: Seconds. Nobody waits longer than needed, and a machine with other work to do is slow.
RUN_TIMEOUT = 600.0
#: Seconds between two questions: each costs the web server some processor, which the tasks need.
INTERVAL = 1.5
#: Rows a second, of the sandbox.
PACE = 200.0
#: Numbers in each of the files of the DAG whose submission is given another id.
RENAMED_ROWS = (801, 802)


class CompatDeployment(Stoppable):
    """Scheduler, triggerer, executor and web server of one version, with a sandbox of the API.

    It has a connection to AWS and none to eKYC. Each submission has a number of rows of its own, by which it is found
    on the bill.

    :param version: the version, installed
    :param s3: a running S3 server with :data:`~dev.stack.compat.checks.BUCKET`
    """

    airflow: AirflowStack
    rest: AirflowRest
    form: ConnectionForm
    page: PageRequests | None = None

    def __init__(self, version: Version, s3: S3Server) -> None:
        self.version = version
        self.has_loops = minor_version(version.number) >= (3, 4)
        self.sandbox = Sandbox(f"made-up-key-{secrets.token_hex(12)}", pace=PACE)
        self._s3 = s3
        self._numbers = version.folder / "stack-numbers"
        #: The folder of DAG files.
        self.dags = version.folder / "stack-dags"
        self._started = ExitStack()

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """The DAGs that are run."""
        return (BASIC, MAPPED, renamed_dag.DAG_ID, *([LOOP] if self.has_loops else []))

    def start(self) -> None:
        """Start all parts and wait until they answer and know the DAGs."""
        folder = self.version.folder
        home, dags, logs = folder / "stack-home", self.dags, folder / "stack"
        for each in (home, dags, logs):
            shutil.rmtree(each, ignore_errors=True)
        self._numbers.mkdir(exist_ok=True)
        dags.mkdir()
        for dag_id in (BASIC, MAPPED):
            shutil.copy(EXAMPLES / f"{dag_id}.py", dags)
        self.write_renamed_dag(renamed_dag.BEFORE)
        if self.has_loops:
            shutil.copytree(LOOP_DAGS, dags, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        env = {
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__CORE__PARALLELISM": "6",
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(self._s3.connection()),
        }
        python = self.version.python
        self._started.enter_context(self.sandbox)
        if self.version.is_airflow_2:
            self.version.add("psycopg2-binary")  # of the deployment, not of the wheel
            database = self._started.enter_context(PostgresServer(self.version.log("postgres")))
            self.airflow = Airflow2Stack(home, dags, database, env, logs, python)
        else:
            self.airflow = AirflowStack(home, dags, env, logs, python)
        self._started.enter_context(self.airflow)
        self._sign_in()
        for dag_id in self.dag_ids:
            self.rest.wait_for_dag(dag_id)
            self.rest.unpause(dag_id)

    def stop(self) -> None:
        """End all parts."""
        self._started.close()

    def trigger(self, rows: int) -> str:
        """Start the basic chain.

        :param rows: how many made-up numbers it submits
        :return: the run's id
        """
        conf = {"numbers": self.numbers(rows), "s3_bucket": BUCKET, "prefix": f"stack/{self.version.number}/"}
        return self.rest.trigger(BASIC, conf)

    def numbers(self, rows: int) -> str:
        """Make up a file of numbers.

        :param rows: how many
        :return: its path
        """
        file = self._numbers / f"{rows}.txt"
        write_numbers(file, rows)
        return str(file)

    def write_renamed_dag(self, task_id: str) -> None:
        """Write the DAG whose submission, of the same two files each time, is given another id.

        :param task_id: of the submission
        """
        files = [self._numbers / f"{rows}.txt" for rows in RENAMED_ROWS]
        for file, rows in zip(files, RENAMED_ROWS, strict=True):
            if not file.exists():
                write_numbers(file, rows)
        renamed_dag.write(self.dags, task_id, [str(file) for file in files])

    def put_numbers(self, key: str, rows: int) -> None:
        """Put made-up numbers into the bucket.

        :param key: the object's key
        :param rows: how many
        """
        self._s3.client().upload_file(self.numbers(rows), BUCKET, key)

    def clear_and_wait(self, dag_id: str, run_id: str, tasks: list[str], **more: Any) -> None:
        """Clear tasks, and wait until the run has ended again.

        :param dag_id: the DAG
        :param run_id: the run
        :param tasks: the tasks
        :param more: further fields of the call
        :raises CompatError: if nothing ran again
        """
        before = self._tries(dag_id, run_id)
        self.rest.clear(dag_id, run_id, list(tasks), **more)
        self.wait(dag_id, run_id)
        if self._tries(dag_id, run_id) <= before:
            raise CompatError("the clear ran nothing again")

    def wait(self, dag_id: str, run_id: str) -> None:
        """Wait until a run has ended.

        :param dag_id: the DAG
        :param run_id: the run
        """
        self.rest.wait_for_run(dag_id, run_id, RUN_TIMEOUT, INTERVAL)

    def expect(self, dag_id: str, run_id: str, state: str, bill: dict[int, int]) -> None:
        """Compare the state of a run, and what was paid for.

        :param dag_id: the DAG
        :param run_id: the run
        :param state: the right state
        :param bill: rows -> how many submissions of so many rows are on the bill
        :raises CompatError: if it is otherwise
        """
        found = str(self.rest.run(dag_id, run_id)["state"])
        charged = [charge.rows for charge in self.sandbox.bill.submissions]
        billed = {rows: charged.count(rows) for rows in bill}
        if found != state or billed != bill:
            raise CompatError(f"the run is {found} (right: {state}), billed {billed} (right: {bill})")

    def state_of(self, run_id: str, task_id: str) -> str | None:
        """Return the state of a task of the basic chain.

        :param run_id: the run
        :param task_id: the task
        """
        state = self.rest.task_instance(BASIC, run_id, task_id)["state"]
        return None if state is None else str(state)

    def until(self, condition: Callable[[], bool], timeout: float = RUN_TIMEOUT) -> None:
        """Wait until something is so.

        :param condition: asked again and again
        :param timeout: seconds
        :raises TimeoutError: if it is not so in time
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("what was waited for did not come")
            time.sleep(INTERVAL)

    def _sign_in(self) -> None:
        if self.version.is_airflow_2:
            self.rest = Airflow2Rest(self.airflow.url, *self.airflow.login)
            self.form = Connection2Form(Web2Session(self.airflow), self.rest)
        else:
            self.rest = AirflowRest(self.airflow.url, *self.airflow.login)
            self.form = ConnectionForm(WebSession(self.airflow), self.rest)
            self.page = PageRequests(self.airflow)

    def _tries(self, dag_id: str, run_id: str) -> int:
        return sum(int(task["try_number"]) for task in self.rest.task_instances(dag_id, run_id))
