"""What a task process needs, imported once in the process that all tries are forked from. Opens no socket."""

from __future__ import annotations

import gc
import os
import sys

import boto3
import requests
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.apache.iceberg.hooks import iceberg as iceberg_hooks
from airflow.sdk.execution_time import task_runner
from pyarrow import parquet
from pyiceberg import expressions
from pyiceberg.catalog import sql
from pyiceberg.io import pyarrow as files

from airflow_provider_ekyc.api import client
from airflow_provider_ekyc.iceberg import commit as table
from airflow_provider_ekyc.numbers import prepare, source
from airflow_provider_ekyc.operators import ekyc as operators
from airflow_provider_ekyc.polling import poller as polling
from airflow_provider_ekyc.results import download
from airflow_provider_ekyc.results.archive import check as archive
from airflow_provider_ekyc.results.compare import expected_counts
from airflow_provider_ekyc.s3 import target as landing
from airflow_provider_ekyc.sensors import ekyc as sensors
from airflow_provider_ekyc.submission import journal, s3_store, stores, submitter as submission
from airflow_provider_ekyc.transfers import ekyc_to_s3
from dev.faults import killing, reach, run, sabotage
from dev.testing import supervisor, task_context

__all__ = [
    "S3Hook",
    "archive",
    "boto3",
    "client",
    "download",
    "ekyc_to_s3",
    "expected_counts",
    "expressions",
    "files",
    "iceberg_hooks",
    "journal",
    "killing",
    "landing",
    "operators",
    "parquet",
    "polling",
    "prepare",
    "reach",
    "requests",
    "run",
    "s3_store",
    "sabotage",
    "sensors",
    "source",
    "sql",
    "stores",
    "submission",
    "supervisor",
    "table",
    "task_context",
    "task_runner",
]

_CONN_ID = "warm_up"


def _build_a_client() -> None:
    """Have botocore and Airflow import and read what they leave for the first use; nothing is connected."""
    os.environ[f"AIRFLOW_CONN_{_CONN_ID.upper()}"] = (
        '{"conn_type": "aws", "login": "made-up", "password": "made-up", "extra": {"region_name": "us-east-1"}}'
    )
    output, silence = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # Airflow logs there that it found the connection
    try:
        S3Hook(_CONN_ID).get_conn()
    finally:
        sys.stdout.flush()
        os.dup2(output, 1)
        os.close(output)
        os.close(silence)
    del os.environ[f"AIRFLOW_CONN_{_CONN_ID.upper()}"]


_build_a_client()
# Or the first collection in each child would touch, and so copy, every page that it shares with this process.
gc.freeze()
