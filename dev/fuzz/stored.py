"""The fuzzer's own hand in S3: puts what is to lie there, and looks at what does."""

from __future__ import annotations

import functools
from contextlib import closing
from typing import Any

BUCKET = "ekyc-fuzz"

#: Where inputs lie that are read from S3.
SENT_BUCKET = "ekyc-fuzz-sent"


def put(bucket: str, key: str, content: bytes) -> None:
    """Put an object, before an input is measured."""
    _client().put_object(Bucket=bucket, Key=key, Body=content)


def put_from_elsewhere(bucket: str, key: str, content: bytes) -> None:
    """Put an object while an input is measured: no connection is left open that would be its own."""
    with closing(_new_client()) as client:
        client.put_object(Bucket=bucket, Key=key, Body=content)


def content_of(key: str) -> bytes | None:
    """Return what lies at a key, after an input was measured; None if nothing does."""
    client = _client()
    try:
        content: bytes = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    except client.exceptions.NoSuchKey:
        return None
    return content


@functools.cache
def _client() -> Any:
    """Return a client that is kept: a new one takes as long as a landing."""
    return _new_client()


def _new_client() -> Any:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    return S3Hook().get_conn()
