"""
Several files: each is submitted, waited for and landed by itself.

``ekyc_mapped`` expands the three tasks one after the other: all files are submitted before the first is waited
for. ``ekyc_mapped_group`` expands a group of the three: a file that fails does not hold up the others.

The remote id is in the key of each object, and not the map index: a file that is added to the list before a clear moves
the indexes of the files after it, while a file that was paid for keeps its remote id.
"""

from __future__ import annotations

from typing import Any

try:
    from airflow.sdk import DAG, Param, task, task_group
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task, task_group
    from airflow.models.param import Param

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

PARAMS = {
    "s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results"),
    "prefix": Param("numbers/", type="string", description="Each object below it is a file of numbers"),
}


@task
def list_files(params: dict[str, Any]) -> list[str]:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    keys = S3Hook().list_keys(params["s3_bucket"], prefix=params["prefix"])
    return [f"s3://{params['s3_bucket']}/{key}" for key in sorted(keys) if not key.endswith("/")]


with DAG("ekyc_mapped", description="Several files, task by task", schedule=None, tags=["ekyc"], params=PARAMS):
    submit = EkycSubmitOperator.partial(task_id="submit").expand(numbers=list_files())
    wait = EkycTaskSensor.partial(task_id="wait").expand(ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator.partial(
        task_id="land",
        s3_bucket="{{ params.s3_bucket }}",
        s3_key="mapped/{{ run_id }}/{{ ti.xcom_pull('submit', map_indexes=ti.map_index) }}.zip",
    ).expand(ekyc_task_id=submit.output)
    wait >> land

with DAG("ekyc_mapped_group", description="Several files, file by file", schedule=None, tags=["ekyc"], params=PARAMS):

    @task_group
    def verify(numbers: str) -> None:
        submit = EkycSubmitOperator(task_id="submit", numbers=numbers)
        wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
        land = EkycResultsToS3Operator(
            task_id="land",
            ekyc_task_id=submit.output,
            s3_bucket="{{ params.s3_bucket }}",
            s3_key="mapped_group/{{ run_id }}/{{ ti.xcom_pull('verify.submit', map_indexes=ti.map_index) }}.zip",
        )
        wait >> land

    verify.expand(numbers=list_files())
