"""What a transfer needs on its worker, for the submission upstream that asks before it is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from airflow_provider_ekyc.results.output.formats import FORMATS
from airflow_provider_ekyc.transfers.warehouse import conflict_of, is_wanted

#: Modules that every transfer loads, and what to install for each.
_MODULES = {
    "airflow.providers.amazon": "apache-airflow-providers-amazon",
    "boto3": "apache-airflow-providers-amazon",
    "isal": "isal",
    "numpy": "numpy",
}

_PACKAGE = __name__.partition(".")[0]


def unmet_requirement(transfer: Any) -> str | None:
    """
    Return what a transfer would fail for on this worker: an argument that is wrong, or a module that is missing.

    :param transfer: the task, mapped or not
    :return: sentences for the error of the submission; None if nothing is missing
    """
    task = f"task {transfer.task_id!r}"
    output_format = _known_format(transfer)
    if output_format is not None and output_format not in FORMATS:
        return (
            f"output_format of {task} is none of {', '.join(FORMATS)}. Nothing was sent or charged. Correct the DAG, "
            f"then clear this task."
        )
    modules = _MODULES if output_format is None else {**_MODULES, **FORMATS[output_format].modules}
    for module, package in modules.items():
        if find_spec(module) is None:
            return (
                f"This worker has no {module}, which {task} needs. Nothing was sent or charged. Install it on the "
                f"workers (pip install {package}), then clear this task."
            )
    if not is_wanted(argument_of(transfer, "iceberg_table")):
        return None
    if problem := conflict_of(output_format, replace=argument_of(transfer, "replace")):
        return f"In {task}: {problem} Nothing was sent or charged. Correct the DAG, then clear this task."
    from airflow_provider_ekyc.iceberg import catalog

    problem = catalog.unmet_requirement()
    return f"{problem} It is needed by {task}. Nothing was sent or charged. Then clear this task." if problem else None


def _known_format(transfer: Any) -> str | None:
    """Return the transfer's ``output_format``, or None if it is rendered or expanded at run time."""
    value = argument_of(transfer, "output_format", default="zip")
    return value if isinstance(value, str) and "{" not in value else None


def argument_of(transfer: Any, name: str, *, default: Any = None) -> Any:
    """
    Return an argument as the DAG has it.

    :param transfer: the task, mapped or not
    :param name: of the argument
    :param default: what a mapped task means that does not name it
    :return: None if it is known at run time only
    """
    # A mapped task keeps its arguments apart, and has no attribute for one that is expanded.
    arguments = getattr(transfer, "partial_kwargs", None)
    if arguments is None:
        return getattr(transfer, name)
    if is_expanded(transfer, name):
        return None
    return {**_default_args(transfer), **arguments}.get(name, default)


def is_expanded(transfer: Any, name: str) -> bool:
    """Return whether an argument of a mapped task is only known at run time."""
    arguments = getattr(transfer, "partial_kwargs", None)
    if arguments is None:
        return False
    if not transfer.operator_class.__init__.__module__.startswith(f"{_PACKAGE}."):
        return True  # a class made from ours may make others of its arguments
    if name in arguments:
        return False
    expanded = getattr(getattr(transfer, "expand_input", None), "value", None)
    return not isinstance(expanded, Mapping) or name in expanded


def _default_args(transfer: Any) -> dict[str, Any]:
    """Return the default arguments, which Airflow gives to a mapped task when it runs: those of a group win."""
    places = (getattr(transfer, name, None) for name in ("dag", "task_group"))
    return {name: value for place in places for name, value in (getattr(place, "default_args", None) or {}).items()}
