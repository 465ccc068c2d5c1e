"""
Chains whose submission ends without an answer, one for each place of the records; others fail in landing.

Twice: those that begin with ``page_`` are settled by the page's buttons.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

FOLDER = os.environ.get("EKYC_TEST_FOLDER", "")
BUCKET = os.environ.get("EKYC_TEST_BUCKET", "")

#: DAG: the connection, and where the records are.
CHAINS = {
    "adopt_in_variables": ("ekyc_lost", None),
    "adopt_in_s3": ("ekyc_lost", f"s3://{BUCKET}/journal"),
    "adopt_in_directory": ("ekyc_lost", f"{FOLDER}/journal"),
    "again_in_variables": ("ekyc_refusing", None),
    "again_in_s3": ("ekyc_refusing", f"s3://{BUCKET}/journal"),
    "no_landing": ("ekyc_plain", None),
}

MAPPED_CHAINS = {"mapped_adopt": "ekyc_second_lost", "mapped_no_landing": "ekyc_plain"}

#: A trigger that ends within one turn of a busy scheduler's loop may cost a try (apache/airflow#72716).
TRIED_AGAIN: dict[str, Any] = {"retries": 10, "retry_delay": timedelta(seconds=1)}

for name, (conn_id, journal) in [
    (f"{start}{name}", chain) for start in ("", "page_") for name, chain in CHAINS.items()
]:
    with DAG(name, schedule=None):
        submit = EkycSubmitOperator(
            task_id="submit", numbers=f"{FOLDER}/{name}.txt", ekyc_conn_id=conn_id, journal_uri=journal
        )
        wait = EkycTaskSensor(
            task_id="wait", ekyc_task_id=submit.output, ekyc_conn_id=conn_id, poll_interval=1, **TRIED_AGAIN
        )
        land = EkycResultsToS3Operator(
            task_id="land",
            ekyc_task_id=submit.output,
            ekyc_conn_id=conn_id,
            s3_bucket=BUCKET,
            s3_key=f"{name}/{{{{ run_id }}}}.zip",
        )
        wait >> land

for name, conn_id in {**MAPPED_CHAINS, "page_mapped_no_landing": "ekyc_plain"}.items():
    with DAG(name, schedule=None):
        submit = EkycSubmitOperator.partial(task_id="submit", ekyc_conn_id=conn_id).expand(
            numbers=[f"{FOLDER}/{name}-{index}.txt" for index in range(3)]
        )
        wait = EkycTaskSensor.partial(task_id="wait", ekyc_conn_id=conn_id, poll_interval=1, **TRIED_AGAIN).expand(
            ekyc_task_id=submit.output
        )
        land = EkycResultsToS3Operator.partial(
            task_id="land",
            ekyc_conn_id=conn_id,
            s3_bucket=BUCKET,
            s3_key=f"{name}/{{{{ run_id }}}}-{{{{ ti.map_index }}}}.zip",
        ).expand(ekyc_task_id=submit.output)
        wait >> land
