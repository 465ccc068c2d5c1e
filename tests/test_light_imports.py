"""A DAG file is parsed every few seconds: importing the classes loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("requests", "aiohttp", "boto3", "botocore", "airflow.providers.amazon", "tenacity", "numpy", "pandas")
HEAVY += ("pyarrow", "duckdb", "polars", "cryptography", "openpyxl", "phonenumbers")

BASELINE = """
import airflow.sdk
from airflow.sdk import BaseHook, BaseOperator, BaseSensorOperator
from airflow.sdk.exceptions import (
    AirflowFailException, AirflowNotFoundException, AirflowSensorTimeout
)
from airflow.triggers.base import BaseTrigger
"""

OURS = """
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.task_groups.verify import verify_numbers
"""

OPERATORS = """
EkycPrepareNumbersOperator(task_id="prepare", numbers="list.csv", destination_uri="s3://bucket/prefix")
EkycSubmitOperator(task_id="submit", numbers="numbers.txt")
EkycTaskSensor(task_id="wait", ekyc_task_id="d1")
EkycResultsToS3Operator(task_id="land", ekyc_task_id="d1", s3_key="s3://bucket/key")
with airflow.sdk.DAG("group", schedule=None):
    verify_numbers(numbers="numbers.txt", destination_uri="s3://bucket/lists/", results_uri="s3://bucket/results/")
"""


def loaded(code: str) -> set[str]:
    """Run code in an interpreter of its own and return which heavy modules it has loaded."""
    tell = f"\nimport sys, json\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code + tell], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_classes_load_nothing_heavy_that_airflow_has_not_loaded_itself() -> None:
    assert loaded(BASELINE + OURS + OPERATORS) == loaded(BASELINE)


def test_the_check_would_notice() -> None:
    assert "requests" in loaded("import airflow_provider_ekyc.api.client")


def test_the_ground_floor_does_not_need_airflow() -> None:
    code = """
import sys
import airflow_provider_ekyc.api.client, airflow_provider_ekyc.api.aio, airflow_provider_ekyc.polling.poller
import airflow_provider_ekyc.submission.submitter, airflow_provider_ekyc.numbers.prepare
import airflow_provider_ekyc.s3.target
assert not [name for name in sys.modules if name == "airflow" or name.startswith("airflow.")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
