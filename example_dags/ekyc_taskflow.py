"""The same chain among TaskFlow tasks: numbers come from a query, the counts go to a report."""

from __future__ import annotations

from typing import Any

try:
    from airflow.sdk import Param, dag, task
except ModuleNotFoundError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator


@dag(
    schedule=None,
    description=__doc__,
    tags=["ekyc"],
    params={
        "s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results"),
        "rows": Param(1000, type="integer", description="How many numbers to make up"),
    },
)
def ekyc_taskflow() -> None:
    @task
    def collect(params: dict[str, Any], run_id: str) -> str:
        """Stand in for your warehouse's UNLOAD: numbers of no country, one a line, in S3."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        lines = "".join(f"+999{number:010d}\n" for number in range(params["rows"]))
        S3Hook().load_string(lines, f"numbers/{run_id}.txt", params["s3_bucket"], replace=True)
        return f"s3://{params['s3_bucket']}/numbers/{run_id}.txt"

    @task
    def report(result: dict[str, Any]) -> None:
        print(f"{result['yes']} of {result['rows']} numbers have an account: {result['s3_uri']}")

    submit = EkycSubmitOperator(task_id="submit", numbers=collect())
    wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=submit.output,
        s3_bucket="{{ params.s3_bucket }}",
        s3_key="taskflow/{{ run_id }}.zip",
    )
    wait >> land
    report(land.output["result"])


ekyc_taskflow()
