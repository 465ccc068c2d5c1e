"""What a whole deployment must not pay for again: scheduler, executor, triggerer and web server of one version."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import requests

from airflow_provider_ekyc.xcom_keys import PROGRESS, RESULT, SUBMISSION, SUMMARY, UNSETTLED
from dev.stack.airflow_rest import FINISHED, AirflowRestError
from dev.stack.compat import renamed_dag
from dev.stack.compat.checks import BUCKET
from dev.stack.compat.deployment import BASIC, LOOP, MAPPED, PACE, RENAMED_ROWS, CompatDeployment
from dev.stack.compat.findings import Findings
from dev.stack.compat.versions import CompatError

CHAIN = ["submit", "wait", "land"]
#: What is run beside the form and the basic chain.
PARTS = ("mapped", "renamed", "loops", "triggerer", "restart")
#: Rows a second: slow enough to do something while a task is deferred.
SLOW = 6.0
CONSOLE = "https://console.example/tasks/{ekyc_task_id}"
#: What the buttons are called in the UI. Not from the links' module, whose import brings this process's own Airflow.
CONSOLE_BUTTON, OBJECT_BUTTON, PAGE_BUTTON = "Vendor's console", "S3 object", "eKYC"
#: Of what the trigger logs when its task is marked failed.
GOES_ON = "No longer waiting for remote task"
#: Seconds within which that is in the log.
LOGGED_WITHIN = 15.0


class StackScenarios:
    """The scenarios in one deployment.

    :param deployment: the deployment, running
    :param findings: takes what was found
    """

    def __init__(self, deployment: CompatDeployment, findings: Findings) -> None:
        self._on = deployment
        self._rest = deployment.rest
        self._findings = findings
        #: Seconds from the kill of the triggerer to the end of its run; None if it was not killed.
        self.recovery_seconds: float | None = None

    def run(self, parts: Collection[str] = PARTS) -> None:
        """Run the form, the basic chain and the parts that are asked for, each whatever became of the others.

        Those that disturb nothing run beside each other: most of the time is that of Airflow's processes that start.

        :param parts: of :data:`PARTS`
        """
        self._form()
        unknown = self._unknown_outcome(501) if "restart" in parts else None
        with ThreadPoolExecutor() as beside:
            others = [beside.submit(self._mapped_list_that_grows)] if "mapped" in parts else []
            if "renamed" in parts:
                others.append(beside.submit(self._renamed))
            if "loops" in parts and self._on.has_loops:
                others.append(beside.submit(self._loop, 701))
            basic = self._basic(301)
            # A clear comes through the kill of the triggerer, too.
            others.append(beside.submit(self._cleared, basic, 301))
            if "triggerer" in parts:
                self._failed_and_killed(602, 603)
            for other in others:
                other.result()
        if not self._on.has_loops:
            for key in ("loop", "loop_adopted", "keep_task_state"):
                self._findings.note(key, False)
        elif "loops" in parts:
            self._adopted_iteration(702)
        if unknown is not None:
            self._restart(601)
            with self._holds("clear_after_restart"):
                self._on.clear_and_wait(BASIC, basic, ["submit"])
                self._on.expect(BASIC, basic, "success", {301: 1})
            self._still_unknown(unknown, 501)

    def _form(self) -> None:
        sandbox, form = self._on.sandbox, self._on.form
        extra = {"result_hosts": sandbox.url, "console_url": CONSOLE}
        with self._noting("form"):
            self._findings.note("form", form.shown())
        with self._noting("form_test"):
            right = form.test(sandbox.url, sandbox.api_key, extra)
            self._findings.note("form_test", right and not form.test(sandbox.url, "made-up-wrong-key", extra))
        form.store(sandbox.url, sandbox.api_key, extra)

    def _basic(self, rows: int) -> str:
        run_id = self._on.trigger(rows)
        with self._holds("basic"):
            self._on.wait(BASIC, run_id)
            self._on.expect(BASIC, run_id, "success", {rows: 1})
        # There is no other connection to eKYC than that of the form.
        self._findings.note("form_stored", self._findings.found.get("basic", False))
        with self._holds("progress"):
            # The trigger writes beside the wait, so the last write may follow the end of the task.
            self._on.until(lambda: self._progress(run_id) == (rows, "exported"))
        with self._holds("xcoms"):
            self._xcoms(run_id)
        with self._noting("object_button", "console_button", "page_button"):
            links = {name: url for task in CHAIN for name, url in self._rest.links(BASIC, run_id, task).items() if url}
            self._findings.note("object_button", OBJECT_BUTTON in links)
            self._findings.note("console_button", links.get(CONSOLE_BUTTON) == self._console(run_id))
            self._findings.note("page_button", PAGE_BUTTON in links)
        with self._noting("page"):
            self._findings.note("page", self._on.page is not None and self._on.page.shown(BASIC, run_id))
        return run_id

    def _xcoms(self, run_id: str) -> None:
        expected = {
            "submit": {SUBMISSION, SUMMARY, UNSETTLED, "return_value"},
            "wait": {PROGRESS, SUMMARY},
            "land": {RESULT, SUMMARY},
        }
        for task, keys in expected.items():
            missing = keys - {entry["key"] for entry in self._rest.xcoms(BASIC, run_id, task)}
            if missing:
                raise CompatError(f"{task} has no XCom {sorted(missing)}")

    def _console(self, run_id: str) -> str:
        return CONSOLE.format(ekyc_task_id=self._rest.xcom(BASIC, run_id, "submit"))

    def _progress(self, run_id: str) -> tuple[int, str] | None:
        try:
            found = self._rest.xcom(BASIC, run_id, "wait", PROGRESS)
        except AirflowRestError as error:
            if error.status != 404:
                raise
            return None
        return found["done"], found["status"]

    def _cleared(self, run_id: str, rows: int) -> None:
        with self._holds("clear_submit"):
            remote = self._rest.xcom(BASIC, run_id, "submit")
            self._on.clear_and_wait(BASIC, run_id, ["submit"])
            self._on.expect(BASIC, run_id, "success", {rows: 1})
            if self._rest.xcom(BASIC, run_id, "submit") != remote:
                raise CompatError("another remote id")
        if self._on.has_loops:  # and clears that keep the task state
            with self._holds("keep_task_state"):
                self._on.clear_and_wait(BASIC, run_id, ["submit"], keep_task_state=True)
                self._on.expect(BASIC, run_id, "success", {rows: 1})
        with self._holds("clear_chain"):
            self._on.clear_and_wait(BASIC, run_id, CHAIN)
            self._on.expect(BASIC, run_id, "success", {rows: 1})

    def _mapped_list_that_grows(self) -> None:
        prefix = f"lists/{secrets.token_hex(4)}/"
        rows = {"a": 403, "b": 401, "c": 402}
        for name in "bc":
            self._on.put_numbers(f"{prefix}{name}.txt", rows[name])
        run_id = self._rest.trigger(MAPPED, {"s3_bucket": BUCKET, "prefix": prefix})
        with self._holds("mapped"):
            self._on.wait(MAPPED, run_id)
            self._on.expect(MAPPED, run_id, "success", {401: 1, 402: 1, 403: 0})
        with self._holds("mapped_grown"):
            self._on.put_numbers(f"{prefix}a.txt", rows["a"])
            self._on.clear_and_wait(MAPPED, run_id, ["list_files", *CHAIN])
            self._on.expect(MAPPED, run_id, "success", {401: 1, 402: 1, 403: 1})

    def _renamed(self) -> None:
        """Give the submission of a run that has ended another id, and clear a later task of that run."""
        dag_id, bill = renamed_dag.DAG_ID, dict.fromkeys(RENAMED_ROWS, 1)
        run_id = self._rest.trigger(dag_id)
        with self._holds("renamed"):
            self._on.wait(dag_id, run_id)
            self._on.expect(dag_id, run_id, "success", bill)
            self._on.write_renamed_dag(renamed_dag.AFTER)
            self._on.until(lambda: renamed_dag.AFTER in self._rest.task_ids(dag_id))
            self._on.clear_and_wait(dag_id, run_id, ["done"])
            self._on.expect(dag_id, run_id, "success", bill)
            for index in range(len(bill)):
                before, after = (
                    self._rest.xcom(dag_id, run_id, task_id, map_index=index)
                    for task_id in (renamed_dag.BEFORE, renamed_dag.AFTER)
                )
                if before != after:
                    raise CompatError("another remote id")

    def _loop(self, rows: int) -> None:
        run_id = self._rest.trigger(LOOP, {"numbers": self._on.numbers(rows)})
        with self._holds("loop"):
            self._on.wait(LOOP, run_id)
            self._on.expect(LOOP, run_id, "success", {rows: 2})
            self._on.clear_and_wait(LOOP, run_id, ["again.submit"])
            self._on.expect(LOOP, run_id, "success", {rows: 2})

    def _adopted_iteration(self, rows: int) -> None:
        """Adopt the remote task of one iteration, which task id and index do not select in Airflow's clear."""
        self._on.sandbox.fault("submit", "cut_after", skip=1)
        run_id = self._rest.trigger(LOOP, {"numbers": self._on.numbers(rows)})
        with self._holds("loop_adopted"):
            self._on.wait(LOOP, run_id)
            self._on.expect(LOOP, run_id, "failed", {rows: 2})
            self._adopt(LOOP, run_id, rows, which=1)
            self._on.expect(LOOP, run_id, "success", {rows: 2})
        self._on.sandbox.clear_faults()

    def _unknown_outcome(self, rows: int) -> str:
        # The submission is accepted and charged, and the connection breaks before the answer.
        self._on.sandbox.fault("submit", "cut_after")
        run_id = self._on.trigger(rows)
        with self._holds("unknown"):
            self._on.wait(BASIC, run_id)
            self._on.expect(BASIC, run_id, "failed", {rows: 1})
            self._on.clear_and_wait(BASIC, run_id, ["submit"])
            self._on.expect(BASIC, run_id, "failed", {rows: 1})
        self._on.sandbox.clear_faults()
        return run_id

    def _still_unknown(self, run_id: str, rows: int) -> None:
        with self._holds("unknown"):
            self._on.clear_and_wait(BASIC, run_id, ["submit"])
            self._on.expect(BASIC, run_id, "failed", {rows: 1})
        if not self._findings.found.get("page"):
            self._findings.note("adopted", False)
            return
        with self._holds("adopted"):
            self._adopt(BASIC, run_id, rows)
            self._on.expect(BASIC, run_id, "success", {rows: 1})

    def _adopt(self, dag_id: str, run_id: str, rows: int, which: int = 0) -> None:
        page = self._on.page
        if page is None:
            raise CompatError("there is no page")
        # The page looks for new DAGs with tasks of this package from time to time.
        self._on.until(lambda: len(page.needs(dag_id, run_id)) == 1)
        (need,) = page.needs(dag_id, run_id)
        paid = [charge.task_id for charge in self._on.sandbox.bill.submissions if charge.rows == rows]
        page.adopt(need, paid[which])
        self._on.until(lambda: self._rest.run(dag_id, run_id)["state"] == "success")

    def _failed_and_killed(self, marked_rows: int, killed_rows: int) -> None:
        """Mark one deferred task failed and clear it, and kill the triggerer that has two of them."""
        with self._noting("marked_failed", "on_kill", "triggerer_killed"):
            marked, killed = self._deferred(marked_rows, killed_rows)
            self._rest.patch_task_instance(BASIC, marked, "wait", "failed")
            self._on.wait(BASIC, marked)
            self._findings.note("on_kill", self._logged(marked, GOES_ON))
            self._rest.clear(BASIC, marked, ["wait", "land"])
            with self._holds("triggerer_killed"):
                at = time.monotonic()
                self._on.airflow.kill("triggerer")
                self._on.airflow.restart("triggerer")
                self._on.wait(BASIC, killed)
                self.recovery_seconds = time.monotonic() - at
                self._on.expect(BASIC, killed, "success", {killed_rows: 1})
            with self._holds("marked_failed"):
                self._on.wait(BASIC, marked)
                self._on.expect(BASIC, marked, "success", {marked_rows: 1})

    def _logged(self, run_id: str, text: str) -> bool:
        try:
            self._on.until(lambda: text in self._rest.log(BASIC, run_id, "wait"), LOGGED_WITHIN)
        except TimeoutError:
            return False
        return True

    def _restart(self, rows: int) -> None:
        with self._holds("restart"):
            (run_id,) = self._deferred(rows)
            self._on.airflow.stop()
            self._on.airflow.start(api_server_first=True)
            self._on.wait(BASIC, run_id)
            self._on.expect(BASIC, run_id, "success", {rows: 1})

    def _deferred(self, *rows: int) -> list[str]:
        """Start runs, and wait until the triggerer has queried their remote tasks, which are far from their ends."""
        self._on.sandbox.change(pace=SLOW)
        run_ids = [self._on.trigger(each) for each in rows]
        for run_id in run_ids:
            self._on.until(lambda run_id=run_id: self._waits(run_id))  # type: ignore[misc]  # of this iteration
        # A task that is under way keeps its pace.
        self._on.sandbox.change(pace=PACE)
        return run_ids

    def _waits(self, run_id: str) -> bool:
        if self._rest.run(BASIC, run_id)["state"] in FINISHED:
            raise CompatError("the run has ended before its deferral was seen")
        return self._on.state_of(run_id, "wait") == "deferred" and self._progress(run_id) is not None

    @contextmanager
    def _holds(self, key: str) -> Iterator[None]:
        """Note whether a row holds, which stays wrong once it was wrong, and go on with the next."""
        with self._noting(key):
            yield
            self._findings.note(key, self._findings.found.get(key, True))

    @contextmanager
    def _noting(self, *keys: str) -> Iterator[None]:
        """Go on with the next row after a failure."""
        try:
            yield
        except (AirflowRestError, CompatError, TimeoutError, requests.RequestException) as error:
            self._findings.errors.append(f"{keys[0]}: {error}")
            for key in keys:
                self._findings.note(key, "failed")
