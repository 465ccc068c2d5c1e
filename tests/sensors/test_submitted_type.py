"""Which task type a sensor gives to its trigger: ``sensors/submitted_type.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ekyc import metrics
from airflow_provider_ekyc.airflow_sdk import TaskDeferred
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from dev.testing.task_context import TaskInstance, context_of

pytestmark = pytest.mark.usefixtures("connections")


@pytest.fixture
def metrics_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Airflow's configuration has metrics on."""
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    metrics.metrics_are_on.cache_clear()
    yield
    monkeypatch.undo()
    metrics.metrics_are_on.cache_clear()


def deferred_type(numbers_file: Path, ti: TaskInstance, ekyc_task_id: str, *, upstream: str | None = None) -> Any:
    """
    Defer a sensor below a submission; return the task type among the trigger's stored arguments.

    :param upstream: id of one more task upstream, which the DAG does not have
    """
    with DAG("a_dag", schedule=None):
        sent = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file), task_type="ws")
        wait = EkycTaskSensor(task_id="wait", ekyc_task_id=ekyc_task_id)
        sent >> wait
    if upstream is not None:
        wait.upstream_task_ids.add(upstream)
    with pytest.raises(TaskDeferred) as deferred:
        wait.execute(context_of(ti))
    return deferred.value.trigger.serialize()[1].get("task_type")


def submit(numbers_file: Path, context: Any) -> str:
    return EkycSubmitOperator(task_id="submit", numbers=str(numbers_file), task_type="ws").execute(context)


@pytest.mark.usefixtures("metrics_on")
def test_it_is_that_of_the_submission_upstream(numbers_file: Path, context: dict[str, Any]) -> None:
    ekyc_task_id = submit(numbers_file, context)
    upstream = TaskInstance(upstream={("submit", -1): context["ti"].xcoms})
    assert deferred_type(numbers_file, upstream, ekyc_task_id) == "ws"
    assert deferred_type(numbers_file, upstream, "another") is None


def test_without_metrics_no_xcom_is_read(numbers_file: Path, context: dict[str, Any]) -> None:
    ekyc_task_id = submit(numbers_file, context)
    upstream = TaskInstance(upstream={("submit", -1): context["ti"].xcoms})
    assert deferred_type(numbers_file, upstream, ekyc_task_id) is None
    assert not upstream.pulled


@pytest.mark.usefixtures("metrics_on")
def test_a_task_type_that_cannot_be_found_does_not_fail_the_wait(numbers_file: Path) -> None:
    class Broken(TaskInstance):
        def xcom_pull(self, **_: Any) -> Any:
            raise RuntimeError("made up")

    assert deferred_type(numbers_file, Broken(), "another") is None


@pytest.mark.usefixtures("metrics_on")
def test_a_dag_that_cannot_be_walked_does_not_fail_the_wait(
    numbers_file: Path, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    ekyc_task_id = submit(numbers_file, context)
    upstream = TaskInstance(upstream={("submit", -1): context["ti"].xcoms})
    assert deferred_type(numbers_file, upstream, ekyc_task_id, upstream="made_up") is None
    assert "No submission was looked for among the tasks upstream: they can't be listed (KeyError)." in caplog.messages
    assert not upstream.pulled
