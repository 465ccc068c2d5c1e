"""Whether a result has as many rows as the remote task promised, or so many that nothing is wrong."""

from __future__ import annotations

from airflow_provider_ekyc.api.models import Task


def row_mismatch(rows: int, task: Task) -> str | None:
    """
    Compare the rows that came with the task's figures.

    Nobody says whether numbers that could not be processed (``failure``) are in the result or counted in
    ``success``, and ``success`` has been seen above ``total``. So a healthy result lies between what was
    identified for certain and everything that was taken; only outside of that is it short or long.

    :return: a sentence with all the figures, or None if they agree
    """
    # A total of 0 is how the API says that it does not know yet, and a result of no row is none.
    total, success, failure = task.total or None, task.success or None, task.failure or 0
    least = min(success or total or 0, (total or success or 0) - failure)
    most = max(total or 0, success + failure if success else 0)
    if most and not least <= rows <= most:
        promised = f"{least:,} to {most:,}" if least < most else f"{most:,}"
        return (
            f"The result has {rows:,} rows, but remote task {task.ekyc_task_id} promises {promised} (total "
            f"{_shown(task.total)}, success {_shown(task.success)}, failure {_shown(task.failure)})."
        )
    return None


def _shown(figure: int | None) -> str:
    return "unknown" if figure is None else f"{figure:,}"
