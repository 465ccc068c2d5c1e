"""Where each name of ``airflow_provider_ekyc.airflow_sdk`` is, per version of Airflow: seen by running each."""

from __future__ import annotations

#: Airflow's minor version, and the module that has the name from then on; ``module:name`` for another name there.
MOVES: dict[str, dict[str, str]] = {
    "AirflowException": {"2.11": "airflow.exceptions", "3.1": "airflow.sdk.exceptions"},
    "AirflowFailException": {"2.11": "airflow.exceptions", "3.2": "airflow.sdk.exceptions"},
    "AirflowNotFoundException": {"2.11": "airflow.exceptions", "3.2": "airflow.sdk.exceptions"},
    "AirflowPlugin": {"2.11": "airflow.plugins_manager", "3.2": "airflow.sdk.plugins_manager"},
    "AirflowSensorTimeout": {"2.11": "airflow.exceptions", "3.2": "airflow.sdk.exceptions"},
    "AirflowSkipException": {"2.11": "airflow.exceptions", "3.2": "airflow.sdk.exceptions"},
    "AirflowTaskTimeout": {"2.11": "airflow.exceptions", "3.2": "airflow.sdk.exceptions"},
    "Asset": {"2.11": "airflow.datasets:Dataset", "3.0": "airflow.sdk"},
    "AssetAlias": {"2.11": "airflow.datasets:DatasetAlias", "3.0": "airflow.sdk"},
    "BaseHook": {"2.11": "airflow.hooks.base", "3.1": "airflow.sdk"},
    "BaseNotifier": {"2.11": "airflow.notifications.basenotifier", "3.0": "airflow.sdk"},
    "BaseOperator": {"2.11": "airflow.models.baseoperator", "3.0": "airflow.sdk"},
    "BaseOperatorLink": {"2.11": "airflow.models.baseoperatorlink", "3.0": "airflow.sdk"},
    "BaseSensorOperator": {"2.11": "airflow.sensors.base", "3.0": "airflow.sdk"},
    "Connection": {"2.11": "airflow.models.connection", "3.0": "airflow.sdk"},
    "Context": {"2.11": "airflow.utils.context", "3.0": "airflow.sdk"},
    "ObjectStoragePath": {"2.11": "airflow.io.path", "3.0": "airflow.sdk"},
    "PokeReturnValue": {"2.11": "airflow.sensors.base", "3.0": "airflow.sdk"},
    "RetryAction": {"3.3": "airflow.sdk.definitions.retry_policy"},
    "RetryDecision": {"3.3": "airflow.sdk.definitions.retry_policy"},
    "RetryPolicy": {"3.3": "airflow.sdk.definitions.retry_policy"},
    "TaskDeferralError": {"2.11": "airflow.exceptions", "3.2": "airflow.sdk.exceptions"},
    "TaskDeferred": {"2.11": "airflow.exceptions", "3.2": "airflow.sdk.exceptions"},
    "TaskGroup": {"2.11": "airflow.utils.task_group", "3.0": "airflow.sdk"},
    "Variable": {"2.11": "airflow.models.variable", "3.0": "airflow.sdk"},
    "XCom": {"2.11": "airflow.models.xcom", "3.0": "airflow.sdk.execution_time.xcom"},
    "XComArg": {"2.11": "airflow.models.xcom_arg", "3.0": "airflow.sdk"},
    "conf": {"2.11": "airflow.configuration", "3.2": "airflow.sdk.configuration"},
    "get_hook_lineage_collector": {"2.11": "airflow.lineage.hook", "3.2": "airflow.sdk.lineage"},
    "task_group": {"2.11": "airflow.decorators", "3.0": "airflow.sdk"},
}


def minor_version(version: str) -> tuple[int, int]:
    """Return major and minor of a version.

    :param version: such as ``3.4.0b2``
    """
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def expected_places(version: str) -> dict[str, str | None]:
    """Return where each name is in one version of Airflow.

    :param version: the version
    :return: the place per name; None for a name that the version does not have
    """
    return {
        name: next(
            (place for since, place in reversed(moves.items()) if minor_version(since) <= minor_version(version)), None
        )
        for name, moves in MOVES.items()
    }
