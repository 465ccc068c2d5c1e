"""How an upload in parts ends: a lost answer, another writer, and the object that is found again."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycKeyTakenError, EkycLandingError, EkycSettingsError
from airflow_provider_ekyc.s3 import multipart, whole_object
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import record, refuse
from dev.testing.s3_relay import S3Fault, S3Relay
from tests.conftest import BUCKET, keys_of
from tests.s3.landings import PLACE, content_of, failure, find, landed_as, put, through
from tests.s3.parts import CONTENT, ONE_BY_ONE, PART, fails, parts_up, uploads

pytestmark = pytest.mark.usefixtures("small_puts")


# A completion with a lost answer, or with an error as its answer.


@pytest.mark.parametrize("tries", [1, 3], ids=["the only try", "our own second try finds it"])
def test_a_lost_answer_to_the_completion_is_settled_by_looking(
    relay: S3Relay, s3_server: S3Server, s3: Any, tries: int, caplog: pytest.LogCaptureFixture
) -> None:
    relay.faults.append(S3Fault("complete", "cut_after"))
    with caplog.at_level("INFO"):
        assert parts_up(through(relay, s3_server, retries={"total_max_attempts": tries})) == landed_as(CONTENT)
    assert content_of(s3) == CONTENT
    assert uploads(s3) == []
    assert "the object is there, complete, and this task uploaded it" in caplog.text


def test_a_completion_that_is_repeated_after_a_lost_answer_may_find_no_upload(
    relay: S3Relay, s3_server: S3Server, s3: Any
) -> None:
    relay.faults += [
        S3Fault("complete", "cut_after"),
        S3Fault("complete", "status", status=404, code="NoSuchUpload"),
    ]
    assert parts_up(through(relay, s3_server)) == landed_as(CONTENT)
    assert content_of(s3) == CONTENT


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "cut_before"}, "or its answer was lost (ConnectionClosedError)"),
        ({"kind": "status", "status": 200, "code": "InternalError"}, "(CompleteMultipartUpload: InternalError, 500)"),
        ({"kind": "status", "status": 503}, "(CompleteMultipartUpload: SlowDown, 503)"),
        ({"kind": "status", "status": 409}, "(CompleteMultipartUpload: ConditionalRequestConflict, 409)"),
        ({"kind": "status", "status": 404, "code": "NoSuchUpload"}, "(CompleteMultipartUpload: NoSuchUpload, 404)"),
        ({"kind": "status", "status": 400, "code": "InvalidPart"}, "(CompleteMultipartUpload: InvalidPart, 400)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_completion_that_fails_shows_nothing_and_is_aborted(
    relay: S3Relay, s3_server: S3Server, s3: Any, fault: dict[str, Any], words: str
) -> None:
    relay.faults.append(S3Fault("complete", times=None, **fault))
    message = fails(EkycLandingError, through(relay, s3_server, retries={"total_max_attempts": 2}), s3)
    assert f"S3 did not accept {PLACE.uri}" in message
    assert words in message
    assert keys_of(s3) == []


@pytest.mark.parametrize(("kind", "visible"), [("cut_before", []), ("cut_after", [PLACE.key])])
def test_an_upload_of_which_s3_does_not_say_whether_it_is_completed_leaves_no_parts(
    relay: S3Relay, s3_server: S3Server, s3: Any, kind: str, visible: list[str]
) -> None:
    client = through(relay, s3_server, retries={"total_max_attempts": 1})

    def fail_from_now_on() -> None:
        relay.faults.append(S3Fault("head", "status", status=503, times=None))

    relay.faults.append(S3Fault("complete", kind, act=fail_from_now_on))
    message = failure(EkycLandingError, client, content=CONTENT, **ONE_BY_ONE)
    assert f"did not accept {PLACE.uri}, or its answer was lost (" in message
    assert "A retry first checks the key, and does not land it twice" in message
    assert (keys_of(s3), uploads(s3)) == (visible, [])
    relay.faults.clear()
    assert parts_up(client, replace=bool(visible)) == landed_as(CONTENT)


@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
def test_an_error_in_a_200_is_no_success_and_passes(relay: S3Relay, s3_server: S3Server, s3: Any, code: str) -> None:
    relay.faults.append(S3Fault("complete", "status", status=200, code=code))
    parts_up(through(relay, s3_server))
    assert content_of(s3) == CONTENT
    assert relay.calls["complete"] == 2


def test_a_store_that_knows_no_condition_on_a_completion_is_named(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    refuse(client, "CompleteMultipartUpload", 501, "NotImplemented")
    message = failure(EkycSettingsError, client, content=CONTENT, **ONE_BY_ONE)
    assert "set replace=True" in message
    assert uploads(s3) == keys_of(s3) == []


# Another writer.


def write_theirs(s3: Any) -> Callable[[], None]:
    return lambda: s3.put_object(Bucket=BUCKET, Key=PLACE.key, Body=b"theirs") and None


@pytest.mark.parametrize(
    ("call", "ignores"),
    # Between the look and the completion of a store without conditions nobody can tell.
    [("part", False), ("complete", False), ("part", True)],
    ids=["beside the parts", "before the completion", "of a store that ignores conditions"],
)
def test_another_object_at_the_key_in_the_meantime_is_kept(
    relay: S3Relay, s3_server: S3Server, s3: Any, call: str, ignores: bool
) -> None:
    client = through(relay, s3_server)
    if ignores:
        relay.ignores_conditions = client._request_signer._credentials
    relay.faults.append(S3Fault(call, "before", act=write_theirs(s3)))
    assert "an object that is not a result of eKYC (6 bytes" in fails(EkycKeyTakenError, client, s3)
    assert content_of(s3) == b"theirs"
    assert relay.calls["complete"] == (call == "complete")


def test_who_writes_while_the_last_part_takes_long_is_not_overwritten_even_without_conditions(
    relay: S3Relay, s3_server: S3Server, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multipart, "_LOOK_AGE", 0.0)
    client = through(relay, s3_server)
    relay.ignores_conditions = client._request_signer._credentials
    looked = threading.Event()
    client.meta.events.register("after-call.s3.HeadObject", lambda **_: looked.set())

    def write_after_the_look() -> None:
        looked.wait(30)
        write_theirs(s3)()

    relay.faults.append(S3Fault("part", "before", key="partNumber=3", act=write_after_the_look))
    assert "an object that is not a result of eKYC (6 bytes" in fails(EkycKeyTakenError, client, s3, connections=2)
    assert content_of(s3) == b"theirs"


def test_who_writes_over_it_right_after_the_completion_is_named(relay: S3Relay, s3_server: S3Server, s3: Any) -> None:
    client = through(relay, s3_server)
    client.meta.events.register("response-received.s3.CompleteMultipartUpload", lambda **_: write_theirs(s3)())
    assert "an object that is not a result of eKYC (6 bytes" in fails(EkycKeyTakenError, client, s3)


def test_another_try_of_the_same_task_that_was_faster_has_done_our_work(
    relay: S3Relay, s3_server: S3Server, s3: Any
) -> None:
    relay.faults.append(S3Fault("complete", "before", act=lambda: put(s3, b"packed anew") and None))
    landed = parts_up(through(relay, s3_server))
    assert landed.sha256 == hashlib.sha256(b"packed anew").hexdigest()
    assert uploads(s3) == []


# Found again.


def replaced(s3: Any, content: bytes, *, part_size: int) -> None:
    """Put other bytes in parts, under the metadata that the object has."""
    metadata = s3.head_object(Bucket=BUCKET, Key=PLACE.key)["Metadata"]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=PLACE.key, Metadata=metadata, ChecksumAlgorithm="SHA256")
    at = {"Bucket": BUCKET, "Key": PLACE.key, "UploadId": upload["UploadId"]}
    parts = []
    for number, start in enumerate(range(0, len(content), part_size), 1):
        body = io.BytesIO(content[start : start + part_size])
        part = s3.upload_part(**at, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})


def test_the_same_bytes_in_other_parts_are_the_result(s3: Any) -> None:
    parts_up(s3)
    replaced(s3, CONTENT, part_size=2 * PART)
    assert find(s3) == landed_as(CONTENT)


@pytest.mark.parametrize("limit", [whole_object.READ_LIMIT, 1], ids=["read again", "too large to be read again"])
def test_other_bytes_in_as_many_parts_are_not_the_result(s3: Any, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_object, "READ_LIMIT", limit)
    parts_up(s3)
    replaced(s3, b"X" + CONTENT[1:], part_size=PART)
    with pytest.raises(EkycKeyTakenError, match=r"has as many bytes as before .* but another SHA-256"):
        find(s3)


def test_a_store_that_keeps_no_sum_of_parts_has_the_object_read_again(s3_server: S3Server, s3: Any) -> None:
    parts_up(s3)
    client = s3_server.client()

    def hide(response_dict: Any, **_: Any) -> None:
        response_dict["headers"].pop("x-amz-checksum-sha256", None)

    client.meta.events.register("before-parse.s3.HeadObject", hide)
    requests = record(client)
    assert find(client) == landed_as(CONTENT)
    assert any(method == "GET" and "list-type" not in url for method, url, _ in requests)
