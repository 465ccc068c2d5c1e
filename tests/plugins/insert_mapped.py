"""
Insert runs of the DAG ``mapped`` into the database of Airflow. Run by the interpreter whose Airflow is meant.

The first run has 130 files, all landed; the last one three, of which the second has an unknown outcome and the third
could not be landed. The vendor's words are those of somebody who attacks the page.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.models.dag import DagModel
from airflow.utils.session import create_session

from dev.benchmarks.page_data import Tables, insert_rows

SCRIPT = "<script>alert(1)</script>"
START = datetime(2026, 11, 1, tzinfo=UTC)


def main() -> None:
    """Insert the runs."""
    tables = Tables()
    _add(tables, 900_001, "many", ["landed"] * 130)
    _add(tables, 900_002, "few", ["landed", "unknown", "not_landed"])
    with create_session() as session:
        session.add(DagModel(dag_id="mapped", bundle_name="made-up", is_paused=False, is_stale=False))
        session.flush()
        insert_rows(session, tables)


def _add(tables: Tables, number: int, run_id: str, fates: list[str]) -> None:
    known: dict[str, Any] = {"dag_id": "mapped", "run_id": run_id}
    started = START + timedelta(days=number - 900_000)
    times = {"queued_at": started, "start_date": started, "run_after": started, "logical_date": started}
    tables.runs.append({**known, **times, "id": number, "state": "success", "run_type": "manual", "clear_number": 0})
    states = {
        "landed": ("success", "success", "success"),
        "unknown": ("failed", "upstream_failed", "upstream_failed"),
        "not_landed": ("success", "failed", "upstream_failed"),
    }
    classes = ("EkycSubmitOperator", "EkycTaskSensor", "EkycResultsToS3Operator")
    for index, fate in enumerate(fates):
        remote = f"{run_id}-{index}-{SCRIPT}"
        for task, operator, state in zip(("submit", "wait", "land"), classes, states[fate], strict=True):
            task_id, instance = f"verify.each_file.{task}", uuid.uuid4()
            place = {**known, "task_id": task_id, "map_index": index}
            row = {**place, "id": instance, "operator": operator, "state": state, "try_number": 1, "max_tries": 1}
            row |= {"start_date": started, "end_date": started, "pool": "default_pool", "pool_slots": 1}
            tables.tasks.append({**row, "executor_config": {}, "span_status": "not_started"})
            for key, value in _pushed(task, fate, remote).items():
                owner = {"task_instance_id": instance, "dag_run_id": number, "timestamp": started}
                tables.xcoms.append({**place, **owner, "key": key, "value": value})


def _pushed(task: str, fate: str, remote: str) -> dict[str, Any]:
    if task == "submit" and fate != "unknown":
        return {"submission": {"ekyc_task_id": remote, "rows": 100, "task_type": SCRIPT, "estimated_cost": "0.10"}}
    if task == "submit":
        failure = {"kind": "unknown_outcome", "charge": "possible", "message": SCRIPT}
        return {"failure": failure, "unsettled": {"state": "unknown", "rows": 100, "name": "0" * 16}}
    if task == "wait" and fate == "landed":
        return {"return_value": {"ekyc_task_id": remote, "total": 100, "failure": 1, "queries": 2}}
    if task == "wait" and fate == "not_landed":
        return {"failure": {"kind": "timeout", "charge": "certain", "message": SCRIPT, "ekyc_task_id": remote}}
    if task == "land" and fate == "landed":
        return {"result": {"ekyc_task_id": remote, "s3_uri": "s3://b/k", "yes": 60, "no": 40, "unknown": 0}}
    return {}
