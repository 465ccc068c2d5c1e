"""
Why a wait begins and ends on a worker: what Airflow 3.3 does with a sensor that starts, or ends, in the triggerer.

Each test shows a reason that ``docs/triggerer.md`` names. One that fails with a later Airflow says that its reason is
gone. They use Airflow's own serialisation and trigger runner, and no database.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.executors.workloads.task import TaskInstanceDTO
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.models.trigger import Trigger
from airflow.serialization.decoders import smart_decode_trigger_kwargs
from airflow.serialization.serialized_objects import DagSerialization
from airflow.triggers.base import StartTriggerArgs, TaskFailedEvent, TaskSuccessEvent

from airflow_provider_ekyc.airflow_sdk import XComArg
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger

TRIGGER = "airflow_provider_ekyc.triggers.ekyc.EkycTaskTrigger"


class StartingSensor(EkycTaskSensor):
    """The sensor, as it would have to be in order to start in the triggerer."""

    start_from_trigger = True
    template_fields: Sequence[str] = EkycTaskSensor.template_fields

    def __init__(self, *, ekyc_task_id: Any, **kwargs: Any) -> None:
        super().__init__(ekyc_task_id=ekyc_task_id, **kwargs)
        arguments = {"ekyc_task_id": ekyc_task_id, "ekyc_conn_id": "ekyc_default"}
        self.start_trigger_args = StartTriggerArgs(TRIGGER, "execute_complete", arguments)


def serialised(mapped: bool = False) -> dict[str, Any]:
    """Return a DAG with the sensor, as the database has it."""
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG

    with DAG("waits", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        submit = EmptyOperator(task_id="submit")
        if mapped:
            StartingSensor.partial(task_id="wait").expand(ekyc_task_id=XComArg(submit))
        else:
            StartingSensor(task_id="wait", ekyc_task_id=XComArg(submit))
    return dict(DagSerialization.to_dict(dag))


def test_a_mapped_sensor_has_no_arguments_of_its_own_to_start_with() -> None:
    """apache/airflow#48009, which is open. The task group maps its sensor over the files."""
    task = DagSerialization.from_dict(serialised(mapped=True)).get_task("wait")
    assert task.expand_start_from_trigger(context={}) is False
    with pytest.raises(NotImplementedError):  # raised by Airflow: apache/airflow#48009 is open
        task.expand_start_trigger_args(context={})


def test_the_id_of_the_remote_task_does_not_reach_the_trigger() -> None:
    """The id is the result of the submission: the trigger gets a description of where that is, and no id."""
    task = DagSerialization.from_dict(serialised()).get_task("wait")
    stored = Trigger._decrypt_kwargs(Trigger(TRIGGER, task.start_trigger_args.trigger_kwargs).encrypted_kwargs)
    arguments = {name: smart_decode_trigger_kwargs(value) for name, value in stored.items()}
    assert not isinstance(arguments.get("ekyc_task_id"), str)
    assert "'return_value'" in str(arguments)


def test_each_trigger_gets_a_copy_of_its_whole_dag() -> None:
    """A wait takes tens of KiB; the copy of a DAG takes its size again for each of its waits."""
    encoded = serialised()
    made = [
        TriggerRunner.create_runtime_ti(
            TaskInstanceDTO(
                id=uuid.UUID(int=index),
                dag_version_id=uuid.UUID(int=index),
                task_id="wait",
                dag_id="waits",
                run_id="made_up",
                try_number=1,
                map_index=-1,
                pool_slots=1,
                queue="default",
                priority_weight=1,
            ),
            encoded,
            {
                "dag_id": "waits",
                "run_id": "made_up",
                "logical_date": None,
                "data_interval_start": None,
                "data_interval_end": None,
                "run_after": datetime(2026, 1, 1, tzinfo=UTC),
                "start_date": datetime(2026, 1, 1, tzinfo=UTC),
                "end_date": None,
                "partition_key": None,
                "clear_number": 0,
                "run_type": "manual",
                "state": "running",
                "consumed_asset_events": [],
            },
        )
        for index in range(2)
    ]
    assert made[0].task is not made[1].task
    assert made[0].task.dag is not made[1].task.dag


def test_the_arguments_of_a_start_hold_no_time_so_a_restart_of_the_triggerer_would_begin_the_deadline_anew() -> None:
    required = {
        name
        for name, parameter in inspect.signature(EkycTaskTrigger).parameters.items()
        if parameter.default is inspect.Parameter.empty
    }
    assert {"started", "timeout_at"} <= required
    assert [field for field in inspect.signature(StartTriggerArgs).parameters if "start_date" in field] == []


@pytest.mark.parametrize("event", [TaskSuccessEvent, TaskFailedEvent])
def test_an_end_in_the_triggerer_can_not_say_whether_to_retry_nor_name_what_was_landed(event: type[Any]) -> None:
    """It has XComs alone: no exception with its ``kind``, no "do not retry", no asset events, no extra links."""
    assert set(inspect.signature(event).parameters) == {"xcoms", "payload", "task_instance_state"}
    with pytest.raises(ValueError, match="payload"):
        event(payload={"kind": "failed_task"})
