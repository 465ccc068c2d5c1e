"""
What users of the FAB auth manager see of the page, and what its buttons do for them; and requests without a login.

A run of each of two DAGs has an unknown outcome, a run of the first has landed.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from dev.browser.deployment import BUCKET, Deployment
from dev.browser.ekyc_page import PAGE, EkycPage
from dev.browser.fab_users import ADMIN
from dev.browser.person import Person
from dev.testing.waiting import wait_until
from tests.browser.conftest import HIDDEN, SHOWN

pytestmark = pytest.mark.airflow

#: Rows of the submissions.
LANDED, UNKNOWN, OTHER = 700, 710, 720


@dataclass
class Scene:
    deployment: Deployment
    window: Person
    landed: str
    unknown: str
    other: str

    @property
    def url(self) -> str:
        return self.deployment.airflow.url

    @contextmanager
    def person(self, name: str) -> Iterator[Person]:
        """A user in the one window: another one would load all of Airflow's scripts anew."""
        try:
            yield self.window.send_login(*self.deployment.login(name))
        finally:
            self.window.sign_out()

    def remote_id(self, rows: int) -> str:
        return next(each.task_id for each in self.deployment.sandbox.bill.submissions if each.rows == rows)


@pytest.fixture(scope="module")
def scene(deployment: Deployment, browser: Browser) -> Iterator[Scene]:
    url = deployment.sandbox.url
    connection = {"conn_type": "ekyc", "host": url, "password": deployment.key, "extra": {"result_hosts": url}}
    deployment.rest.put_connection("ekyc_default", connection)
    runs = [_run(deployment, *each) for each in ((SHOWN, LANDED, ""), (SHOWN, UNKNOWN, "cut_after"))]
    other = _run(deployment, HIDDEN, OTHER, "cut_after")
    with Person(browser, deployment.airflow.url) as window:
        yield Scene(deployment, window, *runs, other)


def _run(deployment: Deployment, dag_id: str, rows: int, fault: str) -> str:
    deployment.sandbox.change(pace=2000.0)
    if fault:
        deployment.sandbox.fault("submit", fault)
    deployment.rest.wait_for_dag(dag_id)
    deployment.rest.unpause(dag_id)
    conf = {"s3_bucket": BUCKET, **({"numbers": deployment.numbers(rows)} if dag_id == SHOWN else {"rows": rows})}
    run_id = deployment.rest.trigger(dag_id, conf, run_id=f"run-{rows}")
    deployment.rest.wait_for_run(dag_id, run_id)
    return run_id


def fetched(person: Person, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
    """What the page of a signed-in user gets from a route."""
    found = person.page.evaluate(
        """async ([path, body]) => {
            const options = body === null ? {} : {
                method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)};
            const answer = await fetch(path, options);
            return [answer.status, await answer.text()];
        }""",
        [path, body],
    )
    return int(found[0]), str(found[1])


def settle_body(scene: Scene, card_name: str = "") -> dict[str, Any]:
    return {"dag_id": SHOWN, "run_id": scene.unknown, "task_id": "submit", "map_index": -1, "name": card_name}


def name_of_record(scene: Scene) -> str:
    with scene.person(ADMIN) as person:
        page = EkycPage(person)
        with person.page.expect_response(lambda answer: "/ekyc/verifications" in answer.url) as answered:
            page.open()
        rows = answered.value.json()["needs"]["rows"]
        return str(next(row["need"]["name"] for row in rows if row["run_id"] == scene.unknown))


def test_who_may_read_one_dag_sees_nothing_of_the_other(scene: Scene) -> None:
    with scene.person("reads-one-dag") as person:
        page = EkycPage(person)
        page.open()
        expect(page.row("History", scene.landed)).to_be_visible()
        expect(page.card(scene.unknown)).to_be_visible()
        content = person.page.content()
        answers = [
            fetched(person, f"/ekyc/verifications?part=needs,waiting,history,days{more}")
            for more in ("", f"&dag_id={HIDDEN}", f"&run_id={scene.other}")
        ]
    assert scene.other not in content
    assert HIDDEN not in content
    for status, text in answers:
        assert status in (200, 403)
        assert scene.other not in text
        assert HIDDEN not in text


@pytest.mark.parametrize("name", ["reads-no-xcoms", "reads-no-tasks"])
def test_who_may_not_read_tasks_or_xcoms_sees_nothing(name: str, scene: Scene) -> None:
    with scene.person(name) as person:
        person.open(PAGE)
        expect(person.page.get_by_text("permission").first).to_be_visible()
        content = person.page.content()
        status, text = fetched(person, "/ekyc/verifications?part=needs,waiting,history,days")
    for hidden in (scene.landed, scene.unknown, scene.other):
        assert hidden not in content
        assert hidden not in text
    assert status == 403


def test_no_button_works_for_who_may_only_read(scene: Scene) -> None:
    name = name_of_record(scene)
    with scene.person("reads-all") as person:
        page = EkycPage(person)
        page.open()
        card = page.card(scene.unknown)
        expect(card).to_be_visible()
        expect(card.get_by_role("button", name="Adopt")).to_have_count(0)
        expect(card.get_by_role("button", name="Send again")).to_have_count(0)
        body = settle_body(scene, name)
        adopt = fetched(person, "/ekyc/adopt", {**body, "ekyc_task_id": scene.remote_id(UNKNOWN)})
        again = fetched(person, "/ekyc/send-again", {**body, "confirmed": True})
        clear = fetched(
            person,
            f"/api/v2/dags/{SHOWN}/clearTaskInstances",
            {"dag_run_id": scene.unknown, "task_ids": ["submit"], "dry_run": False},
        )
    assert [adopt[0], again[0], clear[0]] == [403, 403, 403]
    assert scene.deployment.rest.task_instance(SHOWN, scene.unknown, "submit")["try_number"] == 1


def test_without_the_right_to_variables_nothing_is_cleared(scene: Scene) -> None:
    with scene.person("edits-no-variables") as person:
        page = EkycPage(person)
        page.open()
        card = page.card(scene.unknown)
        page.adopt(card, scene.remote_id(UNKNOWN))
        expect(card.get_by_role("alert")).to_be_visible()
    assert scene.deployment.rest.task_instance(SHOWN, scene.unknown, "submit")["try_number"] == 1


ROUTES = [
    ("GET", "/ekyc/verifications"),
    ("POST", "/ekyc/adopt"),
    ("POST", "/ekyc/send-again"),
    *(
        ("GET", f"/ekyc/{path}")
        for path in ("docs", "redoc", "openapi.json", "docs/oauth2-redirect", "", "no-such-path")
    ),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_answers_without_a_login(method: str, path: str, scene: Scene) -> None:
    for token in ({}, {"Authorization": "Bearer made-up-token"}, {"Cookie": "_token=made-up-token"}):
        answer = requests.request(method, f"{scene.url}{path}", headers=token, json={}, timeout=30)
        assert answer.status_code in (401, 403), (path, token)
        assert SHOWN not in answer.text
    assert requests.request(method, f"{scene.url}{path}", json={}, timeout=30).status_code == 401


def test_all_routes_of_the_app_are_tried_without_a_login() -> None:
    from airflow_provider_ekyc.plugins.page_app import page_app

    paths = {f"/ekyc{route.path}" for route in page_app().routes}  # type: ignore[attr-defined]
    assert paths - {"/ekyc/{path:path}", "/ekyc/static"} == {path for _, path in ROUTES[:3]}


def test_what_is_public_holds_nothing_of_the_deployment(scene: Scene) -> None:
    script = requests.get(f"{scene.url}/ekyc/static/ekyc_page.js", timeout=30)
    assert script.status_code == 200
    assert script.headers["Content-Type"].startswith("text/javascript")
    for hidden in (SHOWN, scene.deployment.key, str(scene.deployment.folder), scene.deployment.sandbox.url):
        assert hidden not in script.text
    assert requests.get(f"{scene.url}/ekyc/static/../page_app.py", timeout=30).status_code in (401, 404)


class _OtherSite(http.server.BaseHTTPRequestHandler):
    """A page of another site that sends what a page of Airflow would send."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Other site</title>")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_request_from_another_site_changes_nothing(scene: Scene) -> None:
    name = name_of_record(scene)
    body = {**settle_body(scene, name), "confirmed": True}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OtherSite)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with scene.person("edits") as person:
            # The same host at another port: the cookies go along, which is the worst case.
            person.page.goto(f"http://127.0.0.1:{server.server_port}/")
            with person.page.expect_response(lambda answer: "/ekyc/send-again" in answer.url) as answered:
                person.page.evaluate(
                    """([url, body]) => { fetch(url, {method: "POST", mode: "no-cors", credentials: "include",
                        headers: {"Content-Type": "text/plain"}, body: JSON.stringify(body)}); }""",
                    [f"{scene.url}/ekyc/send-again", body],
                )
            # Not 401: the login went along.
            assert answered.value.status in (403, 415)
    finally:
        server.shutdown()
        server.server_close()
    with scene.person("edits") as person:
        expect_open = EkycPage(person)
        expect_open.open()
        expect(expect_open.card(scene.unknown)).to_be_visible()
    assert scene.deployment.paid_for(UNKNOWN) == 1


def test_who_may_edit_adopts_and_the_audit_log_names_the_user(scene: Scene) -> None:
    with scene.person("edits") as person:
        page = EkycPage(person)
        page.open()
        card = page.card(scene.unknown)
        page.adopt(card, scene.remote_id(UNKNOWN))
        page.wait_until_settled(card)
        page.wait_for_status(scene.unknown, "Landed")
    assert scene.deployment.paid_for(UNKNOWN) == 1
    with scene.person(ADMIN) as person:
        person.open("/events")
        row = person.page.get_by_role("row").filter(has_text="ekyc_adopt").filter(has_text=scene.unknown)
        expect(row.first).to_contain_text("edits")
    assert wait_until(lambda: scene.deployment.rest.run(SHOWN, scene.unknown)["state"] == "success")
