"""The sensor's options mean the same while deferred, in poke and in reschedule mode."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferralError,
    TaskDeferred,
)
from airflow_provider_ekyc.notifications.failures import read_failures
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from airflow_provider_ekyc.ways_out import AUTOMATIC_RETRY
from dev.testing.task_context import TaskInstance
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "quick_polls", "short_intervals")

MODES = ("deferred", "poke", "reschedule")
#: Seconds of a fixed interval here.
INTERVAL = 0.25


@pytest.fixture
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed interval may be a quarter of a second, so that the tests wait a quarter of the time."""
    monkeypatch.setattr("airflow_provider_ekyc.polling.interval.FIXED_FLOOR", INTERVAL)


def wait(mode: str, ekyc_task_id: str, ti: TaskInstance | None = None, **arguments: Any) -> Any:
    """Run a sensor to its end in a mode, as Airflow does."""
    ti = ti or TaskInstance()
    context: Any = {"ti": ti}

    def sensor() -> EkycTaskSensor:
        if mode == "deferred":
            return EkycTaskSensor(task_id="wait", ekyc_task_id=ekyc_task_id, **arguments)
        return EkycTaskSensor(task_id="wait", ekyc_task_id=ekyc_task_id, deferrable=False, mode=mode, **arguments)

    while True:
        try:
            return sensor().execute(context)
        except TaskDeferred as deferred:
            event = asyncio.run(only_event(deferred.trigger))
            return sensor().resume_execution(deferred.method_name, {"event": event}, context)
        except AirflowRescheduleException as rescheduled:
            ti.first_reschedule = ti.first_reschedule or datetime.now(UTC)
            time.sleep(max((rescheduled.reschedule_date - datetime.now(UTC)).total_seconds(), 0))


async def only_event(trigger: Any) -> Any:
    """Start the trigger from its serialised arguments, as the triggerer does."""
    assert isinstance(trigger, EkycTaskTrigger)
    (payload,) = [event.payload async for event in EkycTaskTrigger(**trigger.serialize()[1]).run()]
    return payload


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_success_gives_the_same_summary(mode: str, sandbox: Sandbox) -> None:
    shown = wait(mode, submitted(sandbox))
    assert (shown["status"], shown["success"], shown["queries"]) == ("exported", 200, 1)


def test_soft_fail_skips_a_timeout(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(queue_seconds=60)
    with pytest.raises(AirflowSkipException):
        wait(mode, submitted(sandbox), soft_fail=True, timeout=INTERVAL, poll_interval=INTERVAL)


def test_a_timeout_without_it_is_a_sensor_timeout(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(queue_seconds=60)
    with pytest.raises(AirflowSensorTimeout):
        wait(mode, submitted(sandbox), timeout=INTERVAL, poll_interval=INTERVAL)


@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_a_failed_remote_task_is_skipped(mode: str, option: str, sandbox: Sandbox) -> None:
    sandbox.change(ending="failed")
    with pytest.raises(AirflowSkipException):
        wait(mode, submitted(sandbox), **{option: True})


@pytest.mark.usefixtures("known_at_once")
@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_an_unknown_task_is_skipped(mode: str, option: str, sandbox: Sandbox) -> None:
    with pytest.raises(AirflowSkipException):
        wait(mode, "dnobodyknows", poll_interval=INTERVAL, **{option: True})


def test_a_trigger_that_could_not_run_is_retried_with_soft_fail_and_skipped_with_never_fail() -> None:
    failed = ("__fail__", {"error": "Trigger failure", "traceback": []}, {"ti": TaskInstance()})
    with pytest.raises(TaskDeferralError, match="Trigger failure"):
        EkycTaskSensor(task_id="wait", ekyc_task_id="d1", soft_fail=True).resume_execution(*failed)
    with pytest.raises(AirflowSkipException):
        EkycTaskSensor(task_id="wait", ekyc_task_id="d1", never_fail=True).resume_execution(*failed)


@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_a_wrong_argument_is_skipped(mode: str, option: str) -> None:
    with pytest.raises(AirflowSkipException):
        wait(mode, "two words", **{option: True})


def test_a_connection_that_is_not_found_is_retried_with_soft_fail_and_skipped_with_never_fail(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.triggers.ekyc.CONNECTION_TIMEOUT", 0.0)
    with pytest.raises(EkycRetryException):
        wait(mode, "d1", ekyc_conn_id="nobody_knows", soft_fail=True)
    with pytest.raises(AirflowSkipException):
        wait(mode, "d1", ekyc_conn_id="nobody_knows", never_fail=True)


def test_what_never_fail_skips_is_not_announced_as_retried(
    mode: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.triggers.ekyc.CONNECTION_TIMEOUT", 0.0)
    for option, announced in (({"never_fail": True}, False), ({}, True)):
        caplog.clear()
        with pytest.raises((AirflowSkipException, EkycRetryException)):
            wait(mode, "d1", TaskInstance(max_tries=1), ekyc_conn_id="nobody_knows", **option)
        assert (AUTOMATIC_RETRY in caplog.text) is announced


def test_never_fail_skips_on_an_airflow_whose_sensor_does_not_so_on_resuming() -> None:
    sensor = EkycTaskSensor(task_id="wait", ekyc_task_id="d1", never_fail=True)
    with pytest.raises(AirflowSkipException):
        sensor.execute_complete({"ti": TaskInstance()}, {"end": "error", "message": "no connection", "retryable": True})


@pytest.mark.usefixtures("known_at_once")
def test_without_them_all_of_these_fail_for_good(mode: str, sandbox: Sandbox, connect: Callable[..., None]) -> None:
    for ekyc_task_id in ("dnobodyknows", "two words"):
        with pytest.raises(AirflowFailException):
            wait(mode, ekyc_task_id, poll_interval=INTERVAL)
    connect(sandbox, password="a-wrong-made-up-key")
    with pytest.raises(AirflowFailException, match="401") as refused:
        wait(mode, "d1")
    assert "a-wrong-made-up-key" not in str(refused.value)
    connect(sandbox)
    sandbox.change(ending="failed")
    with pytest.raises(AirflowFailException, match="has failed"):
        wait(mode, submitted(sandbox))


def test_both_at_once_are_refused_by_airflow(mode: str) -> None:
    with pytest.raises(ValueError, match="mutually exclusive"):
        wait(mode, "d1", soft_fail=True, never_fail=True)


def test_silent_fail_is_refused_with_a_reason(mode: str) -> None:
    with pytest.raises(ValueError, match="a failed query never ends the wait"):
        wait(mode, "d1", silent_fail=True)


@pytest.mark.usefixtures("clock_of_queries")
def test_exponential_backoff_doubles_a_fixed_interval(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(queue_seconds=3)  # the fourth query finds it exported
    begun = time.monotonic()
    shown = wait(mode, submitted(sandbox), poll_interval=INTERVAL, exponential_backoff=True)
    assert (shown["status"], sandbox.calls["status"]) == ("exported", 4)
    # At least after 0, 1, 3 and 7 intervals; the trigger's first query is made after one.
    assert time.monotonic() - begun >= (15 if mode == "deferred" else 7) * INTERVAL * 0.95


@pytest.mark.usefixtures("clock_of_queries")
def test_max_wait_caps_the_doubling(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(queue_seconds=8)
    begun = time.monotonic()
    cap = timedelta(seconds=INTERVAL)
    shown = wait(mode, submitted(sandbox), poll_interval=INTERVAL, exponential_backoff=True, max_wait=cap)
    assert (shown["status"], sandbox.calls["status"]) == ("exported", 9)
    # 9 intervals and what a busy machine adds; without the cap the last of them alone would be 128.
    assert time.monotonic() - begun < 128 * INTERVAL


@pytest.mark.parametrize(("rate", "fails"), [(0.1, True), ("0.1", True), (0.25, False), (1, False), (None, False)])
def test_too_many_failures_fail_and_just_as_many_do_not(mode: str, rate: Any, fails: bool, sandbox: Sandbox) -> None:
    sandbox.change(failure_rows=50)
    ekyc_task_id = submitted(sandbox)
    if not fails:
        assert wait(mode, ekyc_task_id, max_failure_rate=rate)["failure"] == 50
        return
    with pytest.raises(AirflowFailException, match=r"50 of 200 numbers.*25.0%.*writes its result to S3"):
        wait(mode, ekyc_task_id, max_failure_rate=rate)


@pytest.mark.parametrize("rate", [-1, 1.5, "many"])
def test_a_rate_that_is_none_fails_before_the_wait(mode: str, rate: Any, sandbox: Sandbox) -> None:
    with pytest.raises(AirflowFailException, match="max_failure_rate"):
        wait(mode, "d1", max_failure_rate=rate)
    assert sandbox.calls["status"] == 0


def test_a_storm_of_failures_ends_with_what_a_later_answer_says(mode: str, sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(sandbox)
    sandbox.fault("status", "status", status=503, times=2)
    sandbox.fault("status", "html", times=1)
    shown = wait(mode, ekyc_task_id, poll_interval=INTERVAL, max_wait=INTERVAL)
    assert sandbox.calls["status"] == 4
    assert shown["status"] == "exported"


def test_a_new_id_that_is_not_known_yet_is_waited_for(mode: str, sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(sandbox)
    sandbox.fault("status", "status", status=404)
    assert wait(mode, ekyc_task_id, poll_interval=INTERVAL, max_wait=INTERVAL)["status"] == "exported"
    assert sandbox.calls["status"] == 2


@pytest.mark.parametrize("status", [302, 401, 403, 404, 405])
def test_a_page_of_a_proxy_never_ends_the_wait(mode: str, status: int, sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(sandbox)
    location = f"{sandbox.url}/sign-in" if status < 400 else None
    sandbox.fault("status", "html", status=status, location=location)
    assert wait(mode, ekyc_task_id, poll_interval=INTERVAL, max_wait=INTERVAL)["status"] == "exported"
    assert sandbox.calls["status"] == 2


def test_execution_timeout_holds_while_deferred_and_soft_fail_skips_it_as_on_a_worker(sandbox: Sandbox) -> None:
    sandbox.change(queue_seconds=60)
    ekyc_task_id = submitted(sandbox)
    limit = {"execution_timeout": timedelta(seconds=2 * INTERVAL), "poll_interval": INTERVAL}
    with pytest.raises(AirflowTaskTimeout):
        wait("deferred", ekyc_task_id, **limit)
    with pytest.raises(AirflowSkipException):
        wait("deferred", ekyc_task_id, soft_fail=True, **limit)


def test_an_execution_timeout_is_reported_as_retried_since_airflow_retries_it(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.change(queue_seconds=60)
    ti = TaskInstance(max_tries=1)
    with pytest.raises(AirflowTaskTimeout) as ended:
        wait("deferred", submitted(sandbox), ti, execution_timeout=timedelta(seconds=INTERVAL), poll_interval=INTERVAL)
    assert ti.xcoms["failure"]["retryable"]
    assert AUTOMATIC_RETRY in caplog.text
    (failure,) = read_failures({"ti": ti, "exception": ended.value})
    assert failure.will_retry


def test_an_execution_timeout_that_is_skipped_is_not_reported_as_retried(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.change(queue_seconds=60)
    ti, limit = TaskInstance(max_tries=1), timedelta(seconds=INTERVAL)
    with pytest.raises(AirflowSkipException):
        wait("deferred", submitted(sandbox), ti, execution_timeout=limit, poll_interval=INTERVAL, soft_fail=True)
    assert not ti.xcoms["failure"]["retryable"]
    assert AUTOMATIC_RETRY not in caplog.text


def test_the_deadline_of_reschedule_mode_counts_from_the_first_query(sandbox: Sandbox) -> None:
    sandbox.change(queue_seconds=60)
    begun = time.monotonic()
    with pytest.raises(AirflowSensorTimeout):
        wait("reschedule", submitted(sandbox), timeout=2 * INTERVAL, poll_interval=INTERVAL)
    assert 2 * INTERVAL <= time.monotonic() - begun < 30


#: What version 0.1.0 stored in Airflow's database. A trigger that it deferred must start after an upgrade.
FIRST = {
    "ekyc_task_id": "d4g8o46p2jvh04o9uolg",
    "ekyc_conn_id": "ekyc_default",
    "started": 1795411200.25,
    "timeout_at": 1796016000.25,
    "execution_timeout_at": None,
    "poll_interval": None,
    "floor": 5.0,
    "ceiling": 3600.0,
}
SECOND = {**FIRST, "execution_timeout_at": 1795999999.5, "poll_interval": 60.0, "exponential_backoff": True}
#: What is stored now.
THIRD = {name: value for name, value in SECOND.items() if name != "floor"}


@pytest.mark.parametrize("stored", [FIRST, SECOND, THIRD])
def test_a_trigger_with_the_arguments_of_an_earlier_version_still_starts(
    stored: dict[str, Any], sandbox: Sandbox
) -> None:
    path, arguments = EkycTaskTrigger(**stored).serialize()
    assert path == "airflow_provider_ekyc.triggers.ekyc.EkycTaskTrigger"
    assert {name: stored[name] for name in stored if name != "floor"}.items() <= arguments.items()
    event = asyncio.run(only_event(EkycTaskTrigger(**{**stored, "ekyc_task_id": submitted(sandbox)})))
    assert event["end"] == "exported"
