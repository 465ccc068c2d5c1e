"""
What the transfers after a submission need, checked before the submission is paid for.

Only what is sure in advance: a module that is not installed, an ``output_format`` that does not exist. An option that
is a template or is expanded is not known yet, and a task of another queue or executor runs on other workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.results.output.format_names import FORMATS
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

#: Modules that every transfer loads, and what to install for each.
_MODULES = {
    "airflow.providers.amazon": "apache-airflow-providers-amazon",
    "boto3": "apache-airflow-providers-amazon",
    "isal": "isal",
    "numpy": "numpy",
}
_PARQUET = {"pyarrow": "'airflow-provider-ekyc[parquet]'"}


def check_transfers(submit: Any) -> None:
    """
    Check what the transfers downstream of a task need on this worker.

    :param submit: the running task; nothing is checked if it belongs to no DAG
    :raises EkycSettingsError: if a transfer would fail for what is missing here
    """
    for transfer in _transfers_after(submit):
        if _worker_kind(transfer) != _worker_kind(submit):
            continue
        output_format = _known_format(transfer)
        if output_format is not None and output_format not in FORMATS:
            raise EkycSettingsError(
                f"output_format of task {transfer.task_id!r} is none of {', '.join(FORMATS)}. Nothing was sent or "
                f"charged. Correct the DAG, then clear this task."
            )
        needed = {**_MODULES, **(_PARQUET if output_format == "parquet" else {})}
        for module, package in needed.items():
            if find_spec(module) is None:
                raise EkycSettingsError(
                    f"This worker has no {module}, which task {transfer.task_id!r} needs. Nothing was sent or charged. "
                    f"Install it on the workers (pip install {package}), then clear this task."
                )


def _transfers_after(submit: Any) -> Iterator[Any]:
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
        kind = getattr(tasks[task_id], "operator_class", type(tasks[task_id]))
        if isinstance(kind, type) and issubclass(kind, EkycResultsToS3Operator):
            yield tasks[task_id]


def _known_format(transfer: Any) -> str | None:
    """Return the transfer's ``output_format``, or None if it is not named, or rendered or expanded at run time."""
    # A mapped task keeps its arguments apart, and has no attribute for one that is expanded.
    arguments = getattr(transfer, "partial_kwargs", None)
    value = transfer.output_format if arguments is None else arguments.get("output_format")
    return value if isinstance(value, str) and "{" not in value else None


def _worker_kind(task: Any) -> tuple[object, object]:
    return getattr(task, "queue", None), getattr(task, "executor", None)
