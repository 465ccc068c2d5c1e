"""Runs under another version's interpreter, where this package is installed from its wheel and ``stack`` is not.

``python -P inside.py TASK REPORT``: the report is a JSON file. Nothing of this repository is imported but the wheel.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def airflow_names() -> dict[str, Any]:
    """Look up every name of ``airflow_sdk``, and import every module of the package that this Airflow uses."""
    import airflow

    import airflow_provider_ekyc
    from airflow_provider_ekyc import airflow_sdk
    from airflow_provider_ekyc.retry_policy import EKYC_RETRY_POLICY

    found = {name: airflow_sdk.find(name) for name in airflow_sdk.PLACES}
    return {
        "airflow": airflow.__version__,
        "package": airflow_provider_ekyc.__file__,
        "places": {name: hit and hit[0] for name, hit in found.items()},
        "has_retry_policy": EKYC_RETRY_POLICY is not None,
        "imported": [name for name in _modules() if importlib.import_module(name)],
    }


def _modules() -> list[str]:
    """Return the modules of the package that this Airflow uses."""
    import airflow

    import airflow_provider_ekyc

    root = Path(airflow_provider_ekyc.__path__[0])
    names = sorted(
        ".".join(path.relative_to(root.parent).with_suffix("").parts)
        for path in root.rglob("*.py")
        if path.stem not in ("__main__", "__init__", "pytest_plugin")  # which needs pytest
    )
    if tuple(int(part) for part in airflow.__version__.split(".")[:2]) < (3, 1):
        # Of the page only the plugin itself is imported there.
        return [name for name in names if ".plugins." not in name or name.endswith(".ekyc_page")]
    return names


def bare_imports() -> dict[str, Any]:
    """Import each module of the package that this Airflow uses, and note which lack another package."""
    missing: dict[str, str] = {}
    modules = _modules()
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing[name] = str(error.name)
    distribution = importlib.metadata.distribution("airflow-provider-ekyc")
    return {
        "modules": len(modules),
        "missing": missing,
        "top_level": sorted({file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}),
        "has_retry_policy": importlib.import_module("airflow_provider_ekyc.retry_policy").EKYC_RETRY_POLICY is not None,
        "tools": [name for name in ("dev", "tests", "pytest", "pyarrow") if importlib.util.find_spec(name)],
    }


def provider_metadata() -> dict[str, Any]:
    """Ask Airflow's provider manager, which checks it against the version's schema, for the provider's metadata."""
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    found = manager.providers.get("airflow-provider-ekyc")
    hook = manager.hooks.get("ekyc")
    return {
        "version": found and found.version,
        "data": found and dict(found.data),
        "hook": hook and [hook.hook_class_name, hook.hook_name, hook.package_name],
        "links": sorted(name for name in manager.extra_links_class_names if name.startswith("airflow_provider_ekyc.")),
        "config": [
            dict(options) for package, options in manager.provider_configs if package == "airflow-provider-ekyc"
        ],
    }


def bare() -> dict[str, Any]:
    """Look at the wheel alone, but for the form: 3.1 asks for that with stand-ins for packages that are missing."""
    return {"imports": bare_imports(), "metadata": provider_metadata()}


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
        "xcoms": _xcoms(run.run_id),
    }
    if airflow.__version__.startswith("2."):  # where there is no REST API to read it from
        report["result"] = tasks["land"].xcom_pull(task_ids="land", key="result")
    return report


def task_group() -> dict[str, Any]:
    """Run ``ekyc_verify_group`` with ``dag.test()``, with the run's parameters from standard input."""
    run = _dag_bag("ekyc_verify_group.py").dags["ekyc_verify_group"].test(run_conf=json.load(sys.stdin))
    states = [(ti.task_id, ti.map_index, getattr(ti.state, "value", ti.state)) for ti in run.get_task_instances()]
    return {"state": str(getattr(run.state, "value", run.state)), "tasks": sorted(states)}


def _xcoms(run_id: str) -> list[list[str]]:
    """Return task and key of each XCom of a run, from the database."""
    from airflow.utils.session import create_session
    from sqlalchemy import select

    module = importlib.import_module("airflow.models.xcom")
    model = getattr(module, "XComModel", None) or module.XCom  # Airflow 2
    with create_session() as session:
        rows = session.execute(select(model.task_id, model.key).where(model.run_id == run_id)).all()
    return sorted(list(row) for row in rows)


def telemetry() -> dict[str, Any]:
    """Send metrics and spans as a task and as a trigger do, in a process that is set up for both."""
    from airflow_provider_ekyc import metrics
    from airflow_provider_ekyc.exceptions import EkycApiError
    from airflow_provider_ekyc.spans import span
    from airflow_provider_ekyc.tracing import task_span

    for package in ("airflow.sdk.observability", "airflow.observability"):
        _set_up_metrics(package)
    metrics.count_query(EkycApiError("made up"), "amazon")
    metrics.count_query(EkycApiError("made up"), "amazon", waited=1.5, in_triggerer=True)
    with task_span("ekyc.submit", None, rows=1), span("ekyc.send"):
        pass
    return {}


def _set_up_metrics(package: str) -> None:
    """Do what the task runner and the triggerer do when they start, from Airflow 3.2 on."""
    try:
        stats = importlib.import_module(f"{package}.stats").Stats
    except ModuleNotFoundError:
        return
    factory_of = importlib.import_module(f"{package}.metrics.stats_utils").get_stats_factory
    try:
        stats.initialize(factory=factory_of(), export_legacy_names=True)
    except TypeError:  # Airflow 3.2
        stats.initialize(factory=factory_of(stats))


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


TASKS = {
    task.__name__: task
    for task in (
        airflow_names,
        bare,
        connection_form,
        example_dags,
        basic_chain,
        task_group,
        telemetry,
    )
}

if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(TASKS[sys.argv[1]]()))
