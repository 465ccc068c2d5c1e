"""Records in S3: what S3 says of them is not guessed, and an AWS connection that can't be used is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSignInError
from airflow_provider_ekyc.submission.s3_store import S3Store
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import refuse
from tests.conftest import BUCKET


def store(monkeypatch: pytest.MonkeyPatch, server: S3Server, **extra: Any) -> S3Store:
    connection = {
        "conn_type": "aws",
        "login": server.access_key,
        "password": server.secret_key,
        "extra": {"endpoint_url": server.endpoint_url, "region_name": "us-east-1", **extra},
    }
    monkeypatch.setenv("AIRFLOW_CONN_MADE_UP", json.dumps(connection))
    return S3Store(BUCKET, "journal/made-up", "made_up")


@pytest.mark.parametrize(
    ("extra", "word"), [({"config_kwargs": {"made_up": 1}}, "TypeError"), ({"endpoint_url": "nowhere"}, "ValueError")]
)
def test_a_connection_that_cannot_be_used_is_named_as_it_is_to_the_transfer(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, extra: dict[str, Any], word: str
) -> None:
    with pytest.raises(EkycSignInError, match=rf"AWS connection 'made_up' \({word}\). Nothing was sent"):
        store(monkeypatch, s3_server, **extra).read("submission")


def test_what_is_written_is_read_and_what_is_not_there_is_none(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    records = store(monkeypatch, s3_server)
    assert records.read("submission") is None
    assert records.write("submission", b"{}", replacing=None)
    assert not store(monkeypatch, s3_server).write("submission", b"[]", replacing=None)
    assert store(monkeypatch, s3_server).read("submission") == b"{}"
    assert records.names("sub") == ["submission"]


@pytest.mark.parametrize(
    ("status", "code"), [(404, ""), (404, "NoSuchBucket"), (404, "404"), (403, "AccessDenied"), (500, "InternalError")]
)
def test_only_s3s_own_word_means_that_there_is_no_record(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any, status: int, code: str
) -> None:
    records = store(monkeypatch, s3_server, config_kwargs={"retries": {"total_max_attempts": 1}})
    refuse(records._client, "GetObject", status, code)
    with pytest.raises(EkycJournalError, match="it is not known whether this list was submitted before"):
        records.read("submission")
