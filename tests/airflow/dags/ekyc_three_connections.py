"""Three chains in one run: two authorities of TLS, an HTTP proxy, an Iceberg table. For ``airflow dags test``."""

from __future__ import annotations

import os

from airflow.sdk import DAG

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

with DAG("ekyc_three_connections", schedule=None):
    for name in ("first", "second", "proxied"):
        into_table = {"output_format": "parquet", "iceberg_table": "ekyc.results"} if name == "second" else {}
        submit = EkycSubmitOperator(
            task_id=f"submit_{name}", numbers=os.environ["EKYC_TEST_NUMBERS"], ekyc_conn_id=f"ekyc_{name}"
        )
        wait = EkycTaskSensor(task_id=f"wait_{name}", ekyc_task_id=submit.output, ekyc_conn_id=f"ekyc_{name}")
        land = EkycResultsToS3Operator(
            task_id=f"land_{name}",
            ekyc_task_id=submit.output,
            ekyc_conn_id=f"ekyc_{name}",
            s3_bucket=os.environ["EKYC_TEST_BUCKET"],
            s3_key=f"three/{name}.{into_table.get('output_format', 'zip')}",
            **into_table,
        )
        wait >> land
