"""
All CSV files below an S3 prefix, as people have exported them: one list, tidied, without duplicates and invalid rows.

The chain is written out, task by task; ``verify_numbers`` (``ekyc_verify_group``) makes the same in one call.
"""

from __future__ import annotations

from datetime import timedelta

try:
    from airflow.sdk import DAG, Param, task_group
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task_group
    from airflow.models.param import Param

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

with DAG(
    "ekyc_csv_files",
    description="Verify the CSV files below a prefix",
    schedule=None,
    tags=["ekyc"],
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={
        "s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results"),
        "column": Param("phone", type="string", description="The column of numbers, named in the first row"),
    },
):
    prepare = EkycPrepareNumbersOperator(
        task_id="prepare",
        numbers="s3://{{ params.s3_bucket }}/exports/*.csv",
        column="{{ params.column }}",
        normalise=True,
        destination_uri="s3://{{ params.s3_bucket }}/exports-prepared/",
        # What could not be read, with its row and the reason: personal data, as the lists are.
        rejects_uri="s3://{{ params.s3_bucket }}/exports-rejected/{{ run_id }}.csv",
    )

    @task_group
    def each_file(numbers: str) -> None:
        submit = EkycSubmitOperator(task_id="submit", numbers=numbers)
        wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
        land = EkycResultsToS3Operator(
            task_id="land",
            ekyc_task_id=submit.output,
            s3_bucket="{{ params.s3_bucket }}",
            s3_key="exports-results/{{ run_id }}/{{ ti.xcom_pull('each_file.submit', map_indexes=ti.map_index) }}.csv",
            output_format="csv",
        )
        wait >> land

    each_file.expand(numbers=prepare.output)
