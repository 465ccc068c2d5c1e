"""An input from S3: what is read, and what each error of S3 means: ``numbers/s3_object.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.numbers.source import open_numbers
from dev.stack.s3_server import S3Server
from dev.testing.sockets import SocketServer, answer, answering
from tests.numbers.inputs import aws_connection

DATA = b"".join(b"+999%08d\n" % number for number in range(200_000))
CONNECTION = "numbers_test_aws"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        server.create_bucket("inbox")
        server.client().put_object(Bucket="inbox", Key="daily/numbers #1?.txt", Body=DATA)
        yield server


@pytest.fixture
def signed_in(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    text = aws_connection(server.endpoint_url, server.access_key, server.secret_key)
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", text)


def read(uri: str) -> bytes:
    with open_numbers(uri, aws_conn_id=CONNECTION, numbers_conn_id=None) as file:
        return b"".join(iter(lambda: file.read(100_000), b""))


@pytest.mark.usefixtures("signed_in")
def test_an_object_is_read_through_the_aws_connection_whatever_its_key_holds() -> None:
    assert read("s3://inbox/daily/numbers #1?.txt") == DATA


@pytest.mark.usefixtures("signed_in")
def test_an_object_is_prepared_as_it_arrives() -> None:
    with (
        open_numbers("s3://inbox/daily/numbers #1?.txt", aws_conn_id=CONNECTION, numbers_conn_id=None) as file,
        prepared_numbers(file) as prepared,
    ):
        assert prepared.rows == 200_000
        assert prepared.file.read() == DATA


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s3://inbox/daily/none.txt", "s3://inbox/daily/none.txt: no such object"),
        ("s3://nobodys/numbers.txt", "s3://nobodys/numbers.txt: no such bucket"),
        ("s3://inbox", "s3://inbox names no object"),
        ("s3:///numbers.txt", "s3:///numbers.txt names no object"),
        ("s3://in box/numbers.txt", "s3://in box/numbers.txt is no valid S3 address"),
    ],
)
def test_an_address_with_nothing_behind_it_is_named(uri: str, message: str) -> None:
    with pytest.raises(EkycNumbersError) as caught:
        read(uri)
    assert message in str(caught.value)


def test_an_object_that_may_not_be_read_names_the_connection(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    text = aws_connection(server.endpoint_url, server.access_key, "not-the-secret")
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", text)
    with pytest.raises(EkycNumbersError, match=f"did not return .* to the AWS connection '{CONNECTION}'"):
        read("s3://inbox/daily/numbers #1?.txt")


def test_a_connection_that_breaks_is_no_end_of_file(monkeypatch: pytest.MonkeyPatch) -> None:
    head = f"HTTP/1.1 200 OK\r\nETag: made-up\r\nContent-Length: {len(DATA)}\r\n\r\n".encode()
    half = DATA[: len(DATA) // 2]
    assert half.endswith(b"\n")  # nothing in the content shows that more should come
    with SocketServer(answering(head + half)) as server:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", aws_connection(server.url, "key", "x"))
        with (
            pytest.raises(EkycUnreadableInputError, match=r"Reading stopped after .* bytes of s3://inbox/numbers.txt"),
            open_numbers("s3://inbox/numbers.txt", aws_conn_id=CONNECTION, numbers_conn_id=None) as file,
            prepared_numbers(file),
        ):
            pass


def test_a_store_that_slows_down_is_no_missing_input(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"<Error><Code>SlowDown</Code><Message>made up</Message></Error>"
    with SocketServer(answering(answer("503 Slow Down", body))) as server:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", aws_connection(server.url, "key", "x"))
        with pytest.raises(EkycUnreadableInputError) as caught:
            read("s3://inbox/numbers.txt")
    assert (
        f"S3 did not return s3://inbox/numbers.txt to the AWS connection '{CONNECTION}' (GetObject: SlowDown, 503). "
        f"Nothing was sent. A retry reads it again."
    ) in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_store_that_nobody_serves_is_no_missing_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(answering(b"")) as server:
        pass
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", aws_connection(server.url, "key", "x"))
    with pytest.raises(EkycUnreadableInputError, match=r"not return .* \(EndpointConnectionError\). Nothing was sent."):
        read("s3://inbox/numbers.txt")


@pytest.mark.parametrize(
    ("status", "code", "advice", "retryable"),
    [
        ("403 Forbidden", "InvalidAccessKeyId", "Correct the access key id of the AWS connection", False),
        ("403 Forbidden", "SignatureDoesNotMatch", "Correct the secret access key of the AWS connection", False),
        ("403 Forbidden", "InvalidObjectState", "Restore the object first: it is archived", False),
        ("403 Forbidden", "RequestTimeTooSkewed", "Set the clock of the worker (NTP)", True),
        ("400 Bad Request", "ExpiredToken", "The session token has expired", True),
        ("403 Forbidden", "AccessDenied", "Grant the AWS connection s3:GetObject", False),
        ("301 Moved Permanently", "PermanentRedirect", "Set region_name of the AWS connection", False),
        ("500 Internal Server Error", "InternalError", "check the status of the service", True),
    ],
)
def test_the_advice_follows_the_code(
    monkeypatch: pytest.MonkeyPatch, status: str, code: str, advice: str, retryable: bool
) -> None:
    body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
    head = f"HTTP/1.1 {status}\r\nx-amz-bucket-region: eu-west-1\r\nContent-Length: {len(body)}\r\n\r\n"
    with SocketServer(answering(head.encode() + body)) as server:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", aws_connection(server.url, "key", "x"))
        with pytest.raises(EkycError) as caught:
            read("s3://inbox/numbers.txt")
    assert f"(GetObject: {code}, {status[:3]}). Nothing was sent. A retry" in caught.value.message
    assert advice in caught.value.message
    assert ("s3:GetObject" in caught.value.message) == (code == "AccessDenied")
    assert caught.value.retryable is retryable


def test_a_checksum_that_does_not_agree_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = f"ETag: made-up\r\nContent-Length: {len(DATA)}\r\nx-amz-checksum-crc32: AAAAAA=="
    head = f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode()
    with SocketServer(answering(head + DATA)) as server:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", aws_connection(server.url, "key", "x"))
        with pytest.raises(EkycUnreadableInputError, match="The bytes changed on their way") as caught:
            read("s3://inbox/numbers.txt")
    assert f"Reading stopped after {len(DATA):,} of {len(DATA):,} bytes" in caught.value.message
    assert "(FlexibleChecksumError)" in caught.value.message
    assert caught.value.__cause__ is None


def test_an_endpoint_that_redirects_to_another_is_a_wrong_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(answering(answer("301 Moved", b"", "Location: https://made-up.example/"))) as server:
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", aws_connection(server.url, "key", "x"))
        with pytest.raises(EkycNumbersError, match="endpoint_url") as caught:
            read("s3://inbox/numbers.txt")
    assert "(InvalidEndpointConfigurationError). Nothing was sent. A retry can't help." in caught.value.message
