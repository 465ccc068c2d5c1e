"""
The faults of the sandbox on every call.

Modules: ``sandbox/fault_middleware.py``, ``sandbox/pacing.py``.
"""

from __future__ import annotations

import contextlib
import logging
import time

import pytest
import requests

from airflow_provider_ekyc.sandbox import Fault
from airflow_provider_ekyc.sandbox.faults import FaultBoard, kinds_of
from tests.sandbox.sandbox_callers import numbers

LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def calls_of(caller):
    """Every call as a function that returns its answer."""
    url = caller.result_url()
    task_id = caller.sandbox.tasks[0].task_id
    return {
        "submit": lambda: caller.submit(numbers(100, first=500)),
        "status": lambda: caller.status(task_id),
        "balance": caller.balance,
        "result": lambda: caller.get(url),
    }


@pytest.fixture(params=["submit", "status", "balance", "result"])
def one_call(request, caller):
    return request.param, calls_of(caller)[request.param]


def charged(caller):
    return len(caller.sandbox.bill.submissions), len(caller.sandbox.tasks)


def test_a_status_code_with_headers_and_body(caller, one_call):
    call, make = one_call
    before = charged(caller)
    caller.sandbox.fault(call, "status", status=429, headers={"Retry-After": "7"}, body="slow down")
    answer = make()
    assert (answer.status_code, answer.headers["Retry-After"], answer.text) == (429, "7", "slow down")
    assert charged(caller) == before
    assert make().status_code == 200, "times is 1"


def test_broken_json(caller, one_call):
    call, make = one_call
    before = charged(caller)
    caller.sandbox.fault(call, "broken_json")
    answer = make()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert charged(caller) == before


def test_an_html_page_with_200(caller, one_call):
    call, make = one_call
    caller.sandbox.fault(call, "html")
    answer = make()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_delay_and_then_the_true_answer(caller, one_call):
    call, make = one_call
    caller.sandbox.fault(call, "delay", seconds=0.3)
    begun = time.monotonic()
    assert make().status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_a_slow_body_is_whole_in_the_end(caller, one_call):
    call, make = one_call
    plain = make()
    caller.sandbox.fault(call, "slow_body", seconds=0.3)
    begun = time.monotonic()
    slow = make()
    assert time.monotonic() - begun >= 0.3
    assert slow.status_code == 200
    if call == "result":
        assert slow.content == plain.content
        assert slow.headers["ETag"] == plain.headers["ETag"]
    else:
        assert slow.json().keys() == plain.json().keys()


def test_a_connection_cut_before_the_call_is_taken(caller, one_call):
    call, make = one_call
    before = charged(caller), caller.sandbox.bill.polls
    caller.sandbox.fault(call, "cut_before")
    with pytest.raises(LOST):
        make()
    assert (charged(caller), caller.sandbox.bill.polls) == before
    assert caller.sandbox.requests[-1].status == 0


def test_a_connection_cut_in_the_middle_of_the_upload(caller):
    caller.sandbox.fault("submit", "cut_before", at_byte=100_000)
    with pytest.raises(LOST):
        caller.submit(numbers(500_000))
    assert charged(caller) == (0, 0)


def test_a_connection_cut_after_the_call_was_taken(caller, one_call):
    call, make = one_call
    polls, (charges, tasks) = caller.sandbox.bill.polls, charged(caller)
    caller.sandbox.fault(call, "cut_after")
    with pytest.raises(LOST):
        make()
    taken = call == "submit"
    assert charged(caller) == (charges + taken, tasks + taken)
    assert caller.sandbox.bill.polls == polls + (call == "status")


def test_a_503_after_the_call_was_taken(caller, one_call):
    call, make = one_call
    charges, tasks = charged(caller)
    caller.sandbox.fault(call, "status_after", headers={"Retry-After": "1"})
    answer = make()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    taken = call == "submit"
    assert charged(caller) == (charges + taken, tasks + taken)
    assert caller.sandbox.bill.charged_twice == ()
    make()
    assert len(caller.sandbox.bill.charged_twice) == taken


def test_an_early_413_while_a_small_body_is_coming(caller, one_call):
    call, make = one_call
    before = charged(caller)
    caller.sandbox.fault(call, "early_status")
    try:
        answer = make()
    except LOST:
        pass
    else:
        assert answer.status_code == 413
        assert answer.headers["Connection"] == "close"
    assert charged(caller) == before


def test_an_early_answer_may_have_any_status(caller):
    caller.sandbox.fault("balance", "early_status", status=520, body="down")
    assert caller.balance().status_code == 520


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_an_early_413_closes_while_a_large_body_is_coming(call_up, tls):
    caller = call_up(tls=tls)
    sent = 0

    def body():
        nonlocal sent
        yield b'--here\r\nContent-Disposition: form-data; name="file"; filename="n"\r\n\r\n'
        for _ in range(2000):
            sent += 1
            yield numbers(1000).encode()

    caller.sandbox.fault("submit", "early_status", at_byte=50_000)
    headers = {**caller.key, "Content-Type": "multipart/form-data; boundary=here"}
    # What a client sees of it differs: the 413 if it looks in time, else a broken pipe or an SSL error.
    try:
        answer = caller.session.post(f"{caller.sandbox.url}/v1/tasks", headers=headers, data=body(), timeout=10)
    except requests.ConnectionError:
        pass
    else:
        assert answer.status_code == 413
    assert 0 < sent < 2000, "the server must not have read on"
    assert charged(caller) == (0, 0)
    assert caller.submit(numbers(100)).status_code == 200


@pytest.mark.parametrize("call", ["submit", "status"])
def test_an_answer_without_the_task_id(caller, call):
    make = calls_of(caller)[call]
    caller.sandbox.fault(call, "without_task_id")
    answer = make()
    assert answer.status_code == 200
    assert "task_id" not in answer.json()
    assert "status" in answer.json()


def test_a_task_whose_answer_had_no_id_is_charged_all_the_same(caller):
    caller.sandbox.fault("submit", "without_task_id")
    caller.submit(numbers(100))
    assert charged(caller) == (1, 1)


def test_a_fault_can_begin_later_last_longer_and_be_cleared(caller):
    caller.sandbox.fault("balance", "status", status=500, skip=2, times=2)
    assert [caller.balance().status_code for _ in range(6)] == [200, 200, 500, 500, 200, 200]
    caller.sandbox.fault("balance", "status", status=502, times=None)
    assert [caller.balance().status_code for _ in range(3)] == [502] * 3
    caller.sandbox.clear_faults()
    assert caller.balance().status_code == 200


def test_faults_of_one_call_come_one_after_the_other_and_leave_the_others_alone(caller):
    caller.sandbox.fault("balance", "status", status=500)
    caller.sandbox.fault("balance", "status", status=502)
    caller.sandbox.fault("balance", "delay", seconds=0.2)
    assert caller.submit(numbers(100)).status_code == 200
    begun = time.monotonic()
    assert caller.balance().status_code == 500
    assert time.monotonic() - begun >= 0.2, "a delay goes with another fault"
    assert caller.balance().status_code == 502
    assert caller.balance().status_code == 200


def test_every_call_uses_up_one_of_the_calls_to_skip():
    board = FaultBoard()
    board.add(Fault(call="status", kind="html", times=3))
    board.add(Fault(call="status", kind="status", skip=2))
    met = [board.take("status").fault for _ in range(5)]
    assert [fault and fault.kind for fault in met] == ["html", "html", "html", "status", None]
    assert board.active == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"call": "nothing", "kind": "status"},
        {"call": "submit", "kind": "wrong_crc"},
        {"call": "balance", "kind": "without_task_id"},
        {"call": "submit", "kind": "status", "status": 99},
        {"call": "submit", "kind": "status", "times": 0},
        {"call": "submit", "kind": "status", "skip": -1},
        {"call": "submit", "kind": "cut_before", "at_byte": -1},
        {"call": "result", "kind": "extra_rows", "rows": 0},
    ],
)
def test_a_fault_that_cannot_be_meant_is_an_error(fields):
    with pytest.raises(ValueError, match=r"call|fault|status|times|skip"):
        Fault(**fields)


def test_no_fault_makes_the_server_complain(caller, caplog):
    calls = calls_of(caller)
    caplog.clear()
    for call, make in calls.items():
        for kind in sorted(kinds_of(call)):
            caller.sandbox.fault(call, kind, seconds=0.01)
            with contextlib.suppress(LOST):
                make()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
