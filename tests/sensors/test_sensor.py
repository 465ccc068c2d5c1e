"""EkycTaskSensor against the sandbox: what it defers, and what it does on a worker."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_provider_ekyc.airflow_sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    TaskDeferred,
)
from airflow_provider_ekyc.polling.poller import BACKSTOP
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from dev.testing.query_clock import clock_of_queries
from tests.conftest import API_KEY
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections")


def sensor(ekyc_task_id: str, **arguments: Any) -> EkycTaskSensor:
    return EkycTaskSensor(task_id="wait", ekyc_task_id=ekyc_task_id, **arguments)


def deferral(waiting: EkycTaskSensor, context: dict[str, Any]) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        waiting.execute(context)
    return deferred.value


def test_it_defers_at_once_and_asks_nothing_on_the_worker(sandbox: Sandbox, context: dict[str, Any]) -> None:
    deferred = deferral(sensor("d1"), context)
    assert sum(sandbox.calls.values()) == 0
    assert deferred.method_name == "execute_complete"
    assert API_KEY not in str(deferred.trigger.serialize())


def test_deferrable_is_the_default_whatever_airflow_is_configured_to(
    context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", "False")
    deferral(sensor("d1"), context)


def test_the_deadlines_travel_as_epochs_and_airflows_own_is_a_backstop(context: dict[str, Any]) -> None:
    context["ti"].start_date = datetime.now(UTC) - timedelta(seconds=30)
    deferred = deferral(sensor("d1", timeout=600, execution_timeout=timedelta(seconds=100)), context)
    arguments = deferred.trigger.serialize()[1]
    assert arguments["timeout_at"] - arguments["started"] == 600
    assert arguments["execution_timeout_at"] - arguments["started"] == pytest.approx(70, abs=2)
    assert deferred.timeout.total_seconds() == pytest.approx(70 + BACKSTOP, abs=2)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, None),
        ({"poll_interval": 30}, 30.0),
        ({"poll_interval": "30"}, 30.0),
        ({"poll_interval": timedelta(minutes=5)}, 300.0),
        ({"poke_interval": 20}, 20.0),
        ({"poke_interval": timedelta(minutes=2)}, 120.0),
        ({"poke_interval": 20, "poll_interval": 30}, 30.0),
    ],
)
def test_an_interval_is_fixed_only_if_the_user_sets_one(
    arguments: dict[str, Any], expected: float | None, context: dict[str, Any]
) -> None:
    deferred = deferral(sensor("d1", **arguments), context)
    assert deferred.trigger.serialize()[1]["poll_interval"] == expected


def test_a_timeout_past_the_last_year_is_a_deferral_of_ten_years(context: dict[str, Any]) -> None:
    deferred = deferral(sensor("d1", timeout=1e12), context)
    assert deferred.timeout is not None
    assert timedelta(days=3650) <= deferred.timeout < timedelta(days=3651)
    assert datetime.now(UTC) + deferred.timeout < datetime.max.replace(tzinfo=UTC)
    assert deferred.trigger.serialize()[1]["timeout_at"] == pytest.approx(time.time() + 3650 * 86_400, abs=60)


def test_an_execution_timeout_of_nothing_is_none_as_on_a_worker(context: dict[str, Any]) -> None:
    deferred = deferral(sensor("d1", execution_timeout=timedelta(0)), context)
    assert deferred.trigger.serialize()[1]["execution_timeout_at"] is None


def test_max_wait_is_the_ceiling(context: dict[str, Any]) -> None:
    deferred = deferral(sensor("d1", max_wait=timedelta(minutes=5)), context)
    assert deferred.trigger.serialize()[1]["ceiling"] == 300


@pytest.mark.parametrize("max_wait", [0, 0.02, timedelta(milliseconds=20)])
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_max_wait_below_the_least_interval_is_an_error_before_any_query(
    max_wait: Any, deferrable: bool, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    with pytest.raises(AirflowFailException, match="max_wait"):
        sensor("d1", max_wait=max_wait, deferrable=deferrable).execute(context)
    assert sum(sandbox.calls.values()) == 0


@pytest.mark.parametrize("ekyc_task_id", ["", "None", "two words", None])
@pytest.mark.parametrize("deferrable", [True, False])
def test_an_id_that_cannot_be_one_fails_before_any_call(
    ekyc_task_id: Any, deferrable: bool, sandbox: Sandbox, context: dict[str, Any]
) -> None:
    with pytest.raises(AirflowFailException, match="ekyc_task_id"):
        sensor(ekyc_task_id, deferrable=deferrable).execute(context)
    assert sum(sandbox.calls.values()) == 0


@pytest.mark.parametrize("deferrable", ["maybe", "", 1])
def test_a_template_that_gives_no_boolean_is_an_error(deferrable: Any, context: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException, match="deferrable must be true or false"):
        sensor("d1", deferrable=deferrable).execute(context)


def test_a_template_that_says_false_is_false(sandbox: Sandbox, context: dict[str, Any]) -> None:
    shown = sensor(submitted(sandbox), deferrable="False").execute(context)
    assert shown["status"] == "exported"


def test_the_event_gives_the_summary(context: dict[str, Any]) -> None:
    event = {"end": "exported", "summary": {"ekyc_task_id": "d1", "status": "exported"}}
    assert sensor("d1").execute_complete(context, event) == event["summary"]


def test_a_timeout_names_the_paid_task_and_how_to_pick_it_up(context: dict[str, Any]) -> None:
    with pytest.raises(AirflowSensorTimeout, match="d1 is already paid for and continues; clear this task to"):
        sensor("d1").execute_complete(context, {"end": "timeout", "message": "50%."})


def test_poke_mode_waits_on_the_worker_and_returns_the_summary(sandbox: Sandbox, context: dict[str, Any]) -> None:
    sandbox.change(pace=80.0)  # 200 numbers in 2.5 s
    ekyc_task_id = submitted(sandbox)
    with clock_of_queries(sandbox, ekyc_task_id, 1.0):
        shown = sensor(ekyc_task_id, deferrable=False, poll_interval=1).execute(context)
    assert (shown["status"], shown["total"]) == ("exported", 200)
    assert shown["queries"] == sandbox.calls["status"] == 3


def test_reschedule_mode_frees_the_worker_until_the_policys_time(sandbox: Sandbox, context: dict[str, Any]) -> None:
    sandbox.change(queue_seconds=60)
    waiting = sensor(submitted(sandbox), deferrable=False, mode="reschedule", poll_interval=42)
    with pytest.raises(AirflowRescheduleException) as rescheduled:
        waiting.execute(context)
    assert (rescheduled.value.reschedule_date - datetime.now(UTC)).total_seconds() == pytest.approx(42, abs=3)


def test_a_kill_says_that_the_paid_task_goes_on(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    sensor("dpaid1", deferrable=False).on_kill()
    shown = capfd.readouterr().out
    assert "dpaid1" in shown
    assert "already paid for" in shown
    assert sum(sandbox.calls.values()) == 0
