"""What the server asks for reaches Airflow's retry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from tests.conftest import BUCKET


@pytest.mark.usefixtures("connections", "s3", "no_waits")
def test_a_retry_after_on_the_status_query_is_passed_on(
    sandbox: Sandbox, submit: Callable[[], str], context: dict[str, Any]
) -> None:
    operator = EkycResultsToS3Operator(task_id="land", ekyc_task_id=submit(), s3_bucket=BUCKET, s3_key="k.zip")
    sandbox.fault("status", "status", status=429, headers={"Retry-After": "90"}, times=None)
    with pytest.raises(EkycRetryException, match="A retry requests the result again") as failed:
        operator.execute(context)
    assert failed.value.retry_after == 90
