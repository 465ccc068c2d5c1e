"""Runs under another version's interpreter, where this package is installed from its wheel and ``stack`` is not.

``python -P inside.py TASK REPORT``: the report is a JSON file. Nothing of this repository is imported but the wheel.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def airflow_names() -> dict[str, Any]:
    """Look up every name of ``airflow_sdk``, and import every module of the package that a DAG or a worker uses."""
    import airflow

    import airflow_provider_ekyc
    from airflow_provider_ekyc import airflow_sdk
    from airflow_provider_ekyc.retry_policy import EKYC_RETRY_POLICY

    found = {name: airflow_sdk.find(name) for name in airflow_sdk.PLACES}
    modules = sorted(
        ".".join(path.relative_to(Path(airflow_provider_ekyc.__path__[0]).parent).with_suffix("").parts)
        for path in Path(airflow_provider_ekyc.__path__[0]).rglob("*.py")
        if path.stem not in ("__main__", "__init__")
    )
    return {
        "airflow": airflow.__version__,
        "package": airflow_provider_ekyc.__file__,
        "places": {name: hit and hit[0] for name, hit in found.items()},
        "has_retry_policy": EKYC_RETRY_POLICY is not None,
        "imported": [name for name in modules if importlib.import_module(name)],
    }


def connection_form() -> dict[str, Any]:
    """Ask Airflow for the connection type and the fields of its form, as its web server does."""
    try:
        services = importlib.import_module("airflow.api_fastapi.core_api.services.ui.connections")
    except ModuleNotFoundError:  # Airflow 2
        from airflow.providers_manager import ProvidersManager

        manager, prefix = ProvidersManager(), "extra__ekyc__"
        names = [name for name in manager.connection_form_widgets if name.startswith(prefix)]
        return {
            "listed": manager.hooks.get("ekyc") is not None,
            "fields": [name.removeprefix(prefix) for name in names],
        }
    forms = [form for form in services.HookMetaService.hook_meta_data() if form.connection_type == "ekyc"]
    return {"listed": bool(forms), "fields": [name for form in forms for name in form.extra_fields or {}]}


def example_dags() -> dict[str, Any]:
    """Read all DAG files of ``[core] dags_folder`` as the dag-processor does."""
    bag = _dag_bag()
    return {"dags": sorted(bag.dags), "errors": {Path(file).name: text for file, text in bag.import_errors.items()}}


def basic_chain() -> dict[str, Any]:
    """Run ``ekyc_basic`` with ``dag.test()``, with the run's parameters from standard input."""
    import airflow

    dag = _dag_bag("ekyc_basic.py").dags["ekyc_basic"]
    if airflow.__version__.startswith("3.0."):
        _activate_outlets(dag)
    run = dag.test(run_conf=json.load(sys.stdin))
    tasks = {ti.task_id: ti for ti in run.get_task_instances()}
    report = {
        "state": str(getattr(run.state, "value", run.state)),
        "tasks": {name: str(getattr(ti.state, "value", ti.state)) for name, ti in tasks.items()},
        "run_id": run.run_id,
    }
    if airflow.__version__.startswith("2."):  # where there is no REST API to read it from
        report["result"] = tasks["land"].xcom_pull(task_ids="land", key="result")
    return report


def task_group() -> dict[str, Any]:
    """Run ``ekyc_verify_group`` with ``dag.test()``, with the run's parameters from standard input."""
    run = _dag_bag("ekyc_verify_group.py").dags["ekyc_verify_group"].test(run_conf=json.load(sys.stdin))
    states = [(ti.task_id, ti.map_index, getattr(ti.state, "value", ti.state)) for ti in run.get_task_instances()]
    return {"state": str(getattr(run.state, "value", run.state)), "tasks": sorted(states)}


def _activate_outlets(dag: Any) -> None:
    """Do what the scheduler does: in 3.0 ``dag.test()`` refuses an asset that no scheduler has activated yet."""
    from airflow import settings
    from airflow.models.asset import AssetActive, AssetModel

    session: Any = settings.Session()  # type: ignore[misc]  # None until Airflow is initialised
    for outlet in (outlet for task in dag.tasks for outlet in task.outlets):
        if not session.query(AssetActive).filter_by(name=outlet.name).first():
            asset = AssetModel.from_public(outlet)
            session.add(asset)
            session.flush()
            session.add(AssetActive.for_asset(asset))
    session.commit()
    session.close()


def _dag_bag(file: str | None = None) -> Any:
    from airflow.configuration import conf

    try:
        module = importlib.import_module("airflow.dag_processing.dagbag")
    except ModuleNotFoundError:  # Airflow below 3.2
        module = importlib.import_module("airflow.models.dagbag")
    folder = Path(conf.get("core", "dags_folder"))
    return module.DagBag(folder / file if file else folder)


TASKS = {task.__name__: task for task in (airflow_names, connection_form, example_dags, basic_chain, task_group)}

if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(TASKS[sys.argv[1]]()))
