"""What Airflow's UI shows of a wait, in every mode: how far it is, how it ended, and where to look."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.airflow_sdk import AirflowSkipException, TaskDeferred
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.xcom_keys import CONSOLE_LINK, FAILURE, PAGE_LINK, PROGRESS, SUMMARY
from dev.testing.task_context import TaskInstance, context_of
from tests.conftest import API_KEY
from tests.sensors.test_sensor_modes import MODES, wait
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "quick_polls")


class Pushes(TaskInstance):
    """Keeps each progress that was pushed, in its order."""

    def __init__(self) -> None:
        super().__init__(task_id="wait")
        self.progress: list[dict[str, Any]] = []

    def xcom_push(self, key: str, value: Any) -> None:
        super().xcom_push(key, value)
        if key == PROGRESS:
            self.progress.append(value)


@pytest.mark.parametrize("mode", MODES)
def test_a_wait_ends_with_a_line_of_text(mode: str, sandbox: Sandbox) -> None:
    ti = Pushes()
    ekyc_task_id = submitted(sandbox)
    wait(mode, ekyc_task_id, ti)
    assert ti.xcoms[SUMMARY].startswith("Exported: 200 of 200 processed; 1 query in ")
    assert FAILURE not in ti.xcoms
    assert ti.xcoms[PAGE_LINK].startswith("/plugin/ekyc?dag_id=a_dag&run_id=a_run&task_id=wait")
    assert {progress["ekyc_task_id"] for progress in ti.progress} == {ekyc_task_id}
    assert API_KEY not in json.dumps(ti.xcoms)


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_each_poke_overwrites_the_progress(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(pace=100.0)
    ti = Pushes()
    wait(mode, submitted(sandbox), ti)
    assert len(ti.progress) == sandbox.calls["status"] >= 2
    assert [progress["status"] for progress in ti.progress][-1] == "exported"
    done = [progress["done"] for progress in ti.progress if progress["done"] is not None]
    assert done == sorted(done)
    assert done[-1] == 200
    # In reschedule mode each query is made by another process, which knows of no other.
    expected = list(range(1, len(ti.progress) + 1)) if mode == "poke" else [1] * len(ti.progress)
    assert [progress["queries"] for progress in ti.progress] == expected


def test_a_wait_that_defers_has_a_start_before_the_trigger_has_asked(sandbox: Sandbox) -> None:
    ti = Pushes()
    with pytest.raises(TaskDeferred):
        EkycTaskSensor(task_id="wait", ekyc_task_id="d1").execute(context_of(ti))
    (progress,) = ti.progress
    assert (progress["status"], progress["queries"]) == (None, 0)
    assert progress["started_at"] is not None
    assert sum(sandbox.calls.values()) == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_remote_task_that_failed_is_reported_with_what_it_cost(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(ending="failed")
    ti, ekyc_task_id = Pushes(), submitted(sandbox)
    with pytest.raises(EkycFailException) as failed:
        wait(mode, ekyc_task_id, ti)
    assert ti.xcoms[FAILURE] == {
        "kind": "remote_task_failed",
        "status": None,
        "retryable": False,
        "charge": "possible",
        "message": str(failed.value),
        "ekyc_task_id": ekyc_task_id,
        "runbook": "docs/runbook.md#remote_task_failed",
    }
    assert SUMMARY not in ti.xcoms


@pytest.mark.parametrize("mode", MODES)
def test_a_wait_that_is_skipped_says_why(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(ending="failed")
    ti = Pushes()
    with pytest.raises(AirflowSkipException):
        wait(mode, submitted(sandbox), ti, soft_fail=True)
    assert ti.xcoms[FAILURE]["kind"] == "remote_task_failed"


@pytest.mark.parametrize("mode", MODES)
def test_too_many_failures_are_reported(mode: str, sandbox: Sandbox) -> None:
    sandbox.change(failure_rows=50)
    ti = Pushes()
    with pytest.raises(EkycFailException):
        wait(mode, submitted(sandbox), ti, max_failure_rate=0.1)
    assert (ti.xcoms[FAILURE]["kind"], ti.xcoms[FAILURE]["charge"]) == ("too_many_failures", "certain")


@pytest.mark.parametrize("mode", MODES)
def test_the_console_of_the_vendor_is_linked_if_the_connection_names_it(
    mode: str, sandbox: Sandbox, connect: Callable[..., None]
) -> None:
    connect(sandbox, console_url="https://console.example/tasks/{ekyc_task_id}")
    ti, ekyc_task_id = Pushes(), submitted(sandbox)
    wait(mode, ekyc_task_id, ti)
    assert ti.xcoms[CONSOLE_LINK] == f"https://console.example/tasks/{ekyc_task_id}"


def test_a_connection_that_can_not_be_read_for_a_link_does_not_keep_a_wait_from_beginning() -> None:
    ti = Pushes()
    with pytest.raises(TaskDeferred):
        EkycTaskSensor(task_id="wait", ekyc_task_id="d1", ekyc_conn_id="nobody_knows").execute(context_of(ti))
    assert CONSOLE_LINK not in ti.xcoms


@pytest.mark.parametrize("mode", MODES)
def test_a_report_that_fails_ends_no_wait_and_asks_no_more(mode: str, sandbox: Sandbox) -> None:
    class NoXComs(Pushes):
        """An Airflow whose XComs can't be written."""

        def xcom_push(self, key: str, value: Any) -> None:
            raise RuntimeError("made up")

    assert wait(mode, submitted(sandbox), NoXComs())["status"] == "exported"
    assert sandbox.calls["status"] == 1
