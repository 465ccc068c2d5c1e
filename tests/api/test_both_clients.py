"""The worker's and the triggerer's client differ in transport alone."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.api.models import TaskStatus
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycApiError,
    EkycConnectionError,
    EkycError,
    EkycProxyError,
    EkycServerError,
    EkycSettingsError,
)
from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.processes import free_ports
from dev.testing.sockets import ScriptedServer, SocketServer, answer, answering, dripping, read_request
from tests.api.conftest import BOTH, Ask, alike, failure, settings_for, settings_of
from tests.submitted import submitted

FAULTS: list[tuple[str, dict[str, Any]]] = [
    *[("status", {"status": code}) for code in (400, 401, 402, 403, 404, 405, 407, 408, 413, 425, 500, 502, 503, 504)],
    ("status", {"status": 429, "headers": {"Retry-After": "7"}}),
    ("status", {"status": 503, "headers": {"Retry-After": "nonsense"}, "body": "plain +99912345678"}),
    ("status", {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}),
    ("status", {"status": 204}),
    ("broken_json", {}),
    *[("html", {"status": code}) for code in (200, 302, 401, 403, 404, 405, 429, 500, 502)],
    *[("informational", {"status": code}) for code in (101,)],
    ("html_after", {}),
    ("other_status", {"status": 404}),
    ("without_last_chunk", {}),
    ("without_last_byte", {}),
    *[("echo", {"form": form}) for form in ("key", "key_part", "key_upper")],
    ("without_task_id", {}),
    ("cut_before", {}),
    ("cut_after", {}),
    ("status_after", {}),
    ("early_status", {"status": 401}),
    ("early_status", {"status": 503}),
    ("delay", {"seconds": 1.2}),
]


@pytest.mark.parametrize(("kind", "parameters"), FAULTS, ids=lambda value: str(value)[:40])
def test_the_same_fault_is_the_same_error(either_sandbox: Sandbox, kind: str, parameters: dict[str, Any]) -> None:
    ekyc_task_id = submitted(either_sandbox)
    either_sandbox.fault("status", kind, times=2, **parameters)
    # A busy machine may need seconds for an answer, so that only what never arrives in time has little of it.
    read_timeout = 0.5 if kind == "delay" else 20
    error = alike(settings_of(either_sandbox, read_timeout=read_timeout), ekyc_task_id)
    assert isinstance(error, EkycApiError)
    assert either_sandbox.calls["status"] == 2


@BOTH
def test_the_same_answer_is_the_same_task(either_sandbox: Sandbox, ask: Ask) -> None:
    ekyc_task_id = submitted(either_sandbox)
    task = ask(settings_of(either_sandbox), f" {ekyc_task_id}\n")
    assert (task.ekyc_task_id, task.status, task.total) == (ekyc_task_id, TaskStatus.EXPORTED, 200)
    assert task.result_url


@BOTH
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        *[("informational", {"status": code}) for code in (100, 102, 103)],
        ("wrapped", {}),
        ("camel_case_id", {}),
        ("trailing_bytes", {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_in_another_form_is_the_same_task(
    either_sandbox: Sandbox, ask: Ask, kind: str, parameters: dict[str, Any]
) -> None:
    ekyc_task_id = submitted(either_sandbox)
    either_sandbox.fault("status", kind, **parameters)
    task = ask(settings_of(either_sandbox), ekyc_task_id)
    assert (task.ekyc_task_id, task.status, task.total) == (ekyc_task_id, TaskStatus.EXPORTED, 200)
    assert either_sandbox.calls["status"] == 1


@BOTH
def test_interim_answers_without_an_end_do_not_hold_a_query(ask: Ask) -> None:
    def talk(line: socket.socket) -> None:
        read_request(line)
        while True:
            line.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </made-up>\r\n\r\n" * 100)

    with SocketServer(talk) as server:
        begun = time.monotonic()
        error = failure(ask, settings_for(server.url, read_timeout=0.4))
        assert time.monotonic() - begun < 30
    assert isinstance(error, EkycConnectionError)
    assert error.retryable


@pytest.mark.parametrize("body", [b"<html><title>Sign in</title></html>", b"", b"denied", b'{"detail": "denied"}'])
@pytest.mark.parametrize("code", [101, 300, 302, 400, 401, 402, 403, 404, 405, 407, 409, 410, 418, 451, 499])
def test_what_is_not_the_vendors_answer_ends_no_wait(code: int, body: bytes) -> None:
    with SocketServer(answering(answer(f"{code} Made Up", body))) as server:
        error = alike(settings_for(server.url))
    assert isinstance(error, EkycApiError)
    assert (error.retryable, error.status) == (True, code)
    assert "can't help" not in error.message


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 405, 410])
def test_the_vendors_own_refusal_ends_a_wait(code: int) -> None:
    with SocketServer(answering(answer(f"{code} Made Up", b'{"error": "because"}'))) as server:
        error = alike(settings_for(server.url))
    assert isinstance(error, EkycApiError)
    assert (error.retryable, error.status) == (False, code)


@pytest.mark.parametrize("ekyc_task_id", ["", "None", "a b"])
def test_an_id_that_can_be_none_is_refused_by_both(sandbox: Sandbox, ekyc_task_id: str) -> None:
    assert type(alike(settings_of(sandbox), ekyc_task_id)) is EkycSettingsError
    assert sandbox.calls["status"] == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://no-such-host.invalid"])
def test_what_is_not_reached_is_a_lost_connection(url: str) -> None:
    error = alike(settings_for(url.format(port=free_ports(1)[0])))
    assert type(error) is EkycConnectionError
    assert error.retryable


@pytest.mark.parametrize(
    ("bytes_", "kind"),
    [
        (b"\x00\x01 no http at all\r\n\r\n", EkycConnectionError),
        (b"", EkycConnectionError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", EkycConnectionError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", EkycConnectionError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab", EkycConnectionError),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone", EkycConnectionError),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 500\r\n\r\nwrong", EkycProxyError),
        (b"HTTP/1.1 503 Unavailable\r\nContent-Length: 500\r\n\r\nback", EkycServerError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", EkycAnswerError),
        (b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n", EkycProxyError),
        (answer("200 OK", b'{"x": "' + b"x" * (2 << 20) + b'"}'), EkycAnswerError),
        (answer("502 Bad Gateway", b"x" * (2 << 20)), EkycServerError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_broken_answer_is_the_same_error(bytes_: bytes, kind: type[EkycError]) -> None:
    with SocketServer(answering(bytes_)) as server:
        assert type(alike(settings_for(server.url, read_timeout=2), whole=False)) is kind


_DRIPS = {
    "head": b"HTTP/1.1 200 OK\r\nX-Made-Up: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n",
    "nothing else": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
}


@BOTH
@pytest.mark.parametrize("head", _DRIPS.values(), ids=_DRIPS)
def test_an_answer_that_never_ends_ends_with_the_time_out(ask: Ask, head: bytes) -> None:
    with SocketServer(dripping(head)) as server:
        begun = time.monotonic()
        error = failure(ask, settings_for(server.url, read_timeout=0.4))
        assert 0.3 < time.monotonic() - begun < 30
    assert type(error) is EkycConnectionError
    assert error.retryable


@BOTH
def test_a_refusal_whose_text_never_ends_keeps_its_code_and_is_not_the_vendors(ask: Ask) -> None:
    with SocketServer(dripping(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000000\r\n\r\n")) as server:
        begun = time.monotonic()
        error = failure(ask, settings_for(server.url, read_timeout=0.4))
        assert isinstance(error, EkycAnswerError)
        assert (error.status, error.retryable) == (401, True)
        assert time.monotonic() - begun < 30


@BOTH
def test_an_answer_in_pieces_is_whole_within_the_time_out(sandbox: Sandbox, ask: Ask) -> None:
    ekyc_task_id = submitted(sandbox)
    sandbox.fault("status", "slow_body", seconds=0.4)
    assert ask(settings_of(sandbox, read_timeout=5), ekyc_task_id).total == 200


@BOTH
@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 200 Connection esta"], ids=["nothing", "half a line"])
def test_a_proxy_that_never_connects_does_not_hold_a_call(tls_sandbox: Sandbox, ask: Ask, says: bytes) -> None:
    over = threading.Event()

    def talk(line: socket.socket) -> None:
        line.recv(100)
        line.sendall(says)
        while not over.wait(0.05):
            line.sendall(b"x" if says else b"")

    with SocketServer(talk) as proxy:
        begun = time.monotonic()
        error = failure(ask, settings_of(tls_sandbox, proxy=proxy.url, connect_timeout=0.4, read_timeout=0.4))
        assert time.monotonic() - begun < 30
        over.set()
    assert type(error) is EkycConnectionError


@BOTH
def test_a_netrc_is_not_read(sandbox: Sandbox, ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login made password up\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    ask(settings_of(sandbox), submitted(sandbox))
    assert "authorization" not in sandbox.requests[-1].header_names


def test_both_send_the_same_request(sandbox: Sandbox) -> None:
    with ScriptedServer(answer("404 Not Found"), answer("404 Not Found")) as server:
        alike(settings_for(server.url))
    one, other = server.requests
    assert one.body == other.body
    assert one.headers.keys() - other.headers.keys() == {"connection"}
    assert other.headers.keys() - one.headers.keys() == set()
