"""
Every day, and a DAG that needs the results starts when they are there.

``ekyc_daily`` lands one partition a day and emits an asset event; ``ekyc_results_report`` is scheduled by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

try:
    from airflow.sdk import DAG, Asset, Param, task
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import task
    from airflow.models.param import Param

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.retry_policy import EKYC_RETRY_POLICY
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

RESULTS = Asset("ekyc_daily_results")
# A run that is started by hand has no logical date.
DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"

with DAG(
    "ekyc_daily",
    description="Verify the day's numbers",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["ekyc"],
    # Only what may get better is retried, no sooner than the server asks; nothing is paid twice by it.
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "retry_policy": EKYC_RETRY_POLICY},
    params={
        "lists": Param("s3://ekyc-results/numbers/", type="string", description="Below it, <date>.txt for each run"),
        "s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results"),
    },
):
    # Each day has a list of its own, which stays as it is: a clear of an earlier day must not find that of today, which
    # is another list, and would be paid for once more.
    submit = EkycSubmitOperator(task_id="submit", numbers="{{ params.lists }}" + DAY + ".txt")
    wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=submit.output,
        s3_bucket="{{ params.s3_bucket }}",
        # An archive for people, not a table for an engine: there each partition has one object (ekyc_warehouse).
        s3_key=f"daily/dt={DAY}/{{{{ run_id }}}}.zip",
        outlets=[RESULTS],
    )
    wait >> land

with DAG(
    "ekyc_results_report",
    description="Runs when results have landed",
    schedule=[RESULTS],
    start_date=datetime(2026, 1, 1),  # Airflow 2.11 does not take a schedule without it
    tags=["ekyc"],
):

    @task
    def report(triggering_asset_events: Any = None, triggering_dataset_events: Any = None) -> None:
        # Assets are named datasets in Airflow 2.11. A run that is started by hand has no events.
        for events in (triggering_asset_events or triggering_dataset_events or {}).values():
            for event in events:
                print(f"{event.extra['yes']} of {event.extra['rows']} numbers have an account: {event.extra['s3_uri']}")

    report()
