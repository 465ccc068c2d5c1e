"""A list of bytes, prepared; an input, opened and read; and an AWS connection that reads one from S3."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.prepare import PreparedNumbers, prepared_numbers
from airflow_provider_ekyc.numbers.source import open_numbers

FIRST = b"+12025550100"
SECOND = b"+12025550101"
THIRD = b"+12025550102"
DATA = FIRST + b"\n" + SECOND + b"\n"


def prepare(data: bytes, **settings: Any) -> tuple[bytes, PreparedNumbers]:
    """Return what is left, and the counts; an error that shows a number is turned into a failed test."""
    settings = {"min_rows": 1, **settings}
    try:
        with prepared_numbers(io.BytesIO(data), **settings) as prepared:
            return prepared.file.read(), prepared
    except EkycNumbersError as error:
        if re.search(r"\d{5}", str(error)):
            pytest.fail(f"an error shows a number: {error}")
        raise


def read(numbers: str) -> bytes:
    """Return the first mebibyte of an input."""
    with open_numbers(numbers, aws_conn_id=None, numbers_conn_id=None) as file:
        return file.read(1 << 20)


def aws_connection(endpoint_url: str, access_key: str, secret_key: str, *, attempts: int = 2) -> str:
    """Return an AWS connection as Airflow's environment has it."""
    extra = {
        "region_name": "us-east-1",
        "endpoint_url": endpoint_url,
        "config_kwargs": {"retries": {"total_max_attempts": attempts}, "s3": {"addressing_style": "path"}},
    }
    return json.dumps({"conn_type": "aws", "login": access_key, "password": secret_key, "extra": extra})
