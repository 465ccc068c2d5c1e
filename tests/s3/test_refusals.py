"""
What S3 refuses: noticed early, named clearly, and not tried again where that can't help.

Modules: ``s3/failures.py``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_ekyc.exceptions import EkycKeyTakenError, EkycLandingError, EkycSettingsError
from airflow_provider_ekyc.s3.object import Place
from airflow_provider_ekyc.s3.put_arguments import check_arguments
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import refusal_of, refuse
from tests.conftest import BUCKET, keys_of
from tests.s3.landings import CONTENT, PLACE, content_of, failure, find, put, target


def test_a_bucket_that_is_missing_is_noticed_before_anything_is_asked(s3: Any) -> None:
    place = Place("no-such-bucket", "a.zip")
    with pytest.raises(EkycSettingsError) as caught:
        find(s3, place)
    assert caught.value.message == (
        "S3 did not list bucket no-such-bucket (ListObjectsV2: NoSuchBucket, 404). The result was not landed. The "
        "submission is already paid for and will not be charged again. A retry can't help. Check the bucket: there is "
        "none of this name. Then clear this task, which requests the result again."
    )
    with pytest.raises(EkycSettingsError, match="PutObject: NoSuchBucket, 404"):
        put(s3, place=place)


@pytest.mark.parametrize(
    ("access_key", "secret_key", "code"),
    [("made-up-other", "made-up", "InvalidAccessKeyId"), (None, "made-up", "SignatureDoesNotMatch")],
)
def test_wrong_credentials_are_noticed_before_anything_is_asked(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, access_key: str | None, secret_key: str, code: str
) -> None:
    monkeypatch.setattr(s3_server, "access_key", access_key or s3_server.access_key)
    monkeypatch.setattr(s3_server, "secret_key", secret_key)
    client = s3_server.client()
    with pytest.raises(EkycSettingsError, match=code) as caught:
        find(client)
    assert "made-up" not in caught.value.message
    wrong = "access key id" if access_key else "secret access key"
    for message in (caught.value.message, failure(EkycSettingsError, client)):
        assert code in message
        assert f"Correct the {wrong} of the AWS connection" in message


@pytest.mark.parametrize("code", ["ExpiredToken", "RequestTimeTooSkewed", "SlowDown"])
def test_a_refusal_that_may_pass_is_worth_a_retry(s3_server: S3Server, code: str) -> None:
    client = s3_server.client(retries={"total_max_attempts": 1})
    refuse(client, "HeadObject", 400, "", with_body=False)
    refuse(client, "ListObjectsV2", 400, code)
    refuse(client, "PutObject", 400, code)
    with pytest.raises(EkycLandingError, match=code):
        find(client)
    assert code in failure(EkycLandingError, client)


def test_who_may_only_write_lands_all_the_same(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    refuse(client, "HeadObject", 403, "", with_body=False)
    refuse(client, "ListObjectsV2", 403, "AccessDenied")
    assert find(client) is None
    put(client)
    assert content_of(s3) == CONTENT
    # Its second try can't see that the object is its own.
    assert "cannot read its metadata" in failure(EkycKeyTakenError, client)
    assert content_of(s3) == CONTENT


def test_another_object_that_may_be_listed_but_not_read_is_named_before_the_download(
    s3_server: S3Server, s3: Any
) -> None:
    client = s3_server.client()
    refuse(client, "HeadObject", 403, "", with_body=False)
    assert find(client) is None
    put(s3)
    with pytest.raises(EkycKeyTakenError, match="s3:GetObject"):
        find(client)
    assert find(client, replace=True) is None


@pytest.mark.parametrize("key", ["results/2026-11-23/a.zip", "a.zip"])
def test_a_directory_bucket_which_lists_whole_folders_alone_has_a_free_key(s3_server: S3Server, key: str) -> None:
    def answer(request: Any, **_: Any) -> Any:
        # As S3 Express One Zone answers: "This bucket does not support a prefix that does not end in a delimiter."
        prefixes = parse_qs(urlsplit(request.url).query).get("prefix", [""])
        return None if prefixes[0].endswith("/") or not prefixes[0] else refusal(request)

    client = s3_server.client()
    refusal = refusal_of(400, "InvalidRequest")
    client.meta.events.register("before-send.s3.ListObjectsV2", answer)
    assert find(client, Place(BUCKET, key)) is None
    with pytest.raises(EkycSettingsError, match="ListObjectsV2: NoSuchBucket, 404"):
        find(client, Place("no-such-bucket", key))


def test_a_missing_permission_to_write_is_named(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    refuse(client, "PutObject", 403, "AccessDenied")
    assert "PutObject: AccessDenied, 403" in failure(EkycSettingsError, client)
    assert keys_of(s3) == []


def test_a_role_that_may_not_be_assumed_is_no_missing_right_on_the_key(s3_server: S3Server) -> None:
    from botocore.exceptions import ClientError

    def fail(**_: Any) -> None:
        raise ClientError(
            {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "AssumeRole"
        )

    client = s3_server.client()
    client.meta.events.register("before-call.s3", fail)
    with pytest.raises(EkycSettingsError, match="AssumeRole: AccessDenied, 403"):
        find(client)


@pytest.mark.parametrize(
    ("place", "extra_args", "words"),
    [
        (PLACE, {"StorageKlass": "STANDARD_IA"}, "StorageKlass"),
        (PLACE, {"Tagging": {"a": "b"}}, "Tagging"),
        (PLACE, {"Metadata": {"a": 1}}, "Metadata"),
        (PLACE, {"Bucket": "other", "IfNoneMatch": "x"}, "may not contain Bucket, IfNoneMatch"),
        (PLACE, {"Body": b"x"}, "may not contain Body"),
        (PLACE, {"ChecksumCRC32": "AAAAAA=="}, "may not contain ChecksumCRC32"),
        (PLACE, {"Metadata": {"team": "équipe"}}, "Metadata that is not ASCII"),
        (Place("not a bucket!", "a.zip"), {}, "Invalid bucket name"),
        (Place(BUCKET, ""), {}, "Key"),
    ],
)
def test_arguments_that_cannot_be_meant_are_noticed_before_anything_is_asked(
    s3: Any, place: Place, extra_args: dict[str, Any], words: str
) -> None:
    with pytest.raises(EkycSettingsError) as caught:
        find(s3, place, **extra_args)
    assert words in caught.value.message


def test_metadata_that_is_not_ascii_is_the_arguments_fault(s3: Any) -> None:
    message = failure(EkycSettingsError, s3, Metadata={"team": "équipe"})
    assert "s3_extra_args" in message
    assert keys_of(s3) == []


def test_a_store_that_lacks_something_is_not_asked_again(s3_server: S3Server) -> None:
    client = s3_server.client()
    refuse(client, "PutObject", 501, "NotImplemented")
    message = failure(EkycSettingsError, client)
    assert "(PutObject: NotImplemented, 501)" in message
    assert "set replace=True" in message


def test_a_key_of_the_customers_own_may_be_bytes_and_is_never_shown(s3: Any) -> None:
    key = b"made-up-key-of-32-bytes-in-all.."
    extra = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    check_arguments(target(s3, **extra))
    with pytest.raises(EkycSettingsError) as caught:
        check_arguments(target(s3, **extra, Tagging=["made-up, type made-up, valid for made-up"]))
    assert "made-up" not in caught.value.message
    assert "Invalid type for parameter Tagging, valid types: str" in caught.value.message
