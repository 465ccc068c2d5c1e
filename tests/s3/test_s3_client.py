"""An AWS connection that can't be used is named by its id, with the kind of error alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from airflow_provider_ekyc.exceptions import EkycSignInError
from airflow_provider_ekyc.s3.client import s3_client
from dev.testing.sockets import ScriptedServer, answer

ROLE = "arn:aws:iam::000000000000:role/made-up"
REFUSAL = b"""<ErrorResponse><Error><Code>%b</Code><Message>User arn:aws:iam::000000000000:user/made-up is not
authorized</Message></Error></ErrorResponse>"""


def failure(monkeypatch: pytest.MonkeyPatch, **extra: Any) -> EkycSignInError:
    connection = {"conn_type": "aws", "login": "made-up", "password": "made-up-secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_MADE_UP", json.dumps(connection))
    with pytest.raises(EkycSignInError) as caught:
        s3_client(S3Hook(aws_conn_id="made_up"), "Nothing was sent.")
    assert "AWS connection 'made_up'" in caught.value.message
    assert "Nothing was sent. A retry" in caught.value.message
    assert "arn:" not in caught.value.message
    assert "secret" not in caught.value.message
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "retryable"), [("403 Forbidden", b"AccessDenied", False), ("503 Busy", b"Throttling", True)]
)
def test_a_role_that_is_refused(monkeypatch: pytest.MonkeyPatch, status: str, code: bytes, retryable: bool) -> None:
    script = [answer(status, REFUSAL % code)] * 10
    with ScriptedServer(*script) as server:
        sts = {"endpoint_url": server.url, "config_kwargs": {"retries": {"total_max_attempts": 1}}}
        error = failure(monkeypatch, role_arn=ROLE, region_name="us-east-1", service_config={"sts": sts})
    assert f"(AssumeRole: {code.decode()}, {status[:3]})" in error.message
    assert error.retryable is retryable


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        ({"endpoint_url": "nowhere"}, "ValueError"),
        ({"region_name": "no region"}, "InvalidRegionError"),
        ({"profile_name": "made-up"}, "ProfileNotFound"),
        ({"config_kwargs": {"made_up": 1}}, "TypeError"),
    ],
)
def test_a_setting_that_is_wrong(monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], word: str) -> None:
    error = failure(monkeypatch, **extra)
    assert f"({word})" in error.message
    assert not error.retryable
