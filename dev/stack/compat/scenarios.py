"""What a whole deployment must not pay for again: scheduler, API server, dag-processor and triggerer of one version."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.compat.airflow_names import minor_version
from dev.stack.compat.checks import BUCKET, EXAMPLES
from dev.stack.compat.versions import CompatError, Version
from dev.stack.demo_plan import write_numbers
from dev.stack.s3_server import S3Server

BASIC = "ekyc_basic"
MAPPED = "ekyc_mapped"
LOOP = "compat_loop"
LOOP_DAGS = Path(__file__).with_name("dags_3_4")
CHAIN = ["submit", "wait", "land"]
RUN_TIMEOUT = 300.0


class StackScenarios:
    """The scenarios under one version.

    Each submission has a number of rows of its own, by which it is found on the bill.

    :param version: the version, installed
    :param s3: a running S3 server with :data:`~dev.stack.compat.checks.BUCKET`
    """

    def __init__(self, version: Version, s3: S3Server) -> None:
        self._version = version
        self._s3 = s3
        self._numbers = version.folder / "stack-numbers"
        self._wrong: list[str] = []
        self._held: list[str] = []

    def run(self) -> str:
        """Run all scenarios in one deployment.

        :return: what was seen, in a few words
        :raises CompatError: naming all that does not hold
        """
        home, dags = self._version.folder / "stack-home", self._version.folder / "stack-dags"
        for folder in (home, dags):
            shutil.rmtree(folder, ignore_errors=True)
        self._numbers.mkdir(exist_ok=True)
        shutil.copytree(EXAMPLES, dags, ignore=shutil.ignore_patterns("__pycache__"))
        if self._has_loops:
            shutil.copytree(LOOP_DAGS, dags, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        with Sandbox(f"made-up-key-{secrets.token_hex(12)}", pace=200.0) as sandbox:
            self._sandbox = sandbox
            env = {
                "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(
                    {
                        "conn_type": "ekyc",
                        "host": sandbox.url,
                        "password": sandbox.api_key,
                        "extra": {"result_hosts": sandbox.url},
                    }
                ),
                "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(self._s3.connection()),
            }
            self._airflow = AirflowStack(home, dags, env, self._version.folder / "stack", self._version.python)
            with self._airflow:
                self._rest = AirflowRest(self._airflow.url, *self._airflow.login)
                for dag_id in (BASIC, MAPPED, *([LOOP] if self._has_loops else [])):
                    self._rest.wait_for_dag(dag_id)
                    self._rest.unpause(dag_id)
                self._scenarios()
        if self._wrong:
            raise CompatError("; ".join(self._wrong))
        return f"whole deployment: {', '.join(self._held)}"

    @property
    def _has_loops(self) -> bool:
        return minor_version(self._version.number) >= (3, 4)

    def _scenarios(self) -> None:
        unknown = self._unknown_outcome(501)
        basic = self._basic(301)
        self._cleared(basic, 301)
        self._mapped_list_that_grows()
        if self._has_loops:
            self._loop(701)
        self._restart(601)
        with self._holds("a clear after the restart"):
            self._clear_and_wait(BASIC, basic, ["submit"])
            self._expect(BASIC, basic, "success", {301: 1})
        with self._holds("still stopped after the restart"):
            self._clear_and_wait(BASIC, unknown, ["submit"])
            self._expect(BASIC, unknown, "failed", {501: 1})

    def _basic(self, rows: int) -> str:
        run_id = self._trigger(rows)
        with self._holds("the basic chain"):
            self._wait(BASIC, run_id)
            self._expect(BASIC, run_id, "success", {rows: 1})
        return run_id

    def _cleared(self, run_id: str, rows: int) -> None:
        with self._holds("a clear of submit"):
            remote = self._rest.xcom(BASIC, run_id, "submit")
            self._clear_and_wait(BASIC, run_id, ["submit"])
            self._expect(BASIC, run_id, "success", {rows: 1})
            if self._rest.xcom(BASIC, run_id, "submit") != remote:
                raise CompatError("another remote id")
        if self._has_loops:  # and clears that keep the task state
            with self._holds("a clear that keeps the task state"):
                self._clear_and_wait(BASIC, run_id, ["submit"], keep_task_state=True)
                self._expect(BASIC, run_id, "success", {rows: 1})
        with self._holds("a clear of the chain"):
            self._clear_and_wait(BASIC, run_id, CHAIN)
            self._expect(BASIC, run_id, "success", {rows: 1})

    def _mapped_list_that_grows(self) -> None:
        prefix = f"lists/{secrets.token_hex(4)}/"
        rows = {"a": 404, "b": 401, "c": 402, "d": 403}
        for name in "bcd":
            self._put(f"{prefix}{name}.txt", rows[name])
        run_id = self._rest.trigger(MAPPED, {"s3_bucket": BUCKET, "prefix": prefix})
        with self._holds("three mapped files"):
            self._wait(MAPPED, run_id)
            self._expect(MAPPED, run_id, "success", {401: 1, 402: 1, 403: 1, 404: 0})
        with self._holds("a clear after a file was added at the front"):
            self._put(f"{prefix}a.txt", rows["a"])
            self._clear_and_wait(MAPPED, run_id, ["list_files", *CHAIN])
            self._expect(MAPPED, run_id, "success", {401: 1, 402: 1, 403: 1, 404: 1})

    def _loop(self, rows: int) -> None:
        numbers = self._numbers / f"{rows}.txt"
        write_numbers(numbers, rows)
        run_id = self._rest.trigger(LOOP, {"numbers": str(numbers)})
        with self._holds("two iterations of a loop"):
            self._wait(LOOP, run_id)
            self._expect(LOOP, run_id, "success", {rows: 2})
        with self._holds("a clear of the loop"):
            self._clear_and_wait(LOOP, run_id, ["again.submit"])
            self._expect(LOOP, run_id, "success", {rows: 2})

    def _unknown_outcome(self, rows: int) -> str:
        # The submission is accepted and charged, and the connection breaks before the answer.
        self._sandbox.fault("submit", "cut_after")
        run_id = self._trigger(rows)
        with self._holds("an unknown outcome"):
            self._wait(BASIC, run_id)
            self._expect(BASIC, run_id, "failed", {rows: 1})
        with self._holds("still stopped after a clear"):
            self._clear_and_wait(BASIC, run_id, ["submit"])
            self._expect(BASIC, run_id, "failed", {rows: 1})
        self._sandbox.clear_faults()
        return run_id

    def _restart(self, rows: int) -> None:
        self._sandbox.change(pace=20.0)
        run_id = self._trigger(rows)
        with self._holds("a restart of all processes while a task is deferred"):
            self._until(lambda: self._rest.task_instance(BASIC, run_id, "wait")["state"] == "deferred")
            self._airflow.stop()
            self._airflow.start(api_server_first=True)
            self._wait(BASIC, run_id)
            self._expect(BASIC, run_id, "success", {rows: 1})

    def _trigger(self, rows: int) -> str:
        numbers = self._numbers / f"{rows}.txt"
        write_numbers(numbers, rows)
        conf = {"numbers": str(numbers), "s3_bucket": BUCKET, "prefix": f"stack/{self._version.number}/"}
        return self._rest.trigger(BASIC, conf)

    def _clear_and_wait(self, dag_id: str, run_id: str, tasks: list[str], **more: Any) -> None:
        before = self._tries(dag_id, run_id)
        self._rest.clear(dag_id, run_id, list(tasks), **more)
        self._wait(dag_id, run_id)
        if self._tries(dag_id, run_id) <= before:
            raise CompatError("the clear ran nothing again")

    def _tries(self, dag_id: str, run_id: str) -> int:
        return sum(int(task["try_number"]) for task in self._rest.task_instances(dag_id, run_id))

    def _wait(self, dag_id: str, run_id: str) -> None:
        self._rest.wait_for_run(dag_id, run_id, RUN_TIMEOUT)

    def _expect(self, dag_id: str, run_id: str, state: str, bill: dict[int, int]) -> None:
        found = str(self._rest.run(dag_id, run_id)["state"])
        charged = [charge.rows for charge in self._sandbox.bill.submissions]
        billed = {rows: charged.count(rows) for rows in bill}
        if found != state or billed != bill:
            raise CompatError(f"the run is {found} (right: {state}), billed {billed} (right: {bill})")

    def _put(self, key: str, rows: int) -> None:
        file = self._numbers / f"{rows}.txt"
        write_numbers(file, rows)
        self._s3.client().upload_file(str(file), BUCKET, key)

    def _until(self, condition: Callable[[], bool], timeout: float = 120.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("what was waited for did not come")
            time.sleep(0.2)

    @contextmanager
    def _holds(self, scenario: str) -> Iterator[None]:
        """Note whether a scenario holds, and go on with the next."""
        try:
            yield
        except (CompatError, TimeoutError) as error:
            self._wrong.append(f"{scenario}: {error}")
        else:
            self._held.append(scenario)
