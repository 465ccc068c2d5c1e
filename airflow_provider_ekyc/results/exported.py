"""Whether a remote task's results can be downloaded, and what it means if they can't."""

from __future__ import annotations

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import EkycNotExportedError, EkycTaskFailedError
from airflow_provider_ekyc.polling.poller import SUBMIT_ANEW


def require_exported(task: Task) -> Task:
    """
    Return the task if its results can be downloaded.

    :raises EkycTaskFailedError: if the vendor gave it up
    :raises EkycNotExportedError: if it is not there yet
    """
    if task.status is TaskStatus.FAILED:
        raise EkycTaskFailedError(
            f"Remote task {task.ekyc_task_id} has failed: it has no results. Nothing was landed; a retry can't help. "
            f"{SUBMIT_ANEW}"
        )
    if task.status is not TaskStatus.EXPORTED:
        raise EkycNotExportedError(
            f"Remote task {task.ekyc_task_id} is not exported yet ({task.status.value}). Nothing was landed. Put an "
            f"EkycTaskSensor before this task; a retry queries the status again."
        )
    if not task.result_url:
        raise EkycNotExportedError(
            f"Remote task {task.ekyc_task_id} is exported, but the API returned no URL of its result. Nothing was "
            f"landed. The submission is already paid for and will not be charged again. A retry queries the status "
            f"again; if the URL is still missing, ask the vendor."
        )
    return task
