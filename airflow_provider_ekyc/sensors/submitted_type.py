"""The task type of a remote task, for the metrics of a sensor: neither its arguments nor the API's answer have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.metrics import metrics_are_on

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import BaseOperator


def submitted_task_type(operator: BaseOperator, context: Mapping[str, Any], ekyc_task_id: str) -> str | None:
    """
    Return the task type that an ``EkycSubmitOperator`` upstream submitted, from its second XCom.

    :param operator: the sensor
    :param context: of its task instance
    :param ekyc_task_id: the remote task
    :return: None if Airflow's metrics are off, and nothing is read then; or if no task upstream submitted it
    """
    if not metrics_are_on():
        return None
    from airflow_provider_ekyc.transfers.submissions import find_submission

    submission = find_submission(operator, context, ekyc_task_id)
    return None if submission is None else submission.task_type
