"""The source and the sink of the benchmark: they answer as the API and S3 do, count right, and end."""

from __future__ import annotations

import io
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_provider_ekyc.api.models import TaskStatus, read_task
from dev.benchmarks.move_data import Archive
from dev.benchmarks.move_methods import land
from dev.benchmarks.move_rounds import job, surroundings
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


def taken(servers: Servers, before: Done) -> tuple[int, int]:
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


def test_an_object_is_taken_and_is_seen_once(servers: Servers, client: Any) -> None:
    before = servers.sink.done()
    client.put_object(Bucket="b", Key="folder/k", Body=b"x" * 3_000_000, IfNoneMatch="*")
    moved, landed = taken(servers, before)
    assert landed == 1
    assert 3_000_000 <= moved < 3_001_000  # boto3 puts its checksum behind the body
    client.head_object(Bucket="b", Key="folder/k")
    with pytest.raises(ClientError) as missing:
        client.head_object(Bucket="b", Key="folder/k")
    assert missing.value.response["Error"]["Code"] == "404"
    with pytest.raises(ClientError, match="NoSuchKey"):
        client.get_object(Bucket="b", Key="folder/k")
    assert client.list_objects_v2(Bucket="b")["KeyCount"] == 0
    assert client.list_multipart_uploads(Bucket="b").get("Uploads", []) == []
    client.head_bucket(Bucket="b")


def test_an_upload_in_parts_lands_once(servers: Servers, client: Any) -> None:
    before = servers.sink.done()
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
    client.upload_fileobj(io.BytesIO(b"x" * (3 * PART + 1)), "b", "k", Config=config)
    moved, landed = taken(servers, before)
    assert landed == 1
    assert 3 * PART + 1 <= moved < 3 * PART + 1_000


def test_an_upload_that_is_given_up_does_not_land(servers: Servers, client: Any) -> None:
    before = servers.sink.done()
    upload = client.create_multipart_upload(Bucket="b", Key="k")["UploadId"]
    client.upload_part(Bucket="b", Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    client.abort_multipart_upload(Bucket="b", Key="k", UploadId=upload)
    assert taken(servers, before)[1] == 0


def test_a_body_of_unknown_length_is_counted_without_its_frames(servers: Servers, ca_file: Path) -> None:
    def blocks() -> Iterator[bytes]:
        for _ in range(5):
            yield b"x" * 70_001

    before = servers.sink.done()
    session = requests.Session()
    for _ in range(2):  # the second finds the connection where the first left it
        answer = session.put(f"{servers.sink.url}/b/k", data=blocks(), verify=str(ca_file), timeout=10)
        assert answer.status_code == 200
    assert taken(servers, before) == (2 * 5 * 70_001, 2)


def test_a_body_that_ends_too_soon_does_not_land(servers: Servers, ca_file: Path) -> None:
    before = servers.sink.done()
    port = int(servers.sink.url.rpartition(":")[2])
    context = ssl.create_default_context(cafile=ca_file)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        secured.sendall(b"PUT /b/k HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + b"x" * 999)
    time.sleep(0.2)
    assert taken(servers, before) == (0, 0)


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
    with surroundings(servers) as environment:
        for name, value in environment.items():
            if name.startswith("AIRFLOW_CONN_") or name.endswith("_CA_BUNDLE"):
                monkeypatch.setenv(name, value)
        source, sink = servers.source.done(), servers.sink.done()
        result = land(job(made, tmp_path))
    assert (result["rows"], result["yes"], result["size"], result["sha256"]) == (
        made.rows,
        made.yes,
        made.size,
        made.sha256,
    )
    assert (servers.source.done() - source).moved == made.size
    moved, landed = taken(servers, sink)
    assert landed == 1
    assert moved >= made.size


def test_both_end_when_who_started_them_is_killed(small: Archive, tmp_path: Path) -> None:
    code = (
        "import sys, json; from pathlib import Path; from dev.benchmarks.move_data import Archive\n"
        "from dev.benchmarks.move_servers import Servers\n"
        "told = json.loads(sys.argv[1]); paths = {n: Path(told.pop(n)) for n in ('path', 'numbers_path')}\n"
        "servers = Servers([Archive(**told, **paths)]).__enter__()\n"
        "print(servers.source.url, servers.sink.url, flush=True); sys.stdin.read()"
    )
    told = {name: getattr(small, name) for name in small.__slots__}
    parent = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(told, default=os.fspath)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # nobody is left to remove the certificate
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
