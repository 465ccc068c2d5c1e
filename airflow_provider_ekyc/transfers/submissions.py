"""What was said of a remote task when it was submitted: as it was given, or found among the tasks upstream."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.results.compare.comparison import read_submission

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import BaseOperator
    from airflow_provider_ekyc.submission.record import Submission

log = logging.getLogger(__name__)


def find_submission(operator: BaseOperator, context: Mapping[str, Any], ekyc_task_id: str) -> Submission | None:
    """
    Look for the second XCom of an ``EkycSubmitOperator`` upstream, of this map index or of a task that is not mapped.

    :param operator: whose upstream tasks are looked at
    :param ekyc_task_id: the remote task that it must be of
    :return: None if there is none: the remote id may come from elsewhere
    """
    for task_id in _submitting(operator):
        ti = context["ti"]
        for map_index in dict.fromkeys((getattr(ti, "map_index", -1), -1)):
            try:
                value = ti.xcom_pull(task_ids=task_id, key="submission", map_indexes=map_index)
            except Exception as error:  # noqa: BLE001  # what was only looked for does not keep a result from landing
                log.info("The XCom 'submission' of task %s can't be read (%s).", task_id, type(error).__name__)
                continue
            if isinstance(value, Mapping) and value.get("ekyc_task_id") == ekyc_task_id:
                try:
                    return read_submission(value, ekyc_task_id)
                except EkycSettingsError:
                    continue
    return None


def _submitting(operator: BaseOperator) -> list[str]:
    """Return the ids of the tasks upstream that submit, in alphabetical order."""
    if not operator.has_dag():
        return []
    return sorted(
        task.task_id
        for task in operator.get_flat_relatives(upstream=True)
        if issubclass(getattr(task, "operator_class", type(task)), EkycSubmitOperator)
    )
