"""
An object with our metadata is ours only if its bytes are what was landed.

Modules: ``s3/result_object.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycKeyTakenError, EkycLandingError
from airflow_provider_ekyc.s3 import whole_object
from airflow_provider_ekyc.s3.object import Place
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import record, refuse
from tests.conftest import BUCKET
from tests.s3.landings import CONTENT, PLACE, content_of, failure, find, landed_as, put


def same_size(content: bytes) -> bytes:
    return b"X" + content[1:]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (b"", f"it has 0 bytes instead of {len(CONTENT):,}"),
        (CONTENT[:14], f"it has 14 bytes instead of {len(CONTENT):,}"),
        (CONTENT + b"\n", f"it has {len(CONTENT) + 1:,} bytes instead of {len(CONTENT):,}"),
        (same_size(CONTENT), f"it has as many bytes as before ({len(CONTENT):,}), but another SHA-256"),
    ],
    ids=["emptied", "cut to a row", "grown", "same size"],
)
@pytest.mark.parametrize("keeps_sum", [True, False], ids=["with a SHA-256", "without"])
def test_an_object_with_our_metadata_and_other_bytes_is_not_the_result(
    s3: Any, changed: bytes, words: str, keeps_sum: bool
) -> None:
    put(s3)
    metadata = s3.head_object(Bucket=PLACE.bucket, Key=PLACE.key)["Metadata"]
    checksum = {"ChecksumAlgorithm": "SHA256"} if keeps_sum else {}
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=changed, Metadata=metadata, **checksum)
    with pytest.raises(EkycKeyTakenError) as caught:
        find(s3)
    message = caught.value.message
    assert f"{PLACE.uri} is not what was landed" in message
    for part in (words, "was not touched", "set replace=True, or delete the object", "will not be charged again"):
        assert part in message
    assert words in failure(EkycKeyTakenError, s3)
    assert content_of(s3) == changed
    assert find(s3, replace=True) is None
    put(s3, replace=True)
    assert find(s3) == landed_as()


def test_an_object_of_the_first_versions_is_compared_by_its_checksum(s3: Any) -> None:
    metadata = {name: value for name, value in landed_as().metadata().items() if name != "ekyc-size"}
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=CONTENT, Metadata=metadata)
    assert find(s3) == landed_as()
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"", Metadata=metadata)
    with pytest.raises(EkycKeyTakenError, match="but another SHA-256"):
        find(s3)


def test_a_plain_copy_is_the_result_and_a_copy_of_the_metadata_alone_is_not(s3: Any) -> None:
    put(s3)
    copy, other = Place(BUCKET, "copy.zip"), Place(BUCKET, "other.zip")
    source = {"Bucket": PLACE.bucket, "Key": PLACE.key}
    s3.copy_object(Bucket=copy.bucket, Key=copy.key, CopySource=source)
    assert find(s3, copy) == landed_as(place=copy)
    s3.put_object(Bucket=BUCKET, Key="theirs", Body=b"theirs")
    s3.copy_object(
        Bucket=other.bucket,
        Key=other.key,
        CopySource={"Bucket": BUCKET, "Key": "theirs"},
        Metadata=landed_as().metadata(),
        MetadataDirective="REPLACE",
    )
    with pytest.raises(EkycKeyTakenError, match=r"it has 6 bytes instead of 14,000"):
        find(s3, other)


def test_where_the_sum_is_not_shown_the_object_is_read_again(s3_server: S3Server, s3: Any) -> None:
    put(s3)
    client = s3_server.client()
    requests = record(client)
    client.meta.events.register("before-parse.s3.HeadObject", hide_checksum)
    assert find(client) == landed_as()
    assert sorted(method for method, *_ in requests) == ["GET", "GET", "HEAD"]  # a GET lists the bucket
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=same_size(CONTENT), Metadata=landed_as().metadata())
    with pytest.raises(EkycKeyTakenError, match="but another SHA-256"):
        find(client)


def hide_checksum(response_dict: Any, **_: Any) -> None:
    """Answer a HEAD as a store that keeps no SHA-256 of an object."""
    response_dict["headers"].pop("x-amz-checksum-sha256", None)


def test_what_is_too_large_to_be_read_again_is_compared_by_its_size_and_the_log_says_so(
    s3_server: S3Server, s3: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(s3)
    client = s3_server.client()
    client.meta.events.register("before-parse.s3.HeadObject", hide_checksum)
    monkeypatch.setattr(whole_object, "READ_LIMIT", len(CONTENT) - 1)
    assert find(client) == landed_as()
    assert "only its size was compared" in caplog.text
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"", Metadata=landed_as().metadata())
    with pytest.raises(EkycKeyTakenError, match="has 0 bytes instead of"):
        find(client)


@pytest.mark.parametrize(("status", "code"), [(403, "InvalidObjectState"), (403, "AccessDenied")])
def test_what_may_not_be_read_again_is_compared_by_its_size_and_the_log_says_so(
    s3_server: S3Server, s3: Any, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(s3)
    client = s3_server.client()
    client.meta.events.register("before-parse.s3.HeadObject", hide_checksum)
    refuse(client, "GetObject", status, code)
    assert find(client) == landed_as()
    assert f"S3 does not return it ({code}): only its size was compared" in caplog.text


def test_a_store_that_fails_to_give_the_object_decides_nothing(s3_server: S3Server, s3: Any) -> None:
    put(s3)
    client = s3_server.client(retries={"total_max_attempts": 1})
    client.meta.events.register("before-parse.s3.HeadObject", hide_checksum)
    refuse(client, "GetObject", 503, "SlowDown")
    with pytest.raises(EkycLandingError, match="SlowDown"):
        find(client)


def test_a_checksum_of_several_parts_is_not_compared_with_that_of_the_whole(s3_server: S3Server, s3: Any) -> None:
    put(s3)
    client = s3_server.client()

    def of_parts(response_dict: Any, **_: Any) -> None:
        if "x-amz-checksum-sha256" in response_dict["headers"]:
            response_dict["headers"]["x-amz-checksum-sha256"] = "MTIz-3"

    client.meta.events.register("before-parse.s3.HeadObject", of_parts)
    assert find(client) == landed_as()
