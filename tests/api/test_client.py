"""
The worker's client: queries, results, and which server gets the key.

Modules: ``api/result_connection.py``, ``api/transport.py``.
"""

from __future__ import annotations

import hashlib
import io
import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_ekyc.api.answers import ANSWER_LIMIT, STATUS_ANSWER_LIMIT
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.api.protocol import balance_query, status_query
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycApiError,
    EkycAuthenticationError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycNotFoundError,
    EkycRequestError,
    EkycResultError,
    EkycServerError,
    EkycSettingsError,
    Outcome,
)
from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.processes import free_ports
from dev.testing.http_proxy import http_proxy
from dev.testing.sockets import SocketServer, answer, answering, read_head
from tests.api.conftest import AT_ONCE, ONCE, numbers, settings_for, settings_of

Make = Callable[..., EkycClient]


def exported(client: EkycClient, count: int = 100) -> Task:
    data = numbers(count)
    return client.get_task(client.submit(io.BytesIO(data), len(data), "amazon").ekyc_task_id)


def fetched(client: EkycClient, url: str | None, **where: Any) -> bytes:
    assert url is not None
    with client.open_result(url, **where) as stream:
        return b"".join(stream.blocks)


def test_every_call_in_its_turn(either_sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(either_sandbox))
    assert one.get_balance().balance == 1_000_000
    task = exported(one)
    assert (task.status, task.total, task.success, task.failure) == (TaskStatus.EXPORTED, 100, 100, 0)
    assert fetched(one, task.result_url).startswith(b"PK")
    assert one.get_balance().balance < 1_000_000
    assert either_sandbox.calls == {"submit": 1, "status": 1, "balance": 2, "result": 1, "other": 0}
    assert either_sandbox.key_leaks == 0


def test_a_base_url_may_have_a_path(client: Make) -> None:
    with SocketServer(answering(answer("200 OK", b'{"balance": 5}'))) as server:
        assert client(settings_for(f"{server.url}/gateway/ekyc/")).get_balance().balance == 5


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("status", {"status": 429}),
        ("status", {"status": 500}),
        ("status", {"status": 503}),
        ("status", {"status": 408}),
        ("cut_before", {}),
        ("cut_after", {}),
        ("broken_json", {}),
        ("html", {}),
    ],
)
def test_a_query_is_asked_again_within_its_caps(
    sandbox: Sandbox, client: Make, kind: str, parameters: dict[str, Any]
) -> None:
    one = client(settings_of(sandbox), AT_ONCE)
    task = exported(one)
    for call, ask in (("balance", one.get_balance), ("status", lambda: one.get_task(task.ekyc_task_id))):
        before = sandbox.calls[call]
        sandbox.fault(call, kind, times=4, **parameters)
        ask()
        assert sandbox.calls[call] == before + 5
        sandbox.fault(call, kind, times=None, **parameters)
        with pytest.raises(EkycApiError) as caught:
            ask()
        assert caught.value.retryable
        assert sandbox.calls[call] == before + 10
        sandbox.clear_faults()


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413])
def test_a_refused_query_is_not_asked_again(sandbox: Sandbox, client: Make, status: int) -> None:
    one = client(settings_of(sandbox), AT_ONCE)
    sandbox.fault("balance", "status", status=status, times=None)
    with pytest.raises(EkycApiError) as caught:
        one.get_balance()
    assert not caught.value.retryable
    assert sandbox.calls["balance"] == 1


def test_a_balance_may_be_asked_for_only_once(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox), AT_ONCE)
    assert one.get_balance(once=True).balance == 1_000_000
    sandbox.fault("balance", "status", status=503)
    with pytest.raises(EkycServerError):
        one.get_balance(once=True)
    assert sandbox.calls["balance"] == 2


def test_a_client_asks_again_unless_it_is_given_other_caps(sandbox: Sandbox, no_waits: list[float]) -> None:
    sandbox.fault("balance", "status", status=503, times=2)
    with EkycClient(settings_of(sandbox), retries=ONCE) as once, pytest.raises(EkycServerError):
        once.get_balance()
    assert (sandbox.calls["balance"], no_waits) == (1, [])
    with EkycClient(settings_of(sandbox)) as one:
        one.get_balance()
    assert (sandbox.calls["balance"], len(no_waits)) == (3, 1)


def test_a_query_that_is_sent_once_returns_the_answer_of_any_status(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox), AT_ONCE)
    task = exported(one)
    query = status_query(one.settings, task.ekyc_task_id)
    assert query.read(one.ask_once(query.request)).total == task.total
    sandbox.fault("status", "status", status=503)
    assert one.ask_once(query.request).status == 503
    assert sandbox.calls["status"] == 3


def test_a_query_that_is_sent_once_ends_with_the_read_time_out(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox, read_timeout=0.5))
    sandbox.fault("status", "delay", seconds=1.5)
    with pytest.raises(requests.exceptions.ReadTimeout):
        one.ask_once(status_query(one.settings, "made-up-id").request)


def test_a_date_to_wait_for_counts_from_the_clients_clock() -> None:
    busy = answer("503 Busy", b"", "Retry-After: Sat, 21 Nov 2026 15:59:08 GMT")
    with (
        SocketServer(answering(busy)) as server,
        EkycClient(
            settings_for(server.url, result_hosts=server.url),
            retries=ONCE,
            now=lambda: datetime(2026, 11, 21, 15, 58, 8, tzinfo=UTC),
        ) as one,
    ):
        for ask in (one.get_balance, lambda: fetched(one, f"{server.url}/x.zip")):
            with pytest.raises(EkycServerError) as caught:
                ask()
            assert caught.value.retry_after == 60.0


def test_the_end_of_a_sent_number_is_not_shown_although_it_looks_like_a_count(client: Make) -> None:
    data = numbers()
    refusal = answer("400 Bad Request", b'{"error": "bad line 0000042, at most 7654321"}')
    with SocketServer(answering(refusal)) as server, pytest.raises(EkycRequestError) as caught:
        client(settings_for(server.url)).submit(io.BytesIO(data), len(data), "amazon")
    assert '"bad line [number removed], at most 7654321"' in caught.value.message


def test_an_unknown_id_and_a_wrong_key_are_distinguished(sandbox: Sandbox, client: Make) -> None:
    with pytest.raises(EkycNotFoundError, match="ekyc_task_id"):
        client(settings_of(sandbox)).get_task("no-such-id")
    with pytest.raises(EkycAuthenticationError, match="password field"):
        client(settings_for(sandbox.url, key="another-made-up-key")).get_balance()


def test_an_id_that_can_be_none_costs_no_call(sandbox: Sandbox, client: Make) -> None:
    with pytest.raises(EkycSettingsError, match="No request was sent"):
        client(settings_of(sandbox)).get_task("None")
    assert sandbox.calls["status"] == 0


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized"])
def test_a_refusal_keeps_its_code_when_its_text_breaks_off(client: Make, status: str) -> None:
    broken = f"HTTP/1.1 {status}\r\nContent-Length: 500\r\n\r\nwrong k".encode()
    with SocketServer(answering(broken)) as server, pytest.raises(EkycAnswerError, match="plain text, not by the API"):
        client(settings_for(server.url)).get_balance()


def test_an_answer_that_breaks_off_names_its_call_and_the_failure(client: Make) -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"
    with SocketServer(answering(broken)) as server:
        one = client(settings_for(server.url))
        for call, ask in (
            ("balance query got no answer", one.get_balance),
            ("status query got no answer", lambda: one.get_task("made-up-id")),
            ("submission got no answer after the upload had begun", lambda: exported(one)),
        ):
            with pytest.raises(EkycConnectionError) as caught:
                ask()
            assert caught.value.message == f"The {call} (ProtocolError)."


def test_a_submission_that_reaches_no_server_was_not_sent(client: Make) -> None:
    one = client(settings_for(f"http://127.0.0.1:{free_ports(1)[0]}"))
    with pytest.raises(EkycConnectionError) as caught:
        exported(one)
    assert caught.value.message == "The submission got no answer (ConnectionError)."
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.NOT_SENT, True)


def test_a_submission_that_gets_no_answer_has_an_unknown_outcome(client: Make) -> None:
    with SocketServer(answering(b"")) as server, pytest.raises(EkycConnectionError) as caught:
        exported(client(settings_for(server.url)))
    assert caught.value.message == "The submission got no answer after the upload had begun (ConnectionError)."
    assert (caught.value.outcome, caught.value.retryable) == (Outcome.UNKNOWN, False)


def test_a_refusal_before_the_end_of_a_large_file_is_free(client: Make) -> None:
    def talk(line: socket.socket) -> None:
        read_head(line)
        line.sendall(answer("413 Too Large", b"<html>"))
        line.shutdown(socket.SHUT_WR)
        server.over.wait(0.2)  # and then the line is closed, which ends a client that is still sending

    with SocketServer(talk) as server, pytest.raises(EkycApiError) as caught:
        exported(client(settings_for(server.url)), 500_000)
    assert (caught.value.outcome, caught.value.status) == (Outcome.REFUSED, 413)


def test_an_answer_of_a_gigabyte_is_not_read_to_its_end(client: Make) -> None:
    page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * (2 << 20)
    with SocketServer(answering(page)) as server, pytest.raises(EkycServerError, match=r"x{300}…") as caught:
        client(settings_for(server.url)).get_balance()
    assert len(caught.value.message) < 500


def test_of_an_answer_to_a_status_query_a_byte_more_than_its_limit_is_read(client: Make) -> None:
    with SocketServer(answering(answer("200 OK", b"x" * (2 * ANSWER_LIMIT)))) as server:
        one = client(settings_for(server.url))
        assert len(one.ask_once(status_query(one.settings, "made-up-id").request).body) == STATUS_ANSWER_LIMIT + 1
        assert len(one.ask_once(balance_query(one.settings).request).body) == ANSWER_LIMIT


def test_a_server_whose_certificate_is_not_trusted_gets_no_query(tls_sandbox: Sandbox, client: Make) -> None:
    with pytest.raises(EkycConnectionError, match="ca_file names who to trust"):
        client(settings_of(tls_sandbox, ca_file=None)).get_balance()
    assert tls_sandbox.calls["balance"] == 0


@pytest.mark.parametrize("url", ["http://api.example", "https://api.example"])
def test_a_ca_file_that_can_not_be_read_is_an_error_before_any_call(client: Make, url: str, tmp_path: Path) -> None:
    with pytest.raises(EkycSettingsError, match="The connection's ca_file names"):
        client(settings_for(url, ca_file=str(tmp_path / "none.pem")))


def test_the_environments_authorities_are_read_only_where_they_are_needed(
    client: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    client(settings_for("http://api.example"))
    client(settings_for("https://api.example", verify=False))
    with pytest.raises(EkycSettingsError, match="REQUESTS_CA_BUNDLE"):
        client(settings_for("https://api.example"))


@pytest.mark.parametrize(
    ("scheme", "asked"), [("http", "GET http://api.example/v1/balance"), ("https", "CONNECT api.example:443")]
)
@pytest.mark.parametrize("where", ["connection", "environment"])
def test_a_query_goes_to_the_proxy_of_the_connection_or_of_the_environment(
    client: Make, scheme: str, asked: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_proxy(refuse="502 Bad Gateway") as proxy:
        if where == "environment":
            monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
        extra = {"proxy": proxy.url} if where == "connection" else {}
        with pytest.raises(EkycApiError):
            client(settings_for(f"{scheme}://api.example", **extra)).get_balance()
        assert proxy.asked == [asked]


def test_a_netrc_is_not_read(sandbox: Sandbox, client: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login made password up\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    one = client(settings_of(sandbox))
    one.get_balance()
    fetched(one, exported(one).result_url)
    assert not [seen for seen in sandbox.requests if "authorization" in seen.header_names]
    assert sandbox.key_leaks == 0


def test_cookies_of_the_api_do_not_reach_the_store(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox))
    sandbox.fault("status", "status", status=429, headers={"Set-Cookie": "made=up; Path=/"})
    with pytest.raises(EkycApiError):
        one.get_task("made-up-id")
    fetched(one, exported(one).result_url)
    assert "cookie" not in sandbox.requests[-1].header_names


def test_the_key_is_in_no_log(sandbox: Sandbox, client: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one = client(settings_of(sandbox), AT_ONCE)
    sandbox.fault("balance", "status", status=500)
    one.get_balance()
    exported(one)
    assert one.settings.api_key not in caplog.text


def test_a_result_is_fetched_in_parts(either_sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(either_sandbox))
    url = exported(one, 5000).result_url
    assert url is not None
    with one.open_result(url) as stream:
        head, whole = stream.head, b"".join(stream.blocks)
    assert (head.start, head.length) == (0, len(whole))
    with one.open_result(url, offset=1000, etag=head.etag) as stream:
        assert (stream.head.start, stream.head.length, stream.head.etag) == (1000, len(whole), head.etag)
        assert b"".join(stream.blocks) == whole[1000:]
    with one.open_result(url, offset=1000, etag='"of another object"') as stream:
        assert stream.head.start == 0, "If-Range: the object has changed, so all of it comes"
        assert b"".join(stream.blocks) == whole
    assert {seen.method for seen in either_sandbox.requests if seen.path.startswith("/externalcheck")} == {"GET"}


def test_a_connection_that_breaks_in_a_result_says_so(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox))
    url = exported(one, 5000).result_url
    whole = hashlib.sha256(fetched(one, url)).hexdigest()
    assert url is not None
    sandbox.fault("result", "cut_body", at_byte=2000)
    received: list[bytes] = []
    with pytest.raises(EkycConnectionError) as caught, one.open_result(url) as stream:
        received.extend(stream.blocks)
    assert caught.value.retryable
    assert "Amz" not in str(caught.value)
    start = b"".join(received)
    rest = fetched(one, url, offset=len(start), etag=stream.head.etag)
    assert hashlib.sha256(start + rest).hexdigest() == whole


def test_an_expired_url_is_its_own_error(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox))
    url = exported(one).result_url
    sandbox.fault("result", "expired")
    with pytest.raises(EkycExpiredUrlError) as caught:
        fetched(one, url)
    assert "Amz" not in str(caught.value)


@pytest.mark.parametrize(("status", "kind"), [(403, EkycRequestError), (404, EkycRequestError), (503, EkycServerError)])
def test_other_refusals_of_the_store(sandbox: Sandbox, client: Make, status: int, kind: type[EkycApiError]) -> None:
    one = client(settings_of(sandbox))
    url = exported(one).result_url
    sandbox.fault("result", "status", status=status, body="<Error><Code>MadeUp</Code></Error>")
    with pytest.raises(kind, match=f"{status}, MadeUp"):
        fetched(one, url)


def test_a_redirect_of_a_result_is_not_followed(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox))
    url = exported(one).result_url
    sandbox.fault("result", "redirect")
    with pytest.raises(EkycAnswerError, match=r"\(307\). A redirect is not followed"):
        fetched(one, url)
    assert sandbox.calls["result"] == 1


def test_a_result_from_elsewhere_is_not_asked_for(sandbox: Sandbox, client: Make) -> None:
    url = exported(client(settings_of(sandbox))).result_url
    for hosts in ("http://localhost:9", "results.example", ""):
        with pytest.raises(EkycResultError, match="does not allow"):
            fetched(client(settings_of(sandbox, result_hosts=hosts)), url)
    assert sandbox.calls["result"] == 0


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_result_that_gets_no_answer_may_be_asked_for_again(sandbox: Sandbox, client: Make, kind: str) -> None:
    one = client(settings_of(sandbox))
    url = exported(one).result_url
    sandbox.fault("result", kind)
    with pytest.raises(EkycConnectionError) as caught:
        fetched(one, url)
    assert caught.value.retryable
    assert "Amz" not in f"{caught.value!r}{caught.value.__cause__}"
    assert fetched(one, url)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verify_false_holds_for_an_origin_that_the_user_named(tls_sandbox: Sandbox, client: Make) -> None:
    unverified = client(settings_of(tls_sandbox, ca_file=None, verify=False))
    url = exported(unverified).result_url
    assert fetched(unverified, url).startswith(b"PK")
    with pytest.raises(EkycConnectionError, match="ca_file"):
        fetched(client(settings_of(tls_sandbox, ca_file=None)), url)
