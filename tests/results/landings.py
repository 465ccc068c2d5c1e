"""What the tests of landing share: an object, its metadata, one put."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycError, EkycLandingError
from airflow_provider_ekyc.results.archive.check import ArchiveSummary
from airflow_provider_ekyc.results.output.convert import Output
from airflow_provider_ekyc.s3.put import land
from airflow_provider_ekyc.s3.result_object import Landed, Place, describe
from tests.conftest import BUCKET

CONTENT = b"PK, as it were" * 1000
PLACE = Place(BUCKET, "results/2026-11-23/a b+c.zip")
TASK = "d4g24nep2jvh04o9uoh0"


def landed_as(content: bytes = CONTENT, ekyc_task_id: str = TASK, place: Place = PLACE) -> Landed:
    sha256 = hashlib.sha256(content).hexdigest()
    output = Output(io.BytesIO(content), len(content), sha256, "zip", ArchiveSummary(10, 4, 5, 1))
    return describe(place, ekyc_task_id, output)


def put(
    client: Any, content: bytes = CONTENT, *, ekyc_task_id: str = TASK, replace: bool = False, **extra_args: Any
) -> Landed:
    landed = landed_as(content, ekyc_task_id)
    return land(
        client,
        PLACE,
        io.BytesIO(content),
        landed,
        content_type="application/zip",
        replace=replace,
        extra_args=extra_args,
    )


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
