"""What a transfer needs on its worker, for the submission upstream that asks before it is paid for."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from airflow_provider_ekyc.results.output.formats import FORMATS

#: Modules that every transfer loads, and what to install for each.
_MODULES = {
    "airflow.providers.amazon": "apache-airflow-providers-amazon",
    "boto3": "apache-airflow-providers-amazon",
    "isal": "isal",
    "numpy": "numpy",
}


def unmet_requirement(transfer: Any) -> str | None:
    """
    Return what a transfer would fail for on this worker: an unknown ``output_format``, or a module that is missing.

    :param transfer: the task, mapped or not
    :return: sentences for the error of the submission; None if nothing is missing
    """
    output_format = _known_format(transfer)
    if output_format is not None and output_format not in FORMATS:
        return (
            f"output_format of task {transfer.task_id!r} is none of {', '.join(FORMATS)}. Nothing was sent or charged. "
            f"Correct the DAG, then clear this task."
        )
    modules = _MODULES if output_format is None else {**_MODULES, **FORMATS[output_format].modules}
    for module, package in modules.items():
        if find_spec(module) is None:
            return (
                f"This worker has no {module}, which task {transfer.task_id!r} needs. Nothing was sent or charged. "
                f"Install it on the workers (pip install {package}), then clear this task."
            )
    return None


def _known_format(transfer: Any) -> str | None:
    """Return the transfer's ``output_format``, or None if it is not named, or rendered or expanded at run time."""
    # A mapped task keeps its arguments apart, and has no attribute for one that is expanded.
    arguments = getattr(transfer, "partial_kwargs", None)
    value = transfer.output_format if arguments is None else arguments.get("output_format")
    return value if isinstance(value, str) and "{" not in value else None
