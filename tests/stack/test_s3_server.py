from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from dev.stack.s3_server import S3Server
from dev.testing.waiting import wait_until
from tests.stack.listening import listening_addresses

BUCKET = "stack-tests"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as running:
        running.create_bucket(BUCKET)
        running.client().put_object(Bucket=BUCKET, Key="there", Body=b"some bytes")
        yield running


@pytest.fixture(scope="module")
def client(server: S3Server) -> Any:
    return server.client()


def error_of(refused: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    response = refused.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_an_object_comes_back_as_it_was_put(client: Any) -> None:
    assert client.get_object(Bucket=BUCKET, Key="there")["Body"].read() == b"some bytes"


def test_a_wrong_secret_is_refused(server: S3Server) -> None:
    stranger = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key,
        aws_secret_access_key="another-secret",
        region_name="us-east-1",
        config=Config(proxies={}),
    )
    with pytest.raises(ClientError) as refused:
        stranger.get_object(Bucket=BUCKET, Key="there")
    assert error_of(refused) == (403, "SignatureDoesNotMatch")


def test_another_process_can_use_it_by_its_description(server: S3Server) -> None:
    other = S3Server.described_by(server.description).client()
    assert other.get_object(Bucket=BUCKET, Key="there")["Body"].read() == b"some bytes"


def test_an_unsigned_read_is_refused(server: S3Server) -> None:
    address = f"{server.endpoint_url}/{BUCKET}/there"
    assert requests.get(address, timeout=10).status_code == 403


def test_a_presigned_url_works_until_it_expires(client: Any) -> None:
    url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "there"}, ExpiresIn=5)
    assert requests.get(url, timeout=10).content == b"some bytes"
    assert wait_until(lambda: requests.get(url, timeout=10).status_code == 403, interval=0.5)


def test_a_changed_presigned_url_is_refused(client: Any) -> None:
    url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "there"})
    assert requests.get(url.replace("/there?", "/elsewhere?"), timeout=10).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
        {"ChecksumCRC32": "AAAAAA=="},
        {"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="},
    ],
    ids=["sha256", "crc32", "md5"],
)
def test_a_wrong_checksum_is_refused(client: Any, wrong: dict[str, str]) -> None:
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=BUCKET, Key="damaged", Body=b"not empty", **wrong)
    assert error_of(refused)[0] == 400
    with pytest.raises(ClientError) as missing:
        client.head_object(Bucket=BUCKET, Key="damaged")
    assert error_of(missing)[0] == 404


def test_create_if_absent_refuses_a_taken_key(client: Any) -> None:
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=BUCKET, Key="there", Body=b"other bytes", IfNoneMatch="*")
    assert error_of(refused) == (412, "PreconditionFailed")
    assert client.get_object(Bucket=BUCKET, Key="there")["Body"].read() == b"some bytes"


def test_create_if_absent_holds_for_multipart_uploads(client: Any) -> None:
    where = {"Bucket": BUCKET, "Key": "there"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    part = client.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"part")
    with pytest.raises(ClientError) as refused:
        client.complete_multipart_upload(
            **where,
            UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
            IfNoneMatch="*",
        )
    assert error_of(refused) == (412, "PreconditionFailed")
    client.abort_multipart_upload(**where, UploadId=upload)


def test_a_bucket_is_not_made_by_writing_to_it(client: Any) -> None:
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket="nobody-made-it", Key="key", Body=b"")
    assert error_of(refused) == (404, "NoSuchBucket")


def test_many_buckets_fit(client: Any) -> None:
    for number in range(20):
        client.create_bucket(Bucket=f"bucket-{number}")
        client.put_object(Bucket=f"bucket-{number}", Key="key", Body=b"bytes")


def test_it_listens_on_loopback_only(server: S3Server) -> None:
    assert listening_addresses(server.pid) == {"127.0.0.1"}


def test_process_and_data_are_gone_afterwards() -> None:
    with S3Server() as server:
        pid, directory = server.pid, server.directory
        assert (directory / "identities.json").stat().st_mode & 0o777 == 0o600
        assert directory.stat().st_mode & 0o777 == 0o700
    assert not psutil.pid_exists(pid)
    assert not directory.exists()


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dev.stack.s3_server import S3Server\n"
        "server = S3Server(); server.start()\n"
        "Path(sys.argv[1]).write_text(f'{server.pid} {server.directory}\\n'); time.sleep(60)"
    )
    written = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", code, str(written)])
    assert wait_until(lambda: written.exists() and written.read_text().endswith("\n"))
    pid, directory = int(written.read_text().split()[0]), Path(written.read_text().split()[1])
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: not psutil.pid_exists(pid) and not directory.exists())
