"""One DAG for each operator, and one for all three in a row; ``conf`` says what the run is about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from dev.faults.case import TRIES
from dev.faults.scheduled_operators import FaultyLand, FaultySubmit, FaultyWait

RETRYING: dict[str, Any] = {"retries": TRIES - 1, "retry_delay": timedelta(seconds=1)}
CONNECTION: dict[str, Any] = {"ekyc_conn_id": "{{ dag_run.conf['ekyc_conn_id'] }}"}
GIVEN = "{{ dag_run.conf['ekyc_task_id'] }}"
NUMBERS = "{{ dag_run.conf['numbers'] }}"
PLACE: dict[str, Any] = {"s3_bucket": "{{ dag_run.conf['bucket'] }}", "s3_key": "{{ dag_run.conf['key'] }}"}


def fault_dag(operator: str) -> DAG:
    """Return the DAG of one operator, without its tasks."""
    return DAG(f"faults_{operator}", schedule=None, default_args=RETRYING, max_active_runs=16)


with fault_dag("submit"):
    FaultySubmit(task_id="submit", numbers=NUMBERS, **CONNECTION)

with fault_dag("wait"):
    FaultyWait(task_id="wait", ekyc_task_id=GIVEN, poll_interval=1, **CONNECTION)

with fault_dag("land"):
    FaultyLand(task_id="land", ekyc_task_id=GIVEN, **PLACE, **CONNECTION)

with fault_dag("chain"):
    submit = FaultySubmit(task_id="submit", numbers=NUMBERS, **CONNECTION)
    wait = FaultyWait(task_id="wait", ekyc_task_id=submit.output, poll_interval=1, **CONNECTION)
    land = FaultyLand(task_id="land", ekyc_task_id=submit.output, **PLACE, **CONNECTION)
    wait >> land
