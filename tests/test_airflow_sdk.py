"""Names that moved between Airflow's versions; ``make compat`` runs the same comparison under each version."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import airflow
import pytest
from airflow import exceptions

from airflow_provider_ekyc import airflow_sdk, async_connection
from dev.stack.compat.airflow_names import MOVES, expected_places

ROOT = Path(__file__).parent.parent


def test_every_name_is_where_the_table_says_for_this_airflow() -> None:
    assert set(MOVES) == set(airflow_sdk.PLACES)
    found = {name: airflow_sdk.find(name) for name in airflow_sdk.PLACES}
    assert {name: hit and hit[0] for name, hit in found.items()} == expected_places(airflow.__version__)


@pytest.mark.parametrize(
    ("version", "name", "place"),
    [
        ("2.11.2", "BaseHook", "airflow.hooks.base"),
        ("3.0.6", "BaseHook", "airflow.hooks.base"),
        ("3.1.8", "BaseHook", "airflow.sdk"),
        ("2.11.2", "Asset", "airflow.datasets:Dataset"),
        ("3.0.6", "Asset", "airflow.sdk"),
        ("3.1.8", "AirflowFailException", "airflow.exceptions"),
        ("3.2.2", "AirflowFailException", "airflow.sdk.exceptions"),
        ("3.2.2", "RetryDecision", None),
        ("3.3.2", "RetryDecision", "airflow.sdk.definitions.retry_policy"),
        ("3.4.0b2", "conf", "airflow.sdk.configuration"),
    ],
)
def test_the_table_per_version(version: str, name: str, place: str | None) -> None:
    assert expected_places(version)[name] == place


def test_every_place_is_one_that_some_version_uses() -> None:
    for name, places in airflow_sdk.PLACES.items():
        assert set(MOVES[name].values()) == set(places), name


@pytest.mark.filterwarnings("ignore:airflow.exceptions")
def test_an_exception_is_the_same_class_under_both_of_its_names() -> None:
    names = [name for name in airflow_sdk.PLACES if name.startswith(("Airflow", "TaskDeferr"))]
    names.remove("AirflowPlugin")
    assert len(names) == 8
    for name in names:
        assert getattr(airflow_sdk, name) is getattr(exceptions, name)


def test_a_name_that_this_airflow_does_not_have_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(airflow_sdk.PLACES, "Later", ("airflow.sdk.no_such_module", "airflow.no_such_module"))
    monkeypatch.setitem(airflow_sdk.PLACES, "Renamed", ("airflow.sdk", "airflow.no_such_module:Earlier"))
    for name in ("Later", "Renamed", "Unlisted"):
        with pytest.raises(ImportError, match=name):
            exec(f"from airflow_provider_ekyc.airflow_sdk import {name}")


def test_a_module_that_is_there_and_fails_to_import_is_not_taken_for_an_older_airflow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "made_up_broken.py").write_text("import made_up_missing_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(airflow_sdk.PLACES, "Broken", ("made_up_broken", "airflow.sdk"))
    with pytest.raises(ModuleNotFoundError, match="made_up_missing_dependency"):
        airflow_sdk.find("Broken")


def test_the_package_neither_requires_nor_imports_common_compat() -> None:
    requirements = (ROOT / "pyproject.toml").read_text()
    assert "common-compat" not in requirements
    sources = [*(ROOT / "airflow_provider_ekyc").rglob("*.py"), *(ROOT / "example_dags").rglob("*.py")]
    assert not [str(source) for source in sources if "common.compat" in source.read_text()]


def test_the_classes_import_where_common_compat_can_not_be_imported() -> None:
    code = """
import sys
for name in ("sdk", "connection", "lineage", "openlineage"):
    sys.modules[f"airflow.providers.common.compat.{name}"] = None
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers import ekyc_to_s3, lineage
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
import airflow_provider_ekyc.async_connection, airflow_provider_ekyc.retry_policy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


class OlderHook:
    """A hook of an Airflow whose connections are read with a blocking call."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def get_connection(self, conn_id: str) -> Any:
        self.threads.append(threading.get_ident())
        return SimpleNamespace(conn_id=conn_id, extra_dejson={"account": "a"})

    async def aget_connection(self, conn_id: str) -> Any:
        raise AssertionError("masks with a blocking call below Airflow 3.3.2")


def test_below_3_3_2_a_connection_is_read_in_one_worker_thread_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(async_connection, "Connection", type("Connection", (), {}))
    hook = OlderHook()

    async def read() -> list[Any]:
        return list(await asyncio.gather(*(async_connection.read_connection("c", hook) for _ in range(3))))  # type: ignore[arg-type]

    found = asyncio.run(read())
    assert [(connection.conn_id, extra) for connection, extra in found] == [("c", {"account": "a"})] * 3
    assert len(hook.threads) == 3
    assert threading.get_ident() not in hook.threads


def test_under_the_supervisor_of_dag_test_a_connection_is_read_by_blocking_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.supervisor import InProcessSupervisorComms

    monkeypatch.setattr(async_connection, "Connection", type("Connection", (), {"aextra_dejson": None}))
    nobody: Any = None  # the test asks the supervisor nothing
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", InProcessSupervisorComms(supervisor=nobody), raising=False)
    hook: Any = OlderHook()
    found, _ = asyncio.run(async_connection.read_connection("c", hook))
    assert (found.conn_id, len(hook.threads)) == ("c", 1)
