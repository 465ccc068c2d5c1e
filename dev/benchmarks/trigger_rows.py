"""
Deferred task instances in the database of an Airflow, for the benchmark of triggers.

    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=... python -m dev.benchmarks.trigger_rows < rows.json

Standard input is a JSON object: ``start_from_trigger``, and ``triggers``, a list of ``[class path, arguments]``. Each
becomes the trigger of one mapped task instance of a sensor, deferred as ``EkycTaskSensor`` defers.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

DAG_ID, TASK_ID, RUN_ID, BUNDLE = "made_up_waits", "wait", "made_up", "made-up"


def main() -> None:
    """Fill the database that Airflow's configuration names."""
    wanted = json.load(sys.stdin)
    fill(wanted["triggers"], start_from_trigger=wanted["start_from_trigger"])


def fill(triggers: Sequence[tuple[str, dict[str, Any]]], *, start_from_trigger: bool) -> None:
    """
    Insert a DAG, a run, and a deferred task instance for each trigger.

    :param triggers: class paths and arguments
    :param start_from_trigger: whether the DAG's sensor starts in the triggerer
    """
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session
    from sqlalchemy import insert

    version = _write_dag(start_from_trigger=start_from_trigger)
    now = datetime.now(UTC)
    with create_session() as session:
        rows = [Trigger(classpath=path, kwargs=arguments) for path, arguments in triggers]
        session.add_all(rows)
        session.flush()
        numbers = [row.id for row in rows]
    with create_session() as session:
        session.execute(insert(DagRun.__table__), [_run(now)])
        session.execute(
            insert(TaskInstance.__table__), [_task(index, number, version, now) for index, number in enumerate(numbers)]
        )


def _write_dag(*, start_from_trigger: bool) -> Any:
    """Return the id of the DAG's version."""
    from airflow.models.dag import DagModel
    from airflow.models.dag_version import DagVersion
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.triggers.base import StartTriggerArgs
    from airflow.utils.session import create_session

    from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor

    with DAG(DAG_ID, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        sensor = EkycTaskSensor(task_id=TASK_ID, ekyc_task_id="made-up")
        if start_from_trigger:
            sensor.start_from_trigger = True
            sensor.start_trigger_args = StartTriggerArgs("made.up", "execute_complete", {})
    with create_session() as session:
        session.add(DagBundleModel(name=BUNDLE))
        session.flush()
        session.add(DagModel(dag_id=DAG_ID, bundle_name=BUNDLE, is_paused=False, is_stale=False))
    SerializedDagModel.write_dag(LazyDeserializedDAG.from_dag(dag), bundle_name=BUNDLE)
    version = DagVersion.get_latest_version(DAG_ID)
    assert version is not None
    return version.id


def _run(now: datetime) -> dict[str, Any]:
    return {
        "id": 1,
        "dag_id": DAG_ID,
        "run_id": RUN_ID,
        "state": "running",
        "run_type": "manual",
        "queued_at": now,
        "start_date": now,
        "run_after": now,
        "logical_date": now,
        "clear_number": 0,
    }


def _task(index: int, trigger: int, version: Any, now: datetime) -> dict[str, Any]:
    return {
        "id": uuid.UUID(int=index + 1),
        "dag_id": DAG_ID,
        "run_id": RUN_ID,
        "task_id": TASK_ID,
        "map_index": index,
        "operator": "EkycTaskSensor",
        "state": "deferred",
        "try_number": 1,
        "max_tries": 0,
        "start_date": now,
        "pool": "default_pool",
        "pool_slots": 1,
        "queue": "default",
        "priority_weight": 1,
        "executor_config": {},
        "span_status": "not_started",
        "trigger_id": trigger,
        "trigger_timeout": now + timedelta(days=1),
        "next_method": "execute_complete",
        "next_kwargs": {},
        "dag_version_id": version,
    }


if __name__ == "__main__":
    main()
