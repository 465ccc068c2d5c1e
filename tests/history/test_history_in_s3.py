"""``history/s3_files.py`` beside a real S3 server: which requests are sent, and what goes wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycError, EkycHistoryError, EkycSettingsError, EkycSignInError
from airflow_provider_ekyc.history import s3_files
from airflow_provider_ekyc.history.files import HistoryFile
from airflow_provider_ekyc.history.parquet_files import ParquetFiles
from airflow_provider_ekyc.history.s3_files import S3Folder
from airflow_provider_ekyc.s3.client import s3_client
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import accept
from dev.testing.s3_relay import S3Fault, S3Relay
from tests.conftest import BUCKET
from tests.history.landed import NO, YES, landed
from tests.history.rows import DAY, NOW

A, B = 12025550100, 12025550101
SINCE = NOW - 30 * DAY
#: More than is read with a footer.
MANY = [(number, YES) for number in random.Random(1).sample(range(10**14, 10**15), 20_000)]
FOLDER = f"s3://{BUCKET}/ekyc/results"


@pytest.fixture
def relay(s3: Any, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Relay]:
    """The way to the S3 server, which counts requests."""
    with S3Relay(s3_server.endpoint_url) as running:
        text = json.dumps(s3_server.connection(running.endpoint_url, config_kwargs={"retries": {"max_attempts": 0}}))
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", text)
        yield running


@pytest.fixture
def write(s3: Any) -> Callable[[str, bytes], None]:
    return lambda key, data: s3.put_object(Bucket=BUCKET, Key=key, Body=data)


def opened(uri: str = FOLDER, conn_id: str | None = "aws_default") -> ParquetFiles:
    return ParquetFiles(uri, aws_conn_id=conn_id)


def numbers_in(files: ParquetFiles, since: datetime | None = SINCE) -> list[str]:
    return sorted(number for batch in files.batches(since, "amazon") for number in batch.column("number").to_pylist())


def failure(files: ParquetFiles, kind: type[EkycError] = EkycHistoryError) -> EkycError:
    with pytest.raises(kind) as raised:
        numbers_in(files)
    assert "Nothing was sent." in raised.value.message
    assert "2025550" not in raised.value.message
    return raised.value


def test_only_the_footer_of_an_old_file_is_read_and_a_young_one_by_ranges(
    relay: S3Relay, write: Callable[[str, bytes], None]
) -> None:
    write("ekyc/results/dt=2026-01-01/part-0.parquet", landed(MANY, NOW - 60 * DAY))
    write("ekyc/results/dt=2026-01-02/part-0.parquet", landed(MANY, NOW - 5 * DAY, "ws"))
    write("ekyc/results/dt=2026-01-03/part-0.parquet", landed(MANY, NOW - 5 * DAY))
    files = opened()
    assert len(numbers_in(files)) == len(MANY)
    # Three footers, and the columns of the one file that can matter; its key says nothing of when it was verified.
    assert relay.calls == {"list": 1, "get": 4}
    assert (files.files_read, files.files_skipped, files.is_complete) == (1, 2, False)


def test_a_small_file_takes_one_request(relay: S3Relay, write: Callable[[str, bytes], None]) -> None:
    write("ekyc/results/part-0.parquet", landed([(A, YES)], NOW))
    assert numbers_in(opened()) == [f"+{A}"]
    assert relay.calls == {"list": 1, "get": 1}


def test_no_request_is_sent_for_what_s3_received_long_before(
    relay: S3Relay, write: Callable[[str, bytes], None]
) -> None:
    write("ekyc/results/part-0.parquet", landed([(A, YES)], NOW))
    files = opened()
    assert numbers_in(files, datetime.now(UTC) + 3 * DAY) == []
    assert relay.calls == {"list": 1}
    assert (files.files_read, files.files_skipped, files.is_complete) == (0, 1, False)
    # Clocks may differ by a day and more.
    assert numbers_in(opened(), datetime.now(UTC) + DAY) == []
    assert relay.calls == {"list": 2, "get": 1}


def test_all_pages_of_a_listing_are_read(
    relay: S3Relay, write: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(1, 6):
        write(f"ekyc/results/dt=2026-01-0{day}/part-0.parquet", landed([(A + day, YES)], NOW))

    def with_small_pages(*arguments: Any) -> Any:
        client = s3_client(*arguments)
        client.meta.events.register(
            "before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=2)
        )
        return client

    monkeypatch.setattr(s3_files, "s3_client", with_small_pages)
    assert numbers_in(opened()) == [f"+{A + day}" for day in range(1, 6)]
    assert relay.calls["list"] == 3


def test_a_prefix_is_a_folder(relay: S3Relay, write: Callable[[str, bytes], None]) -> None:
    write("ekyc/results/part-0.parquet", landed([(A, YES)], NOW))
    write("ekyc/results_of_others/part-0.parquet", landed([(B, YES)], NOW))
    write("ekyc/results/part-0.parquet.bak", b"")
    assert numbers_in(opened(f"s3a://{BUCKET}/ekyc/results/")) == [f"+{A}"]
    assert numbers_in(opened(f"{FOLDER}/part-0.parquet")) == [f"+{A}"]
    assert numbers_in(opened(f"s3://{BUCKET}")) == [f"+{A}", f"+{B}"]
    assert numbers_in(opened(f"s3://aws_default@{BUCKET}/ekyc/results", conn_id="no_such_connection")) == [f"+{A}"]


def test_a_prefix_without_objects_is_an_empty_history(relay: S3Relay, caplog: pytest.LogCaptureFixture) -> None:
    files = opened()
    assert numbers_in(files) == []
    assert (files.files_read, files.files_skipped, files.is_complete) == (0, 0, True)
    assert f"{FOLDER}/ has no file yet" in caplog.text


def test_an_object_of_another_name_is_no_folder_without_objects(
    relay: S3Relay, write: Callable[[str, bytes], None]
) -> None:
    write("ekyc/results.zip", b"PK")
    error = failure(opened(f"s3://{BUCKET}/ekyc/results.zip"))
    assert f"s3://{BUCKET}/ekyc/results.zip is damaged, or no Parquet file" in error.message
    write("ekyc/table", landed([(A, YES)], NOW))
    assert numbers_in(opened(f"s3://{BUCKET}/ekyc/table")) == [f"+{A}"]


def test_a_missing_bucket_is_no_empty_history(relay: S3Relay) -> None:
    error = failure(opened("s3://no-such-bucket/ekyc/results"))
    assert "NoSuchBucket, 404" in error.message
    assert not error.retryable


@pytest.mark.parametrize("call", ["list", "get"])
@pytest.mark.parametrize(
    ("status", "words", "retryable"),
    [
        (403, "Grant the AWS connection s3:{}", False),
        (503, "A retry may help.", True),
        (500, "A retry may help.", True),
    ],
)
def test_what_s3_refuses_is_an_error(
    relay: S3Relay, write: Callable[[str, bytes], None], call: str, status: int, words: str, retryable: bool
) -> None:
    write(f"ekyc/results/+{A}.parquet", landed([(A, YES)], NOW))
    relay.faults.append(S3Fault(call, "status", status=status, times=None))
    error = failure(opened())
    assert words.format("ListBucket" if call == "list" else "GetObject") in error.message
    assert error.retryable is retryable
    assert (error.kind, error.charge) == ("history", "none")


def test_an_answer_that_breaks_off_is_requested_again(
    relay: S3Relay, write: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch, no_waits: list[float]
) -> None:
    write("ekyc/results/part-0.parquet", landed([(A, YES)], NOW))
    broken = []

    def break_once(parsed: dict[str, Any], **_: Any) -> None:
        if not broken:
            broken.append(True)
            parsed["Body"] = _Broken()

    def with_a_broken_answer(*arguments: Any) -> Any:
        client = s3_client(*arguments)
        client.meta.events.register("after-call.s3.GetObject", break_once)
        return client

    monkeypatch.setattr(s3_files, "s3_client", with_a_broken_answer)
    assert numbers_in(opened()) == [f"+{A}"]
    assert relay.calls["get"] == 2
    assert len(no_waits) == 1


class _Broken:
    """A body of which the connection breaks."""

    def read(self) -> bytes:
        from botocore.exceptions import ResponseStreamingError

        raise ResponseStreamingError(error="made up")

    def close(self) -> None:
        """Do nothing."""


def test_a_file_that_is_deleted_meanwhile_is_an_error(
    relay: S3Relay, write: Callable[[str, bytes], None], s3: Any
) -> None:
    key = "ekyc/results/part-0.parquet"
    write(key, landed([(A, YES)], NOW))
    relay.faults.append(S3Fault("get", "before", act=lambda: s3.delete_object(Bucket=BUCKET, Key=key)))
    error = failure(opened())
    assert f"s3://{BUCKET}/{key} changed while the history was read (it was deleted or renamed)" in error.message
    assert error.retryable


@pytest.mark.parametrize("knows_conditions", [True, False])
def test_a_file_that_is_replaced_meanwhile_is_an_error(
    relay: S3Relay,
    write: Callable[[str, bytes], None],
    monkeypatch: pytest.MonkeyPatch,
    knows_conditions: bool,
) -> None:
    key = "ekyc/results/part-0.parquet"
    write(key, landed(MANY, NOW))
    # Between the footer and the rows.
    relay.faults += [
        S3Fault("get", "before"),
        S3Fault("get", "before", act=lambda: write(key, landed(MANY, NOW - DAY))),
    ]

    def without_conditions(*arguments: Any) -> Any:
        client = s3_client(*arguments)
        client.meta.events.register("before-parameter-build.s3.GetObject", lambda params, **_: params.pop("IfMatch"))
        return client

    if not knows_conditions:
        monkeypatch.setattr(s3_files, "s3_client", without_conditions)
    error = failure(opened())
    assert f"s3://{BUCKET}/{key} changed while the history was read (it was replaced)" in error.message
    assert error.retryable


def test_a_store_that_ignores_ranges_is_an_error(
    relay: S3Relay, write: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("ekyc/results/part-0.parquet", landed(MANY, NOW))

    def without_ranges(*arguments: Any) -> Any:
        client = s3_client(*arguments)
        client.meta.events.register("before-parameter-build.s3.GetObject", lambda params, **_: params.pop("Range"))
        return client

    monkeypatch.setattr(s3_files, "s3_client", without_ranges)
    assert "must answer requests for a range" in failure(opened()).message


def test_a_connection_that_is_missing_is_an_error(relay: S3Relay) -> None:
    # Airflow's hook then searches as boto3 does.
    assert "the AWS connection 'no_such_connection'" in failure(opened(conn_id="no_such_connection")).message


def test_a_connection_that_can_not_be_used_is_an_error(relay: S3Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", "extra": {"config_kwargs": {"x": 1}}})
    )
    assert "AWS connection 'aws_default'" in failure(opened(), EkycSignInError).message


def test_a_page_of_a_proxy_is_no_listing(relay: S3Relay, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def answered_by_a_proxy(*arguments: Any) -> Any:
        client = s3_client(*arguments)
        accept(client, "ListObjectsV2", body=b"<html>sign in</html>")
        return client

    monkeypatch.setattr(s3_files, "s3_client", answered_by_a_proxy)
    error = failure(opened())
    assert "the answer is not one of S3" in error.message
    assert error.retryable


@pytest.mark.parametrize(("token", "calls"), [("", 1), ("<NextContinuationToken>same</NextContinuationToken>", 2)])
def test_a_listing_that_does_not_go_on_is_an_error(
    relay: S3Relay, monkeypatch: pytest.MonkeyPatch, token: str, calls: int
) -> None:
    """A page that says that there are more, without a token or with the token that it was asked by."""
    sent: list[Any] = []

    def without_an_end(*arguments: Any) -> Any:
        client = s3_client(*arguments)
        page = f"<ListBucketResult><IsTruncated>true</IsTruncated>{token}</ListBucketResult>"
        accept(client, "ListObjectsV2", body=page.encode())
        client.meta.events.register("before-parameter-build.s3.ListObjectsV2", lambda **_: sent.append(_))
        return client

    monkeypatch.setattr(s3_files, "s3_client", without_an_end)
    error = failure(opened())
    assert f"S3 did not list {FOLDER}/" in error.message
    assert "ListObjectsV2: the answer is not one of S3" in error.message
    assert error.retryable
    assert len(sent) == calls


@pytest.mark.parametrize("uri", ["s3://", "s3:///ekyc", "", "None", "s3://bucket/ekyc/dt=*/"])
def test_a_uri_that_is_no_prefix_is_refused_at_once(uri: str) -> None:
    with pytest.raises(EkycSettingsError, match="history_uri"):
        opened(uri)


def test_a_bucket_name_that_none_can_have_is_an_error(relay: S3Relay) -> None:
    error = failure(opened("s3://no such bucket/ekyc"))
    assert "is no valid S3 address" in error.message
    assert not error.retryable


def test_a_file_is_described_as_it_was_listed(relay: S3Relay, write: Callable[[str, bytes], None]) -> None:
    data = landed([(A, NO)], NOW)
    write(f"ekyc/results/+{A}.parquet", data)
    found: list[tuple[str, HistoryFile]] = list(S3Folder(BUCKET, "ekyc/results/", "aws_default").files())
    ((path, file),) = found
    assert path == f"+{A}.parquet"
    assert file.shown == f"s3://{BUCKET}/ekyc/results/[number removed].parquet"
    assert file.size == len(data)
    assert file.read(4, 10) == data[4:14]
    assert file.received_at is not None
    assert abs(file.received_at - datetime.now(UTC)) < DAY
    assert Path(path).suffix == ".parquet"
