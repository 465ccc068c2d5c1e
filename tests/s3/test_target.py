"""
An object becomes visible once, whole and ours, whatever S3 and its other users do.

Modules: ``s3/body.py``, ``s3/target.py``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycKeyTakenError, EkycLandingError, EkycSettingsError
from airflow_provider_ekyc.sandbox.tls import make_certificate
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import accept, record, refuse
from dev.testing.s3_relay import S3Fault, S3Relay
from tests.conftest import BUCKET, keys_of
from tests.s3.landings import CONTENT, PLACE, TASK, content_of, failure, find, landed_as, put, puts, to

# What lands.


def test_the_body_is_read_once_over_tls_where_its_checksum_is_signed_in_its_stead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pread = os.pread
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate.ca_file))
    with S3Server(certificate=certificate) as server:
        server.create_bucket(BUCKET)
        client = server.client()
        requests, read = record(client), []
        monkeypatch.setattr(os, "pread", lambda *arguments: read.append(pread(*arguments)) or read[-1])
        put(client)
        assert content_of(client) == CONTENT
    (headers,) = puts(requests)
    assert headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert "x-amz-checksum-sha256" in headers["authorization"]
    assert b"".join(read) == CONTENT


def test_without_tls_the_body_itself_is_signed(s3: Any) -> None:
    requests = record(s3)
    landed = put(s3)
    assert puts(requests)[0]["x-amz-content-sha256"] == landed.sha256


def test_a_landed_result_is_found_again_by_its_metadata(s3: Any) -> None:
    assert find(s3) is None
    landed = put(s3)
    assert content_of(s3) == CONTENT
    assert find(s3) == landed
    assert find(s3, replace=True) == landed
    assert json.loads(json.dumps(landed.as_dict())) == {
        "ekyc_task_id": TASK,
        "s3_uri": f"s3://{BUCKET}/results/2026-11-23/a b+c.zip",
        "output_format": "zip",
        "rows": 10,
        "yes": 4,
        "no": 5,
        "unknown": 1,
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "unmatched": None,
        "unmatched_uri": None,
        "distinct": None,
        "contradictions": None,
        "missing": None,
    }


def test_a_landed_result_is_found_again_where_the_store_writes_headers_in_title_case(
    s3_server: S3Server, s3: Any, small_puts: None
) -> None:
    def write_in_title_case(parsed: dict[str, Any], **_: Any) -> None:
        # As botocore reads the answers of MinIO.
        parsed["Metadata"] = {name.title(): text for name, text in parsed.get("Metadata", {}).items()}

    put(s3)
    client = s3_server.client()
    client.meta.events.register("after-call.s3.HeadObject", write_in_title_case)
    refuse(client, "GetObject", 500, "InternalError")
    assert find(client) == landed_as()


def test_the_object_says_what_it_is(s3: Any) -> None:
    put(s3, Metadata={"team": "made-up", "ekyc-rows": "0"}, ContentType="application/x-made-up")
    head = s3.head_object(Bucket=PLACE.bucket, Key=PLACE.key)
    assert head["Metadata"] == {
        "team": "made-up",
        "ekyc-task-id": TASK,
        "ekyc-format": "zip",
        "ekyc-size": str(len(CONTENT)),
        "ekyc-sha256": hashlib.sha256(CONTENT).hexdigest(),
        "ekyc-rows": "10",
        "ekyc-yes": "4",
        "ekyc-no": "5",
        "ekyc-unknown": "1",
    }
    assert head["ContentType"] == "application/x-made-up"


def test_the_put_is_conditional_and_carries_the_sum(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    requests = record(client)
    put(client, StorageClass="STANDARD_IA", Tagging="a=b", ACL="bucket-owner-full-control")
    (headers,) = puts(requests)
    assert headers["if-none-match"] == "*"
    assert headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    assert headers["content-type"] == "application/zip"
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["x-amz-storage-class"] == "STANDARD_IA"
    assert headers["x-amz-tagging"] == "a=b"
    assert headers["x-amz-acl"] == "bucket-owner-full-control"
    put(client, replace=True)
    assert "if-none-match" not in puts(requests)[-1]


def test_s3_itself_refuses_bytes_that_changed_on_the_way(s3: Any) -> None:
    with pytest.raises(EkycLandingError, match="BadDigest"):
        put(s3, CONTENT[:-1] + b"?", landed=landed_as())
    assert keys_of(s3) == []


def test_a_customers_key_goes_along_with_every_look(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "made-up-key-of-32-bytes-for-test"}
    requests = record(client)
    refuse(client, "HeadObject", 404, "404", with_body=False)
    find(client, **customer, StorageClass="STANDARD_IA")
    (head,) = [headers for method, _, headers in requests if method == "HEAD"]
    assert head["x-amz-server-side-encryption-customer-algorithm"] == "AES256"
    assert "x-amz-server-side-encryption-customer-key" in head
    assert "x-amz-storage-class" not in head


# A key with another object.


def test_a_key_that_another_result_has_is_named_and_not_touched(s3: Any) -> None:
    put(s3, b"another", ekyc_task_id="d4g8o46p2jvh04o9uolg")
    with pytest.raises(EkycKeyTakenError) as caught:
        find(s3)
    message = caught.value.message
    assert (
        f"{PLACE.uri} already contains the result (zip) of remote task d4g8o46p2jvh04o9uolg (7 bytes, written 20"
        in message
    )
    for words in ("It was not touched", "another key", "replace=True", "clear this task", "will not be charged again"):
        assert words in message
    for words in ("with the remote id in it each result has its own", "does not go with iceberg_table"):
        assert words in message
    assert "already contains the result (zip) of remote task d4g8o46p2jvh04o9uolg" in failure(EkycKeyTakenError, s3)
    assert content_of(s3) == b"another"


@pytest.mark.parametrize("metadata", [{}, {"ekyc-task-id": TASK}, {**landed_as().metadata(), "ekyc-rows": "many"}])
def test_a_key_that_something_else_has_is_named(s3: Any, metadata: dict[str, str]) -> None:
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"theirs", Metadata=metadata)
    with pytest.raises(EkycKeyTakenError, match="already contains an object that is not a result of eKYC"):
        find(s3)
    assert find(s3, replace=True) is None
    put(s3, replace=True)
    assert content_of(s3) == CONTENT


def test_another_object_between_our_look_and_our_put_is_kept(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    client.meta.events.register_first(
        "before-call.s3.PutObject",
        lambda **_: s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"theirs") and None,
    )
    assert find(client) is None
    assert "an object that is not a result of eKYC (6 bytes" in failure(EkycKeyTakenError, client)
    assert content_of(s3) == b"theirs"


def test_another_try_of_the_same_task_that_was_faster_has_done_our_work(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    client.meta.events.register_first("before-call.s3.PutObject", lambda **_: put(s3) and None)
    put(client)
    assert keys_of(s3) == [PLACE.key]


def test_another_try_that_was_faster_with_other_bytes_has_done_our_work_too(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    client.meta.events.register_first("before-call.s3.PutObject", lambda **_: put(s3, b"packed anew") and None)
    landed = put(client)
    assert (content_of(s3), landed.size, landed.sha256) == (
        b"packed anew",
        11,
        hashlib.sha256(b"packed anew").hexdigest(),
    )


def test_a_lost_answer_over_other_bytes_of_the_same_task_is_no_success(s3_server: S3Server, s3: Any) -> None:
    put(s3, b"an earlier one")
    client = s3_server.client(retries={"total_max_attempts": 1})
    client.meta.events.register("before-sign.s3.PutObject", to("http://127.0.0.1:9"))
    assert "or its answer was lost (EndpointConnectionError)" in failure(EkycLandingError, client, replace=True)
    assert content_of(s3) == b"an earlier one"


def test_an_answer_that_is_not_one_of_s3_lands_nothing(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    accept(client, "PutObject")
    assert "or its answer was lost (the answer is not one of S3)" in failure(EkycLandingError, client)
    assert keys_of(s3) == []


def test_a_conflict_at_a_key_that_is_free_again_is_worth_a_retry(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client()
    refuse(client, "PutObject", 409, "ConditionalRequestConflict")
    assert "A retry may help" in failure(EkycLandingError, client)


# Answers that are lost.


@pytest.mark.parametrize("tries", [1, 2], ids=["the only try", "our own second try finds it"])
def test_a_lost_answer_is_settled_by_looking(s3_server: S3Server, s3: Any, tries: int) -> None:
    with S3Relay(s3_server.endpoint_url, S3Fault("put", "cut_after")) as relay:
        client = s3_server.client(retries={"total_max_attempts": tries})
        client.meta.events.register("before-sign.s3", to(relay.endpoint_url))
        requests = record(client)
        put(client)
        assert relay.faults[0].times == 0
    assert len(puts(requests)) == 1  # without TLS the body of the second is not even sent
    assert content_of(s3) == CONTENT


def test_a_lost_answer_over_a_replaced_object_is_settled_too(s3_server: S3Server, s3: Any) -> None:
    s3.put_object(Bucket=PLACE.bucket, Key=PLACE.key, Body=b"theirs")
    with S3Relay(s3_server.endpoint_url, S3Fault("put", "cut_after")) as relay:
        client = s3_server.client(retries={"total_max_attempts": 1})
        client.meta.events.register("before-sign.s3", to(relay.endpoint_url))
        put(client, replace=True)
    assert content_of(s3) == CONTENT


def test_a_lost_answer_that_a_look_does_not_settle_is_not_called_a_refusal(s3_server: S3Server, s3: Any) -> None:
    with S3Relay(s3_server.endpoint_url, S3Fault("put", "cut_after")) as relay:
        client = s3_server.client(retries={"total_max_attempts": 1}, connect_timeout=1)
        client.meta.events.register("before-sign.s3.PutObject", to(relay.endpoint_url))

        def go_away(**_: Any) -> None:
            client.meta.events.register("before-sign.s3.HeadObject", to("http://127.0.0.1:9"))

        client.meta.events.register("response-received.s3.PutObject", go_away)
        message = failure(EkycLandingError, client)
    assert f"did not accept {PLACE.uri}, or its answer was lost (" in message
    assert "A retry first checks the key, and does not land it twice" in message
    assert content_of(s3) == CONTENT


def test_a_store_that_lacks_something_and_does_not_say_what_is_at_the_key_is_not_asked_again(
    s3_server: S3Server, s3: Any
) -> None:
    client = s3_server.client(retries={"total_max_attempts": 1})
    refuse(client, "PutObject", 501, "NotImplemented")
    refuse(client, "HeadObject", 503, "503", with_body=False)
    message = failure(EkycSettingsError, client, replace=True)
    assert message.startswith(f"S3 did not accept {PLACE.uri} (PutObject: NotImplemented, 501). The result was not ")
    assert "A retry can't help: this store lacks something." in message
    assert keys_of(s3) == []


def test_an_object_that_s3_has_accepted_is_landed_although_it_can_not_be_looked_at_afterwards(
    s3_server: S3Server, s3: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = s3_server.client(retries={"total_max_attempts": 1})

    def fail_from_now_on(**_: Any) -> None:
        refuse(client, "HeadObject", 503, "503", with_body=False)

    client.meta.events.register("response-received.s3.PutObject", fail_from_now_on)
    assert put(client) == landed_as()
    assert content_of(s3) == CONTENT
    (message,) = caplog.messages
    assert message.startswith(f"S3 accepted {PLACE.uri}; checking it afterwards failed (HeadObject: 503, 503). If the ")
    assert "not landed" not in message


def test_a_server_error_with_the_object_not_there_is_worth_a_retry(s3_server: S3Server, s3: Any) -> None:
    client = s3_server.client(retries={"total_max_attempts": 1})
    # Our server has no key for server-side encryption, and answers 500.
    message = failure(EkycLandingError, client, ServerSideEncryption="AES256")
    assert message == (
        f"S3 did not accept {PLACE.uri} (PutObject: InternalError, 500). The result was not landed. The "
        f"submission is already paid for and will not be charged again. A retry may help; it requests the result "
        f"again. If the error persists, check the status of the service and the endpoint_url of the AWS connection."
    )
    assert keys_of(s3) == []


def test_a_server_that_is_gone_is_worth_a_retry(s3_server: S3Server) -> None:
    client = s3_server.client(retries={"total_max_attempts": 1}, connect_timeout=1)
    client.meta.events.register("before-sign.s3", to("http://127.0.0.1:9"))
    for act in (lambda: put(client), lambda: find(client)):
        with pytest.raises(EkycLandingError, match=r"EndpointConnectionError.*does not land it twice"):
            act()
