"""A disk that takes no more: in a process of its own, whose files may not grow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from tests.conftest import BUCKET, keys_of

pytestmark = pytest.mark.usefixtures("connections")

PROGRAM = """
import resource, sys
from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.results import transfer as transfer_job
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
landing = EkycResultsToS3Operator(
    task_id="land", ekyc_task_id=sys.argv[1], s3_bucket=sys.argv[2], s3_key="a.zip", spool_dir=sys.argv[3],
    output_format=sys.argv[4],
)
import pyarrow.csv, pyarrow.parquet
limit = int(sys.argv[5])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    landing.execute({"outlet_events": {}})
except EkycRetryException as error:
    print("MESSAGE", error)
"""


# The archive has some 600 bytes, and what is made of it more.
@pytest.mark.parametrize(("output_format", "limit"), [("zip", 500), ("csv", 1000), ("parquet", 1000)])
def test_a_full_disk_is_named_and_nothing_lands(
    sandbox: Sandbox, s3: Any, exported: str, tmp_path: Path, output_format: str, limit: int
) -> None:
    # Without writing bytecode: half of a module's would stay, and nobody could import it any more.
    output = subprocess.run(
        [sys.executable, "-B", "-c", PROGRAM, exported, BUCKET, str(tmp_path), output_format, str(limit)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    message = output.partition("MESSAGE ")[2]
    for words in (str(tmp_path), "can't be written", "spool_dir", "A retry is safe"):
        assert words in message
    assert list(tmp_path.iterdir()) == []
    assert keys_of(s3) == []
    assert sandbox.calls["result"] == 1
