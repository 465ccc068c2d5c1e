"""A list that becomes two files, and one with nothing to verify: what is mapped over them, and what follows."""

from __future__ import annotations

import os

from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task

FOLDER = os.environ.get("EKYC_TEST_FOLDER", "")

with DAG("ekyc_prepared", schedule=None):
    for name in ("some", "none"):
        prepare = EkycPrepareNumbersOperator(
            task_id=f"prepare_{name}",
            numbers=f"{FOLDER}/{name}-{{{{ dag.dag_id }}}}.txt",
            destination_uri=f"{FOLDER}/ready",
            rejects_uri=f"{FOLDER}/{name}-rejects.csv",
            max_rows="{{ 150 }}",
        )
        submit = EkycSubmitOperator.partial(task_id=f"submit_{name}", journal_uri=f"{FOLDER}/journal").expand(
            numbers=prepare.output
        )

        @task(task_id=f"report_{name}")
        def report(found):
            print("REPORTED", found["to_send"], len(found["files"]))

        @task(task_id=f"after_all_{name}", trigger_rule="all_success")
        def after_all():
            print("AFTER ALL")

        @task(task_id=f"after_any_{name}", trigger_rule="none_failed")
        def after_any():
            print("AFTER ANY")

        report(prepare.output["preparation"])
        submit >> [after_all(), after_any()]
