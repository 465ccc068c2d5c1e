"""The task group over as many files as are wanted: each has the fewest numbers that the API accepts."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_ekyc.task_groups.verify import verify_numbers

with DAG("ekyc_scale", schedule=None):
    verify_numbers(
        numbers="s3://ekyc-scale/list.txt",
        destination_uri="s3://ekyc-scale/lists/",
        results_uri="s3://ekyc-scale/results/",
        prepare={"max_rows": 100},
        # While the remote tasks are held, the projected wait would become as long as the hold.
        wait={"max_wait": 60},
        # A task may be hit by each of the kills, and each costs it a try at the most.
        default_args={"retries": 6, "retry_delay": timedelta(seconds=15)},
    )
