"""
Faults, settings and the bill of the sandbox over HTTP.

Modules: ``sandbox/control.py``.
"""

from __future__ import annotations

import os
import resource
from types import MappingProxyType

import pytest
import requests

from airflow_provider_ekyc.sandbox import Sandbox
from tests.sandbox.sandbox_callers import API_KEY, numbers


def control(caller, method, what, **options):
    return caller.session.request(
        method, f"{caller.sandbox.url}/sandbox/{what}", headers=caller.key, timeout=10, **options
    )


def test_faults_are_switched_on_shown_and_cleared_over_http(caller):
    added = control(
        caller,
        "POST",
        "faults",
        json={"call": "balance", "kind": "status", "status": 429, "headers": {"Retry-After": "3"}, "times": None},
    )
    assert added.status_code == 201
    assert caller.balance().headers["Retry-After"] == "3"
    (shown,) = control(caller, "GET", "faults").json()
    assert (shown["call"], shown["kind"], shown["times_left"]) == ("balance", "status", None)
    assert control(caller, "DELETE", "faults").json() == []
    assert caller.balance().status_code == 200


def test_headers_of_a_fault_may_be_any_mapping(caller):
    caller.sandbox.fault("balance", "status", headers=MappingProxyType({"Retry-After": "3"}))
    (shown,) = control(caller, "GET", "faults").json()
    assert shown["headers"] == {"Retry-After": "3"}
    assert caller.balance().headers["Retry-After"] == "3"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"call": "balance"}',
        b'{"call": "balance", "kind": "status", "surprise": 1}',
        b'{"call": "balance", "kind": "wrong_crc"}',
        b'{"call": "balance", "kind": "status", "times": "two"}',
        b'{"call": "balance", "kind": "status", "status": "many"}',
        b'{"call": "balance", "kind": "status", "headers": {"Retry-After": 3}}',
        b'{"call": ["balance"], "kind": ["status"]}',
    ],
)
def test_a_fault_that_cannot_be_meant_is_400(caller, body):
    answer = control(caller, "POST", "faults", data=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_fault")
    assert control(caller, "GET", "faults").json() == []


def test_the_bill_is_shown_with_what_was_charged_twice(caller):
    caller.submit(numbers(100))
    caller.submit(numbers(100))
    bill = control(caller, "GET", "bill").json()
    assert [charge["rows"] for charge in bill["submissions"]] == [100, 100]
    assert bill["submissions"][0]["amount"] == 0.1
    assert bill["charged_twice"] == [bill["submissions"][0]["sha256"]]
    assert bill["booked"] == 0.2


def test_tasks_and_calls_are_shown(caller):
    caller.get(caller.result_url(), headers=caller.key)
    (task,) = control(caller, "GET", "tasks").json()
    assert (task["total"], task["status"]) == (100, "exported")
    calls = control(caller, "GET", "calls").json()
    assert calls["key_leaks"] == 1
    assert calls["calls"]["result"] == 1
    assert [entry["path"] for entry in calls["requests"]][:2] == ["/v1/tasks", "/v1/gettasks"]


def test_the_data_is_private_and_gone_afterwards(tmp_path):
    place = tmp_path / "sandbox"
    with Sandbox(API_KEY, data_dir=place) as sandbox:
        assert place.stat().st_mode & 0o777 == 0o700
        url = sandbox.url
    assert not place.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_a_directory_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "precious").touch()
    with pytest.raises(FileExistsError):
        Sandbox(API_KEY, data_dir=tmp_path).start()
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.invalid", ""])
def test_it_serves_this_machine_alone(host):
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(API_KEY, host=host)


def test_a_taken_port_is_an_error(caller):
    port = int(caller.sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Sandbox(API_KEY, port=port).start()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Python's own loop, half made
def test_too_many_open_files_are_an_error_and_leave_nothing(tmp_path):
    place = tmp_path / "sandbox"
    sandbox = Sandbox(API_KEY, data_dir=place)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    # One is left, for the socket that listens; none for the thread that serves.
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            sandbox.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not place.exists()
    with sandbox:
        answer = requests.get(f"{sandbox.url}/v1/balance", headers={"X-API-Key": API_KEY}, timeout=10)
        assert answer.status_code == 200


def test_a_sandbox_that_runs_is_not_started_again(caller):
    with pytest.raises(RuntimeError, match=r"^this sandbox runs already$"):
        caller.sandbox.start()
    assert caller.balance().status_code == 200


def test_before_the_start_there_is_nothing_to_read_or_to_stop(tmp_path):
    sandbox = Sandbox(API_KEY, data_dir=tmp_path / "sandbox")
    with pytest.raises(RuntimeError, match=r"^this sandbox was not started$"):
        _ = sandbox.bill
    sandbox.stop()
    assert not (tmp_path / "sandbox").exists()


def test_it_can_be_stopped_twice_and_stays_readable(caller):
    caller.submit(numbers(100))
    caller.sandbox.stop()
    caller.sandbox.stop()
    assert len(caller.sandbox.bill.submissions) == 1


def test_the_key_is_not_shown(caller):
    assert API_KEY not in repr(caller.sandbox.state.settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"pace": 0},
        {"queue_seconds": -1},
        {"ending": "exploded"},
        {"booking": "never"},
        {"submit_status": 404},
        {"url_ttl_seconds": 604_801},
        {"undetermined_percent": 101},
        {"fail_after_share": 2},
        {"failure_rows": -1},
        {"queue_seconds": float("nan")},
        {"balance": "much"},
        {"balance": float("nan")},
        {"price_per_row": -1},
        {"row_limits": {"amazon": (1000, 10)}},
    ],
)
def test_settings_that_cannot_be_meant_are_errors(settings):
    with pytest.raises(ValueError, match=next(iter(settings)).partition("_")[2] or next(iter(settings))):
        Sandbox(API_KEY, **settings)
