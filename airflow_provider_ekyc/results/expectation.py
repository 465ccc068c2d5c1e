"""Whether a result has as many rows as the remote task promised."""

from __future__ import annotations

from airflow_provider_ekyc.api.models import Task
from airflow_provider_ekyc.exceptions import EkycResultError


def check_rows(rows: int, task: Task) -> None:
    """
    Compare the rows that came with the task's figures.

    Nobody says whether numbers that could not be processed (``failure``) are in the result, and ``success``
    has been seen above ``total``. So a healthy result lies between what was identified for certain and
    everything that was taken; only outside of that is it short or long.

    :raises EkycResultError: with all the figures
    """
    total, success, failure = task.total, task.success, task.failure or 0
    if total is None and success is None:
        return
    known = [figure for figure in (total, success) if figure is not None]
    least = max(min(known) - failure, 0)
    most = max(known) + failure
    if not least <= rows <= most:
        raise EkycResultError(
            f"The result has {rows:,} rows, but remote task {task.ekyc_task_id} promises {least:,} to {most:,} "
            f"(total {_shown(total)}, success {_shown(success)}, failure {failure:,}). Nothing was landed; the "
            f"submission stays paid. Clear this task to download it again; if it stays so, ask the vendor."
        )


def _shown(figure: int | None) -> str:
    return "unknown" if figure is None else f"{figure:,}"
