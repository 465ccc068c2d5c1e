"""
What the routes answer in one process.

Where a test names neither ``database`` nor ``auth_manager``, Airflow itself fails: it has none.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI
from fastapi.testclient import TestClient

from airflow_provider_ekyc.plugins import settle_routes
from airflow_provider_ekyc.plugins.settle_request import LONGEST_BODY
from tests.plugins.settled_airflow import SAME_ORIGIN

BODY = {
    "dag_id": "a_secret_dag",
    "run_id": "a_secret_run",
    "task_id": "submit",
    "map_index": -1,
    "name": "0123456789abcdef",
    "ekyc_task_id": "d4g8o46p2jvh04o9uolg",
}


@pytest.fixture
def app() -> FastAPI:
    """The routes alone."""
    app = FastAPI()
    app.include_router(settle_routes.router)
    return app


@pytest.mark.parametrize("way", ["adopt", "send-again"])
@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_failure_of_the_server_is_a_sentence_and_quotes_nothing(
    app: FastAPI, way: str, is_allowed: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(get_name=lambda: "someone")
    if is_allowed:  # then the database is asked; otherwise the auth manager is missing
        monkeypatch.setattr(settle_routes, "may_edit", lambda *_: True)
    with caplog.at_level(logging.ERROR):
        answer = TestClient(app).post(f"/{way}", json=BODY, headers=SAME_ORIGIN)
    assert answer.status_code == 424
    assert "It is not known whether anything was changed" in answer.json()["detail"]
    shown = answer.text + caplog.text
    assert "could not be settled" in caplog.text
    assert not [value for value in BODY.values() if isinstance(value, str) and len(value) > 6 and value in shown]


@pytest.mark.parametrize("way", ["adopt", "send-again"])
def test_a_page_of_another_site_is_refused_before_anything_is_read(app: FastAPI, way: str) -> None:
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(get_name=lambda: "someone")
    answer = TestClient(app).post(f"/{way}", content=b"{", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize("way", ["adopt", "send-again"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_there_is_no_other_method(app: FastAPI, way: str, method: str) -> None:
    assert TestClient(app).request(method, f"/{way}").status_code == 405


@pytest.mark.parametrize("headers", [{}, SAME_ORIGIN, {"Cookie": "_token="}, {"Authorization": "Bearer "}])
@pytest.mark.parametrize("way", ["adopt", "send-again"])
def test_without_a_login_the_body_is_not_looked_at(app: FastAPI, way: str, headers: dict[str, Any]) -> None:
    answer = TestClient(app).post(f"/{way}", content=b" " * 100_000, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("way", ["adopt", "send-again"])
def test_a_long_body_is_refused_before_it_is_read(app: FastAPI, way: str) -> None:
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(get_name=lambda: "someone")
    headers = {**SAME_ORIGIN, "Content-Type": "application/json"}
    allowed = TestClient(app).post(f"/{way}", content=b" " * LONGEST_BODY, headers=headers)
    longer = TestClient(app).post(f"/{way}", content=b" " * (LONGEST_BODY + 1), headers=headers)
    assert (allowed.status_code, longer.status_code) == (422, 413)
    assert longer.json() == {"detail": "The request is too long. Nothing was changed."}


@pytest.mark.usefixtures("auth_manager")
@pytest.mark.parametrize("way", ["adopt", "send-again"])
@pytest.mark.parametrize(
    ("role", "status", "detail"),
    [
        (None, 403, "You may not edit this task instance. Nothing was changed."),
        ("viewer", 403, "You may not edit this task instance. Nothing was changed."),
        ("user", 404, "Airflow has no such task instance. Nothing was changed."),
    ],
)
def test_who_may_not_edit_the_task_instance_is_refused_before_it_is_looked_for(
    app: FastAPI, way: str, role: str | None, status: int, detail: str
) -> None:
    app.dependency_overrides[get_user] = lambda: SimpleAuthManagerUser(username="someone", role=role)
    answer = TestClient(app).post(f"/{way}", json=BODY, headers=SAME_ORIGIN)
    assert (answer.status_code, answer.json()) == (status, {"detail": detail})
