"""One demo: start the services, run the DAG, read the result back, report how it went."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dev.stack.airflow_dag_test import DagTest
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack, airflow_version
from dev.stack.demo_dags import example_keys, write_demo_dags
from dev.stack.demo_plan import SANDBOX_PACE, DemoPlan, write_numbers
from dev.stack.demo_progress import Followed, RunFollower
from dev.stack.result_object import read_back
from dev.stack.s3_server import S3Server
from dev.stack.sandbox_server import SandboxServer
from dev.stack.terminal import Terminal

DAG_ID = "ekyc_basic"
SANDBOX_RUN_TIMEOUT = 300.0
REAL_RUN_TIMEOUT = 24 * 3600.0
LOG_LINES = 30


class Demo:
    """One demo from start to end.

    :param plan: what it runs against
    :param build: folder for the Airflow home and the logs
    :param dags_folder: where the example DAGs are
    :param terminal: where it reports what happens
    :param python: interpreter of the virtual environment whose Airflow is run; this one by default
    """

    def __init__(
        self, plan: DemoPlan, build: Path, dags_folder: Path, terminal: Terminal, python: Path | None = None
    ) -> None:
        self.plan = plan
        self.numbers = plan.numbers or str(build / "numbers.txt")
        self.terminal = terminal
        interpreter = python or Path(sys.executable)
        version = airflow_version(str(interpreter))
        # Apart: a wait that was left over from the sandbox must never ask the real service, and a database is that
        # of one version.
        kind = ("airflow-real" if plan.real_service else "airflow") + (f"-{version}" if python else "")
        logs = build / "processes"
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        self._s3 = None if plan.real_bucket else S3Server(logs / "s3.log")
        self._sandbox = None if plan.real_service else SandboxServer(logs / "sandbox.log", SANDBOX_PACE)
        dags = write_demo_dags(dags_folder, build / "dags", numbers=self.numbers, bucket=plan.bucket)
        settings = {**plan.connections, "AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
        self.airflow = AirflowStack(build / kind, dags, settings, logs, python)
        self._version = tuple(int(part) for part in version.split(".")[:2])
        self.rest = AirflowRest(self.airflow.url, *self.airflow.login)
        # Airflow 2 has no API server to drive it by: there the run is one of dag.test(), without a scheduler.
        self._dag_test = (
            DagTest(interpreter, build / kind, dags, self._connections_as_variables(), logs)
            if self._version < (3, 0)
            else None
        )

    @property
    def has_web_ui(self) -> bool:
        """Whether there is a web UI to leave up; not on Airflow 2, of which no server is started."""
        return self._dag_test is None

    @property
    def page(self) -> str | None:
        """Address of the page eKYC; None below Airflow 3.1, which has none."""
        return f"{self.airflow.url}/plugin/ekyc" if self._version >= (3, 1) else None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run all that is needed for as long as the context lasts."""
        if self.plan.numbers is None:
            write_numbers(Path(self.numbers))
        with ExitStack() as started:
            for part in (self._s3, self._sandbox, None if self._dag_test else self.airflow):
                if part is not None:
                    started.callback(part.stop)
                    part.launch()
            if self._s3 is not None:
                self._s3.wait_until_ready()
                self._s3.create_bucket(self.plan.bucket)
                self._put_lists(self._s3)
                self.terminal.step("S3", f"ready on {self._s3.endpoint_url}")
            if self._sandbox is not None:
                self._sandbox.wait_until_ready()
                self.terminal.step("sandbox", f"ready on {self._sandbox.url}")
            if self._dag_test is None:
                self.airflow.wait_until_healthy()
                # In the database, not in the environment: the web UI lists and tests only these.
                for conn_id, connection in self._connections().items():
                    self.rest.put_connection(conn_id, connection)
                self.terminal.step("Airflow", f"ready on {self.airflow.url}")
            else:
                self._dag_test.migrate()
                self.terminal.step("Airflow", "2: without a scheduler, by dag.test(); the wait is not deferred")
            yield
            self.terminal.step("demo", "stopping what it started")
        self.terminal.step("demo", "stopped")

    def run(self) -> bool:
        """Run the DAG once and report how it went.

        :return: whether the result is in the bucket, whole
        """
        if self._dag_test is not None:
            return self._run_dag_test(self._dag_test)
        self.rest.wait_for_dag(DAG_ID)
        if self._sandbox is not None:
            self._end_interrupted_runs()
        self.rest.unpause(DAG_ID)
        run_id = self.rest.trigger(DAG_ID, {"numbers": self.numbers, "s3_bucket": self.plan.bucket})
        self.terminal.step(DAG_ID, "triggered")
        follower = RunFollower(self.rest, self.terminal, DAG_ID, run_id)
        timeout = REAL_RUN_TIMEOUT if self.plan.real_service else SANDBOX_RUN_TIMEOUT
        followed = follower.follow(timeout)
        if followed.state != "success":
            self._report_failure(run_id, followed)
            return False
        waited = followed.deferred.get("wait", 0.0)
        agreed = self._report_result(self.rest.xcom(DAG_ID, run_id, "land", "result"))
        self.terminal.fact(
            "wait", f"{waited:.1f} s deferred, without a worker" if waited else "was never seen deferred"
        )
        self._report_time(followed.seconds)
        return agreed and waited > 0

    def _run_dag_test(self, airflow: DagTest) -> bool:
        started = time.monotonic()
        run = airflow.inside("basic_chain", json.dumps({"numbers": self.numbers, "s3_bucket": self.plan.bucket}))
        if run["state"] != "success":
            self.terminal.line(f"The run failed: {run['tasks']}")
            return False
        agreed = self._report_result(run["result"])
        self._report_time(time.monotonic() - started)
        return agreed

    def _connections(self) -> dict[str, dict[str, Any]]:
        """Return the connections of the demo's own servers; those that the user gave stay in the environment."""
        made: dict[str, dict[str, Any]] = {}
        if self._sandbox is not None:
            made["ekyc_default"] = self._sandbox.connection()
        if self._s3 is not None:
            made["aws_default"] = self._s3.connection()
        return made

    def _connections_as_variables(self) -> dict[str, str]:
        made = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(each) for name, each in self._connections().items()}
        return {**self.plan.connections, **made}

    def _put_lists(self, s3: S3Server) -> None:
        """Put the list where the other examples look for one."""
        if "://" not in self.numbers:
            for key in example_keys(datetime.now(UTC).date()):
                s3.client().put_object(Bucket=self.plan.bucket, Key=key, Body=Path(self.numbers).read_bytes())

    def _end_interrupted_runs(self) -> None:
        """End runs of a demo that was interrupted: the sandbox they waited for is gone."""
        for run in self.rest.runs(DAG_ID, state=["running", "queued"]):
            self.rest.patch_run(DAG_ID, run["dag_run_id"], "failed")

    def _report_failure(self, run_id: str, followed: Followed) -> None:
        say = self.terminal
        failed = [task for task in followed.tasks if task["state"] == "failed"]
        say.line()
        say.line(f"The run failed: {', '.join(task['task_id'] for task in failed) or 'no task says why'}.")
        for task in failed:
            log = self.rest.log(DAG_ID, run_id, task["task_id"], max(1, task["try_number"]))
            say.line(f"The end of the log of {task['task_id']}:")
            lines = [line for line in log.splitlines() if "group::" not in line]
            say.foreign("\n".join(lines[-LOG_LINES:]))
        say.line()

    def _report_result(self, reported: dict[str, Any]) -> bool:
        """Read the object back and report it next to what the task reported; return whether all agrees."""
        say = self.terminal
        uri = str(reported["s3_uri"])
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        found = read_back(self._s3_client(), bucket, key)
        agreed = {name: reported.get(name) for name in ("rows", "size", "sha256")} == {
            "rows": found.rows,
            "size": found.size,
            "sha256": found.sha256,
        }
        say.line()
        say.line("The result, as read back from the bucket:")
        say.fact("object", uri)
        say.fact("size", f"{found.size:,} bytes")
        say.fact("sha256", found.sha256)
        say.fact("rows", f"{found.rows:,}: {found.yes:,} yes, {found.no:,} no, {found.unknown:,} unknown")
        say.fact(
            "check",
            "as the task reported it" if agreed else f"DIFFERS from what the task reported: {reported}",
        )
        return self._report_bill() and agreed

    def _report_time(self, seconds: float) -> None:
        self.terminal.fact("time", f"{self.terminal.seconds:.1f} s in all, {seconds:.1f} s for the DAG run")
        self.terminal.line()

    def _report_bill(self) -> bool:
        if self._sandbox is None:
            self.terminal.fact("billed", "see your account: the real service keeps the bill")
            return True
        bill = self._sandbox.bill()
        submissions = bill["submissions"]
        rows = sum(int(charge["rows"]) for charge in submissions)
        count = f"{len(submissions)} submission{'' if len(submissions) == 1 else 's'}"
        self.terminal.fact("billed", f"{count} of {rows:,} rows, {bill['polls']} status calls, by the sandbox's bill")
        return len(submissions) == 1

    def _s3_client(self) -> Any:
        if self._s3 is not None:
            return self._s3.client()
        # Whatever an AWS connection can say (roles, endpoints, profiles), only Airflow's own hook knows.
        os.environ.update({name: value for name, value in self.airflow.env.items() if name.startswith("AIRFLOW")})
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return S3Hook(aws_conn_id="aws_default").get_conn()
