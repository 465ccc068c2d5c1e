"""What the tests of landing share: an object, its metadata, one put."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycError, EkycLandingError
from airflow_provider_ekyc.s3.file_sums import PART_SIZE, sums_of
from airflow_provider_ekyc.s3.object import Place
from airflow_provider_ekyc.s3.result_object import Landed
from airflow_provider_ekyc.s3.target import S3Target
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Relay
from tests.conftest import BUCKET

CONTENT = b"PK, as it were" * 1000
PLACE = Place(BUCKET, "results/2026-11-23/a b+c.zip")
TASK = "d4g24nep2jvh04o9uoh0"


def landed_as(content: bytes = CONTENT, ekyc_task_id: str = TASK, place: Place = PLACE) -> Landed:
    sha256 = hashlib.sha256(content).hexdigest()
    return Landed(ekyc_task_id, place.uri, "zip", 10, 4, 5, 1, size=len(content), sha256=sha256)


def target(client: Any, place: Place = PLACE, **extra_args: Any) -> S3Target:
    return S3Target(place.bucket, place.key, client, extra_args)


def find(client: Any, place: Place = PLACE, *, replace: bool = False, **extra_args: Any) -> Landed | None:
    return target(client, place, **extra_args).find(TASK, "zip", replace=replace)


def put(
    client: Any,
    content: bytes = CONTENT,
    *,
    ekyc_task_id: str = TASK,
    place: Place = PLACE,
    landed: Landed | None = None,
    replace: bool = False,
    confirm: Callable[[], Landed] | None = None,
    part_size: int = PART_SIZE,
    connections: int = 8,
    **extra_args: Any,
) -> Landed:
    """
    Put an object.

    :param part_size: bytes of the parts of a larger object
    """
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(content)
        return target(client, place, **extra_args).put(
            file,
            sums_of(file, part_size),
            landed or landed_as(content, ekyc_task_id, place),
            content_type="application/zip",
            replace=replace,
            confirm=confirm,
            connections=connections,
        )


def through(relay: S3Relay, server: S3Server, **config: Any) -> Any:
    """Return a client that sends its requests through the relay."""
    client = server.client(**config)
    client.meta.events.register("before-sign.s3", to(relay.endpoint_url))
    return client


def to(endpoint_url: str) -> Callable[..., None]:
    """Return what sends a request of a boto3 client to another address, before it is signed."""

    def lead(request: Any, **_: Any) -> None:
        request.url = endpoint_url + request.url[request.url.index("/", len("https://")) :]

    return lead


def content_of(client: Any) -> bytes:
    return client.get_object(Bucket=PLACE.bucket, Key=PLACE.key)["Body"].read()


def puts(requests: list[tuple[str, str, dict[str, str]]]) -> list[dict[str, str]]:
    """Return the headers of each PUT."""
    return [headers for method, _, headers in requests if method == "PUT"]


def failure(kind: type[EkycError], client: Any, **arguments: Any) -> str:
    with pytest.raises(kind) as caught:
        put(client, **arguments)
    assert caught.value.retryable == (kind is EkycLandingError)
    return caught.value.message
