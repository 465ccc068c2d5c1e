"""Landing on a store that does not know If-None-Match, against the real S3 server without the header."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycKeyTakenError, EkycLandingError
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import record, refuse
from tests.conftest import keys_of
from tests.s3.landings import CONTENT, PLACE, content_of, failure, find, landed_as, put, puts


def remove_condition(client: Any) -> list[str]:
    """Let the store ignore If-None-Match: the header is removed before the request is signed."""
    removed: list[str] = []

    def remove(request: Any, **_: Any) -> None:
        removed.append(request.headers["If-None-Match"])
        del request.headers["If-None-Match"]

    client.meta.events.register_first("before-sign.s3.PutObject", remove)
    return removed


@pytest.mark.parametrize("when", ["before-call", "before-sign", "before-send"])
def test_another_object_in_a_store_without_conditions_is_kept(s3_server: S3Server, s3: Any, when: str) -> None:
    client = s3_server.client()
    client.meta.events.register(
        f"{when}.s3.PutObject",
        lambda **_: s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"theirs") and None,
    )
    removed = remove_condition(client)
    assert find(client) is None
    message = failure(EkycKeyTakenError, client)
    assert f"{PLACE.uri} already contains an object that is not a result of eKYC (6 bytes" in message
    assert content_of(s3) == b"theirs"
    assert set(removed) <= {"*"}
    assert keys_of(s3) == [PLACE.key]


def test_an_empty_list_overwrites_nothing_either(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    client.meta.events.register_first(
        "before-call.s3.PutObject",
        lambda **_: s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"theirs") and None,
    )
    remove_condition(client)
    failure(EkycKeyTakenError, client, content=b"")
    assert content_of(s3) == b"theirs"


def test_a_store_without_conditions_is_landed_on_and_found_again(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    assert not remove_condition(client)
    assert put(client) == landed_as()
    assert find(client) == landed_as()
    assert content_of(s3) == CONTENT


def test_who_writes_over_the_result_at_the_same_moment_is_named(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    client.meta.events.register(
        "response-received.s3.PutObject",
        lambda **_: s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"theirs") and None,
    )
    assert "an object that is not a result of eKYC (6 bytes" in failure(EkycKeyTakenError, client)
    assert content_of(s3) == b"theirs"


def test_another_try_of_the_same_task_may_write_over_the_result_at_the_same_moment(
    s3_server: S3Server, s3: Any
) -> None:
    client = s3_server.client()
    client.meta.events.register(
        "response-received.s3.PutObject", lambda **_: put(s3, b"packed anew", replace=True) and None
    )
    assert put(client).sha256 == hashlib.sha256(b"packed anew").hexdigest()


def test_an_upload_ends_before_its_last_bytes_if_s3_does_not_say_whether_the_key_is_free(
    s3_server: S3Server, s3: Any
) -> None:
    client = s3_server.client(retries={"total_max_attempts": 1})
    assert find(client) is None
    refuse(client, "HeadObject", 503, "503", with_body=False)
    assert "return the metadata of" in failure(EkycLandingError, client)
    assert keys_of(s3) == []


def test_an_upload_that_ends_early_in_a_client_of_the_standard_mode_is_not_sent_again(
    s3_server: S3Server, s3: Any
) -> None:
    client = s3_server.client(retries={"mode": "standard", "total_max_attempts": 5})
    requests = record(client)
    remove_condition(client)
    client.meta.events.register(
        "before-send.s3.PutObject",
        lambda **_: s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"theirs") and None,
    )
    failure(EkycKeyTakenError, client)
    assert len(puts(requests)) == 1
    assert content_of(s3) == b"theirs"
