"""
A store that refuses each request with a checksum, as Backblaze B2 does, has the result all the same.

Modules: ``s3/target.py``, ``s3/multipart.py``, ``s3/object.py``.
"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycKeyTakenError, EkycSettingsError
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import record, refusal_of, refuse
from tests.conftest import keys_of
from tests.s3.landings import CONTENT, PLACE, content_of, failure, find, landed_as, put, puts

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(params=[(400, "InvalidArgument"), (501, "NotImplemented")], ids=["400", "501"])
def client(request: pytest.FixtureRequest, s3_server: S3Server, s3: Any) -> Any:
    status, code = request.param

    def answer(request: Any, **_: Any) -> Any:
        names = " ".join(request.headers).lower()
        if "x-amz-checksum-" not in names and "x-amz-sdk-checksum-" not in names and "x-amz-trailer" not in names:
            return None
        return refusal_of(status, code, with_body=request.method != "HEAD")(request)

    client = s3_server.client()
    client.meta.events.register("before-send.s3", answer)
    return client


def test_a_result_is_landed_in_one_put_and_found_again(client: Any, s3: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert find(client) is None
    requests = record(client)
    assert put(client) == landed_as()
    assert puts(requests)[-1]["x-amz-content-sha256"] == landed_as().sha256  # which the store compares in its stead
    assert content_of(s3) == CONTENT
    assert find(client) == landed_as()
    assert "only its size was compared" not in caplog.text


def test_a_result_is_landed_in_parts_and_found_again(client: Any, s3: Any, small_puts: None) -> None:
    content = bytes(range(256)) * (6 * 4096)  # a part of 5 MiB, the least that S3 accepts, and one of 1 MiB
    assert put(client, content, part_size=5 * 1024**2) == landed_as(content)
    assert content_of(s3) == content
    assert find(client) == landed_as(content)


def test_what_was_changed_there_is_noticed(client: Any, s3: Any) -> None:
    put(client)
    metadata = s3.head_object(Bucket=PLACE.bucket, Key=PLACE.key)["Metadata"]
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"X" + CONTENT[1:], Metadata=metadata)
    with pytest.raises(EkycKeyTakenError, match="but another SHA-256"):
        find(client)


def test_what_it_refuses_without_checksums_too_is_reported(client: Any, s3: Any, small_puts: None) -> None:
    refuse(client, "CreateMultipartUpload", 501, "NotImplemented")
    message = failure(EkycSettingsError, client)
    assert "CreateMultipartUpload: NotImplemented, 501" in message
    assert "replace" not in message  # which makes no difference to this call
    assert keys_of(s3) == []
