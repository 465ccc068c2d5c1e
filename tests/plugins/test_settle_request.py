"""What a request to settle a submission must be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ekyc.plugins.settle_request import (
    SettleRefused,
    SettleRequest,
    read_adopt,
    read_send_again,
    require_own_page,
)

OWN = ["https://airflow.example", "http://127.0.0.1:8080/path"]
JSON = {"content-type": "application/json"}
GIVEN: dict[str, Any] = {
    "dag_id": "daily",
    "run_id": "manual__2026-11-26T06:00:00+00:00",
    "task_id": "verify.submit",
    "map_index": 3,
    "name": "0123456789abcdef",
}


def body(**changes: Any) -> bytes:
    return json.dumps({**GIVEN, **changes}).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin", "origin": "https://renamed-by-a-proxy.example"},
        {"origin": "https://airflow.example"},
        {"origin": "https://AIRFLOW.example:443"},
        {"origin": "http://127.0.0.1:8080"},
    ],
)
def test_a_page_of_this_server_may_send(headers: dict[str, str]) -> None:
    require_own_page({**JSON, **headers}, OWN)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": ""},
        {"sec-fetch-site": "cross-site", "origin": "https://airflow.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://evil.example"},
        {"origin": "http://airflow.example"},
        {"origin": "https://airflow.example.evil.example"},
        {"origin": "https://airflow.example:8443"},
        {"origin": "https://airflow.example:nonsense"},
        {"origin": "file://"},
        {"referer": "https://airflow.example/"},
    ],
)
def test_another_site_may_not_send(headers: dict[str, str]) -> None:
    with pytest.raises(SettleRefused) as refused:
        require_own_page({**JSON, **headers}, OWN)
    assert refused.value.status == 403


def test_a_server_without_an_address_of_its_own_is_nobodys() -> None:
    with pytest.raises(SettleRefused):
        require_own_page({**JSON, "origin": "https://"}, ["", "https://"])


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_read(content_type: str) -> None:
    require_own_page({"sec-fetch-site": "same-origin", "content-type": content_type}, OWN)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain, application/json"],
)
def test_what_a_form_can_send_is_refused(content_type: str) -> None:
    with pytest.raises(SettleRefused) as refused:
        require_own_page({"sec-fetch-site": "same-origin", "content-type": content_type}, OWN)
    assert refused.value.status == 415


def test_a_request_to_adopt_is_read() -> None:
    assert read_adopt(body(ekyc_task_id=" d4g8o46p2jvh04o9uolg\n")) == SettleRequest(
        **GIVEN, ekyc_task_id="d4g8o46p2jvh04o9uolg", confirmed=False
    )


@pytest.mark.parametrize("ekyc_task_id", ["12345678901234567890", "1e5", "007", "a-b_c.d", "x" * 512])
def test_any_id_that_a_submission_can_return_is_accepted(ekyc_task_id: str) -> None:
    assert read_adopt(body(ekyc_task_id=ekyc_task_id)).ekyc_task_id == ekyc_task_id


@pytest.mark.parametrize(
    "ekyc_task_id",
    [
        "",
        " ",
        None,
        5,
        ["d4g8o46p2jvh04o9uolg"],
        "two ids",
        "send again",
        "resend",
        "unknown",
        "none",
        "x" * 513,
        "é",
        "a\0b",
        "+12125550100",
        "+1(212)555-0100",
        "someone@example.com",
        "https://console.example/tasks/d4g8o46p2jvh04o9uolg",
        "d4g8o46p2jvh04o9uolg?X-Amz-Signature=made-up",
    ],
)
def test_what_is_no_id_is_refused_and_not_quoted(ekyc_task_id: object) -> None:
    with pytest.raises(SettleRefused) as refused:
        read_adopt(body(ekyc_task_id=ekyc_task_id))
    assert refused.value.status == 422
    if isinstance(ekyc_task_id, str) and len(ekyc_task_id.strip()) > 1:
        assert ekyc_task_id not in refused.value.detail


def test_a_request_to_send_again_is_read() -> None:
    assert read_send_again(body(confirmed=True)) == SettleRequest(**GIVEN, ekyc_task_id=None, confirmed=True)
    sent_at = "2026-11-26T06:00:00.000+00:00"
    assert read_send_again(body(sent_at=sent_at)).sent_at == sent_at
    assert not read_send_again(body()).confirmed


@pytest.mark.parametrize(
    "changes",
    [
        {"dag_id": ""},
        {"dag_id": None},
        {"dag_id": ["daily"]},
        {"run_id": "x" * 251},
        {"task_id": "a\0b"},
        {"task_id": "\ud800"},
        {"map_index": "3"},
        {"map_index": True},
        {"map_index": -2},
        {"map_index": 2**31},
        {"map_index": 1.0},
        {"name": "0123456789ABCDEF"},
        {"name": "0123456789abcdef0"},
        {"name": "../../../../etc/x"},
        {"name": None},
        {"confirmed": "true"},
        {"confirmed": 1},
        {"confirmed": None},
        {"sent_at": ""},
        {"sent_at": 1},
        {"sent_at": "made up"},
        {"sent_at": "2026-11-26T06:00:00"},
    ],
)
@pytest.mark.parametrize("read", [read_adopt, read_send_again])
def test_what_is_not_a_request_is_refused(read: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(SettleRefused) as refused:
        read(body(ekyc_task_id="d4g8o46p2jvh04o9uolg", **changes))
    assert refused.value.status == 422


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(content: bytes) -> None:
    with pytest.raises(SettleRefused) as refused:
        read_send_again(content)
    assert refused.value.status == 422
