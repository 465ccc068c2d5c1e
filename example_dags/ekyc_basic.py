"""Submit a file, wait without a worker, land the checked result in S3."""

from __future__ import annotations

try:
    from airflow.sdk import DAG, Asset, Param
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.models.param import Param

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

with DAG(
    "ekyc_basic",
    description=__doc__,
    schedule=None,
    tags=["ekyc"],
    params={
        "numbers": Param(
            "/data/numbers.txt",
            type="string",
            title="List of numbers",
            description="A path on the worker, or an s3:// address; one number a line, such as +12025550100. "
            "Each accepted submission is charged.",
        ),
        "s3_bucket": Param(
            "ekyc-results",
            type="string",
            title="Bucket",
            description="Bucket of the result, reached with the connection aws_default.",
        ),
        "prefix": Param(
            "amazon/",
            type="string",
            title="Prefix",
            description="Where in the bucket the result is landed: <prefix><run id>.zip.",
        ),
    },
) as dag:
    submit = EkycSubmitOperator(task_id="submit", numbers="{{ params.numbers }}")
    wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=submit.output,
        s3_bucket="{{ params.s3_bucket }}",
        # Params are not templates: what is to be rendered stands here.
        s3_key="{{ params.prefix }}{{ run_id }}.zip",
        outlets=[Asset("ekyc_results")],
    )
    wait >> land
