"""What is read from a callback's context: ``notifications/failures.py``, ``notifications/addresses.py``."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.notifications.failures import read_failures
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor

UNKNOWN = {"kind": "unknown_outcome", "status": 502, "retryable": False, "charge": "possible", "message": "made up"}


@pytest.fixture(autouse=True)
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.test/base/")
    monkeypatch.setenv("AIRFLOW__EKYC__RUNBOOK_URL", "https://runbook.test/page")


class FailedTask:
    """A task instance with XComs of its run: (task id, key) -> value; ``lists`` are those of mapped tasks."""

    dag_id, run_id, task_id, map_index, try_number, max_tries = "daily", "manual__1+a", "submit", -1, 1, 2

    def __init__(self, xcoms: dict[tuple[str, str], Any]) -> None:
        self._xcoms = xcoms

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int | None = None) -> Any:
        value = self._xcoms.get((task_ids, key))
        if isinstance(value, Exception):
            raise value
        return value


def test_a_failed_task_is_described_by_its_exception_and_its_submission() -> None:
    submission = {
        "rows": 3000,
        "estimated_cost": "3.00",
        "balance_before": "100.00",
        "balance_after": None,
        "ekyc_task_id": "d1",
    }
    ti = FailedTask({("submit", "unsettled"): submission})
    error = EkycFailException.of("It may have been accepted.", UNKNOWN)
    (failure,) = read_failures({"ti": ti, "exception": error})
    assert (failure.kind, failure.status, failure.charge) == ("unknown_outcome", 502, "possible")
    assert (failure.rows, failure.estimated_cost, failure.balance_before) == (3000, "3.00", "100.00")
    assert (failure.text, failure.ekyc_task_id) == ("It may have been accepted.", "d1")
    assert failure.log_url == ("https://airflow.test/base/dags/daily/runs/manual__1%2Ba/tasks/submit?try_number=1")
    assert failure.page_url == (
        "https://airflow.test/base/plugin/ekyc?dag_id=daily&run_id=manual__1%2Ba&task_id=submit&map_index=-1"
    )
    assert failure.runbook == "https://runbook.test/page#unknown_outcome"


@pytest.mark.parametrize(("try_number", "again"), [(1, True), (2, True), (3, False)])
def test_a_retry_is_announced_while_there_are_tries_left(try_number: int, again: bool) -> None:
    ti = FailedTask({})
    ti.try_number = try_number
    error = EkycRetryException.of("made up", {**UNKNOWN, "kind": "unavailable", "retryable": True})
    (failure,) = read_failures({"ti": ti, "exception": error})
    assert failure.will_retry is again


def test_of_another_exception_the_class_alone_is_shown() -> None:
    (failure,) = read_failures({"ti": FailedTask({}), "exception": ValueError("+1 201 555 0100")})
    assert (failure.kind, failure.charge, failure.text) == (None, "possible", "The task ended with ValueError.")


def test_without_an_exception_the_xcom_is_read() -> None:
    (failure,) = read_failures({"ti": FailedTask({("submit", "failure"): UNKNOWN})})
    assert (failure.kind, failure.text) == ("unknown_outcome", "made up")


@pytest.mark.parametrize(
    "wrong", [RuntimeError("made up"), "text", 7, {"kind": "<b>", "charge": "free", "status": "x"}]
)
def test_xcoms_that_cannot_be_read_are_not_free(wrong: Any) -> None:
    ti = FailedTask({("submit", key): wrong for key in ("failure", "submission", "unsettled")})
    (failure,) = read_failures({"ti": ti})
    assert (failure.kind, failure.charge, failure.status, failure.rows) == (None, "possible", None, None)


def test_a_dag_is_described_by_the_failed_tasks_of_this_package() -> None:
    with DAG("daily", schedule=None) as dag:
        EkycSubmitOperator(task_id="submit", numbers="unused")
        EkycTaskSensor.partial(task_id="wait").expand(ekyc_task_id=["d1", "d2", "d3"])
        BaseOperator(task_id="other")
    late = {**UNKNOWN, "kind": "timeout", "ekyc_task_id": "d2"}
    xcoms = {("submit", "failure"): UNKNOWN, ("wait", "failure"): [late, late], ("other", "failure"): UNKNOWN}
    failures = read_failures({"ti": FailedTask(xcoms), "dag": dag, "reason": "task_failure"})
    assert [(failure.task_id, failure.kind) for failure in failures] == [
        ("submit", "unknown_outcome"),
        ("wait", "timeout"),
        ("wait", "timeout"),
    ]
    assert failures[1].ekyc_task_id == "d2"


def test_a_task_of_which_the_page_has_no_row_has_no_link_to_it() -> None:
    class OwnSubmit(EkycSubmitOperator):
        pass

    with DAG("daily", schedule=None) as dag:
        OwnSubmit(task_id="submit", numbers="unused")
    (failure,) = read_failures({"ti": FailedTask({}), "dag": dag, "exception": EkycFailException.of("m", UNKNOWN)})
    assert failure.log_url
    assert failure.page_url is None


@pytest.mark.parametrize(
    ("option", "retryable", "described"),
    [
        ({"soft_fail": True}, False, False),
        ({"soft_fail": True}, True, True),
        ({"never_fail": True}, True, False),
        ({}, False, True),
    ],
)
def test_a_wait_that_was_skipped_is_none_of_the_failures(
    option: dict[str, Any], retryable: bool, described: bool
) -> None:
    with DAG("daily", schedule=None) as dag:
        EkycSubmitOperator(task_id="submit", numbers="unused")
        EkycTaskSensor(task_id="wait", ekyc_task_id="d1", **option)
        EkycTaskSensor.partial(task_id="waits", **option).expand(ekyc_task_id=["d1", "d2"])
    late = {**UNKNOWN, "kind": "timeout", "retryable": retryable}
    xcoms = {("submit", "failure"): UNKNOWN, ("wait", "failure"): late, ("waits", "failure"): [late]}
    failures = read_failures({"ti": FailedTask(xcoms), "dag": dag, "reason": "task_failure"})
    assert [failure.task_id for failure in failures] == ["submit", *(["wait", "waits"] if described else [])]


@pytest.mark.parametrize("with_ti", [True, False])
def test_a_dag_of_which_nothing_is_known_is_described_as_a_run(with_ti: bool) -> None:
    with DAG("daily", schedule=None) as dag:
        EkycSubmitOperator(task_id="submit", numbers="unused")
    ti = {"ti": FailedTask({})} if with_ti else {}
    (failure,) = read_failures({"dag": dag, "run_id": "manual__1+a", "reason": "timed_out", **ti})
    assert (failure.dag_id, failure.run_id, failure.task_id) == ("daily", "manual__1+a", "")
    assert failure.text == "The run failed (timed_out). Open it to see which tasks failed."
    assert failure.log_url == "https://airflow.test/base/dags/daily/runs/manual__1%2Ba"


def test_without_an_address_of_the_ui_there_is_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "")
    (failure,) = read_failures({"ti": FailedTask({})})
    assert failure.log_url is None
    assert failure.page_url is None


def test_where_the_page_is_off_there_is_no_link_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__PAGE", "False")
    (failure,) = read_failures({"ti": FailedTask({})})
    assert failure.log_url
    assert failure.page_url is None


@pytest.mark.parametrize("of_dag", [True, False])
def test_on_airflow_3_0_the_dag_processor_reads_no_xcom(of_dag: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(FailedTask):
        def xcom_pull(self, **_: Any) -> Any:
            pytest.fail("this call would never return")

    monkeypatch.setattr("airflow.__version__", "3.0.6")
    with DAG("daily", schedule=None) as dag:
        EkycSubmitOperator(task_id="submit", numbers="unused")
    more = {"reason": "task_failure"} if of_dag else {}
    (failure,) = read_failures({"ti": Endless({}), "dag": dag, **more})
    assert (failure.task_id, failure.kind) == ("" if of_dag else "submit", None)
