"""
EkycPrepareNumbersOperator from a list to files, over a directory and the S3 server.

With ``preparation/destination.py``, ``preparation/destinations.py``, ``preparation/earlier.py``,
``preparation/job.py``, ``preparation/money.py``, ``preparation/reading.py``, ``preparation/report.py``,
``preparation/s3_destination.py``, ``preparation/stored_destination.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from tests.conftest import BUCKET

pytestmark = pytest.mark.usefixtures("connections")


def prepare(numbers: object, destination: object, **arguments: Any) -> EkycPrepareNumbersOperator:
    return EkycPrepareNumbersOperator(
        task_id="prepare", numbers=str(numbers), destination_uri=str(destination), **arguments
    )


def test_it_writes_files_of_even_size_in_the_order_of_the_list(
    tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    messy = tmp_path / "messy.txt"
    messy.write_text("\n".join([*numbers, "", f" {numbers[0]}\t", "garbage"]))
    (tmp_path / "more.txt").write_text("".join(f"+998{number:010d}\n" for number in range(51)))
    uris = prepare(messy, tmp_path / "ready", max_rows=199).execute(context)
    assert [Path(uri).read_text().splitlines() for uri in uris] == [numbers[:100], numbers[100:]]
    preparation = context["ti"].xcoms["preparation"]
    assert [file["uri"] for file in preparation["files"]] == uris
    assert (preparation["rows_read"], preparation["blank"], preparation["duplicates"]) == (203, 1, 1)
    assert preparation["invalid"] == {"other text": 1}
    assert preparation["to_send"] == 200


def test_it_writes_to_s3_and_writes_the_manifest_last(
    s3: Any, numbers_file: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    (uri,) = prepare(numbers_file, f"s3://{BUCKET}/ready").execute(context)
    key = uri.removeprefix(f"s3://{BUCKET}/")
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode().splitlines() == numbers
    manifest = context["ti"].xcoms["preparation"]["manifest_uri"].removeprefix(f"s3://{BUCKET}/")
    found = json.loads(s3.get_object(Bucket=BUCKET, Key=manifest)["Body"].read())
    assert [file["name"] for file in found["files"]] == [uri.rpartition("/")[2]]
