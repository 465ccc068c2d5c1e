"""A larger result goes up in parts: it becomes visible once, whole and ours, and nothing of it is left otherwise."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycLandingError, EkycResultError, EkycSettingsError
from airflow_provider_ekyc.s3.multipart import connections_of
from airflow_provider_ekyc.sandbox.tls import make_certificate
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import accept, record
from dev.testing.s3_relay import S3Fault, S3Relay
from dev.testing.waiting import wait_until
from tests.conftest import BUCKET, keys_of
from tests.s3.landings import PLACE, content_of, failure, find, landed_as, put, through
from tests.s3.parts import CONTENT, ONE_BY_ONE, PART, fails, parts_up, uploads

pytestmark = pytest.mark.usefixtures("small_puts")


# What lands.


def test_it_becomes_one_object_that_is_found_again_without_being_read(relay: S3Relay, s3_server: S3Server) -> None:
    client = through(relay, s3_server)
    landed = parts_up(client, connections=8)
    assert relay.calls == Counter(create=1, part=3, complete=1, head=2)
    assert landed == landed_as(CONTENT)
    assert content_of(client) == CONTENT
    found = client.head_object(Bucket=BUCKET, Key=PLACE.key, ChecksumMode="ENABLED")
    sums = b"".join(hashlib.sha256(part).digest() for part in (CONTENT[:PART], CONTENT[PART:-7], CONTENT[-7:]))
    of_parts = base64.b64encode(hashlib.sha256(sums).digest()).decode() + "-3"
    assert found["ChecksumSHA256"] == found["Metadata"]["ekyc-parts-sha256"] == of_parts
    relay.calls.clear()
    assert find(client) == landed
    assert relay.calls == Counter(head=1, list=1)


def test_a_small_one_stays_one_put(relay: S3Relay, s3_server: S3Server) -> None:
    put(through(relay, s3_server), b"x" * 1024)
    assert (relay.calls["put"], relay.calls["create"]) == (1, 0)


def test_replace_overwrites_without_a_look(relay: S3Relay, s3_server: S3Server, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key=PLACE.key, Body=b"theirs")
    parts_up(through(relay, s3_server), replace=True)
    assert relay.calls == Counter(create=1, part=3, complete=1)
    assert content_of(s3) == CONTENT


def test_over_tls_a_part_is_read_once_and_its_sum_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, pread, read = make_certificate(tmp_path), os.pread, [0]
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.ca_file))

    def count(*arguments: int) -> bytes:
        block = pread(*arguments)
        read[0] += len(block)
        return block

    with S3Server(certificate=certificate) as server:
        server.create_bucket(BUCKET)
        client = server.client()
        requests = record(client)
        monkeypatch.setattr(os, "pread", count)
        parts_up(client)
        assert content_of(client) == CONTENT
    parts = [headers for _, url, headers in requests if "partNumber=" in url]
    assert {headers["x-amz-content-sha256"] for headers in parts} == {"UNSIGNED-PAYLOAD"}
    assert all("x-amz-checksum-sha256" in headers["authorization"] for headers in parts)
    assert read[0] == len(CONTENT)


def test_each_call_gets_the_arguments_that_are_its_own(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    requests = record(client)
    everywhere = {"ExpectedBucketOwner": "000000000000", "RequestPayer": "requester"}
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "made-up-key-of-32-bytes-for-test"}
    created = {"StorageClass": "STANDARD_IA", "Tagging": "a=b", "ACL": "private", "CacheControl": "no-store"}
    accept(client, "CreateMultipartUpload", body=b"<InitiateMultipartUploadResult><UploadId>made-up</UploadId>"
           b"</InitiateMultipartUploadResult>")  # fmt: skip
    accept(client, "UploadPart", ETag='"made-up"')
    accept(client, "CompleteMultipartUpload", body=b"<CompleteMultipartUploadResult><ETag>made-up</ETag>"
           b"</CompleteMultipartUploadResult>")  # fmt: skip
    parts_up(client, replace=True, Metadata={"team": "made-up"}, **everywhere, **customer, **created)
    operations = {"?uploads": "create", "partNumber=": "part", "?uploadId=": "complete"}
    seen = {name: headers for _, url, headers in requests for mark, name in operations.items() if mark in url}
    for headers in seen.values():
        assert headers["x-amz-expected-bucket-owner"] == "000000000000"
        assert headers["x-amz-request-payer"] == "requester"
        assert headers["x-amz-server-side-encryption-customer-algorithm"] == "AES256"
        assert "x-amz-server-side-encryption-customer-key-md5" in headers
    of_create = {
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-tagging": "a=b",
        "x-amz-acl": "private",
        "cache-control": "no-store",
        "content-type": "application/zip",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-meta-team": "made-up",
        "x-amz-meta-ekyc-sha256": hashlib.sha256(CONTENT).hexdigest(),
    }
    assert of_create.items() <= seen["create"].items()
    assert not (of_create.keys() - {"content-type"}) & (seen["part"].keys() | seen["complete"].keys())


def test_no_more_connections_are_used_than_the_aws_connection_keeps() -> None:
    with connections_of(S3Server().client(max_pool_connections=2), 8) as pool:
        assert pool._max_workers == 2


# What is made certain beside the parts.


def test_a_result_that_is_what_it_likely_was_goes_up_once(relay: S3Relay, s3_server: S3Server) -> None:
    assert parts_up(through(relay, s3_server), confirm=lambda: landed_as(CONTENT)) == landed_as(CONTENT)
    assert relay.calls == Counter(create=1, part=3, complete=1, head=2)


@pytest.mark.parametrize("replace", [False, True])
def test_one_that_is_not_goes_up_anew_with_what_is_certain(
    relay: S3Relay, s3_server: S3Server, s3: Any, replace: bool
) -> None:
    certain = changed(landed_as(CONTENT), distinct=9, contradictions=1)
    assert parts_up(through(relay, s3_server), confirm=lambda: certain, replace=replace) == certain
    assert (relay.calls["create"], relay.calls["part"], relay.calls["abort"], relay.calls["complete"]) == (2, 6, 1, 1)
    assert find(s3) == certain
    assert uploads(s3) == []


def test_a_lost_answer_is_settled_by_what_is_certain(relay: S3Relay, s3_server: S3Server, s3: Any) -> None:
    certain = changed(landed_as(CONTENT), distinct=9)
    relay.faults.append(S3Fault("complete", "cut_after"))
    client = through(relay, s3_server, retries={"total_max_attempts": 1})
    assert parts_up(client, confirm=lambda: certain) == find(s3) == certain


@pytest.mark.parametrize("content", [CONTENT, b"x" * 1024], ids=["in parts", "in one put"])
def test_nothing_is_visible_before_it_is_certain_and_nothing_is_left_if_it_fails(s3: Any, content: bytes) -> None:
    def refuse_it() -> Any:
        assert find(s3) is None
        raise EkycResultError("The result is not what was sent.")

    with pytest.raises(EkycResultError):
        put(s3, content, **ONE_BY_ONE, confirm=refuse_it)
    assert keys_of(s3) == uploads(s3) == []


def test_an_upload_over_an_equal_object_that_is_not_completed_is_aborted(
    relay: S3Relay, s3_server: S3Server, s3: Any
) -> None:
    parts_up(s3)
    relay.faults.append(S3Fault("complete", "cut_before"))
    client = through(relay, s3_server, retries={"total_max_attempts": 1})
    assert parts_up(client, replace=True) == landed_as(CONTENT)
    assert relay.calls["abort"] == 1
    assert uploads(s3) == []
    assert content_of(s3) == CONTENT


# A part that fails.


@pytest.mark.parametrize("call", ["create", "part"])
def test_what_s3_refuses_is_aborted_and_says_why(relay: S3Relay, s3_server: S3Server, s3: Any, call: str) -> None:
    relay.faults.append(S3Fault(call, "status", status=403))
    operation = {"create": "CreateMultipartUpload", "part": "UploadPart"}[call]
    message = fails(EkycSettingsError, through(relay, s3_server), s3)
    assert f"S3 did not accept {PLACE.uri} ({operation}: AccessDenied, 403). The result was not landed" in message
    assert keys_of(s3) == []
    assert relay.calls["abort"] == (call == "part")
    assert relay.calls["complete"] == 0


@pytest.mark.parametrize("fault", [{"kind": "status"}, {"kind": "cut_before"}, {"kind": "cut_after"}], ids=str)
def test_a_part_that_fails_once_is_sent_again(
    relay: S3Relay, s3_server: S3Server, s3: Any, fault: dict[str, Any]
) -> None:
    relay.faults.append(S3Fault("part", **fault))
    parts_up(through(relay, s3_server))
    assert content_of(s3) == CONTENT
    assert relay.calls["part"] == 4


def test_a_part_that_times_out_is_sent_again(relay: S3Relay, s3_server: S3Server, s3: Any) -> None:
    again = threading.Event()
    last = "partNumber=3"  # so small that the client can send it to nobody
    relay.faults += [
        S3Fault("part", "before", key=last, act=lambda: again.wait(60) and None),
        S3Fault("part", "before", key=last, act=again.set),
    ]
    parts_up(through(relay, s3_server, read_timeout=1))
    assert content_of(s3) == CONTENT


@pytest.mark.parametrize(
    ("fault", "word"),
    [({"kind": "status"}, "UploadPart: SlowDown, 503"), ({"kind": "cut_before"}, "UploadPart: ConnectionClosedError")],
    ids=["refused", "lost"],
)
def test_a_part_that_always_fails_is_aborted_and_worth_a_retry(
    relay: S3Relay, s3_server: S3Server, s3: Any, fault: dict[str, Any], word: str
) -> None:
    relay.faults.append(S3Fault("part", times=None, **fault))
    message = fails(EkycLandingError, through(relay, s3_server, retries={"total_max_attempts": 2}), s3)
    assert f"({word}). The result was not landed" in message
    assert "A retry may help" in message
    assert keys_of(s3) == []


def test_bytes_that_changed_on_the_way_are_refused_by_s3(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pread, reads = os.pread, Counter[int]()

    def change(descriptor: int, size: int, at: int) -> bytes:
        block = pread(descriptor, size, at)
        reads[at] += bool(block)
        # The first time is for the signature.
        return b"?" + block[1:] if block and at == PART and reads[at] > 1 else block

    monkeypatch.setattr(os, "pread", change)
    assert "UploadPart: BadDigest" in fails(EkycLandingError, s3, s3)


def test_a_part_that_a_proxy_has_accepted_is_none(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    accept(client, "UploadPart")
    assert "UploadPart: the answer is not one of S3" in fails(EkycLandingError, client, s3)


def test_an_upload_that_somebody_has_aborted_is_worth_a_retry(relay: S3Relay, s3_server: S3Server, s3: Any) -> None:
    def abort() -> None:
        s3.abort_multipart_upload(Bucket=BUCKET, Key=PLACE.key, UploadId=uploads(s3)[0])

    relay.faults.append(S3Fault("complete", "before", act=abort))
    assert "NoSuchUpload" in fails(EkycLandingError, through(relay, s3_server), s3)


def test_an_abort_that_fails_is_logged_with_what_to_do(
    relay: S3Relay, s3_server: S3Server, s3: Any, caplog: pytest.LogCaptureFixture
) -> None:
    relay.faults += [S3Fault("part", "status", status=403), S3Fault("abort", "status", status=403)]
    failure(EkycSettingsError, through(relay, s3_server), content=CONTENT, **ONE_BY_ONE)
    (upload,) = uploads(s3)
    s3.abort_multipart_upload(Bucket=BUCKET, Key=PLACE.key, UploadId=upload)
    for words in (upload, PLACE.uri, "AbortIncompleteMultipartUpload", "s3:AbortMultipartUpload"):
        assert words in caplog.text


class Killed(BaseException):
    """What a signal raises."""


@pytest.mark.parametrize("call", ["create", "part", "complete"])
def test_a_signal_aborts_the_upload(relay: S3Relay, s3_server: S3Server, s3: Any, call: str) -> None:
    seen = threading.Event()

    def die(*_: Any) -> None:
        seen.set()
        raise Killed

    before = signal.signal(signal.SIGUSR1, die)
    main = threading.main_thread().ident or 0

    def kill() -> None:
        signal.pthread_kill(main, signal.SIGUSR1)
        assert seen.wait(60)

    relay.faults.append(S3Fault(call, "before", act=kill))
    try:
        with pytest.raises(Killed):
            parts_up(through(relay, s3_server))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert relay.calls["abort"] == 1 or content_of(s3) == CONTENT
    assert uploads(s3) == []
    assert call == "complete" or keys_of(s3) == []


def test_a_signal_does_not_keep_it_from_being_aborted(s3: Any) -> None:
    def die(*_: Any) -> None:
        raise Killed

    def mismatch() -> Any:
        raise EkycResultError("the result does not match")

    main = threading.main_thread().ident or 0
    s3.meta.events.register(
        "before-call.s3.AbortMultipartUpload", lambda **_: signal.pthread_kill(main, signal.SIGUSR1), unique_id="kill"
    )
    before = signal.signal(signal.SIGUSR1, die)
    try:
        with pytest.raises(Killed):
            parts_up(s3, confirm=mismatch)
    finally:
        signal.signal(signal.SIGUSR1, before)
        s3.meta.events.unregister("before-call.s3.AbortMultipartUpload", unique_id="kill")
    # If the signal interrupts the start of the thread that aborts, only the end of the process waits for it.
    assert wait_until(lambda: uploads(s3) == [])
    assert keys_of(s3) == []


PUT_IN_A_PROCESS = """
import sys
from airflow_provider_ekyc.s3 import target
from dev.stack.s3_server import REGION
from tests.s3.landings import put
from tests.s3.parts import CONTENT, ONE_BY_ONE
import boto3
target.SINGLE_PUT = 0
client = boto3.client("s3", endpoint_url=sys.argv[1], region_name=REGION)
put(client, CONTENT, **ONE_BY_ONE)
"""


@pytest.mark.parametrize("call", ["part", "complete"])
def test_after_a_kill_9_no_object_is_visible_and_a_retry_lands(
    relay: S3Relay, s3_server: S3Server, s3: Any, call: str
) -> None:
    secrets = {"AWS_ACCESS_KEY_ID": s3_server.access_key, "AWS_SECRET_ACCESS_KEY": s3_server.secret_key}
    command = [sys.executable, "-c", PUT_IN_A_PROCESS, relay.endpoint_url]
    with subprocess.Popen(command, env={**os.environ, **secrets}) as process:
        key = "partNumber=2" if call == "part" else ""
        relay.faults.append(S3Fault(call, "cut_before", key=key, act=process.kill))
        assert process.wait(60) == -signal.SIGKILL
    assert relay.calls["part"] == (2 if call == "part" else 3)
    assert keys_of(s3) == [PLACE.key], "which is an upload"
    assert uploads(s3)
    assert find(s3) is None
    parts_up(s3)
    assert find(s3) == landed_as(CONTENT)
