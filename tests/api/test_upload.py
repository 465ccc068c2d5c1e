"""
A submission is paid once: what is sent again, and what is never.

Modules: ``api/upload.py``.
"""

from __future__ import annotations

import errno
import hashlib
import io
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.api import upload
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycApiError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycConnectionError,
    EkycProxyError,
    EkycRateLimitError,
    EkycRequestError,
    EkycServerError,
    EkycTooLargeError,
    Outcome,
)
from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.processes import free_ports
from dev.testing.http_proxy import http_proxy
from dev.testing.sockets import SocketServer, answer, answering, read_head, read_request
from tests.api.conftest import AT_ONCE, numbers, settings_for, settings_of

Make = Callable[..., EkycClient]
SMALL = numbers(100)
LARGE = numbers(300_000)  # 4.5 MB: more than the buffers of a line hold


def submit(client: EkycClient, data: bytes = SMALL, task_type: str = "amazon") -> Any:
    return client.submit(io.BytesIO(data), len(data), task_type)


def failed(client: EkycClient, kind: type[EkycApiError], data: bytes = SMALL) -> EkycApiError:
    with pytest.raises(kind) as caught:
        submit(client, data)
    assert type(caught.value) is kind
    return caught.value


def test_an_upload_arrives_byte_for_byte(either_sandbox: Sandbox, client: Make) -> None:
    task = submit(client(settings_of(either_sandbox)), LARGE)
    (charge,) = either_sandbox.bill.submissions
    assert (charge.task_id, charge.sha256) == (task.ekyc_task_id, hashlib.sha256(LARGE).hexdigest())
    assert (task.total, charge.rows) == (300_000, 300_000)


def test_a_file_is_sent_from_its_start_wherever_it_was_left(sandbox: Sandbox, client: Make) -> None:
    file = io.BytesIO(SMALL)
    file.seek(50)
    client(settings_of(sandbox)).submit(file, len(SMALL), "ws")
    (charge,) = sandbox.bill.submissions
    assert (charge.sha256, charge.task_type) == (hashlib.sha256(SMALL).hexdigest(), "ws")


def test_a_body_says_how_much_of_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "BLOCK", 4)
    body = upload.UploadBody(b"head", io.BytesIO(b"123456789"), 9, b"tail")
    assert (body.started, body.finished) == (False, False)
    assert [(block, body.started, body.finished) for block in body] == [
        (b"head", True, False),
        (b"1234", True, False),
        (b"5678", True, False),
        (b"9", True, True),
        (b"tail", True, True),
    ]


def test_a_body_whose_file_is_shorter_than_it_was_has_been_read_to_its_end() -> None:
    body = upload.UploadBody(b"head", io.BytesIO(b"1234"), 9, b"tail")
    assert [(block, body.finished) for block in body] == [(b"head", False), (b"1234", False), (b"tail", True)]


def test_the_newer_success_code_is_one_too(sandbox: Sandbox, client: Make) -> None:
    sandbox.change(submit_status=202)
    assert submit(client(settings_of(sandbox))).total == 100


@pytest.mark.parametrize(("status", "kind"), [(429, EkycRateLimitError), (500, EkycServerError)])
def test_what_the_api_calls_free_may_be_sent_again_by_the_caller(
    sandbox: Sandbox, client: Make, status: int, kind: type[EkycApiError]
) -> None:
    sandbox.fault("submit", "status", status=status, times=3)
    one = client(settings_of(sandbox), AT_ONCE)
    for sent in (1, 2, 3):
        error = failed(one, kind)
        assert (error.retryable, error.outcome) == (True, Outcome.REFUSED)
        assert (sandbox.calls["submit"], sandbox.bill.submissions) == (sent, ())
    submit(one)
    assert (sandbox.calls["submit"], len(sandbox.bill.submissions)) == (4, 1)


@pytest.mark.parametrize(
    ("kind", "parameters", "error", "accepted"),
    [
        ("cut_before", {}, EkycConnectionError, 0),
        ("cut_before", {"at_byte": 10}, EkycConnectionError, 0),
        ("cut_after", {}, EkycConnectionError, 1),
        ("status_after", {"status": 502}, EkycServerError, 1),
        ("status_after", {"status": 503, "headers": {"Retry-After": "0"}}, EkycServerError, 1),
        ("status_after", {"status": 504}, EkycServerError, 1),
        ("status", {"status": 503}, EkycServerError, 0),
        ("status", {"status": 520}, EkycServerError, 0),
        ("broken_json", {}, EkycAnswerError, 0),
        ("html", {}, EkycProxyError, 0),
        ("without_task_id", {}, EkycAnswerError, 1),
    ],
)
def test_what_may_have_been_accepted_is_never_sent_again(
    either_sandbox: Sandbox,
    client: Make,
    kind: str,
    parameters: dict[str, Any],
    error: type[EkycApiError],
    accepted: int,
) -> None:
    either_sandbox.fault("submit", kind, times=None, **parameters)
    caught = failed(client(settings_of(either_sandbox), AT_ONCE), error)
    assert (caught.outcome, caught.retryable) == (Outcome.UNKNOWN, False)
    assert "Nothing was charged" not in caught.message
    assert either_sandbox.calls["submit"] == 1
    assert len(either_sandbox.bill.submissions) == accepted


def test_a_line_cut_in_the_middle_of_a_large_upload_is_an_unknown_outcome(
    either_sandbox: Sandbox, client: Make
) -> None:
    either_sandbox.fault("submit", "cut_before", at_byte=1_000_000, times=None)
    caught = failed(client(settings_of(either_sandbox), AT_ONCE), EkycConnectionError, LARGE)
    assert caught.outcome is Outcome.UNKNOWN
    assert "after the upload had begun" in caught.message
    assert either_sandbox.calls["submit"] == 1


def test_an_answer_later_than_the_time_out_is_an_unknown_outcome(sandbox: Sandbox, client: Make) -> None:
    sandbox.fault("submit", "delay", seconds=3)
    caught = failed(client(settings_of(sandbox, submit_timeout=0.3), AT_ONCE), EkycConnectionError)
    assert caught.outcome is Outcome.UNKNOWN
    assert sandbox.calls["submit"] == 1


def test_a_slow_answer_has_the_time_out_of_submissions_and_not_of_queries(sandbox: Sandbox, client: Make) -> None:
    sandbox.fault("submit", "delay", seconds=0.6)
    assert submit(client(settings_of(sandbox, connect_timeout=0.2, read_timeout=0.2, submit_timeout=10))).total == 100


def test_a_server_that_reads_slowly_is_not_a_lost_connection(client: Make) -> None:
    """Each block may take longer than the time-out for connecting."""

    def talk(line: socket.socket) -> None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        read_head(line)
        time.sleep(0.5)
        left = len(LARGE)
        while left > 0:
            left -= len(line.recv(1 << 20))
        line.sendall(answer("200 OK", b'{"task_id": "made-up-id"}'))

    with SocketServer(talk) as server:
        task = submit(client(settings_for(server.url, connect_timeout=0.2, read_timeout=0.2, submit_timeout=60)), LARGE)
    assert task.ekyc_task_id == "made-up-id"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, EkycRequestError), (401, EkycAuthenticationError), (402, EkycBalanceError), (413, EkycTooLargeError)],
)
def test_a_refusal_is_final_and_free(sandbox: Sandbox, client: Make, status: int, kind: type[EkycApiError]) -> None:
    sandbox.fault("submit", "status", status=status, times=None, body='{"error": "made up reason"}')
    caught = failed(client(settings_of(sandbox), AT_ONCE), kind)
    assert (caught.outcome, caught.retryable, caught.status) == (Outcome.REFUSED, False, status)
    assert "made up reason" in caught.message
    assert "Nothing was charged" in caught.message
    assert (sandbox.calls["submit"], sandbox.bill.submissions) == (1, ())


@pytest.mark.parametrize(("status", "kind"), [(413, EkycTooLargeError), (401, EkycAuthenticationError)])
@pytest.mark.parametrize("at_byte", [0, 300_000])
def test_an_answer_before_the_end_of_the_upload_is_read_every_time(
    either_sandbox: Sandbox, client: Make, status: int, kind: type[EkycApiError], at_byte: int
) -> None:
    either_sandbox.fault("submit", "early_status", status=status, at_byte=at_byte, times=None)
    one = client(settings_of(either_sandbox))
    for _ in range(10):
        caught = failed(one, kind, LARGE)
        assert caught.outcome is Outcome.REFUSED
    assert either_sandbox.bill.submissions == ()


def test_the_servers_own_limit_is_read(sandbox: Sandbox, client: Make) -> None:
    sandbox.change(max_upload_bytes=100_000)
    assert failed(client(settings_of(sandbox)), EkycTooLargeError, LARGE).outcome is Outcome.REFUSED


def test_the_servers_own_refusals_are_distinguished(sandbox: Sandbox, client: Make) -> None:
    one = client(settings_of(sandbox))
    assert "invalid_batch_size" in failed(one, EkycRequestError, numbers(99)).message
    sandbox.change(balance=0)
    assert "Top up" in failed(one, EkycBalanceError).message


def test_a_wrong_key_is_refused(sandbox: Sandbox, client: Make) -> None:
    wrong = settings_for(sandbox.url, key="another-made-up-key")
    caught = failed(client(wrong), EkycAuthenticationError)
    assert "another-made-up-key" not in caught.message


def test_a_refused_port_is_not_sent(client: Make) -> None:
    caught = failed(client(settings_for(f"http://127.0.0.1:{free_ports(1)[0]}"), AT_ONCE), EkycConnectionError)
    assert (caught.outcome, caught.retryable) == (Outcome.NOT_SENT, True)


def test_a_server_that_comes_up_between_two_calls_gets_it_once(client: Make) -> None:
    with Sandbox("made-up-api-key-0123456789abcdef") as sandbox:
        settings = settings_of(sandbox)
        port = int(sandbox.url.rpartition(":")[2])
    one = client(settings, AT_ONCE)
    assert failed(one, EkycConnectionError).outcome is Outcome.NOT_SENT
    with Sandbox(settings.api_key, port=port) as late:
        submit(one)
        assert (late.calls["submit"], len(late.bill.submissions)) == (1, 1)


def test_a_name_that_nobody_knows_is_not_sent(client: Make) -> None:
    caught = failed(client(settings_for("http://no-such-host.invalid")), EkycConnectionError)
    assert (caught.outcome, caught.retryable) == (Outcome.NOT_SENT, True)


def test_a_failed_tls_handshake_is_not_sent(client: Make) -> None:
    with SocketServer(lambda line: line.sendall(b"this is no TLS")) as server:
        url = server.url.replace("http:", "https:")
        caught = failed(client(settings_for(url), AT_ONCE), EkycConnectionError)
        assert server.connections == 1
    assert (caught.outcome, caught.retryable) == (Outcome.NOT_SENT, True)


def test_a_handshake_that_never_ends_is_not_sent(client: Make) -> None:
    over = threading.Event()
    with SocketServer(lambda _: over.wait(60) and None) as server:
        url = server.url.replace("http:", "https:")
        begun = time.monotonic()
        caught = failed(client(settings_for(url, connect_timeout=0.3)), EkycConnectionError)
        over.set()
    assert time.monotonic() - begun < 30
    assert caught.outcome is Outcome.NOT_SENT


def test_an_untrusted_certificate_is_not_sent_to(tls_sandbox: Sandbox, client: Make) -> None:
    caught = failed(client(settings_for(tls_sandbox.url)), EkycConnectionError)
    assert caught.outcome is Outcome.NOT_SENT
    assert "ca_file" in caught.message
    assert tls_sandbox.calls["submit"] == 0


@pytest.mark.parametrize("status", ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_proxy_that_refuses_to_connect_got_nothing(tls_sandbox: Sandbox, client: Make, status: str) -> None:
    with http_proxy(refuse=status) as proxy:
        caught = failed(client(settings_of(tls_sandbox, proxy=proxy.url), AT_ONCE), EkycConnectionError)
        assert len(proxy.asked) == 1
        assert not any(b"X-API-Key" in head for head in proxy.heads)
    assert (caught.outcome, caught.retryable) == (Outcome.NOT_SENT, True)


def test_a_plain_proxy_that_fails_may_have_passed_it_on(sandbox: Sandbox, client: Make) -> None:
    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(answer("502 Bad Gateway"))

    with SocketServer(talk) as proxy:
        caught = failed(client(settings_of(sandbox, proxy=proxy.url), AT_ONCE), EkycServerError)
        assert proxy.connections == 1
    assert caught.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_not_followed_with_the_key(sandbox: Sandbox, client: Make, status: str) -> None:
    talk = answering(answer(status, b"", f"Location: {sandbox.url}/v1/tasks"))
    with SocketServer(talk) as server:
        caught = failed(client(settings_for(server.url), AT_ONCE), EkycProxyError)
        assert server.connections == 1
    assert "redirect" in caught.message
    assert caught.outcome is Outcome.UNKNOWN
    assert sum(sandbox.calls.values()) == 0


def test_what_is_no_http_is_an_unknown_outcome(client: Make) -> None:
    with SocketServer(answering(b"\x00\x01 no http at all\r\n\r\n")) as server:
        assert failed(client(settings_for(server.url), AT_ONCE), EkycConnectionError).outcome is Outcome.UNKNOWN
        assert server.connections == 1


def test_a_file_that_can_not_be_read_to_its_end_is_an_unknown_outcome(sandbox: Sandbox, client: Make) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("made up disk")
            return super().read(size)

    with pytest.raises(EkycConnectionError) as caught:
        client(settings_of(sandbox), AT_ONCE).submit(Broken(LARGE), len(LARGE), "amazon")
    assert caught.value.outcome is Outcome.UNKNOWN
    assert sandbox.bill.submissions == ()


def test_a_server_that_stops_reading_is_given_up_and_its_outcome_is_unknown(
    client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "BLOCK_TIMEOUT", 0.3)

    def talk(line: socket.socket) -> None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 12)
        read_head(line)
        server.over.wait()

    with SocketServer(talk) as server:
        settings = settings_for(server.url, submit_timeout=2)
        caught = failed(client(settings, AT_ONCE), EkycConnectionError, numbers(1_000_000))
        assert server.connections == 1
    assert (caught.outcome, caught.retryable) == (Outcome.UNKNOWN, False)
    # Without waiting for an answer, which would end as ReadTimeout.
    assert "after the upload had begun (ConnectionError)" in caught.message


def test_a_connection_that_can_not_be_made_is_not_sent_whatever_the_system_says(
    client: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(connection: upload.Connection) -> None:
        raise OSError(errno.ENOBUFS, "made up")

    monkeypatch.setattr(upload.Connection, "connect", no_room)
    caught = failed(client(settings_for("http://127.0.0.1:9"), AT_ONCE), EkycConnectionError)
    assert (caught.outcome, caught.retryable) == (Outcome.NOT_SENT, True)


def test_a_line_that_is_reset_before_the_first_byte_is_not_sent(client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, is_reset = upload.Connection.connect, threading.Event()

    def connect_and_be_reset(connection: upload.Connection) -> None:
        connect(connection)
        assert is_reset.wait(60)

    def talk(line: socket.socket) -> None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets it
        line.close()
        is_reset.set()

    monkeypatch.setattr(upload.Connection, "connect", connect_and_be_reset)
    with SocketServer(talk) as server:
        caught = failed(client(settings_for(server.url), AT_ONCE), EkycConnectionError)
        assert server.connections == 1
    assert (caught.outcome, caught.retryable) == (Outcome.NOT_SENT, True)
