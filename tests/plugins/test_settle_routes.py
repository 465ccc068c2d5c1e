"""What the routes answer where Airflow itself fails: no database has been made here, and no auth manager."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI
from fastapi.testclient import TestClient

from airflow_provider_ekyc.plugins import settle_routes
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
