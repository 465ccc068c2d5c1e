"""Only S3's own word shows that a bucket does not exist (``s3/missing_bucket.py``)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from airflow_provider_ekyc.s3.missing_bucket import is_missing, missing_buckets
from dev.stack.s3_server import S3Server
from dev.testing.sockets import SocketServer, answer, answering
from tests.conftest import BUCKET, aws_connection

MISSING = "ekyc-made-up-bucket"


def test_the_real_server(s3: Any) -> None:
    assert is_missing(s3, MISSING)
    assert not is_missing(s3, BUCKET)


def test_with_a_connection(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(s3_server))
    assert missing_buckets(S3Hook(), [BUCKET, MISSING]) == [MISSING]
    connection = json.loads(aws_connection(s3_server))
    connection["extra"]["config_kwargs"] = {"s3": {"addressing_style": "path"}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    assert missing_buckets(S3Hook(), [BUCKET, MISSING]) == [MISSING], "what the connection has is kept"


@pytest.mark.usefixtures("s3_server")
def test_a_connection_that_is_missing_says_nothing() -> None:
    assert missing_buckets(S3Hook(aws_conn_id="nowhere"), [MISSING]) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("404 Not Found", b""),
        ("404 Not Found", b"<html>no such page</html>"),
        ("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>"),
        ("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>"),
        ("200 OK", b""),
    ],
)
def test_the_answer_of_another_server(status: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(answering(answer(status, body))) as server:
        extra = {"endpoint_url": server.url, "config_kwargs": {"s3": {"addressing_style": "path"}}}
        connection = {"conn_type": "aws", "login": "made-up", "password": "made-up", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        assert missing_buckets(S3Hook(region_name="us-east-1"), [MISSING]) == []
        assert server.connections >= 1
