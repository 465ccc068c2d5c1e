"""What is sent is what was there at the first byte, to its end: ``numbers/opened_source.py``."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session

from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath
from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.opened_source import OpenedSource, WholeStream
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.numbers.source import open_numbers
from dev.stack.s3_server import S3Server
from dev.testing.sockets import Answer, ScriptedServer, answer
from tests.numbers.inputs import aws_connection

OLD = b"".join(b"+999%08d\n" % number for number in range(400_000))
NEW = b"".join(b"+998%08d\n" % number for number in range(400_000))
SHORT = b"+12025550100\n+12025550101\n"
CONNECTION = "changing_test_aws"

ChangeFile = Callable[[Path], object]


class ChangingReader:
    """A reader that changes its source once, after the first bytes."""

    def __init__(self, file: Any, change: Callable[[], object]) -> None:
        self._file = file
        self._change: Callable[[], object] | None = change

    def read(self, size: int) -> bytes:
        data: bytes = self._file.read(size)
        if self._change is not None:
            self._change()
            self._change = None
        return data


def sent(numbers: object, change: Callable[[], object], aws_conn_id: str | None = None) -> bytes:
    """Return what would be sent, had the source changed in the middle."""
    with (
        open_numbers(numbers, aws_conn_id=aws_conn_id, numbers_conn_id=None) as file,
        prepared_numbers(ChangingReader(file, change)) as prepared,  # type: ignore[arg-type]
    ):
        return prepared.file.read()


def refusal(numbers: object, change: Callable[[], object], aws_conn_id: str | None = None) -> str:
    with pytest.raises(EkycUnreadableInputError, match="changed while it was read") as caught:
        sent(numbers, change, aws_conn_id)
    assert caught.value.retryable
    assert "Nothing was sent; a retry reads it again." in caught.value.message
    return caught.value.message


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(NEW)


def overwrite_and_set_the_time_back(path: Path) -> None:
    before = path.stat()
    overwrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(NEW)
    other.rename(path)


def truncate(path: Path) -> None:
    os.truncate(path, len(OLD) // 2)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"+12025550100\n")


def empty_and_write_again(path: Path) -> None:
    path.write_bytes(NEW)


LOCAL_CHANGES: list[tuple[ChangeFile, str]] = [
    (overwrite, "time"),
    (overwrite_and_set_the_time_back, "change time"),
    (replace, "change time"),  # of the open file: it lost its name
    (truncate, "size"),
    (grow, "size"),
    (empty_and_write_again, "time"),
    (Path.unlink, "change time"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.txt"
    path.write_bytes(OLD)
    return path


@pytest.mark.parametrize("form", ["{}", "file://{}", "local://{}"])
@pytest.mark.parametrize(("change", "what"), LOCAL_CHANGES)
def test_a_file_that_changes_while_it_is_read_is_not_sent(path: Path, change: ChangeFile, what: str, form: str) -> None:
    message = refusal(form.format(path), lambda: change(path))
    if form != "local://{}":  # which is read as any other store, by what its info() holds
        assert what in message


@pytest.mark.parametrize("form", ["{}", "local://{}"])
def test_a_retry_reads_the_new_content(path: Path, form: str) -> None:
    refusal(form.format(path), lambda: overwrite(path))
    assert sent(form.format(path), lambda: None) == NEW


@pytest.mark.parametrize("form", ["{}", "local://{}"])
def test_a_file_that_is_only_read_meanwhile_is_sent(path: Path, form: str) -> None:
    assert sent(form.format(path), path.read_bytes) == OLD


def test_a_file_behind_a_link_that_is_set_to_another_file_is_not_sent(path: Path, tmp_path: Path) -> None:
    link, other = tmp_path / "latest.txt", tmp_path / "other.txt"
    other.write_bytes(NEW)
    link.symlink_to(path)

    def set_link() -> None:
        link.unlink()
        link.symlink_to(other)

    assert "inode" in refusal(str(link), set_link)


def test_a_file_without_a_size_of_its_own_is_refused() -> None:
    with (
        pytest.raises(EkycNumbersError, match=r"while its size is 0, as files of /proc and /sys do"),
        open_numbers("/proc/self/status", aws_conn_id=None, numbers_conn_id=None) as file,
        prepared_numbers(file, check=False),
    ):
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        for bucket in ("changing", "versioned"):
            server.create_bucket(bucket)
        server.client().put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        yield server


@pytest.fixture
def client(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    text = aws_connection(server.endpoint_url, server.access_key, server.secret_key, attempts=1)
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", text)
    client = server.client()
    for bucket in ("changing", "versioned"):
        client.put_object(Bucket=bucket, Key="numbers.txt", Body=OLD)
    return client


@pytest.mark.parametrize("bucket", ["changing", "versioned"])
@pytest.mark.parametrize(
    ("body", "what"),
    [
        (NEW, "ETag"),
        (OLD[: len(OLD) // 2], "size"),
        (OLD + b"+12025550100\n", "size"),
        (None, "it was deleted or renamed"),
    ],
    ids=["overwritten", "truncated", "grown", "deleted"],
)
def test_an_object_that_changes_while_it_is_read_is_not_sent(
    client: Any, bucket: str, body: bytes | None, what: str
) -> None:
    name = {"Bucket": bucket, "Key": "numbers.txt"}

    def change() -> None:
        if body is None:
            client.delete_object(**name)
        else:
            client.put_object(**name, Body=body)

    assert what in refusal(f"s3://{bucket}/numbers.txt", change, CONNECTION)


def test_an_object_that_stays_is_sent_at_the_cost_of_one_head(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    send = URLLib3Session.send

    def recorded(session: URLLib3Session, request: Any) -> Any:
        calls.append(request.method)
        return send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", recorded)
    assert sent("s3://changing/numbers.txt", lambda: None, CONNECTION) == OLD
    assert calls == ["GET", "HEAD"]


@pytest.mark.parametrize("form", ["s3a://changing/numbers.txt", "s3n://{}@changing/numbers.txt"])
def test_other_spellings_of_an_address_are_read_too(client: Any, form: str) -> None:
    assert sent(form.format(CONNECTION), lambda: None, CONNECTION) == OLD


def test_the_connection_in_an_address_wins(client: Any) -> None:
    assert sent(f"s3://{CONNECTION}@changing/numbers.txt", lambda: None, "no_such_connection") == OLD
    path = ObjectStoragePath("s3://changing/numbers.txt", conn_id=CONNECTION)
    assert sent(path, lambda: None, "no_such_connection") == OLD


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (answer("503 Slow Down"), r"did not say whether it changed meanwhile \(HeadObject: 503, 503\)"),
        (answer("403 Forbidden"), r"did not say whether it changed meanwhile \(HeadObject: 403, 403\)"),
        (answer("200 OK", b"", 'ETag: "new"', length=len(OLD)), r"changed while it was read \(its ETag\)"),
        (answer("200 OK", b"", 'ETag: W/"old"', length=len(OLD)), None),
    ],
)
def test_an_object_is_sent_only_if_s3_says_that_it_did_not_change(
    monkeypatch: pytest.MonkeyPatch, head: Answer, message: str | None
) -> None:
    with ScriptedServer(answer("200 OK", OLD, 'ETag: "old"'), head) as server:
        text = aws_connection(server.url, "made-up", "made-up", attempts=1)
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", text)
        if message is None:
            assert sent("s3://changing/numbers.txt", lambda: None, CONNECTION) == OLD
            return
        with pytest.raises(EkycUnreadableInputError, match=message) as caught:
            sent("s3://changing/numbers.txt", lambda: None, CONNECTION)
    assert "Nothing was sent; a retry reads it again." in caught.value.message


def test_a_stream_that_ends_early_is_a_broken_connection_and_no_end_of_file() -> None:
    file = io.BytesIO(SHORT)
    stream = WholeStream(OpenedSource(file, "store://numbers", len(SHORT) + 1), file)
    assert stream.read(1000) == SHORT
    with pytest.raises(EkycUnreadableInputError, match=r"stopped after 26 of 27 bytes of store://numbers \(it ended"):
        stream.read(1000)


@pytest.mark.parametrize("size", [len(SHORT), None])
def test_a_stream_that_ends_in_time_ends(size: int | None) -> None:
    file = io.BytesIO(SHORT)
    stream = WholeStream(OpenedSource(file, "store://numbers", size), file)
    assert [stream.read(20), stream.read(20), stream.read(20)] == [SHORT[:20], SHORT[20:], b""]


@pytest.mark.parametrize("position", [0, len(SHORT)])
def test_an_input_is_never_read_whole(position: int) -> None:
    file = io.BytesIO(SHORT)
    stream = WholeStream(OpenedSource(file, "store://numbers", None), file)
    stream.read(position)
    with pytest.raises(ValueError, match="an input is read in blocks, never whole"):
        stream.read(-1)
    assert file.tell() == position
