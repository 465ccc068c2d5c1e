"""
The names of Airflow that moved between 2.11 and 3.4.

Import them from here instead of from Airflow: each is looked up on first use, in the newest place first.
``apache-airflow-providers-common-compat`` offers such a table too, but the releases that have all of these names
are newer than what Airflow's own constraints pin for every version that this package supports.

A name that the running Airflow does not have (``RetryPolicy`` below 3.3) raises ``ImportError`` when it is imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import (
        Asset as Asset,
        AssetAlias as AssetAlias,
        BaseHook as BaseHook,
        BaseNotifier as BaseNotifier,
        BaseOperator as BaseOperator,
        BaseOperatorLink as BaseOperatorLink,
        BaseSensorOperator as BaseSensorOperator,
        Connection as Connection,
        Context as Context,
        ObjectStoragePath as ObjectStoragePath,
        PokeReturnValue as PokeReturnValue,
        TaskGroup as TaskGroup,
        Variable as Variable,
        XComArg as XComArg,
        task_group as task_group,
    )
    from airflow.sdk.configuration import conf as conf
    from airflow.sdk.definitions.retry_policy import (
        RetryAction as RetryAction,
        RetryDecision as RetryDecision,
        RetryPolicy as RetryPolicy,
    )
    from airflow.sdk.exceptions import (
        AirflowException as AirflowException,
        AirflowFailException as AirflowFailException,
        AirflowNotFoundException as AirflowNotFoundException,
        AirflowSensorTimeout as AirflowSensorTimeout,
        AirflowSkipException as AirflowSkipException,
        AirflowTaskTimeout as AirflowTaskTimeout,
        TaskDeferralError as TaskDeferralError,
        TaskDeferred as TaskDeferred,
    )
    from airflow.sdk.execution_time.xcom import XCom as XCom
    from airflow.sdk.lineage import get_hook_lineage_collector as get_hook_lineage_collector
    from airflow.sdk.plugins_manager import AirflowPlugin as AirflowPlugin

_EXCEPTIONS = ("airflow.sdk.exceptions", "airflow.exceptions")
_RETRY_POLICY = ("airflow.sdk.definitions.retry_policy",)

#: Name: the modules that may hold it, newest Airflow first; ``module:name`` where it had another name.
PLACES: dict[str, tuple[str, ...]] = {
    "AirflowException": _EXCEPTIONS,
    "AirflowFailException": _EXCEPTIONS,
    "AirflowNotFoundException": _EXCEPTIONS,
    "AirflowSensorTimeout": _EXCEPTIONS,
    "AirflowSkipException": _EXCEPTIONS,
    "AirflowTaskTimeout": _EXCEPTIONS,
    "AirflowPlugin": ("airflow.sdk.plugins_manager", "airflow.plugins_manager"),
    "Asset": ("airflow.sdk", "airflow.datasets:Dataset"),
    "AssetAlias": ("airflow.sdk", "airflow.datasets:DatasetAlias"),
    "BaseHook": ("airflow.sdk", "airflow.hooks.base"),
    "BaseNotifier": ("airflow.sdk", "airflow.notifications.basenotifier"),
    "BaseOperator": ("airflow.sdk", "airflow.models.baseoperator"),
    "BaseOperatorLink": ("airflow.sdk", "airflow.models.baseoperatorlink"),
    "BaseSensorOperator": ("airflow.sdk", "airflow.sensors.base"),
    "Connection": ("airflow.sdk", "airflow.models.connection"),
    "Context": ("airflow.sdk", "airflow.utils.context"),
    "ObjectStoragePath": ("airflow.sdk", "airflow.io.path"),
    "PokeReturnValue": ("airflow.sdk", "airflow.sensors.base"),
    "RetryAction": _RETRY_POLICY,
    "RetryDecision": _RETRY_POLICY,
    "RetryPolicy": _RETRY_POLICY,
    "TaskDeferralError": _EXCEPTIONS,
    "TaskDeferred": _EXCEPTIONS,
    "TaskGroup": ("airflow.sdk", "airflow.utils.task_group"),
    "Variable": ("airflow.sdk", "airflow.models.variable"),
    "XCom": ("airflow.sdk.execution_time.xcom", "airflow.models.xcom"),
    "XComArg": ("airflow.sdk", "airflow.models.xcom_arg"),
    "conf": ("airflow.sdk.configuration", "airflow.configuration"),
    "get_hook_lineage_collector": ("airflow.sdk.lineage", "airflow.lineage.hook"),
    "task_group": ("airflow.sdk", "airflow.decorators"),
}


def __getattr__(name: str) -> Any:
    """
    Return what ``name`` means on the running Airflow.

    :raises AttributeError: if it has no such name; Python makes that an ``ImportError`` in ``from ... import ...``
    """
    found = find(name)
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found[1]
    return found[1]


def find(name: str) -> tuple[str, Any] | None:
    """
    Look a name up in its places.

    :param name: a key of :data:`PLACES`
    :return: the place that has it and what is there, or None if the running Airflow does not have it
    """
    for place in PLACES.get(name, ()):
        module, _, other_name = place.partition(":")
        found = getattr(_module(module), other_name or name, None)
        if found is not None:
            return place, found
    return None


def _module(name: str) -> Any:
    """Return the module, or None if this Airflow has none of that name; an import that fails inside it is raised."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        return None
