"""What Airflow 3.3 does with our errors between two tries."""

from __future__ import annotations

import importlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

import airflow_provider_ekyc
from airflow_provider_ekyc import airflow_sdk, retry_policy
from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.retry_policy import EKYC_RETRY_POLICY, EkycRetryPolicy
from airflow_provider_ekyc.sandbox import Sandbox


def decision(error: BaseException) -> Any:
    return EKYC_RETRY_POLICY.evaluate(error, 1, 3)


@pytest.mark.usefixtures("connections", "no_waits")
def test_a_retry_waits_as_long_as_the_server_asks(
    sandbox: Sandbox, numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.fault("submit", "status", status=429, headers={"Retry-After": "120"}, times=None)
    with pytest.raises(EkycRetryException) as failed:
        EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute(context)
    assert decision(failed.value).action is RetryAction.RETRY
    assert decision(failed.value).retry_delay == timedelta(seconds=120)


@pytest.mark.parametrize(("own", "is_asked_for"), [(119, True), (120, False), (600, False), (None, True)])
def test_a_retry_does_not_come_sooner_than_without_the_policy(own: int | None, is_asked_for: bool) -> None:
    error = EkycRetryException.of("It may succeed later.", {"retry_after": 120.0})
    delay = {} if own is None else {"retry_delay": timedelta(seconds=own)}
    task = EkycSubmitOperator(task_id="submit", numbers="made-up", **delay) if delay else None
    decided = EKYC_RETRY_POLICY.evaluate(error, 1, 3, {"task": task})
    assert (decided.action is RetryAction.RETRY) is is_asked_for
    assert decided.retry_delay == (timedelta(seconds=120) if is_asked_for else None)


@pytest.mark.parametrize(
    ("try_number", "most", "is_asked_for"),
    [(1, None, True), (2, None, True), (3, None, False), (100_000, None, False), (100_000, 100, True)],
)
def test_nor_does_it_where_the_delay_grows_with_each_try(try_number: int, most: int | None, is_asked_for: bool) -> None:
    error = EkycRetryException.of("It may succeed later.", {"retry_after": 120.0})
    growing: dict[str, Any] = {"retry_delay": timedelta(seconds=30), "retry_exponential_backoff": 2.0}
    if most is not None:
        growing["max_retry_delay"] = timedelta(seconds=most)
    task = EkycSubmitOperator(task_id="submit", numbers="made-up", **growing)
    decided = EKYC_RETRY_POLICY.evaluate(error, try_number, 10, {"task": task})
    assert decided.retry_delay == (timedelta(seconds=120) if is_asked_for else None)


def test_without_retry_after_and_for_other_errors_airflow_decides() -> None:
    assert decision(EkycRetryException("it may succeed later")).action is RetryAction.DEFAULT
    assert decision(ValueError("not ours")).action is RetryAction.DEFAULT


def test_it_is_serialised_without_settings() -> None:
    assert isinstance(EkycRetryPolicy.deserialize(EKYC_RETRY_POLICY.serialize()), EkycRetryPolicy)


def test_an_airflow_without_retry_policies_has_none_and_the_module_can_be_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "airflow.sdk.definitions.retry_policy", None)
    for name in ("RetryPolicy", "RetryDecision"):  # which are found once
        monkeypatch.delitem(vars(airflow_sdk), name, raising=False)
    monkeypatch.setattr(airflow_provider_ekyc, "retry_policy", retry_policy)  # for the tests after this one
    monkeypatch.delitem(sys.modules, retry_policy.__name__)
    assert importlib.import_module(retry_policy.__name__).EKYC_RETRY_POLICY is None
