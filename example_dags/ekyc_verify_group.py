"""
The whole chain as one task group, with arguments of its tasks: how much may be sent, how many files go at a time.

A list that is larger than ``max_rows`` becomes several files, which go through the group one by one: where one fails,
the others are landed all the same. ``report`` runs when all have landed.
"""

from __future__ import annotations

from typing import Any

try:
    from airflow.sdk import DAG, Param, task
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models.param import Param

from airflow_provider_ekyc.task_groups.verify import verify_numbers

with DAG(
    "ekyc_verify_group",
    description="Verify a list, file by file",
    schedule=None,
    tags=["ekyc"],
    params={
        "numbers": Param(
            "s3://ekyc-results/numbers/group.txt", type="string", description="The list: a path, or an s3:// address"
        ),
        "s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results"),
        "ekyc_conn_id": Param("ekyc_default", type="string", description="Which account pays"),
        "max_rows": Param(1_000_000, type="integer", description="Most numbers of a file"),
    },
):
    verified = verify_numbers(
        numbers="{{ params.numbers }}",
        destination_uri="s3://{{ params.s3_bucket }}/group/lists/",
        results_uri="s3://{{ params.s3_bucket }}/group/results/",
        ekyc_conn_id="{{ params.ekyc_conn_id }}",
        prepare={"max_rows": "{{ params.max_rows }}", "max_total_rows": 20_000_000},
        submit={"max_active_tis_per_dagrun": 8},
        wait={"max_failure_rate": 0.1},
        land={"on_mismatch": "fail"},
    )

    @task
    def report(uris: list[str], total: dict[str, Any]) -> None:
        print(f"{total['yes']} of {total['rows']} numbers have an account: {', '.join(uris)}")

    report(verified.landed.output, verified.landed.output["total"])
