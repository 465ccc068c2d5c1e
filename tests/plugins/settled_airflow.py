"""
A real Airflow whose chains of ``dags/ekyc_settled.py`` have failed, with three users beside its administrator.

Connections are in Airflow's database, as those are that a person makes in the form: the API server has to read them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import Stoppable
from dev.stack.s3_server import S3Server

DAGS = Path(__file__).parent / "dags"
BUCKET = "ekyc-settled"
KEY = "made-up-api-key-0123456789abcdef"
RUN = "first"
USERS = ("viewer", "user", "op")

#: DAG: rows of its list, by which a charge is known.
ROWS = {
    "adopt_in_variables": 101,
    "adopt_in_s3": 102,
    "adopt_in_directory": 103,
    "again_in_variables": 104,
    "again_in_s3": 105,
    "no_landing": 106,
}
#: Mapped DAG: rows of its lists.
MAPPED_ROWS = {"mapped_adopt": (121, 122, 123), "mapped_no_landing": (124, 125, 126)}
#: The same for the chains that are settled by the page's buttons.
PAGE_ROWS = {f"page_{dag_id}": rows + 100 for dag_id, rows in ROWS.items()}
PAGE_MAPPED_ROWS = {"page_mapped_no_landing": (224, 225, 226)}
ALL_ROWS, ALL_MAPPED_ROWS = {**ROWS, **PAGE_ROWS}, {**MAPPED_ROWS, **PAGE_MAPPED_ROWS}

#: What a browser sends along with a request of a page of the same server.
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}

#: Interpreter of another environment, whose Airflow is to be run instead of this one's; it needs psycopg2 and asyncpg.
OTHER_PYTHON = os.environ.get("EKYC_TEST_PYTHON")


class Browser:
    """
    A signed-in user's requests, with the session cookie as a browser has it.

    :param url: of the API server
    :param login: user name and password
    """

    def __init__(self, url: str, login: tuple[str, str]) -> None:
        self.url = url
        #: All that the routes have answered.
        self.answers: list[str] = []
        self._session = requests.Session()
        self._session.trust_env = False
        answer = self._session.post(f"{url}/auth/token", json=dict(zip(("username", "password"), login, strict=True)))
        self._session.cookies.set("_token", answer.json()["access_token"])

    def post(self, way: str, body: Mapping[str, Any], headers: Mapping[str, str] = SAME_ORIGIN) -> requests.Response:
        """Send a request to settle a submission."""
        return self.post_raw(way, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def post_raw(self, way: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        """Send a body as it is."""
        answer = self._session.post(f"{self.url}/ekyc/{way}", data=body, headers=dict(headers), timeout=90)
        self.answers.append(answer.text)
        return answer

    def follow(self, answer: Mapping[str, Any]) -> None:
        """Do what the page does after a submission is settled: write the Variable, and clear."""
        self.write(answer)
        clear = dict(answer["clear"])
        self.call("POST", f"dags/{clear.pop('dag_id')}/clearTaskInstances", clear)

    def write(self, answer: Mapping[str, Any]) -> None:
        """Write the Variable, if the record is one."""
        if (write := answer["write"]) is not None:
            path = "variables" if write["method"] == "POST" else f"variables/{write['variable']}"
            variable = {"key": write["variable"], "value": write["value"], "description": write["description"]}
            self.call(write["method"], path, variable)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call Airflow's public REST API."""
        address = f"{self.url}/api/v2/{path}"
        answer = self._session.request(method, address, json=body, headers=SAME_ORIGIN, timeout=60)
        assert answer.ok, (answer.status_code, answer.text)
        return answer.json() if answer.content else None


class SettledAirflow(Stoppable):
    """
    Airflow, sandboxes of the API and an S3 server.

    :param folder: for the home, the DAGs, the lists and the journal
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: The folder of DAG files, to which a test may add one.
        self.dags = folder / "dags"
        shutil.copytree(DAGS, self.dags, ignore=shutil.ignore_patterns("__pycache__"))
        self.s3 = S3Server(folder / "s3.log")
        self.database = PostgresServer.for_airflow(folder / "postgres.log")
        #: By connection: accepts each list and cuts the line; does not accept the first four and answers 503; accepts
        #: the second list and cuts the line; works.
        self.sandboxes = {
            name: Sandbox(KEY, pace=2000.0) for name in ("ekyc_lost", "ekyc_refusing", "ekyc_second_lost", "ekyc_plain")
        }
        env = {
            "EKYC_TEST_FOLDER": str(folder),
            "EKYC_TEST_BUCKET": BUCKET,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.database.airflow_url,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{name}" for name in ("admin", *USERS)),
        }
        self.airflow = AirflowStack(
            folder / "home",
            self.dags,
            env,
            folder / "processes",
            Path(OTHER_PYTHON) if OTHER_PYTHON else None,
            import_once=True,
        )
        #: A client of the administrator's.
        self.rest = AirflowRest(self.airflow.url, *self.airflow.login)
        self._browsers: dict[str, Browser] = {}
        self._started = ExitStack()

    def answers(self) -> list[str]:
        """Return all that the routes have answered."""
        return [answer for browser in self._browsers.values() for answer in browser.answers]

    def browser(self, user: str = "admin") -> Browser:
        """Return a signed-in user."""
        if user not in self._browsers:
            self._browsers[user] = self._signed_in(user)
        return self._browsers[user]

    def _signed_in(self, user: str) -> Browser:
        passwords = json.loads((self.airflow.home / "simple_auth_manager_passwords.json.generated").read_text())
        return Browser(self.airflow.url, (user, passwords[user]))

    def start(self) -> None:
        """Start all, run all chains, and wait until they have failed."""
        self._started.enter_context(self.database)
        self._started.callback(self.airflow.stop)
        self.airflow.launch()
        self._started.enter_context(self.s3)
        self.s3.create_bucket(BUCKET)
        for sandbox in self.sandboxes.values():
            self._started.enter_context(sandbox)
        self.sandboxes["ekyc_lost"].fault("submit", "cut_after", times=None)
        self.sandboxes["ekyc_refusing"].fault("submit", "status", status=503, times=4)
        self.sandboxes["ekyc_second_lost"].fault("submit", "cut_after", skip=1)
        self._write_lists()
        self.airflow.wait_until_healthy()
        self._make_connections()
        for file in (f"no_landing/{RUN}.zip", f"mapped_no_landing/{RUN}-0.zip", f"mapped_no_landing/{RUN}-2.zip"):
            for key in (file, f"page_{file}"):
                self.s3.client().put_object(Bucket=BUCKET, Key=key, Body=b"not ours")
        rest = self.rest
        for dag_id in (*ALL_ROWS, *ALL_MAPPED_ROWS):
            rest.wait_for_dag(dag_id)
            rest.unpause(dag_id)
            rest.trigger(dag_id, run_id=RUN)
        for dag_id in (*ALL_ROWS, *ALL_MAPPED_ROWS):
            assert rest.wait_for_run(dag_id, RUN)["state"] == "failed", dag_id

    def stop(self) -> None:
        """End all."""
        self._started.close()

    def charges(self, *rows: int) -> list[str]:
        """Return the remote tasks of these numbers of rows that were charged, of all accounts."""
        bills = (sandbox.bill for sandbox in self.sandboxes.values())
        return [charge.task_id for bill in bills for charge in bill.submissions if charge.rows in rows]

    def queries(self) -> int:
        """Return how many status queries were answered."""
        return sum(sandbox.bill.polls for sandbox in self.sandboxes.values())

    def variables(self) -> dict[str, str]:
        """Return all records in Variables."""
        return {each["key"]: each["value"] for each in self.rest.variables("ekyc_submission_")}

    def objects(self) -> dict[str, bytes]:
        """Return all records in S3."""
        client = self.s3.client()
        found = client.list_objects_v2(Bucket=BUCKET, Prefix="journal/").get("Contents", [])
        return {each["Key"]: client.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in found}

    def files(self) -> dict[str, bytes]:
        """Return all records in the directory."""
        return {str(path): path.read_bytes() for path in (self.folder / "journal").rglob("*.json")}

    def records(self) -> list[Any]:
        """Return all records, to compare."""
        return [self.variables(), self.objects(), self.files()]

    def submission(self, dag_id: str, map_index: int = -1) -> dict[str, Any]:
        """Return what a request has to name: the submission of a chain whose outcome is unknown."""
        intents = [json.loads(value) for value in self.variables_of(dag_id).values() if value.startswith("{")]
        (name,) = {
            name
            for intent in intents
            if intent["record"] == "instance"
            for name in intent["begun"]
            if map_index < 0 or self._is_open(dag_id, name)
        }
        return {"dag_id": dag_id, "run_id": RUN, "task_id": "submit", "map_index": map_index, "name": name}

    def variables_of(self, dag_id: str) -> dict[str, str]:
        """Return the Variables of a chain."""
        start = f"eKYC submission of {dag_id}."
        return {
            each["key"]: each["value"]
            for each in self.rest.variables("ekyc_submission_")
            if (each["description"] or "").startswith(start)
        }

    def _is_open(self, dag_id: str, name: str) -> bool:
        return not any(re.search(f"_{name}_receipt$", key) for key in self.variables_of(dag_id))

    def _write_lists(self) -> None:
        lists = {
            **ALL_ROWS,
            **{f"{dag_id}-{index}": n for dag_id, each in ALL_MAPPED_ROWS.items() for index, n in enumerate(each)},
        }
        for start, (name, rows) in enumerate(lists.items(), 1):
            numbers = (f"+999{start * 1000 + number:010d}\n" for number in range(rows))
            (self.folder / f"{name}.txt").write_text("".join(numbers))

    def _make_connections(self) -> None:
        browser = self.browser()
        for name, sandbox in self.sandboxes.items():
            extra = {"result_hosts": sandbox.url, "prices": "amazon=0.01"}
            self._connect(browser, name, {"conn_type": "ekyc", "host": sandbox.url, "password": KEY, "extra": extra})
        self._connect(browser, "aws_default", self.s3.connection())

    def _connect(self, browser: Browser, name: str, connection: Mapping[str, Any]) -> None:
        body = {**connection, "connection_id": name, "extra": json.dumps(connection["extra"])}
        browser.call("POST", "connections", body)
