"""What Airflow 3.3 does with our errors between two tries."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

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


def test_without_retry_after_and_for_other_errors_airflow_decides() -> None:
    assert decision(EkycRetryException("it may succeed later")).action is RetryAction.DEFAULT
    assert decision(ValueError("not ours")).action is RetryAction.DEFAULT


def test_it_is_serialised_without_settings() -> None:
    assert isinstance(EkycRetryPolicy.deserialize(EKYC_RETRY_POLICY.serialize()), EkycRetryPolicy)
