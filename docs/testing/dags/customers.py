"""Once a day, verify the customers whose export the shop has written into the bucket."""

from __future__ import annotations

from datetime import datetime

try:
    from airflow.sdk import DAG
except ModuleNotFoundError:  # Airflow 2.11
    from airflow import DAG

from airflow_provider_ekyc.task_groups.verify import verify_numbers

with DAG("customers", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1) as dag:
    verify_numbers(
        numbers="s3://my-bucket/customers.csv",
        column="phone",
        destination_uri="s3://my-bucket/lists/",
        results_uri="s3://my-bucket/results/",
        output_format="csv",
    )
