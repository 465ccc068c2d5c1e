"""
The route of the page in a real API server with the FAB auth manager: ``plugins/page_app.py``,
``plugins/read_routes.py``, ``plugins/access.py``, ``plugins/page_parts.py``, ``plugins/needs_search.py``,
``plugins/task_search.py``, ``plugins/stored_tasks.py`` and ``plugins/counted_days.py``.

``EKYC_TEST_PYTHON`` names the interpreter of another environment, whose Airflow is run instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from dev.browser.fab_server import FabServer
from dev.stack.airflow_rest_session import RestSession

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("EKYC_TEST_PYTHON") or sys.executable)
RUNS = 300
#: In one process: it takes seconds to import Airflow.
INSERT_RUNS = """
from dev.benchmarks import page_data
from tests.plugins import insert_mapped
page_data.main()
insert_mapped.main()
"""
NOW = "2026-11-26T07:00:00+00:00"
DAGS = [f"made_up_{number}" for number in range(5)]
#: FAB wants the right to read runs of who reads their task instances.
TASKS = [("can_read", "DAG Runs"), ("can_read", "Task Instances")]
XCOMS = [("can_read", "XComs")]
READ = [("can_read", "DAGs"), *TASKS, *XCOMS]
EDIT_TASKS = [("can_edit", "DAG Runs"), ("can_edit", "Task Instances")]
USERS: dict[str, Sequence[tuple[str, str]] | str] = {
    "reader": READ,
    "reader_of_one": [("can_read", "DAG:made_up_1"), *TASKS, *XCOMS],
    "without_xcoms": [("can_read", "DAGs"), *TASKS],
    "without_tasks": [("can_read", "DAGs"), *XCOMS],
    "without_dags": [*TASKS, *XCOMS],
    "editor": [*READ, ("can_edit", "DAGs"), *EDIT_TASKS],
    "editor_of_one": [*READ, ("can_edit", "DAG:made_up_1"), *EDIT_TASKS],
    "stranger": [("can_read", "Website")],
}


class Server:
    """The server, and calls of its users."""

    def __init__(self, fab: FabServer) -> None:
        self.fab = fab
        self._tokens: dict[str, str] = {}
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, user: str | None, path: str = "verifications", **query: Any) -> requests.Response:
        """Send a request of a user, or of nobody."""
        headers = {} if user is None else {"Authorization": f"Bearer {self._token(user)}"}
        return self.session.get(f"{self.fab.url}/ekyc/{path}", params=query, headers=headers, timeout=60)

    def read(self, user: str = "admin", **query: Any) -> dict[str, Any]:
        """Return what the route answers."""
        answer = self.get(user, **query)
        assert answer.ok, (answer.status_code, answer.text)
        return dict(answer.json())

    def all_rows(self, **query: Any) -> list[dict[str, Any]]:
        """Return the whole history, page by page."""
        rows: list[dict[str, Any]] = []
        for offset in range(0, 10_000, query.get("limit", 100)):
            page = self.read(part="history", offset=offset, **query)["history"]
            rows += page["rows"]
            if not page["more"]:
                return rows
        raise AssertionError("there is no end")

    def _token(self, user: str) -> str:
        if user not in self._tokens:
            login = dict(zip(("username", "password"), self.fab.login(user), strict=True))
            answer = self.session.post(f"{self.fab.url}/auth/token", json=login, timeout=60)
            self._tokens[user] = answer.json()["access_token"]
        return self._tokens[user]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("page")
    with_path = {"PYTHONPATH": str(ROOT)} if Path(sys.executable) != PYTHON else {}
    fab = FabServer(folder, with_path, PYTHON)
    fab.prepare(USERS)
    env = {**fab.airflow.env, "PYTHONPATH": str(ROOT)}
    command = [str(PYTHON), "-c", INSERT_RUNS, "--runs", str(RUNS), "--now", NOW]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with fab:
        yield Server(fab)


@pytest.mark.parametrize(
    "path",
    ["verifications", "docs", "redoc", "openapi.json", "", "nothing", "adopt", "send-again", "verifications/more"],
)
def test_without_a_login_no_route_answers(server: Server, path: str) -> None:
    for method in ("get", "post", "put", "patch", "delete", "options"):
        answer = server.session.request(method, f"{server.fab.url}/ekyc/{path}", timeout=60)
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.json() == {"detail": "Not authenticated"}


def test_a_wrong_token_is_refused(server: Server) -> None:
    headers = {"Authorization": "Bearer made.up.token"}
    answer = server.session.get(f"{server.fab.url}/ekyc/verifications", headers=headers, timeout=60)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["docs", "openapi.json", "redoc", "nothing"])
def test_after_a_login_there_is_no_documentation_either(server: Server, path: str) -> None:
    assert server.get("admin", path).status_code == 404


def test_the_scripts_need_no_login_and_are_asked_for_each_time(server: Server) -> None:
    answer = server.get(None, "static/ekyc_page.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.headers["content-type"].startswith("text/javascript")
    for path in ("static/nothing.js", "static/", "static/%2e%2e/page_app.py", "static/..%2fpage_app.py"):
        assert server.get(None, path).status_code in (401, 404), path


@pytest.mark.parametrize("user", ["without_xcoms", "without_tasks", "without_dags", "stranger"])
def test_a_user_who_lacks_one_right_sees_nothing(server: Server, user: str) -> None:
    for query in ({}, {"part": "needs,waiting,history,days"}, {"dag_id": "made_up_1"}):
        answer = server.get(user, **query)
        assert answer.status_code == 403, query
        assert "made_up_1" not in answer.text


def test_who_may_read_one_dag_sees_that_one_alone(server: Server) -> None:
    answer = server.read("reader_of_one", part="needs,waiting,history,days", limit=500)
    assert answer["dags"] == ["made_up_1"]
    for part in ("needs", "waiting", "history"):
        rows = answer[part]["rows"]
        assert rows
        assert {row["dag_id"] for row in rows} == {"made_up_1"}
    everything = server.read(part="days", since="2026-01-01")["days"]
    own = server.read("reader_of_one", part="days", since="2026-01-01")["days"]
    assert 0 < own["counted"] < everything["counted"]
    assert server.get("reader_of_one", dag_id="made_up_2").status_code == 403
    assert server.get("reader_of_one", dag_id="no_such_dag").status_code == 403


@pytest.mark.parametrize(
    ("user", "editable"),
    [("reader", set()), ("editor", {*DAGS, "mapped"}), ("editor_of_one", {"made_up_1"}), ("admin", {*DAGS, "mapped"})],
)
def test_buttons_are_for_who_may_change_the_task(server: Server, user: str, editable: set[str]) -> None:
    rows = server.read(user, part="needs")["needs"]["rows"]
    assert {row["dag_id"] for row in rows if row["need"]["may_edit"]} == editable & {row["dag_id"] for row in rows}
    assert {row["dag_id"] for row in rows} >= {"made_up_1", "mapped"}


def test_the_answer_has_the_parts_that_are_asked_for(server: Server) -> None:
    assert {"needs", "waiting", "history"} <= server.read().keys()
    for part in ("needs", "waiting", "history", "days"):
        assert {"needs", "waiting", "history", "days"} & server.read(part=part).keys() == {part}
    answer = server.read()
    assert answer["dags"] == sorted([*DAGS, "mapped"])
    assert answer["refresh_seconds"] >= 5


@pytest.mark.parametrize(
    "query",
    [
        {"part": "everything"},
        {"state": "<script>"},
        {"offset": "-1"},
        {"limit": "0"},
        {"limit": "5000"},
        {"since": "yesterday"},
    ],
)
def test_a_wrong_question_is_answered_with_a_sentence_without_its_value(server: Server, query: dict[str, str]) -> None:
    answer = server.get("admin", **query)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)
    assert not any(value in answer.text for value in query.values() if len(value) > 4)


def test_the_history_has_each_row_once_whatever_the_page_size(server: Server) -> None:
    expected = [row["id"] for row in server.all_rows(limit=500)]
    assert len(expected) == len(set(expected)) == RUNS + 133
    for limit in (37, 100):
        assert [row["id"] for row in server.all_rows(limit=limit)] == expected


def test_rows_with_a_status_are_those_of_the_whole_history(server: Server) -> None:
    rows = server.all_rows(limit=500)
    statuses = {row["status"] for row in rows}
    assert statuses == {"landed", "waiting", "failed", "needs_you"}
    for status in statuses:
        expected = [row["id"] for row in rows if row["status"] == status]
        assert [row["id"] for row in server.all_rows(limit=20, state=status)] == expected
    both = [row["id"] for row in rows if row["status"] in ("failed", "needs_you")]
    assert [row["id"] for row in server.all_rows(state="failed,needs_you")] == both
    assert server.all_rows(state="queued") == []


def test_filters_by_dag_run_and_day(server: Server) -> None:
    rows = server.all_rows(limit=500)
    assert [row["id"] for row in server.all_rows(dag_id="made_up_2")] == [
        row["id"] for row in rows if row["dag_id"] == "made_up_2"
    ]
    (row,) = server.all_rows(run_id="made_up__000123")
    assert row["dag_id"] == "made_up_3"
    of_run = server.read(part="needs,waiting,history,days", run_id="few", dag_id="mapped", since="2026-01-01")
    assert {row["run_id"] for part in ("needs", "history") for row in of_run[part]["rows"]} == {"few"}
    assert of_run["days"]["counted"] == 2
    since, until = "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z"
    found = server.all_rows(since=since, until=until)
    assert found
    assert all(since < row["started_at"] < until for row in found)


def test_needs_are_unknown_outcomes_first_and_say_what_is_known(server: Server) -> None:
    rows = server.read(part="needs")["needs"]["rows"]
    kinds = [row["need"]["kind"] for row in rows]
    assert kinds == sorted(kinds, key=["unknown_outcome", "not_known", "not_landed"].index)
    unknown = next(row["need"] for row in rows if row["dag_id"].startswith("made_up"))
    assert (unknown["kind"], unknown["store"], unknown["balance_before"]) == ("unknown_outcome", "variables", "5000")
    assert unknown["record"].startswith("Airflow Variable ekyc_submission_")
    assert unknown["ways"] == ["adopt", "send_again", "log"]
    history = {row["id"]: row["need"] for row in server.all_rows(state="needs_you", limit=500)}
    assert {row["id"] for row in rows} == history.keys()


def test_a_record_that_a_person_has_written_is_seen_at_once(server: Server) -> None:
    rest = RestSession(server.fab.url, *server.fab.login("admin"))
    row = next(row for row in server.read(part="needs")["needs"]["rows"] if row["dag_id"].startswith("made_up"))
    key = row["need"]["record"].removeprefix("Airflow Variable ")
    before = rest.call("GET", f"variables/{key}")["value"]

    def write(value: str) -> tuple[str | None, str]:
        rest.call("PATCH", f"variables/{key}", json={"key": key, "value": value})
        needs = {each["id"]: each["need"]["kind"] for each in server.read(part="needs")["needs"]["rows"]}
        (shown,) = server.all_rows(run_id=row["run_id"])
        return needs.get(row["id"]), shown["status"]

    try:
        assert write("send again") == ("unknown_outcome", "needs_you")
        assert write("adopted-1") == ("not_landed", "needs_you")
        assert write("{broken") == ("not_known", "needs_you")
    finally:
        restored = write(before)
    assert restored == ("unknown_outcome", "needs_you")


def test_what_is_asked_for_again_is_the_same(server: Server) -> None:
    parts = ("needs", "waiting", "history", "days")
    first = server.read(part=",".join(parts), limit=200)
    again = server.read(part=",".join(parts), limit=200)
    assert [first[part] for part in parts] == [again[part] for part in parts]


def test_days_are_the_sums_of_the_rows(server: Server) -> None:
    days = server.read(part="days", since="2026-01-01")["days"]
    rows = server.all_rows(limit=500)
    assert days["complete"]
    assert days["counted"] == sum(row["ekyc_task_id"] is not None for row in rows)
    for name in ("yes", "no", "not_processed"):
        done = [row for row in rows if row["status"] != "waiting"] if name == "not_processed" else rows
        assert sum(day[name] for day in days["days"]) == sum(row[name] or 0 for row in done)
    assert [day["day"] for day in days["days"]] == sorted(day["day"] for day in days["days"])


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Los_Angeles"])
def test_the_rows_of_a_day_of_a_zone_are_those_that_were_counted(server: Server, zone: str) -> None:
    answer = server.read(part="days", since="2026-01-01", zone=zone)["days"]
    assert answer["zone"] == zone
    assert answer["days"] != server.read(part="days", since="2026-01-01")["days"]["days"]
    for day in answer["days"][-3:]:
        since = datetime.fromisoformat(day["day"]).replace(tzinfo=ZoneInfo(zone))
        until = since + timedelta(days=1)
        rows = server.all_rows(limit=500, since=since.isoformat(), until=until.isoformat())
        assert day["submissions"] == sum(row["ekyc_task_id"] is not None for row in rows)
        assert day["yes"] == sum(row["yes"] or 0 for row in rows)


@pytest.mark.parametrize("zone", ["Europe", "No/Such_Zone", "../zone", "/etc/passwd", "", "\0", "\xc4"])
def test_days_of_a_zone_that_is_not_known_are_days_of_utc(server: Server, zone: str) -> None:
    answer = server.read(part="days", since="2026-01-01", zone=zone)["days"]
    assert answer == server.read(part="days", since="2026-01-01")["days"]
    assert answer["zone"] == "UTC"


def test_a_mapped_run_over_two_pages(server: Server) -> None:
    first = server.read(part="history", dag_id="mapped", run_id="many", limit=100)["history"]
    second = server.read(part="history", dag_id="mapped", run_id="many", limit=100, offset=100)["history"]
    rows = first["rows"] + second["rows"]
    assert (first["more"], second["more"]) == (True, False)
    assert sorted(row["map_index"] for row in rows) == list(range(130))
    assert all(row["ekyc_task_id"].startswith(f"many-{row['map_index']}-") for row in rows)
    assert all(row["sensor"]["map_index"] == row["transfer"]["map_index"] == row["map_index"] for row in rows)


def test_a_mapped_run_needs_a_person_for_two_of_its_files(server: Server) -> None:
    rows = server.read(part="needs", dag_id="mapped")["needs"]["rows"]
    assert [(row["need"]["kind"], row["need"]["task_id"], row["need"]["map_index"]) for row in rows] == [
        ("not_known", "verify.each_file.submit", 1),
        ("not_landed", "verify.each_file.wait", 2),
    ]


def test_the_words_of_others_are_json_text(server: Server) -> None:
    answer = server.get("admin", part="needs", dag_id="mapped")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text)["needs"]["rows"][0]["need"]["message"] == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "changed",
    [{"rate": 10**400}, {"done": 10**4000, "total": 10**4000}, {"rate": True}],
    ids=["rate", "counts", "boolean"],
)
def test_what_one_user_writes_into_an_xcom_stops_the_page_for_nobody(server: Server, changed: dict[str, Any]) -> None:
    rest = RestSession(server.fab.url, *server.fab.login("admin"))
    row = next(row for row in server.all_rows(state="landed") if row["dag_id"] == "made_up_1")
    entry = (
        f"dags/{row['dag_id']}/dagRuns/{row['run_id']}/taskInstances/{row['sensor']['task_id']}/xcomEntries/progress"
    )
    before = {name: value for name, value in row["progress"].items() if value is not None}
    try:
        rest.call("PATCH", entry, json={"value": {**before, **changed}, "map_index": -1})
        (shown,) = server.all_rows(run_id=row["run_id"])
        assert shown["id"] == row["id"]
        assert shown["progress"]["rate"] in (None, before.get("rate"))
    finally:
        rest.call("PATCH", entry, json={"value": before, "map_index": -1})
    assert server.all_rows(run_id=row["run_id"]) == [row]
