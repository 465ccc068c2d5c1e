"""
The calls of the sandbox answer as the API's document says.

Modules: ``sandbox/app_keys.py``, ``sandbox/routes_api.py``, ``sandbox/sandbox.py``, ``sandbox/upload.py``.
"""

from __future__ import annotations

import re

import pytest

from tests.sandbox.sandbox_callers import numbers

NOTHING_CHARGED = 0


def test_a_submission_is_answered_like_the_document_s_sample(caller):
    answer = caller.submit(numbers(2049))
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"task_id", "status", "total", "message", "created_at"}
    assert (body["status"], body["total"]) == ("pending", 2049)
    assert re.fullmatch(r"[0-9a-v]{20}", body["task_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", body["created_at"])


def test_a_submission_may_be_answered_with_202(call_up):
    answer = call_up(submit_status=202).submit(numbers(100))
    assert answer.status_code == 202
    assert answer.json()["task_id"]


def test_duplicates_and_invalid_lines_are_gone_before_the_minimum_is_tested(caller):
    junk = "12345\n\n+0123\n+123456789012345678\nhello\n"
    answer = caller.submit(numbers(99) + numbers(99) + junk)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_batch_size"
    assert caller.submit(numbers(100) + numbers(50) + junk).json()["total"] == 100
    assert caller.sandbox.tasks[0].lines == 154
    assert len(caller.sandbox.bill.submissions) == 1


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ({"task_type": "amazon"}, {"other": ("x", "y")}),
        ({}, {"file": ("numbers.txt", numbers(100))}),
        ({"task_type": "  "}, {"file": ("numbers.txt", numbers(100))}),
        ({"task_type": "amazon", "file": numbers(100)}, None),
    ],
    ids=["no file", "no task type", "blank task type", "urlencoded"],
)
def test_a_form_that_lacks_something_is_400_and_free(caller, fields, files):
    answer = caller.session.post(
        f"{caller.sandbox.url}/v1/tasks", headers=caller.key, data=fields, files=files, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_parameters")
    assert caller.sandbox.tasks == ()
    assert caller.sandbox.bill.booked == NOTHING_CHARGED


def post_form(caller, body):
    headers = {**caller.key, "Content-Type": "multipart/form-data; boundary=here"}
    return caller.session.post(f"{caller.sandbox.url}/v1/tasks", headers=headers, data=body, timeout=10)


def test_a_multipart_body_that_is_none_is_400(caller):
    assert post_form(caller, b"garbage").status_code == 400


def test_a_form_within_the_form_is_400_and_leaves_nothing(caller):
    body = (
        f'--here\r\nContent-Disposition: form-data; name="file"; filename="n"\r\n\r\n{numbers(100)}\r\n'
        "--here\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n\r\nx\r\n--inner--\r\n--here--\r\n"
    )
    answer = post_form(caller, body.encode())
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_parameters")
    assert "nested multipart is not understood" in answer.text
    assert not list(caller.sandbox.state.directory.iterdir())
    assert caller.sandbox.tasks == ()


def test_a_task_type_without_end_is_400_and_leaves_nothing(caller):
    answer = caller.submit(numbers(100), task_type="a" * 201)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_parameters")
    assert "task_type is too long" in answer.text
    assert not list(caller.sandbox.state.directory.iterdir())
    assert caller.sandbox.tasks == ()


def test_a_submission_while_the_sandbox_closes_is_503_and_free(caller):
    caller.sandbox.state.closing.set()
    answer = caller.submit(numbers(100))
    assert (answer.status_code, answer.json()["error"]) == (503, "closing")
    assert caller.sandbox.requests[-1].status == 503
    assert not list(caller.sandbox.state.directory.iterdir())
    assert caller.sandbox.tasks == ()
    assert caller.sandbox.bill.booked == NOTHING_CHARGED


def test_every_call_wants_the_key(caller):
    url = caller.sandbox.url
    for headers in ({}, {"X-API-Key": "another"}):
        answers = [
            caller.submit(numbers(100), headers=headers),
            caller.status("d4g8o46p2jvh04o9uolg", headers=headers),
            caller.balance(headers=headers),
            caller.get(f"{url}/sandbox/bill", headers=headers),
            caller.get(f"{url}/sandbox/tasks", headers=headers),
            caller.get(f"{url}/sandbox/calls", headers=headers),
            caller.get(f"{url}/sandbox/faults", headers=headers),
            caller.session.post(f"{url}/sandbox/faults", headers=headers, json={}, timeout=10),
            caller.session.delete(f"{url}/sandbox/faults", headers=headers, timeout=10),
        ]
        assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert caller.sandbox.tasks == ()


def test_a_balance_too_low_is_402_and_makes_no_task(call_up):
    caller = call_up(balance="0.15", price_per_row="0.001")
    assert caller.submit(numbers(100)).status_code == 200
    assert caller.submit(numbers(100, first=500)).status_code == 402
    assert len(caller.sandbox.tasks) == 1
    assert caller.balance().json()["balance"] == 0.05


def test_a_file_too_large_is_413_and_makes_no_task(call_up):
    caller = call_up(max_upload_bytes=1300)
    assert caller.submit(numbers(100)).status_code == 200
    assert caller.submit(numbers(101)).status_code == 413
    assert len(caller.sandbox.tasks) == 1


def test_other_task_types_have_limits_of_their_own(call_up):
    caller = call_up(row_limits={"amazon": (2, 3), "ws": (1, 2)}, other_row_limits=(5, 6))
    codes = {
        (kind, rows): caller.submit(numbers(rows), task_type=kind).status_code
        for kind, rows in [("amazon", 1), ("amazon", 3), ("amazon", 4), ("ws", 1), ("coinW", 4), ("coinW", 5)]
    }
    assert codes == {
        ("amazon", 1): 400,
        ("amazon", 3): 200,
        ("amazon", 4): 400,
        ("ws", 1): 200,
        ("coinW", 4): 400,
        ("coinW", 5): 200,
    }


def test_a_status_may_be_asked_for_multipart_or_urlencoded(caller):
    task_id = caller.submit(numbers(100)).json()["task_id"]
    urlencoded = caller.status(task_id)
    multipart = caller.status(task_id, data=None, files={"task_id": (None, task_id)})
    assert urlencoded.status_code == multipart.status_code == 200
    assert urlencoded.json()["task_id"] == multipart.json()["task_id"] == task_id


def test_an_unknown_task_is_404_and_a_missing_id_400(caller):
    assert caller.status("d4g8o46p2jvh04o9uolg").status_code == 404
    assert caller.status("").status_code == 400
    assert caller.sandbox.bill.polls == 0


def test_the_balance_has_all_fields_that_are_published(call_up, clock):
    caller = call_up(clock=clock, balance=10, credit=5, daily_limit=20, price_per_row="0.01")
    caller.submit(numbers(100))
    assert caller.balance().json() == {
        "balance": 9.0,
        "credit": 5.0,
        "used_today": 1.0,
        "daily_limit": 20.0,
        "reset_time": "2025-11-22T00:00:00.000Z",
        "status": "active",
    }
    clock.tick(86_400)
    assert caller.balance().json()["used_today"] == 0.0


def test_calls_are_counted_and_logged_without_values_and_queries(caller, caplog):
    caplog.set_level("DEBUG")
    url = caller.result_url()
    caller.get(url)
    caller.get(f"{caller.sandbox.url}/v2/99900000001?secret=1")
    caller.get(url, headers=caller.key)
    assert caller.sandbox.calls == {"submit": 1, "status": 1, "balance": 0, "result": 2, "other": 1}
    last = caller.sandbox.requests[-1]
    assert (last.method, last.status) == ("GET", 403)
    assert "x-api-key" in last.header_names
    assert caller.sandbox.requests[-2].path == "/v#/###########"
    shown = repr(caller.sandbox.requests) + " ".join(
        record.getMessage() for record in caplog.records if record.name != "urllib3.connectionpool"
    )
    for secret in ("made-up-key", "X-Amz", "Signature", "99900000"):
        assert secret not in shown


def test_a_caller_who_goes_away_in_mid_upload_makes_no_task(caller):
    def half():
        yield b'--here\r\nContent-Disposition: form-data; name="file"; filename="n"\r\n\r\n+99900000001\n'
        raise ArithmeticError

    headers = {**caller.key, "Content-Type": "multipart/form-data; boundary=here"}
    with pytest.raises(ArithmeticError):
        caller.session.post(f"{caller.sandbox.url}/v1/tasks", headers=headers, data=half(), timeout=10)
    assert caller.balance().status_code == 200
    assert caller.sandbox.tasks == ()
