"""The source and the sink of the benchmark: they answer as the API and S3 do, count right, and end."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_provider_ekyc.api.models import TaskStatus, read_task
from airflow_provider_ekyc.results.byte_ranges import TAIL
from dev.benchmarks.move_data import Archive
from dev.benchmarks.move_methods import land
from dev.benchmarks.move_pace import SHORTEST_SLEEP, Network
from dev.benchmarks.move_rounds import at_new_key, child_environment, job
from dev.benchmarks.move_servers import Done, Servers
from dev.benchmarks.move_source import QUERY, result_path

PART = 5 * 1024 * 1024


@pytest.fixture
def client(servers: Servers, ca_file: Path) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=servers.sink.url,
        aws_access_key_id="made-up",
        aws_secret_access_key="made-up",
        region_name="us-east-1",
        verify=str(ca_file),
        config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.fixture
def key() -> str:
    """Where no object is yet: the servers live as long as the tests."""
    return f"folder/{uuid4().hex}"


def received(servers: Servers, before: Done) -> tuple[int, int]:
    done = servers.sink.done() - before
    return done.moved, done.landed


def get(servers: Servers, made: Archive, **headers: str) -> requests.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    url = servers.source.url + result_path(made.name)
    return requests.get(url, headers=names, verify=str(servers.ca_file), timeout=10)


def test_the_task_is_exported_and_names_its_result(servers: Servers, made: Archive) -> None:
    form = {"task_id": (None, made.name)}
    answer = requests.post(
        f"{servers.source.url}/v1/gettasks", files=form, verify=str(servers.ca_file), timeout=10
    ).json()
    task = read_task(answer)
    assert (task.ekyc_task_id, task.status, task.total) == (made.name, TaskStatus.EXPORTED, made.rows)
    assert task.result_url == f"{servers.source.url}/results/{made.name}.zip?{QUERY}"


def test_the_result_comes_whole(servers: Servers, made: Archive) -> None:
    before = servers.source.done()
    response = get(servers, made)
    assert response.status_code == 200
    assert response.content == made.path.read_bytes()
    done = servers.source.done() - before
    assert done.moved == made.size
    assert 0 < done.cpu < 5


def test_a_range_of_the_same_object_comes_as_asked(servers: Servers, made: Archive) -> None:
    etag = get(servers, made, Range="bytes=0-0").headers["ETag"]
    response = get(servers, made, Range="bytes=300000-", If_Range=etag)
    assert (response.status_code, response.headers["Content-Range"]) == (
        206,
        f"bytes 300000-{made.size - 1}/{made.size}",
    )
    assert response.content == made.path.read_bytes()[300_000:]


def test_a_range_of_another_object_gives_the_whole(servers: Servers, made: Archive) -> None:
    response = get(servers, made, Range="bytes=300000-", If_Range='"another"')
    assert (response.status_code, len(response.content)) == (200, made.size)


def test_a_range_in_the_middle_comes_as_asked(servers: Servers, made: Archive) -> None:
    etag = get(servers, made, Range="bytes=0-0").headers["ETag"]
    response = get(servers, made, Range="bytes=300000-899999", If_Match=etag)
    assert (response.status_code, response.headers["Content-Range"], response.headers["ETag"]) == (
        206,
        f"bytes 300000-899999/{made.size}",
        etag,
    )
    assert response.content == made.path.read_bytes()[300_000:900_000]


def test_a_range_of_an_object_that_must_match_is_refused_of_another(servers: Servers, made: Archive) -> None:
    assert get(servers, made, Range="bytes=0-9", If_Match='"another"').status_code == 412


def test_a_range_behind_the_end_is_refused(servers: Servers, made: Archive) -> None:
    assert get(servers, made, Range=f"bytes={made.size}-").status_code == 416


def test_without_its_query_there_is_no_result(servers: Servers, made: Archive) -> None:
    url = f"{servers.source.url}/results/{made.name}.zip"
    assert requests.get(url, verify=str(servers.ca_file), timeout=10).status_code == 404


@pytest.mark.parametrize("end", ["source", "sink"])
def test_both_ends_speak_tls_that_is_verified(servers: Servers, end: str) -> None:
    url = getattr(servers, end).url
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url, timeout=10)
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url.replace("https://", "http://"), timeout=10)


def test_an_object_shows_its_size_and_its_metadata(servers: Servers, client: Any, key: str) -> None:
    before = servers.sink.done()
    sha256 = base64.b64encode(bytes(32)).decode()
    put = client.put_object(
        Bucket="b",
        Key=key,
        Body=b"x" * 3_000_000,
        Metadata={"rows": "7"},
        ContentType="text/csv",
        ChecksumSHA256=sha256,
    )
    assert received(servers, before) == (3_000_000, 1)
    assert put["ChecksumSHA256"] == sha256
    found = client.head_object(Bucket="b", Key=key)
    assert (found["ContentLength"], found["ETag"], found["Metadata"]) == (3_000_000, put["ETag"], {"rows": "7"})
    assert found["ContentType"] == "text/csv"
    assert "ChecksumSHA256" not in found
    assert client.head_object(Bucket="b", Key=key, ChecksumMode="ENABLED")["ChecksumSHA256"] == sha256
    assert [one["Key"] for one in client.list_objects_v2(Bucket="b", Prefix=key)["Contents"]] == [key]
    client.delete_object(Bucket="b", Key=key)
    assert client.list_objects_v2(Bucket="b", Prefix=key)["KeyCount"] == 0
    client.head_bucket(Bucket="b")


def test_a_body_with_a_trailing_checksum_is_counted_without_its_frames(servers: Servers, client: Any, key: str) -> None:
    before = servers.sink.done()
    client.put_object(Bucket="b", Key=key, Body=b"x" * 3_000_000)  # boto3 puts its own checksum behind the body
    assert received(servers, before) == (3_000_000, 1)


def test_an_object_that_is_absent_is_not_found(client: Any, key: str) -> None:
    with pytest.raises(ClientError) as missing:
        client.head_object(Bucket="b", Key=key)
    assert missing.value.response["Error"]["Code"] == "404"
    with pytest.raises(ClientError, match="NoSuchKey"):
        client.get_object(Bucket="b", Key=key)


def test_bytes_of_an_object_are_not_kept(client: Any, key: str) -> None:
    client.put_object(Bucket="b", Key=key, Body=b"x")
    with pytest.raises(ClientError, match="NotImplemented"):
        client.get_object(Bucket="b", Key=key)


def test_a_condition_of_a_put_is_checked(client: Any, key: str) -> None:
    etag = client.put_object(Bucket="b", Key=key, Body=b"x", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket="b", Key=key, Body=b"x", IfNoneMatch="*")
    client.put_object(Bucket="b", Key=key, Body=b"x", IfMatch=etag)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket="b", Key=key, Body=b"x", IfMatch=etag)


def test_a_managed_upload_lands_once(servers: Servers, client: Any, key: str) -> None:
    before = servers.sink.done()
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
    client.upload_fileobj(io.BytesIO(b"x" * (3 * PART + 1)), "b", key, {"Metadata": {"rows": "7"}}, Config=config)
    assert received(servers, before) == (3 * PART + 1, 1)
    found = client.head_object(Bucket="b", Key=key)
    assert (found["ContentLength"], found["Metadata"]) == (3 * PART + 1, {"rows": "7"})
    assert found["ETag"].endswith('-4"')


def begin(client: Any, key: str, *sizes: int) -> tuple[str, list[dict[str, Any]]]:
    """Begin an upload and send its parts; return its id and what completes it."""
    upload_id = client.create_multipart_upload(Bucket="b", Key=key)["UploadId"]
    parts = []
    for number, size in enumerate(sizes, 1):
        part = client.upload_part(Bucket="b", Key=key, UploadId=upload_id, PartNumber=number, Body=b"x" * size)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    return upload_id, parts


def complete(client: Any, key: str, upload_id: str, parts: list[dict[str, Any]], **arguments: str) -> Any:
    return client.complete_multipart_upload(
        Bucket="b", Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **arguments
    )


def test_an_upload_is_visible_once_it_is_complete(servers: Servers, client: Any, key: str) -> None:
    before = servers.sink.done()
    upload_id, parts = begin(client, key, PART, 7)
    assert received(servers, before) == (PART + 7, 0)
    assert client.list_objects_v2(Bucket="b", Prefix=key)["KeyCount"] == 0
    assert [one["UploadId"] for one in client.list_multipart_uploads(Bucket="b", Prefix=key)["Uploads"]] == [upload_id]
    listed = client.list_parts(Bucket="b", Key=key, UploadId=upload_id)["Parts"]
    assert [(one["PartNumber"], one["ETag"], one["Size"]) for one in listed] == [
        (1, parts[0]["ETag"], PART),
        (2, parts[1]["ETag"], 7),
    ]
    done = complete(client, key, upload_id, parts, IfNoneMatch="*")
    assert received(servers, before) == (PART + 7, 1)
    found = client.head_object(Bucket="b", Key=key)
    assert (found["ETag"], found["ContentLength"]) == (done["ETag"], PART + 7)
    assert client.list_multipart_uploads(Bucket="b", Prefix=key).get("Uploads", []) == []
    with pytest.raises(ClientError, match="NoSuchUpload"):
        complete(client, key, upload_id, parts)


def test_a_condition_of_a_completion_is_checked(servers: Servers, client: Any, key: str) -> None:
    upload_id, parts = begin(client, key, 7)
    client.put_object(Bucket="b", Key=key, Body=b"another")
    before = servers.sink.done()
    with pytest.raises(ClientError, match="PreconditionFailed"):
        complete(client, key, upload_id, parts, IfNoneMatch="*")
    assert received(servers, before) == (0, 0)
    complete(client, key, upload_id, parts)


def test_an_upload_that_is_aborted_does_not_land(servers: Servers, client: Any, key: str) -> None:
    before = servers.sink.done()
    upload_id, parts = begin(client, key, 7)
    client.abort_multipart_upload(Bucket="b", Key=key, UploadId=upload_id)
    assert client.list_multipart_uploads(Bucket="b", Prefix=key).get("Uploads", []) == []
    for late in (
        lambda: client.abort_multipart_upload(Bucket="b", Key=key, UploadId=upload_id),
        lambda: client.upload_part(Bucket="b", Key=key, UploadId=upload_id, PartNumber=1, Body=b"x"),
        lambda: client.list_parts(Bucket="b", Key=key, UploadId=upload_id),
        lambda: complete(client, key, upload_id, parts),
    ):
        with pytest.raises(ClientError, match="NoSuchUpload"):
            late()
    assert received(servers, before)[1] == 0


@pytest.mark.parametrize(
    ("sizes", "change", "code"),
    [
        ((6, 7), lambda parts: parts, "EntityTooSmall"),
        ((PART, 7), lambda parts: parts[::-1], "InvalidPartOrder"),
        ((PART, 7), lambda parts: [parts[0], parts[0]], "InvalidPartOrder"),
        ((PART, 7), lambda parts: [parts[0], {"PartNumber": 3, "ETag": parts[1]["ETag"]}], "InvalidPart"),
        ((PART, 7), lambda parts: [parts[0], {"PartNumber": 2, "ETag": parts[0]["ETag"]}], "InvalidPart"),
    ],
    ids=["too small", "out of order", "twice", "absent", "of another ETag"],
)
def test_parts_that_s3_would_refuse_are_refused(
    client: Any, key: str, sizes: tuple[int, ...], change: Callable[[list[dict[str, Any]]], Any], code: str
) -> None:
    upload_id, parts = begin(client, key, *sizes)
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        complete(client, key, upload_id, change(parts))
    complete(client, key, upload_id, parts[-1:])


def test_a_part_that_is_sent_again_replaces_the_first(client: Any, key: str) -> None:
    upload_id, first = begin(client, key, 7)
    again = client.upload_part(Bucket="b", Key=key, UploadId=upload_id, PartNumber=1, Body=b"x" * 9)
    with pytest.raises(ClientError, match="InvalidPart"):
        complete(client, key, upload_id, first)
    complete(client, key, upload_id, [{"PartNumber": 1, "ETag": again["ETag"]}])
    assert client.head_object(Bucket="b", Key=key)["ContentLength"] == 9


def test_both_ends_keep_their_pace(made: Archive) -> None:
    """Only too fast is wrong here: a loaded machine is slower."""
    network = Network(rate=made.size / 0.2, latency=0.1)
    with Servers([made], network) as paced:
        session = requests.Session()
        session.verify = str(paced.ca_file)
        url = paced.source.url + result_path(made.name)
        begun = time.perf_counter()
        assert session.get(url, timeout=10).content == made.path.read_bytes()
        downloaded = time.perf_counter()
        assert session.put(f"{paced.sink.url}/b/k", data=made.path.read_bytes(), timeout=10).status_code == 200
        uploaded = time.perf_counter()
    assert downloaded - begun >= 0.3 - SHORTEST_SLEEP
    assert uploaded - downloaded >= 0.3 - SHORTEST_SLEEP


def test_a_body_of_unknown_length_is_counted_without_its_frames(servers: Servers, ca_file: Path) -> None:
    def blocks() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x" * 70_001

    before = servers.sink.done()
    session = requests.Session()
    for _ in range(2):  # the second finds the connection where the first left it
        answer = session.put(f"{servers.sink.url}/b/k", data=blocks(), verify=str(ca_file), timeout=10)
        assert answer.status_code == 200
    assert received(servers, before) == (2 * 5 * 70_001, 2)


def test_a_body_that_ends_too_soon_does_not_land(servers: Servers, ca_file: Path) -> None:
    before = servers.sink.done()
    port = int(servers.sink.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=ca_file)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        secured.sendall(b"PUT /b/k HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 999)
        with pytest.raises(OSError, match="EOF"):
            secured.unwrap()  # announces the end, and waits until the server closes the connection
    assert received(servers, before) == (0, 0)


def test_a_client_that_waits_to_be_asked_is_asked(servers: Servers, ca_file: Path) -> None:
    port = int(servers.sink.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=ca_file)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        secured.sendall(b"PUT /b/k HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert secured.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        secured.sendall(b"body")
        assert secured.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_operator_moves_a_result_from_one_end_to_the_other(
    servers: Servers, made: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with child_environment(servers) as environment:
        for name, value in environment.items():
            if name.startswith("AIRFLOW_CONN_") or name.endswith("_CA_BUNDLE"):
                monkeypatch.setenv(name, value)
        source, sink = servers.source.done(), servers.sink.done()
        result = land(at_new_key(job(made, tmp_path)))
    assert (result["rows"], result["yes"], result["size"], result["sha256"]) == (
        made.rows,
        made.yes,
        made.size,
        made.sha256,
    )
    # The request for the end, beside the first range, is ended when that has all.
    assert made.size <= (servers.source.done() - source).moved <= made.size + TAIL
    moved, landed = received(servers, sink)
    assert landed == 1
    assert moved >= made.size


def test_both_end_when_who_started_them_is_killed(small: Archive, tmp_path: Path) -> None:
    code = (
        "import sys, json; from pathlib import Path; from dev.benchmarks.move_data import Archive\n"
        "from dev.benchmarks.move_servers import Servers\n"
        "made = json.loads(sys.argv[1]); paths = {n: Path(made.pop(n)) for n in ('path', 'numbers_path')}\n"
        "servers = Servers([Archive(**made, **paths)]).__enter__()\n"
        "print(servers.source.url, servers.sink.url, flush=True); sys.stdin.read()"
    )
    fields = {name: getattr(small, name) for name in small.__slots__}
    parent = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(fields, default=os.fspath)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # the parent is killed before it can remove the certificate
    )
    assert parent.stdout is not None
    ports = [int(url.rpartition(":")[2]) for url in parent.stdout.readline().split()]
    assert [is_listening(port) for port in ports] == [True, True]
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while any(is_listening(port) for port in ports) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [is_listening(port) for port in ports] == [False, False]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
