"""
On to Redshift: land as Parquet, then ``COPY`` with the amazon provider's operator.

It needs a Redshift of yours, the table of ``docs/warehouse.md``, and two more connections: ``redshift_default``,
and ``aws_redshift`` with a ``role_arn`` in its extra, so that the statement carries a role and not a key. Whether
``COPY`` reads Zstandard inside Parquet is not said by AWS: try it with a small file, for less than a run may cost;
where it does not, land ``csv.gz`` (``docs/warehouse.md``).
"""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator

try:
    from airflow.sdk import DAG, Param
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.models.param import Param

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

# To its end: COPY takes every object whose key begins so.
KEY = "ekyc/redshift/dt={{ (dag_run.logical_date or dag_run.run_after) | ds }}/part-0.parquet"

with DAG(
    "ekyc_redshift",
    description="Submit, wait, land, copy into Redshift",
    schedule=None,
    tags=["ekyc"],
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={
        "numbers": Param(
            "s3://ekyc-results/numbers/redshift.txt", type="string", description="The list: a path, or an s3:// address"
        ),
        "s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results"),
    },
):
    submit = EkycSubmitOperator(task_id="submit", numbers="{{ params.numbers }}")
    wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=submit.output,
        s3_bucket="{{ params.s3_bucket }}",
        s3_key=KEY,
        output_format="parquet",
        replace=True,
    )
    copy = S3ToRedshiftOperator(
        task_id="copy",
        schema="public",
        table="ekyc_results",
        s3_bucket="{{ params.s3_bucket }}",
        s3_key=KEY,
        copy_options=["FORMAT AS PARQUET"],
        # A second load of the same result replaces its own rows.
        method="UPSERT",
        upsert_keys=["ekyc_task_id", "number"],
        aws_conn_id="aws_redshift",
    )
    wait >> land >> copy
