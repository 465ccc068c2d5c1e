"""
Every day, the customers of a PostgreSQL table; only what is not known well enough is verified and paid for.

The query is read as it is; whoever has a landed result younger than its window is left out. A day with nothing to
verify succeeds, and costs nothing. ``postgres_default`` is the connection to the database.
"""

from __future__ import annotations

from datetime import datetime, timedelta

try:
    from airflow.sdk import DAG, Param
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG
    from airflow.models.param import Param

from airflow_provider_ekyc.task_groups.verify import verify_numbers

with DAG(
    "ekyc_customers_daily",
    description="Verify a table's customers when their result is old",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    # What is submitted and has not landed would be paid for again by the next run: so one run lands before the next
    # begins, and after a run that failed Airflow pauses the DAG. Settle and clear all that has failed, then unpause it:
    # only then does what was cleared run.
    max_active_runs=1,
    max_consecutive_failed_dag_runs=1,
    tags=["ekyc"],
    params={"s3_bucket": Param("ekyc-results", type="string", description="Bucket of the results")},
):
    verify_numbers(
        sql="SELECT phone FROM customers ORDER BY id",
        conn_id="postgres_default",
        destination_uri="s3://{{ params.s3_bucket }}/customers/lists/",
        results_uri="s3://{{ params.s3_bucket }}/customers/results/",
        # A yes holds longer than a no; an unknown is asked again the next day.
        skip_verified_within={"yes": timedelta(days=90), "no": timedelta(days=30), "unknown": timedelta(hours=20)},
    )
