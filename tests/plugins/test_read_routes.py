"""
What the page's app answers in one process: ``plugins/page_app.py``, ``plugins/read_routes.py``, ``plugins/access.py``.

Over a real server, with the rights of its users: ``test_read_server.py``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from airflow_provider_ekyc.plugins import access
from airflow_provider_ekyc.plugins.counted_days import _period
from airflow_provider_ekyc.plugins.page_app import page_app
from airflow_provider_ekyc.plugins.task_search import Period

pytestmark = pytest.mark.usefixtures("auth_manager")

REQUEST = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []})


def app_for(role: str | None) -> FastAPI:
    """Return the app, for a user who has signed in."""
    app = page_app()
    app.dependency_overrides[get_user] = lambda: someone(role)
    return app


def someone(role: str | None) -> SimpleAuthManagerUser:
    return SimpleAuthManagerUser(username="someone", role=role)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["nothing", "docs", "openapi.json", "verifications/more"])
def test_a_path_that_does_not_exist_is_a_sentence_after_a_login(path: str, method: str) -> None:
    answer = TestClient(app_for("viewer")).request(method, f"/{path}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no such page."})


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"part": "everything"}, "part must be of: days, history, needs, waiting."),
        ({"part": "needs,<script>"}, "part must be of: days, history, needs, waiting."),
        ({"state": "<script>"}, "state must be of: "),
    ],
)
def test_a_word_that_is_not_known_is_answered_with_those_that_are(query: dict[str, str], detail: str) -> None:
    answer = TestClient(app_for("viewer")).get("/verifications", params=query)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(detail)
    assert "script" not in answer.text


def test_the_last_thirty_days_begin_at_midnight_of_the_zone() -> None:
    now = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
    asked = [_period(Period(), now.astimezone(ZoneInfo(zone))).since for zone in ("UTC", "America/New_York")]
    # In New York it is the 25th, and was summer time a month ago.
    assert asked == [datetime(2026, 10, 28, tzinfo=UTC), datetime(2026, 10, 27, 4, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("until", "zone"),
    [(datetime(1, 1, 5, tzinfo=UTC), "UTC"), (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Pacific/Kiritimati")],
)
def test_at_the_first_and_the_last_day_that_there_is_all_days_are_counted(until: datetime, zone: str) -> None:
    now = datetime(2026, 11, 26, 2, 0, tzinfo=ZoneInfo(zone))
    assert _period(Period(until=until), now) == Period(until=until)


def test_without_a_right_nothing_is_read() -> None:
    assert TestClient(app_for(None)).get("/verifications").status_code == 403


@pytest.mark.parametrize(("role", "may"), [(None, False), ("viewer", False), ("user", True), ("op", True)])
def test_who_may_change_a_task_instance_may_edit(role: str | None, may: bool) -> None:
    assert access.may_edit(REQUEST, someone(role), "numbers") is may
