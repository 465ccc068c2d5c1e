"""A report that fails does not fail the task."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_ekyc.reported import report
from dev.testing.task_context import TaskInstance, context_of


class NoXComs(TaskInstance):
    """An Airflow whose XComs can't be written."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def xcom_push(self, key: str, value: Any) -> None:
        raise self.error


def test_an_xcom_is_pushed() -> None:
    ti = TaskInstance()
    assert report(context_of(ti), "summary", "a line")
    assert ti.xcoms == {"summary": "a line"}


def test_a_failure_is_a_warning_that_shows_no_value(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert not report(context_of(NoXComs(RuntimeError("a secret of the backend"))), "summary", "a line")
    assert "'summary' can't be written (RuntimeError)" in caplog.text
    assert "a secret" not in caplog.text
    assert "a line" not in caplog.text


def test_a_value_that_can_not_be_made_is_a_warning_too(caplog: pytest.LogCaptureFixture) -> None:
    ti = TaskInstance()
    assert report(context_of(ti), "summary", lambda: "a line")
    assert not report(context_of(ti), "progress", lambda: 1 // 0)
    assert ti.xcoms == {"summary": "a line"}
    assert "'progress' can't be written (ZeroDivisionError)" in caplog.text


def test_what_ends_the_task_is_not_kept_from_it() -> None:
    class TaskTimeout(BaseException):
        """As Airflow's own, which interrupts whatever runs."""

    with pytest.raises(TaskTimeout):
        report(context_of(NoXComs(TaskTimeout())), "summary", "a line")
