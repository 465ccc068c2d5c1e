"""
What is sent: method, URL, headers and body of each call.

Modules: ``api/protocol.py``.
"""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.api.answers import Call
from airflow_provider_ekyc.api.protocol import Request, balance_query, status_query, submit_request
from airflow_provider_ekyc.api.user_agent import user_agent
from tests.api.conftest import API_KEY, settings_for

SETTINGS = settings_for("https://api.example")
HEADERS = {
    "X-API-Key": API_KEY,
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": user_agent(),
}


def form(boundary: str) -> dict[str, str]:
    return {**HEADERS, "Content-Type": f"multipart/form-data; boundary={boundary}"}


def test_the_balance_is_got_without_a_body() -> None:
    assert balance_query(SETTINGS).request == Request(Call.BALANCE, "GET", "https://api.example/v1/balance", HEADERS)


def test_a_status_is_asked_for_with_a_form() -> None:
    assert status_query(SETTINGS, "made-up-id").request == Request(
        Call.STATUS,
        "POST",
        "https://api.example/v1/gettasks",
        form("ekyc-task-id-form"),
        b"--ekyc-task-id-form\r\n"
        b'Content-Disposition: form-data; name="task_id"\r\n\r\n'
        b"made-up-id\r\n"
        b"--ekyc-task-id-form--\r\n",
    )


@pytest.mark.parametrize("boundary", ["made-up", "another-made-up"])
def test_a_submission_is_a_form_around_the_file(boundary: str) -> None:
    parts = submit_request(SETTINGS, "amazon", boundary)
    assert parts.request == Request(Call.SUBMIT, "POST", "https://api.example/v1/tasks", form(boundary))
    assert (
        parts.head
        == (
            f'--{boundary}\r\nContent-Disposition: form-data; name="task_type"\r\n\r\namazon\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="numbers.txt"\r\n'
            f"Content-Type: text/plain\r\n\r\n"
        ).encode()
    )
    assert parts.tail == f"\r\n--{boundary}--\r\n".encode()
