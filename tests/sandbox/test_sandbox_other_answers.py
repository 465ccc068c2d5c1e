"""
Answers that the API page does not have: interim ones, a proxy's pages, ids in other places, echoes.

Modules: ``sandbox/echoes.py``, ``sandbox/reshaped.py``, ``sandbox/wire.py``.
"""

from __future__ import annotations

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_ekyc.sandbox import Fault
from airflow_provider_ekyc.sandbox.faults import FORMS
from tests.sandbox.sandbox_callers import API_KEY, Caller, numbers, table

CUT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def charged(caller: Caller) -> int:
    return len(caller.sandbox.bill.submissions)


def bytes_of_status_answer(caller: Caller, task_id: str) -> bytes:
    """Ask for a status on a bare socket and return all bytes that come back until the line closes."""
    body = f"task_id={task_id}".encode()
    head = (
        f"POST /v1/gettasks HTTP/1.1\r\nHost: here\r\nX-API-Key: {API_KEY}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    address = urlsplit(caller.sandbox.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(head.encode() + body)
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize("status", [100, 101, 102, 103])
def test_an_interim_answer_comes_before_the_true_one(caller: Caller, status: int) -> None:
    task_id = caller.submit(numbers(100)).json()["task_id"]
    caller.sandbox.fault("status", "informational", status=status)
    interim, _, rest = bytes_of_status_answer(caller, task_id).partition(b"\r\n\r\n")
    assert interim.startswith(f"HTTP/1.1 {status} {http.client.responses[status]}".encode())
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(rest.partition(b"\r\n\r\n")[2])["task_id"] == task_id


def test_an_interim_answer_to_a_submission_means_that_it_was_taken(caller: Caller) -> None:
    caller.sandbox.fault("submit", "informational", status=103)
    caller.submit(numbers(100))
    assert charged(caller) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405, 413, 429, 500, 302])
def test_a_page_of_a_proxy_has_any_status_before_and_after_the_call_was_taken(caller: Caller, status: int) -> None:
    before = charged(caller)
    for kind, taken in (("html", 0), ("html_after", 1)):
        caller.sandbox.fault("submit", kind, status=status, location="https://login.invalid/")
        answer = caller.submit(numbers(100), allow_redirects=False)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert answer.text.startswith("<!DOCTYPE html>")
        assert answer.headers["Location"] == "https://login.invalid/"
        assert charged(caller) == before + taken


@pytest.mark.parametrize("status", [300, 301, 303, 307, 308, 408, 409, 425, 499])
def test_a_code_that_the_api_page_does_not_have_before_and_after_the_call_was_taken(
    caller: Caller, status: int
) -> None:
    for kind, charges in (("status", 0), ("status_after", 1)):
        caller.sandbox.fault("submit", kind, status=status)
        assert caller.submit(numbers(100), allow_redirects=False).status_code == status
        assert charged(caller) == charges


@pytest.mark.parametrize("status", [400, 409, 500, 502])
def test_the_true_answer_of_a_charged_task_under_an_error_code(caller: Caller, status: int) -> None:
    caller.sandbox.fault("submit", "other_status", status=status)
    answer = caller.submit(numbers(100))
    assert (answer.status_code, answer.json()["task_id"]) == (status, caller.sandbox.tasks[0].task_id)
    assert charged(caller) == 1


def id_of(caller: Caller) -> str:
    return caller.sandbox.tasks[-1].task_id


@pytest.mark.parametrize("call", ["submit", "status"])
def test_an_id_inside_of_another_object(caller: Caller, call: str) -> None:
    answer = answered(caller, call, "wrapped").json()
    assert (answer["code"], answer["data"]["task_id"]) == (0, id_of(caller))


@pytest.mark.parametrize("call", ["submit", "status"])
def test_an_id_of_another_name(caller: Caller, call: str) -> None:
    answer = answered(caller, call, "camel_case_id").json()
    assert answer["taskId"] == id_of(caller)
    assert "task_id" not in answer


@pytest.mark.parametrize("call", ["submit", "status"])
def test_an_answer_without_counts(caller: Caller, call: str) -> None:
    answer = answered(caller, call, "without_counts").json()
    assert answer["task_id"] == id_of(caller)
    assert not {"total", "success", "failure"} & answer.keys()


@pytest.mark.parametrize("call", ["submit", "status"])
def test_bytes_behind_the_json(caller: Caller, call: str) -> None:
    text = answered(caller, call, "trailing_bytes").text
    fields, end = json.JSONDecoder().raw_decode(text)
    assert fields["task_id"] == id_of(caller)
    assert text[end:].strip()


@pytest.mark.parametrize("call", ["submit", "status"])
@pytest.mark.parametrize("kind", ["without_last_chunk", "without_last_byte"])
def test_an_answer_that_the_line_cuts_at_its_very_end(caller: Caller, call: str, kind: str) -> None:
    with pytest.raises(CUT):
        answered(caller, call, kind)
    assert charged(caller) == 1


def test_what_comes_of_an_answer_without_its_last_chunk_or_byte(caller: Caller) -> None:
    task_id = caller.submit(numbers(100)).json()["task_id"]
    caller.sandbox.fault("status", "without_last_byte")
    body = bytes_of_status_answer(caller, task_id).partition(b"\r\n\r\n")[2]
    assert json.loads(body + b"}")["task_id"] == task_id
    caller.sandbox.fault("status", "without_last_chunk")
    _, _, chunk = bytes_of_status_answer(caller, task_id).partition(b"\r\n\r\n")
    size, _, body = chunk.partition(b"\r\n")
    assert json.loads(body[: int(size, 16)])["task_id"] == task_id
    assert body[int(size, 16) :] == b"\r\n"


def answered(caller: Caller, call: str, kind: str) -> requests.Response:
    if call == "submit":
        caller.sandbox.fault("submit", kind)
        return caller.submit(numbers(100))
    caller.submit(numbers(100))
    caller.sandbox.fault("status", kind)
    return caller.status(id_of(caller))


def test_a_numeric_id_is_known_to_every_later_call(caller: Caller) -> None:
    caller.sandbox.fault("submit", "numeric_id")
    task_id = caller.submit(numbers(100)).json()["task_id"]
    assert isinstance(task_id, int)
    status = caller.status(str(task_id)).json()
    assert status["task_id"] == task_id
    assert len(table(caller.get(status["result_url"]).content)) == 101


def test_an_id_in_the_location_alone(caller: Caller) -> None:
    answer = answered(caller, "submit", "id_in_location")
    assert answer.headers["Location"] == f"/v1/tasks/{id_of(caller)}"
    assert "task_id" not in answer.json()


def test_a_fresh_id_is_not_known_at_once(call_up, clock) -> None:
    caller = call_up(clock=clock, unknown_seconds=5)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    early = caller.status(task_id)
    assert (early.status_code, early.json()["error"]) == (404, "task_not_found")
    clock.tick(5)
    assert caller.status(task_id).json()["status"] == "exported"


@pytest.mark.parametrize(
    ("form", "quoted"),
    [
        ("number", "+99900000000"),
        ("digits", "99900000000"),
        ("nbsp", "+999\u00a0000\u00a0000\u00a000"),
        ("hyphen", "+999\u2011000\u2011000\u201100"),
        ("slashes", "+999/000/000/00"),
        ("percent", "%2B999%20000%20000%2000"),
        ("key", API_KEY),
        ("key_part", "made-up-"),
        ("key_upper", "MADE-UP-KEY"),
    ],
)
def test_a_refusal_quotes_what_was_sent(caller: Caller, form: str, quoted: str) -> None:
    caller.sandbox.fault("submit", "echo", form=form)
    answer = caller.submit(numbers(100))
    assert (answer.status_code, answer.json()["message"]) == (400, f"line 1 is not valid: {quoted}")
    assert charged(caller) == 0


def test_a_refusal_quotes_an_address(caller: Caller) -> None:
    caller.sandbox.fault("submit", "echo", form="email", status=422)
    answer = caller.submit("somebody@example.invalid\n", "amazon_email")
    assert (answer.status_code, answer.json()["message"]) == (422, "line 1 is not valid: somebody@example.invalid")


def test_every_form_of_an_echo_quotes_something(caller: Caller) -> None:
    for form in FORMS:
        caller.sandbox.fault("submit", "echo", form=form)
        assert not caller.submit(numbers(100) + "a@b.invalid\n").json()["message"].endswith(": "), form


def test_the_balance_and_the_status_quote_the_key(caller: Caller) -> None:
    caller.sandbox.fault("balance", "echo", form="key")
    assert API_KEY in caller.balance().json()["message"]
    caller.sandbox.fault("status", "echo", form="key_upper")
    assert API_KEY.upper() in caller.status("anything").json()["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"call": "balance", "kind": "wrapped"},
        {"call": "result", "kind": "echo"},
        {"call": "status", "kind": "numeric_id"},
        {"call": "submit", "kind": "informational", "status": 200},
        {"call": "submit", "kind": "status", "status": 102},
        {"call": "submit", "kind": "echo", "form": "nothing"},
    ],
)
def test_such_a_fault_that_cannot_be_meant_is_an_error(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"knows no fault|status|form"):
        Fault(**fields)  # type: ignore[arg-type]
