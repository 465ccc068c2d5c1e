"""
Each time the table of customers is loaded, verify what is new in it; and start what needs the results.

``ekyc_customers_load`` stands for the DAG that loads your table, ``ekyc_customers_report`` for one that reads the
results. The group emits one event per run, however many files there were; a run with nothing to verify emits none.
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

from airflow_provider_ekyc.task_groups.verify import verify_numbers

CUSTOMERS = Asset("ekyc_customers")
VERIFIED = Asset("ekyc_customers_verified")

with DAG("ekyc_customers_load", description="Load the customers", schedule=None, tags=["ekyc"]):

    @task(outlets=[CUSTOMERS])
    def load() -> None:
        print("Your COPY, MERGE or dbt run stands here.")

    load()

with DAG(
    "ekyc_customers_verify",
    description="Verify new customers when the table was loaded",
    schedule=[CUSTOMERS],
    start_date=datetime(2026, 1, 1),  # Airflow 2.11 does not take a schedule without it
    max_active_runs=1,  # and a failed one pauses the DAG: see ekyc_customers_daily
    max_consecutive_failed_dag_runs=1,
    tags=["ekyc"],
    params={"s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results")},
):
    verify_numbers(
        sql="SELECT phone FROM customers ORDER BY id",
        conn_id="postgres_default",
        destination_uri="s3://{{ params.s3_bucket }}/loaded/lists/",
        results_uri="s3://{{ params.s3_bucket }}/loaded/results/",
        skip_verified_within=timedelta(days=30),
        outlets=[VERIFIED],
    )

with DAG(
    "ekyc_customers_report",
    description="Runs when customers were verified",
    schedule=[VERIFIED],
    start_date=datetime(2026, 1, 1),
    tags=["ekyc"],
):

    @task
    def report(triggering_asset_events: Any = None, triggering_dataset_events: Any = None) -> None:
        # Assets are named datasets in Airflow 2.11. A run that is started by hand has no events.
        for events in (triggering_asset_events or triggering_dataset_events or {}).values():
            for event in events:
                print(f"{event.extra['yes']} of {event.extra['rows']} new customers have an account")

    report()
