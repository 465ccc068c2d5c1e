"""The Test button of Airflow's page of connections, on a real API server: the calls that its page makes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from dev.browser.made_up_runs import MadeUpRuns
from dev.stack.airflow_rest_session import RestSession
from tests.conftest import API_KEY

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def rest(made_up_runs: MadeUpRuns) -> RestSession:
    return RestSession(made_up_runs.airflow.url, *made_up_runs.airflow.login)


Press = Callable[..., dict[str, Any]]


@pytest.fixture
def test_button(rest: RestSession) -> Iterator[Press]:
    """Store a connection as the form does, and test it as the list does: without the key, which the page never has."""
    stored = "ekyc_of_the_form"

    def press(**fields: Any) -> dict[str, Any]:
        body = {"connection_id": stored, "conn_type": "ekyc", "login": "", "schema": "", **fields}
        rest.call("POST", "connections", json=body)
        shown = rest.call("GET", f"connections/{stored}")
        asked = {name: shown[name] for name in ("connection_id", "conn_type", "host", "login", "schema", "extra")}
        # The page sends the empty port of a field as 0.
        return rest.call("POST", "connections/test", json={**asked, "port": shown["port"] or 0})

    yield press
    rest.call("DELETE", f"connections/{stored}")


def port_of(sandbox: Sandbox) -> int:
    return int(sandbox.url.rpartition(":")[2])


def test_a_right_key(test_button: Press, sandbox: Sandbox) -> None:
    port = port_of(sandbox)
    assert test_button(host="http://127.0.0.1", port=port, password=API_KEY, extra='{"account": "made up"}') == {
        "status": True,
        "message": f"127.0.0.1, port {port}: the API accepts the key. Balance: 1,000,000.00.",
    }


def test_a_port_that_the_form_left_empty_is_that_of_the_base_url(test_button: Press, sandbox: Sandbox) -> None:
    assert test_button(host=sandbox.url, port=0, password=API_KEY, extra="{}")["status"]


def test_a_wrong_key(test_button: Press, sandbox: Sandbox) -> None:
    said = test_button(host="http://127.0.0.1", port=port_of(sandbox), password="another-made-up-key", extra="{}")
    assert not said["status"]
    assert "the API does not accept this key (401). Check the API key." in said["message"]
    assert "another-made-up-key" not in said["message"]


def test_a_wrong_host(test_button: Press) -> None:
    assert test_button(host="https://no-such-host.invalid", port=443, password=API_KEY, extra="{}") == {
        "status": False,
        "message": "The name no-such-host.invalid can't be resolved. Check the base URL, and this machine's DNS.",
    }


def test_a_wrong_port(test_button: Press) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        said = test_button(host="http://127.0.0.1", port=port, password=API_KEY, extra="{}")
    assert said["message"].startswith(f"127.0.0.1, port {port} refuses connections. Check the port")


def test_a_port_that_none_can_be(test_button: Press) -> None:
    said = test_button(host="http://127.0.0.1", port=99_999, password=API_KEY, extra="{}")
    assert not said["status"]
    assert "1 to 65535" in said["message"]


def test_a_field_that_is_wrong(test_button: Press) -> None:
    said = test_button(host="https://api.example", port=443, password=API_KEY, extra='{"timeout": 5}')
    assert said["message"].startswith("Unknown extra timeout; known are account, ")


def test_no_key(test_button: Press) -> None:
    said = test_button(host="https://api.example", port=443, extra="{}")
    assert said == {"status": False, "message": "No API key; put it in the password field."}


def test_the_form_shows_the_port(rest: RestSession) -> None:
    rest.call("GET", "connections")  # signs in
    answer = rest._session.get(f"{rest.url}/ui/connections/hook_meta", timeout=30)
    (form,) = [each for each in answer.json() if each["connection_type"] == "ekyc"]
    fields = form["standard_fields"]
    assert (fields["port"]["hidden"], fields["port"]["placeholder"]) == (False, "443 (needed for Test)")
    assert fields["login"]["hidden"]
    assert "console_url" in form["extra_fields"]
