"""A task inside a task group: the arguments that the group sets, and those that the user adds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from airflow_provider_ekyc.exceptions import EkycSettingsError

Operator = TypeVar("Operator")

#: What an operator is given by the DAG and the group that it is in.
_OF_THE_GROUP = frozenset({"dag", "task_group"})


def inner_task(
    operator: type[Operator],
    given: Mapping[str, Any] | None,
    defaults: Mapping[str, Any],
    *,
    task_id: str,
    **own: Any,
) -> Operator:
    """
    Make one task of a group.

    :param operator: the task's class
    :param given: what the user adds, as the group's argument that is named like the task
    :param defaults: what the group sets unless the user does; what the class does not have is left out
    :param task_id: the task's name within the group
    :param own: what the group sets, and the user can't
    :return: the task
    :raises EkycSettingsError: if the user adds an argument that the class does not have, or one that the group sets
    """
    if not isinstance(given, Mapping | None):
        raise EkycSettingsError(f"{task_id} must be a mapping of arguments of {operator.__name__}.")
    known = _arguments(operator)
    for name in given or {}:
        if name in own or name in _OF_THE_GROUP or name == "task_id":
            raise EkycSettingsError(
                f"{task_id} can't have {name!r}: the task group sets it. If the task group has an argument of that "
                f"name, give it there."
            )
        if name not in known:
            raise EkycSettingsError(f"{task_id} has {name!r}, which is no argument of {operator.__name__}.")
    unless_given = {name: value for name, value in defaults.items() if name in known}
    return operator(**{**unless_given, "task_id": task_id, **own, **(given or {})})


def _arguments(operator: type[Any]) -> set[str]:
    """Return the names of all keyword arguments of an operator, those of its base classes too."""
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {
        parameter.name
        for base in operator.__mro__
        if base is not object and "__init__" in vars(base)
        for parameter in inspect.signature(vars(base)["__init__"]).parameters.values()
        if parameter.kind in kinds and parameter.name != "self"
    }
