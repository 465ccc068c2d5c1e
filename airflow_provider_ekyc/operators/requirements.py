"""
What the tasks after a submission need, checked before the submission is paid for.

Only what is certain in advance: an option that is a template or is expanded is not known yet, and a task of another
queue, executor or ``executor_config`` runs on other workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_ekyc.exceptions import EkycSettingsError


def check_downstream(submit: Any) -> None:
    """
    Check what the tasks downstream need on this worker: those whose class has a method ``unmet_requirement``.

    :param submit: the running task; nothing is checked if it belongs to no DAG
    :raises EkycSettingsError: if a task would fail after the submission
    """
    for task in tasks_after(submit):
        unmet_requirement = getattr(getattr(task, "operator_class", type(task)), "unmet_requirement", None)
        if unmet_requirement is None or worker_kind(task) != worker_kind(submit):
            continue
        if problem := unmet_requirement(task):
            raise EkycSettingsError(problem)


def tasks_after(submit: Any) -> Iterator[Any]:
    """
    Yield the tasks of the same DAG that run after a task, in the order of their names.

    :param submit: the task; nothing is yielded if it belongs to no DAG
    """
    tasks = getattr(submit.get_dag(), "task_dict", {})
    seen: set[str] = set()
    waiting = [submit.task_id]
    while waiting:
        task = tasks.get(waiting.pop())
        for task_id in getattr(task, "downstream_task_ids", ()):
            if task_id not in seen and task_id in tasks:
                seen.add(task_id)
                waiting.append(task_id)
    for task_id in sorted(seen):
        yield tasks[task_id]


def worker_kind(task: Any) -> tuple[object, ...]:
    """
    Return what decides on which workers a task runs; others may have other packages and another network.

    With the Kubernetes executor that is a pod, whose image and account ``executor_config`` may override.
    """
    return tuple(getattr(task, name, None) for name in ("queue", "executor", "executor_config"))
