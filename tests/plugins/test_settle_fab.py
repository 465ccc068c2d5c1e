"""
Who may settle a submission, with the rights of the FAB auth manager: ``plugins/settle_routes.py``.

The runs are made by ``airflow dags test`` in the same database; connections are environment variables.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from airflow_provider_ekyc.sandbox import Sandbox
from dev.browser.fab_server import FabServer
from tests.plugins.settled_airflow import DAGS, KEY, SAME_ORIGIN, Browser

pytestmark = pytest.mark.airflow

IN_DIRECTORY, IN_VARIABLES = "adopt_in_directory", "adopt_in_variables"

#: ``airflow dags test`` for each argument, whose runs fail, in one process: it takes seconds to import Airflow.
DAGS_TEST = """
import sys
from contextlib import suppress
from airflow.__main__ import main
for dag_id in sys.argv[1:]:
    sys.argv[1:] = ["dags", "test", dag_id]
    with suppress(SystemExit):
        main()
"""

_READ = (("can_read", "Task Instances"), ("can_read", "XComs"), ("can_read", "DAG Runs"))
# FAB asks for both, as for a clear.
_EDIT = (*_READ, ("can_edit", "Task Instances"), ("can_edit", "DAG Runs"))
_ALL_DAGS = (("can_read", "DAGs"), ("can_edit", "DAGs"))

#: User: rights.
USERS: dict[str, Any] = {
    "stranger": [],
    "viewer": "Viewer",
    "dag_reader": [("can_read", f"DAG:{IN_DIRECTORY}"), ("can_read", f"DAG:{IN_VARIABLES}"), *_READ],
    # May edit task instances, and another DAG.
    "editor_of_another": [("can_read", "DAGs"), ("can_edit", "DAG:again_in_s3"), *_EDIT],
    # May edit the DAG, and not its task instances.
    "pauser": [*_ALL_DAGS, *_READ],
    "editor": [
        *((f"can_{do}", f"DAG:{dag}") for do in ("read", "edit") for dag in (IN_DIRECTORY, IN_VARIABLES)),
        *_EDIT,
    ],
    "variable_editor": [*_ALL_DAGS, *_EDIT, *((f"can_{do}", "Variables") for do in ("create", "read", "edit"))],
}


class Settled:
    """An API server with FAB, and two submissions whose outcome is unknown."""

    def __init__(self, server: FabServer, sandbox: Sandbox) -> None:
        self.server, self.sandbox = server, sandbox
        self._rest = server.rest("admin")
        self._browsers: dict[str, Browser] = {}
        self._bodies: dict[str, dict[str, Any]] = {}

    def browser(self, user: str) -> Browser:
        if user not in self._browsers:
            self._browsers[user] = Browser(self.server.url, self.server.login(user))
        return self._browsers[user]

    def body(self, dag_id: str, way: str) -> dict[str, Any]:
        """Return a request about the one task instance of a DAG that has failed."""
        if dag_id not in self._bodies:
            self._bodies[dag_id] = self._body(dag_id)
        body = self._bodies[dag_id]
        if way != "adopt":
            return {**body, "confirmed": True}
        rows = {IN_DIRECTORY: 103, IN_VARIABLES: 101}[dag_id]
        (ekyc_task_id,) = (charge.task_id for charge in self.sandbox.bill.submissions if charge.rows == rows)
        return {**body, "ekyc_task_id": ekyc_task_id}

    def _body(self, dag_id: str) -> dict[str, Any]:
        run_id = self._rest.runs(dag_id)[0]["dag_run_id"]
        (name,) = {
            re.findall("[0-9a-f]{16}", each["key"])[-1]
            for each in self._rest.variables("ekyc_submission_")
            if (each["description"] or "").startswith(f"eKYC submission of {dag_id}.")
            and "_instance_" not in each["key"]
        }
        return {"dag_id": dag_id, "run_id": run_id, "task_id": "submit", "map_index": -1, "name": name}

    def records(self) -> list[Any]:
        files = {str(path): path.read_bytes() for path in (self.server.folder / "journal").rglob("*.json")}
        return [files, {each["key"]: each["value"] for each in self._rest.variables("ekyc_submission_")}]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    """Run two chains, and start the API server."""
    folder = tmp_path_factory.mktemp("fab")
    with Sandbox(KEY) as sandbox:
        sandbox.fault("submit", "cut_after", times=None)
        connection = {"conn_type": "ekyc", "host": sandbox.url, "password": KEY, "extra": {"result_hosts": sandbox.url}}
        env = {
            "EKYC_TEST_FOLDER": str(folder),
            "EKYC_TEST_BUCKET": "made-up-bucket",
            "AIRFLOW_CONN_EKYC_LOST": json.dumps(connection),
        }
        server = FabServer(folder, env)
        shutil.copy(DAGS / "ekyc_settled.py", folder / "dags")
        server.prepare(USERS)
        for dag_id, rows in ((IN_DIRECTORY, 103), (IN_VARIABLES, 101)):
            numbers = "".join(f"+999{rows * 1000 + number:010d}\n" for number in range(rows))
            (folder / f"{dag_id}.txt").write_text(numbers)
        command = [sys.executable, "-c", DAGS_TEST, IN_DIRECTORY, IN_VARIABLES]
        subprocess.run(command, env=server.airflow.env, capture_output=True, check=True, timeout=300)
        with server:
            yield Settled(server, sandbox)


@pytest.mark.parametrize("dag_id", [IN_DIRECTORY, IN_VARIABLES])
@pytest.mark.parametrize("way", ["adopt", "send-again"])
@pytest.mark.parametrize("user", ["stranger", "viewer", "dag_reader", "editor_of_another", "pauser"])
def test_who_may_not_clear_the_task_may_not_settle_it(settled: Settled, user: str, way: str, dag_id: str) -> None:
    records, queries = settled.records(), settled.sandbox.bill.polls
    body = settled.body(dag_id, way)
    clear = {"dag_run_id": body["run_id"], "task_ids": ["submit"], "dry_run": True}
    with pytest.raises(AssertionError, match="403"):
        settled.browser(user).call("POST", f"dags/{dag_id}/clearTaskInstances", clear)
    answer = settled.browser(user).post(way, body)
    assert answer.status_code == 403
    assert (settled.records(), settled.sandbox.bill.polls) == (records, queries)


@pytest.mark.parametrize("way", ["adopt", "send-again"])
def test_who_may_not_write_variables_may_not_settle_what_is_recorded_there(settled: Settled, way: str) -> None:
    records, queries = settled.records(), settled.sandbox.bill.polls
    answer = settled.browser("editor").post(way, settled.body(IN_VARIABLES, way))
    assert (answer.status_code, settled.sandbox.bill.polls) == (403, queries)
    assert "Variables" in answer.json()["detail"]
    assert settled.records() == records


def test_a_dag_that_does_not_exist_is_no_way_round_a_right(settled: Settled) -> None:
    body = {**settled.body(IN_DIRECTORY, "adopt"), "dag_id": "no_such_dag"}
    assert settled.browser("editor").post("adopt", body).status_code == 403
    assert settled.browser("variable_editor").post("adopt", body).status_code == 404


def test_a_right_in_the_address_is_not_one_for_another_dag(settled: Settled) -> None:
    """Airflow's own check reads the DAG from the address; the one to be settled is in the body."""
    body, browser = settled.body(IN_DIRECTORY, "adopt"), settled.browser("editor_of_another")
    assert browser.post("adopt?dag_id=again_in_s3", body).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {}])
def test_the_session_of_an_editor_is_of_no_use_to_another_site(settled: Settled, headers: dict[str, str]) -> None:
    records = settled.records()
    for way in ("adopt", "send-again"):
        assert settled.browser("editor").post(way, settled.body(IN_DIRECTORY, way), headers).status_code == 403
    assert settled.records() == records


def test_without_a_login_nothing_is_answered(settled: Settled) -> None:
    body = settled.body(IN_DIRECTORY, "adopt")
    answer = requests.post(f"{settled.server.url}/ekyc/adopt", json=body, headers=SAME_ORIGIN, timeout=30)
    assert answer.status_code == 401


def test_an_editor_of_the_dag_settles_what_is_in_a_directory(settled: Settled) -> None:
    answer = settled.browser("editor").post("adopt", settled.body(IN_DIRECTORY, "adopt"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["write"] is None


def test_who_may_write_variables_settles_what_is_recorded_there(settled: Settled) -> None:
    browser = settled.browser("variable_editor")
    answer = browser.post("adopt", settled.body(IN_VARIABLES, "adopt"))
    assert answer.status_code == 200, answer.text
    write = answer.json()["write"]
    variable = {"key": write["variable"], "value": write["value"], "description": write["description"]}
    browser.call(write["method"], "variables", variable)
    assert settled.browser("variable_editor").post("adopt", settled.body(IN_VARIABLES, "adopt")).status_code == 409
