"""The buttons of a task, as Airflow's own code asks for them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_ekyc.airflow_errors import EkycFailException, airflow_errors
from airflow_provider_ekyc.exceptions import EkycUnknownOutcomeError
from airflow_provider_ekyc.links.addresses import OPERATORS_WITH_ROW
from airflow_provider_ekyc.links.ekyc import (
    EkycConsoleLink,
    EkycObjectLink,
    EkycPageLink,
    address_of_row,
    show,
    show_row,
)
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.plugins.task_records import CHAIN
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.ways_out import PAGE_WAY_OUT
from airflow_provider_ekyc.xcom_keys import CONSOLE_LINK, OBJECT_LINK, PAGE_LINK
from dev.testing.task_context import TaskInstance, context_of

URL = "https://console.example/tasks/d1"


def ran() -> EkycSubmitOperator:
    return EkycSubmitOperator(task_id="submit", numbers="numbers.txt")


def test_the_row_is_shown_as_soon_as_the_task_runs() -> None:
    ti = TaskInstance(dag_id="a", run_id="manual__1", task_id="submit", map_index=2)
    show_row(context_of(ti))
    expected = "/plugin/ekyc?dag_id=a&run_id=manual__1&task_id=submit&map_index=2"
    assert ti.xcoms == {PAGE_LINK: expected}
    assert EkycPageLink().get_link(ran(), ti_key=ti) == expected


class OwnSubmit(EkycSubmitOperator):
    """A user's subclass, of which the page has no row."""


def test_a_task_without_a_row_has_no_link_to_one() -> None:
    assert [role.value for role in CHAIN] == list(OPERATORS_WITH_ROW)
    ti, own = TaskInstance(), OwnSubmit(task_id="submit", numbers="numbers.txt")
    show_row(context_of(ti, task=own))
    assert ti.xcoms == {}
    assert EkycPageLink().get_link(own, ti_key=ti) == ""


def test_an_unknown_outcome_of_such_a_task_does_not_lead_to_the_page(caplog: pytest.LogCaptureFixture) -> None:
    for task in (ran(), OwnSubmit(task_id="submit", numbers="numbers.txt")):
        caplog.clear()
        error = EkycUnknownOutcomeError("made up").with_steps("Look for it in the console.")
        with pytest.raises(EkycFailException), airflow_errors(task, context_of()):
            raise error
        assert (PAGE_WAY_OUT in caplog.text) is not isinstance(task, OwnSubmit)


def test_the_row_is_below_the_path_of_airflows_base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/team-a/")
    assert address_of_row(TaskInstance()).startswith("/team-a/plugin/ekyc?")


def test_a_page_that_is_switched_off_has_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__PAGE", "False")
    ti = TaskInstance()
    show_row(context_of(ti))
    assert ti.xcoms == {}
    assert EkycPageLink().get_link(ran(), ti_key=ti) == ""


@pytest.mark.parametrize("version", ["2.11.2", "3.0.6"])
def test_an_airflow_without_pages_has_no_link(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow.__version__", version)
    assert address_of_row(TaskInstance()) == ""


def test_a_setting_that_can_not_be_read_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__PAGE", "perhaps")
    with caplog.at_level(logging.WARNING):
        assert address_of_row(TaskInstance()) == ""
    assert "The address of the page is not known" in caplog.text


def test_a_link_is_what_the_task_has_shown() -> None:
    ti, operator = TaskInstance(), ran()
    show(operator, context_of(ti), EkycConsoleLink, URL)
    assert ti.xcoms == {CONSOLE_LINK: URL}
    assert EkycConsoleLink().get_link(operator, ti_key=ti) == URL
    assert EkycObjectLink().get_link(operator, ti_key=ti) == ""


def test_a_resumed_task_finds_what_it_has_shown_before_it_deferred() -> None:
    ti = TaskInstance(task_id="wait", upstream={("wait", -1): {CONSOLE_LINK: URL}})
    assert EkycConsoleLink().get_link(ran(), ti_key=ti) == URL


class NoXComs(TaskInstance):
    """An Airflow whose XComs can't be read."""

    def xcom_pull(self, **_: Any) -> Any:
        raise RuntimeError("a secret of the backend")


def test_no_address_is_no_link_and_no_xcom_is_looked_for(caplog: pytest.LogCaptureFixture) -> None:
    ti, operator = NoXComs(), ran()
    show(operator, context_of(ti), EkycObjectLink, "")
    assert ti.xcoms == {}
    assert EkycObjectLink().get_link(operator, ti_key=ti) == ""
    assert "can't be read" not in caplog.text


@pytest.mark.parametrize("stored", ["javascript:alert(1)", "data:text/html,x", "/somewhere", {"a": 1}, 7, None])
def test_what_others_wrote_is_no_link_unless_it_is_a_web_address(stored: Any) -> None:
    ti = TaskInstance(task_id="wait", upstream={("wait", -1): {CONSOLE_LINK: stored}})
    assert EkycConsoleLink().get_link(ran(), ti_key=ti) == ""


def test_a_link_that_can_not_be_read_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    assert EkycObjectLink().get_link(ran(), ti_key=NoXComs()) == ""
    assert "'S3 object' can't be read (RuntimeError)" in caplog.text
    assert "a secret" not in caplog.text


def test_airflow_knows_the_links_of_each_class_mapped_or_not() -> None:
    with DAG("links", schedule=None) as dag:
        EkycSubmitOperator(task_id="submit", numbers="numbers.txt")
        EkycTaskSensor.partial(task_id="wait").expand(ekyc_task_id=["d1", "d2"])
        EkycResultsToS3Operator(task_id="land", ekyc_task_id="d1", s3_key="s3://bucket/key")
    serialized = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    found = {
        task.task_id: {link.name: link.xcom_key for link in task.operator_extra_links} for task in serialized.tasks
    }
    both = {"eKYC": PAGE_LINK, "Vendor's console": CONSOLE_LINK}
    assert found == {"submit": both, "wait": both, "land": {"S3 object": OBJECT_LINK}}
