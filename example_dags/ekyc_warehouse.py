"""
Each month, as Parquet under one partition a month, compared with what was sent.

Running a month again replaces its own partition alone. Each month has a list of its own, which stays as it is:
then a retry or a clear finds what was paid for and landed, while a changed list is a new submission, and charged.
``docs/warehouse.md`` has the tables to put over it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

try:
    from airflow.sdk import DAG, AssetAlias, Param
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.datasets import DatasetAlias as AssetAlias
    from airflow.models.param import Param

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.retry_policy import EKYC_RETRY_POLICY
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

# A run that is started by hand has no logical date.
DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"
NUMBERS = "{{ params.lists }}" + DAY + ".txt"

with DAG(
    "ekyc_warehouse",
    description="Verify a list each month, for a warehouse",
    schedule="@monthly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["ekyc"],
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "retry_policy": EKYC_RETRY_POLICY},
    params={
        "lists": Param("s3://ekyc-results/lists/", type="string", description="Below it, <date>.txt for each run"),
        "s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results"),
    },
):
    submit = EkycSubmitOperator(task_id="submit", numbers=NUMBERS)
    wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=submit.output,
        s3_bucket="{{ params.s3_bucket }}",
        # No run_id in it: the month's second run replaces the first, and no row is there twice.
        s3_key=f"ekyc/results/dt={DAY}/part-0.parquet",
        output_format="parquet",
        replace=True,
        numbers=NUMBERS,
        submission=submit.output["submission"],
        # Next to the table, not in it: an engine reads all that is under the table's prefix.
        unmatched_key=f"ekyc/unmatched/dt={DAY}/part-0.txt",
        # The key is a template, so the asset is known at run time.
        outlets=[AssetAlias("ekyc_partitions")],
    )
    wait >> land
