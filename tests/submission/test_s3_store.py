"""Records in S3: what S3 says of them is not guessed, and a store without conditional writes is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycJournalError, EkycSignInError
from airflow_provider_ekyc.s3.object import S3Object
from airflow_provider_ekyc.submission.s3_store import S3Store
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import accept, record, refuse
from tests.conftest import BUCKET, keys_of


@pytest.fixture(params=["IfNoneMatch IfMatch", "IfNoneMatch", "IfMatch"])
def without_conditions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the S3 client leave out conditions of a write, as some S3-compatible stores ignore them."""
    ignored: list[str] = request.param.split()
    call = S3Object.call

    def call_without(self: S3Object, operation: str, **arguments: Any) -> dict[str, Any]:
        return call(self, operation, **{name: value for name, value in arguments.items() if name not in ignored})

    monkeypatch.setattr(S3Object, "call", call_without)
    return ignored


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


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "ListObjectsV2"])
def test_the_page_of_a_proxy_is_no_record_and_no_list(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any, operation: str
) -> None:
    records = store(monkeypatch, s3_server)
    accept(records._client, operation, body=b"<html><p>Sign in</p></html>")
    acts = {
        "GetObject": lambda: records.read("submission"),
        "PutObject": lambda: records.write("submission", b"{}", replacing=None),
        "ListObjectsV2": lambda: records.names("sub"),
    }
    with pytest.raises(EkycJournalError, match=r"\(the answer is not one of S3\)") as caught:
        acts[operation]()
    assert caught.value.retryable


def test_a_record_is_a_json_object_below_the_prefix(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    records = store(monkeypatch, s3_server)
    assert records.write("submission", b"{}", replacing=None)
    assert keys_of(s3) == ["journal/made-up/submission.json"]
    assert records.address("submission") == f"s3://{BUCKET}/journal/made-up/submission.json"
    found = s3.head_object(Bucket=BUCKET, Key="journal/made-up/submission.json")
    assert found["ContentType"] == "application/json"


def test_a_record_is_replaced_only_if_it_is_what_was_read(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    one, other = store(monkeypatch, s3_server), store(monkeypatch, s3_server)
    assert one.write("record", b"1", replacing=None)
    assert not other.write("record", b"2", replacing=b"0")
    assert other.write("record", b"2", replacing=b"1")
    assert one.read("record") == b"2"
    assert not one.write("record", b"3", replacing=b"1")
    assert one.write("record", b"3", replacing=b"2")
    assert not other.write("record", b"4", replacing=b"2"), "its own ETag of that is an old one"
    assert one.read("record") == b"3"
    s3.delete_object(Bucket=BUCKET, Key="journal/made-up/record.json")
    assert not one.write("record", b"4", replacing=b"3"), "the object was deleted since it was read"
    assert keys_of(s3) == []


def test_what_another_try_has_read_may_be_replaced(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    assert store(monkeypatch, s3_server).write("record", b"1", replacing=None)
    assert store(monkeypatch, s3_server).write("record", b"2", replacing=b"1")
    assert store(monkeypatch, s3_server).read("record") == b"2"


def test_of_an_object_that_is_gone_s3_says_so_instead_of_naming_the_condition(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    records = store(monkeypatch, s3_server)
    assert records.write("record", b"1", replacing=None)
    refuse(records._client, "PutObject", 404, "NoSuchKey")
    assert not records.write("record", b"2", replacing=b"1")


def test_a_refusal_of_what_was_written_already_is_none(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    """As when botocore repeats a put whose answer was lost."""
    assert store(monkeypatch, s3_server).write("record", b"1", replacing=None)
    assert store(monkeypatch, s3_server).write("record", b"1", replacing=None)


def test_the_conditions_of_a_store_are_tried_with_the_first_write_alone(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    records = store(monkeypatch, s3_server)
    sent = record(records._client)

    def conditions() -> list[tuple[str | None, str | None]]:
        puts = [headers for method, _, headers in sent if method == "PUT"]
        sent.clear()
        return [(headers.get("if-none-match"), headers.get("if-match")) for headers in puts]

    assert records.write("one", b"1", replacing=None)
    (first, second, (absent, wrong)) = conditions()
    assert (first, second, absent) == (("*", None), ("*", None), None)
    assert wrong is not None
    assert records.write("two", b"1", replacing=None)
    assert conditions() == [("*", None)]
    tag = s3.head_object(Bucket=BUCKET, Key="journal/made-up/two.json")["ETag"]
    assert records.read("two") == b"1"
    sent.clear()
    assert records.write("two", b"2", replacing=b"1")
    assert [method for method, _, _ in sent] == ["PUT"], "what was read is not read again"
    assert conditions() == [(None, tag)]


def test_a_store_that_ignores_a_condition_is_refused(
    without_conditions: list[str], monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    header = "If-None-Match" if "IfNoneMatch" in without_conditions else "If-Match"
    address = f"s3://{BUCKET}/journal/made-up/record.json"
    with pytest.raises(EkycJournalError, match=f"The store of {address} ignores {header}, so") as failed:
        store(monkeypatch, s3_server).write("record", b"1", replacing=None)
    assert not failed.value.retryable


def test_all_names_are_listed_and_not_those_of_another_task(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any
) -> None:
    records = store(monkeypatch, s3_server)
    for key in ("made-up/open_1", "made-up/open_2", "made-up/open_3", "made-up/record", "made-up-too/open_4"):
        s3.put_object(Bucket=BUCKET, Key=f"journal/{key}.json", Body=b"1")
    assert records.names("open_") == ["open_1", "open_2", "open_3"]
    pages = record(records._client)
    records._client.meta.events.register("provide-client-params.s3.ListObjectsV2", _two_at_a_time)
    assert records.names("") == ["open_1", "open_2", "open_3", "record"]
    assert len(pages) == 2
    assert store(monkeypatch, s3_server).names("other") == []


def _two_at_a_time(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**params, "MaxKeys": 2}


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (500, "InternalError", r"\(GetObject: InternalError, 500\).* Nothing was sent\. A retry reads it again\.$"),
        (403, "AccessDenied", r"s3:GetObject and s3:ListBucket.* A retry can't help; then clear this task\.$"),
    ],
)
def test_what_s3_answers_says_whether_a_retry_helps(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, status: int, code: str, words: str
) -> None:
    records = store(monkeypatch, s3_server, config_kwargs={"retries": {"total_max_attempts": 1}})
    refuse(records._client, "GetObject", status, code)
    with pytest.raises(EkycJournalError, match=words) as failed:
        records.read("record")
    assert f"The journal's object s3://{BUCKET}/journal/made-up/record.json can't be used" in failed.value.message
    assert failed.value.retryable == (status == 500)


@pytest.mark.parametrize("operation", ["PutObject", "ListObjectsV2"])
def test_what_s3_refuses_otherwise_is_no_condition_that_did_not_hold(
    monkeypatch: pytest.MonkeyPatch, s3_server: S3Server, s3: Any, operation: str
) -> None:
    records = store(monkeypatch, s3_server)
    refuse(records._client, operation, 404, "NoSuchKey")
    acts = {
        "PutObject": lambda: records.write("record", b"1", replacing=None),
        "ListObjectsV2": lambda: records.names("open_"),
    }
    folder = f"s3://{BUCKET}/journal/made-up"
    what = rf"object {folder}/record\.json" if operation == "PutObject" else f"list of objects at {folder}/open_"
    shown = rf" The journal's {what} can't be used \({operation}: NoSuchKey, 404\)"
    with pytest.raises(EkycJournalError, match=shown):
        acts[operation]()


def test_a_body_that_ends_early_is_no_record(monkeypatch: pytest.MonkeyPatch, s3_server: S3Server) -> None:
    records = store(monkeypatch, s3_server)
    accept(records._client, "GetObject", body=b"{", ETag='"1"', **{"Content-Length": "2"})
    with pytest.raises(EkycJournalError, match="A retry reads it again") as failed:
        records.read("record")
    assert failed.value.retryable
