"""What Airflow 3.3 does with our errors between two tries."""

from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from airflow_provider_ekyc.airflow_errors import EkycRetryException, airflow_errors
from airflow_provider_ekyc.exceptions import EkycRateLimitError, EkycServerError
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


def test_without_a_wish_of_the_server_and_for_foreign_errors_airflow_decides() -> None:
    assert decision(EkycRetryException("it may get better")).action is RetryAction.DEFAULT
    assert decision(ValueError("not ours")).action is RetryAction.DEFAULT


def test_the_wish_survives_the_way_between_processes() -> None:
    with pytest.raises(EkycRetryException) as failed, airflow_errors():
        raise EkycRateLimitError("slow down", status=429, retryable=True, retry_after=7.0)
    assert pickle.loads(pickle.dumps(failed.value)).retry_after == 7.0
    error = pickle.loads(pickle.dumps(EkycServerError("503", status=503, retryable=True, retry_after=3.0)))
    assert (error.status, error.retryable, error.retry_after) == (503, True, 3.0)


def test_it_is_serialised_without_settings() -> None:
    assert isinstance(EkycRetryPolicy.deserialize(EKYC_RETRY_POLICY.serialize()), EkycRetryPolicy)
