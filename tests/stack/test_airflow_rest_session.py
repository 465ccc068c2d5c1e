"""The REST client of the tests makes a call again while Airflow answers 500, and no other call twice."""

from __future__ import annotations

import pytest

from dev.stack import airflow_rest_session
from dev.stack.airflow_rest_session import TRIES, AirflowRestError, RestSession
from dev.testing.sockets import ScriptedServer, answer

TOKEN = answer("201 Created", b'{"access_token": "made-up"}', "Content-Type: application/json")
FAILED = answer("500 Internal Server Error", b"{}")
DONE = answer("200 OK", b'{"is_paused": false}', "Content-Type: application/json")


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_rest_session.time, "sleep", lambda _: None)


def test_a_call_is_made_again_after_a_500() -> None:
    with ScriptedServer(TOKEN, FAILED, DONE) as server:
        assert RestSession(server.url, "u", "p").call("PATCH", "dags/a") == {"is_paused": False}
        assert [request.method for request in server.requests] == ["POST", "PATCH", "PATCH"]


@pytest.mark.parametrize(("refused", "calls"), [(FAILED, TRIES), (answer("404 Not Found", b"{}"), 1)])
def test_what_stays_wrong_is_an_error(refused: bytes, calls: int) -> None:
    with ScriptedServer(TOKEN, *[refused] * TRIES) as server:
        with pytest.raises(AirflowRestError):
            RestSession(server.url, "u", "p").call("PATCH", "dags/a")
        assert len(server.requests) == 1 + calls
