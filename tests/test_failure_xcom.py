"""The XCom ``failure``: why a task has failed, for Airflow's UI (``airflow_errors.py``)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException, airflow_errors
from airflow_provider_ekyc.exceptions import EkycServerError, EkycSettingsError
from dev.testing.task_context import TaskInstance, context_of


class Pushes(TaskInstance):
    """Keeps how often each XCom was pushed."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    def xcom_push(self, key: str, value: Any) -> None:
        super().xcom_push(key, value)
        self.keys.append(key)


def test_a_failure_is_an_xcom_once_though_blocks_are_nested() -> None:
    ti = Pushes()
    context = context_of(ti)
    task = SimpleNamespace(ekyc_task_id="d1")
    with (
        pytest.raises(EkycRetryException),
        airflow_errors(task, context, submitted=True),
        airflow_errors(task, context),
    ):
        raise EkycServerError("The API answered 503.", status=503, retryable=True)
    assert ti.keys == ["failure"]
    assert ti.xcoms["failure"] == {
        "kind": "unavailable",
        "status": 503,
        "retryable": True,
        "charge": "none",
        "message": "The API answered 503.",
        "ekyc_task_id": "d1",
        "runbook": "docs/runbook.md#unavailable",
    }


@pytest.mark.parametrize("ekyc_task_id", [None, "", "two words"])
def test_what_can_be_no_remote_id_is_left_out(ekyc_task_id: object) -> None:
    ti = Pushes()
    with pytest.raises(EkycFailException), airflow_errors(SimpleNamespace(ekyc_task_id=ekyc_task_id), context_of(ti)):
        raise EkycSettingsError("wrong")
    assert ti.xcoms["failure"]["ekyc_task_id"] is None


def test_a_long_message_is_cut_in_the_xcom_alone() -> None:
    ti = Pushes()
    with pytest.raises(EkycFailException) as failed, airflow_errors(None, context_of(ti)):
        raise EkycSettingsError("x" * 5_000)
    assert len(ti.xcoms["failure"]["message"]) == 2_000
    assert len(str(failed.value)) == 5_000


def test_an_error_of_others_is_no_failure_of_ours() -> None:
    ti = Pushes()
    with pytest.raises(ZeroDivisionError), airflow_errors(None, context_of(ti)):
        raise ZeroDivisionError
    assert ti.xcoms == {}


def test_a_failure_that_cannot_be_shown_is_raised_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(kind: str) -> str:
        raise RuntimeError(kind)

    monkeypatch.setattr("airflow_provider_ekyc.airflow_errors.runbook_entry", fail)
    ti = Pushes()
    with pytest.raises(EkycFailException, match="wrong"), airflow_errors(None, context_of(ti)):
        raise EkycSettingsError("wrong")
    assert ti.keys == []
