"""What an answer to a submission means, over sockets: who wrote it, which code, which id, in which pieces."""

from __future__ import annotations

import json
import pickle
import socket
import time
from collections.abc import Callable

import pytest

from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.models import Task
from airflow_provider_ekyc.exceptions import EkycApiError, Outcome
from dev.testing.sockets import SocketServer, Talk, answer, answering, read_head, read_request
from tests.api.conftest import API_KEY, numbers, settings_for
from tests.api.test_upload import LARGE, submit

Make = Callable[..., EkycClient]

ID = "d4g8o46p2jvh04o9uolg"
CREATED = {"task_id": ID, "status": "pending", "total": 100, "message": "Task created successfully"}
WHOLE = json.dumps(CREATED).encode()
JSON = "Content-Type: application/json"
PAGE = b"<!DOCTYPE html><html><head><title>Just a moment</title></head></html>"
REASON = b'{"error": "because"}'


def once(client: Make, talk: Talk, data: bytes = numbers(100)) -> Task | EkycApiError:
    """Submit to a server that talks like this; one connection is made, whatever it says."""
    with SocketServer(talk) as server:
        try:
            outcome: Task | EkycApiError = submit(client(settings_for(server.url, submit_timeout=5)), data)
        except EkycApiError as error:
            outcome = error
        assert server.connections == 1
    return outcome


def accepted(client: Make, talk: Talk) -> Task:
    task = once(client, talk)
    assert isinstance(task, Task), task
    return task


def unknown(client: Make, talk: Talk, data: bytes = numbers(100)) -> EkycApiError:
    error = once(client, talk, data)
    assert isinstance(error, EkycApiError)
    assert (error.outcome, error.retryable) == (Outcome.UNKNOWN, False)
    assert "Nothing was charged" not in error.message
    twin = pickle.loads(pickle.dumps(error))  # just pickled here
    assert (twin.possible_ids, twin.message, twin.outcome) == (error.possible_ids, error.message, error.outcome)
    return error


@pytest.mark.parametrize("status", ["100 Continue", "102 Processing", "103 Early Hints", "199 Made Up"])
@pytest.mark.parametrize("times", [1, 5])
def test_interim_answers_are_skipped(client: Make, status: str, times: int) -> None:
    interim = f"HTTP/1.1 {status}\r\nLink: </made-up>; rel=preload\r\n\r\n".encode() * times
    assert accepted(client, answering(interim + answer("200 OK", WHOLE, JSON))).ekyc_task_id == ID


def test_an_interim_answer_may_come_during_the_upload(client: Make) -> None:
    def talk(line: socket.socket) -> None:
        head = read_head(line)
        line.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        left = int(next(text.split(b":")[1] for text in head.split(b"\r\n") if text.lower().startswith(b"content-len")))
        while left > 0:
            left -= len(line.recv(1 << 20))
        line.sendall(answer("200 OK", WHOLE, JSON))

    outcome = once(client, talk, LARGE)
    assert isinstance(outcome, Task)
    assert outcome.ekyc_task_id == ID


def test_interim_answers_without_an_end_end_with_the_time_out(client: Make) -> None:
    def talk(line: socket.socket) -> None:
        read_request(line)
        while True:
            line.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </made-up>\r\n\r\n" * 1000)

    with SocketServer(talk) as server:
        begun = time.monotonic()
        with pytest.raises(EkycApiError) as caught:
            submit(client(settings_for(server.url, submit_timeout=0.5)))
        assert 0.4 < time.monotonic() - begun < 30
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("body", [b"", PAGE, REASON], ids=["empty", "HTML", "JSON"])
@pytest.mark.parametrize(
    "code", [101, 300, 301, 302, 303, 304, 305, 307, 308, 403, 404, 407, 408, 409, 425, 451, 499, 502]
)
def test_a_code_that_no_page_calls_free_is_unknown(client: Make, code: int, body: bytes) -> None:
    error = unknown(client, answering(answer(f"{code} Made Up", body, JSON, "Location: /elsewhere")))
    assert error.status == code
    assert f"({code})" in error.message


@pytest.mark.parametrize("body", [b"", PAGE, b"Too many requests", b'{"fault": {"faultstring": "quota"}}'])
@pytest.mark.parametrize("code", [400, 401, 402, 413, 429, 500])
def test_a_free_code_that_is_not_the_vendors_is_unknown(client: Make, code: int, body: bytes) -> None:
    unknown(client, answering(answer(f"{code} Made Up", body, "Retry-After: 1")))


@pytest.mark.parametrize(
    ("code", "again"), [(400, False), (401, False), (402, False), (413, False), (429, True), (500, True)]
)
def test_a_free_code_of_the_vendor_is_free_and_may_be_sent_again_where_it_may_pass(
    client: Make, code: int, again: bool
) -> None:
    error = once(client, answering(answer(f"{code} Made Up", REASON, JSON)))
    assert isinstance(error, EkycApiError)
    assert (error.outcome, error.retryable, error.possible_ids) == (Outcome.REFUSED, again, ())
    assert "Nothing was charged" in error.message
    assert "because" in error.message


@pytest.mark.parametrize("code", [401, 403, 407, 413])
def test_a_proxys_refusal_before_the_end_of_a_large_file_is_free(client: Make, code: int) -> None:
    def talk(line: socket.socket) -> None:
        read_head(line)
        line.recv(1 << 16)
        line.sendall(answer(f"{code} Made Up", PAGE))
        line.shutdown(socket.SHUT_WR)
        server.over.wait(0.2)  # and then the line is closed, which ends a client that is still sending

    with SocketServer(talk) as server, pytest.raises(EkycApiError) as caught:
        submit(client(settings_for(server.url)), LARGE * 3)
    assert (caught.value.outcome, caught.value.status, server.connections) == (Outcome.REFUSED, code, 1)
    assert "Nothing was charged" in caught.value.message


@pytest.mark.parametrize("code", [200, 400, 409, 500, 502])
@pytest.mark.parametrize("fields", [CREATED, {"code": 0, "data": CREATED}], ids=["as it is", "wrapped"])
def test_the_documented_answer_is_the_receipt_under_any_code(client: Make, code: int, fields: object) -> None:
    body = json.dumps(fields).encode()
    task = accepted(client, answering(answer(f"{code} Made Up", body, JSON)))
    assert (task.ekyc_task_id, task.total) == (ID, 100)


@pytest.mark.parametrize("code", [400, 409, 500, 502])
def test_an_id_beside_an_error_is_shown_and_kept(client: Make, code: int) -> None:
    body = json.dumps({"error": "because", "task_id": ID}).encode()
    error = unknown(client, answering(answer(f"{code} Made Up", body, JSON)))
    assert error.possible_ids == (ID,)
    assert f"this may be the task that was paid for: {ID}." in error.message


@pytest.mark.parametrize(
    ("code", "body", "expected"),
    [(200, b'{"task_id": %d}', Task), (500, b'{"error": "x", "task_id": %d}', EkycApiError)],
)
def test_an_id_of_digits_is_not_cut(client: Make, code: int, body: bytes, expected: type) -> None:
    outcome = once(client, answering(answer(f"{code} Made Up", body % 123456789012345, JSON)))
    assert isinstance(outcome, expected)
    if isinstance(outcome, Task):
        assert outcome.ekyc_task_id == "123456789012345"
    else:
        assert outcome.possible_ids == ("123456789012345",)
        assert "123456789012345" in outcome.message


@pytest.mark.parametrize("code", [200, 500])
@pytest.mark.parametrize("shown", ["+9990000000007", "9990000000007", "999-000-000-0007", 9990000000007])
def test_a_number_that_was_sent_is_no_id(client: Make, code: int, shown: object) -> None:
    body = json.dumps({"task_id": shown, "error": f"bad {shown}"}).encode()
    error = once(client, answering(answer(f"{code} Made Up", body, JSON)))
    assert isinstance(error, EkycApiError)
    assert error.possible_ids == ()
    assert "0007" not in f"{error.message}{error.args}{error.__dict__}"
    assert error.outcome is (Outcome.UNKNOWN if code == 200 else Outcome.REFUSED)


def test_the_key_is_no_id(client: Make) -> None:
    error = unknown(client, answering(answer("200 OK", json.dumps({"task_id": API_KEY}).encode(), JSON)))
    assert error.possible_ids == ()
    assert API_KEY not in error.message


@pytest.mark.parametrize("location", [f"/v1/tasks/{ID}", f"https://api.example/v1/tasks/{ID}?x=1"])
def test_an_id_in_location_is_the_receipt(client: Make, location: str) -> None:
    assert accepted(client, answering(answer("201 Created", b"", f"Location: {location}"))).ekyc_task_id == ID


@pytest.mark.parametrize(
    "after", [b"\n<!-- made up -->", b"\x00\x00", b"}", WHOLE], ids=["HTML", "zeros", "brace", "again"]
)
def test_bytes_after_the_answer_change_nothing(client: Make, after: bytes) -> None:
    assert accepted(client, answering(answer("200 OK", WHOLE + after, JSON))).total == 100


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n" % len(WHOLE)
BROKEN = {
    "the last byte is missing": LENGTH % len(WHOLE) + WHOLE[:-1],
    "half is missing": LENGTH % len(WHOLE) + WHOLE[:60],
    "more is announced": LENGTH % 9999 + WHOLE,
    "the last chunk is missing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(WHOLE)
    + WHOLE
    + b"\r\n",
    "a chunk is not ended": CHUNKED + CHUNK + WHOLE,
    "a chunk breaks off": CHUNKED + CHUNK + WHOLE[:-1],
    "a chunk is no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(WHOLE)
    + WHOLE
    + b"\r\nzz\r\n",
    "many chunks, the last missing": CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in WHOLE),
}


@pytest.mark.parametrize("bytes_", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_off_after_the_id_is_the_receipt(client: Make, bytes_: bytes) -> None:
    assert accepted(client, answering(bytes_)).ekyc_task_id == ID


def test_an_answer_that_stops_after_the_id_is_the_receipt(client: Make) -> None:
    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + WHOLE[:50])
        line.recv(1)

    with SocketServer(talk) as server:
        assert submit(client(settings_for(server.url, submit_timeout=0.5))).ekyc_task_id == ID


def test_an_answer_that_breaks_off_in_the_id_says_how_it_begins(client: Make) -> None:
    error = unknown(client, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + WHOLE[:25]))
    assert error.possible_ids == ()
    assert "breaks off in an id that begins with d4g8o46p2jv" in error.message
    assert "got no answer after the upload had begun" in error.message


def test_a_refusal_that_breaks_off_after_an_id_shows_it(client: Make) -> None:
    body = json.dumps({"error": "because", "task_id": ID, "more": "x" * 50}).encode()
    error = unknown(client, answering(b"HTTP/1.1 500 Error\r\nContent-Length: 999\r\n\r\n" + body[:70]))
    assert error.possible_ids == (ID,)


def test_a_redirect_with_an_endless_page_is_not_read_to_its_end(client: Make) -> None:
    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
        while True:
            line.sendall(b"x" * 65536)

    begun = time.monotonic()
    assert unknown(client, talk).status == 302
    assert time.monotonic() - begun < 30
