"""``plugins/ekyc_page.py``: the plugin class, in every component and where it is switched off."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

from airflow_provider_ekyc.get_provider_info import get_provider_info
from airflow_provider_ekyc.plugins import ekyc_page
from airflow_provider_ekyc.plugins.ekyc_page import EkycPagePlugin, base_path, page_is_enabled

HEAVY = ("fastapi", "sqlalchemy", "airflow.models.taskinstance", "requests", "airflow_provider_ekyc.hooks")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AIRFLOW__EKYC__PAGE", "AIRFLOW__API__BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_airflow_finds_it_once() -> None:
    (found,) = [each for each in entry_points(group="airflow.plugins") if "ekyc" in each.value]
    assert found.load() is EkycPagePlugin
    assert "plugins" not in get_provider_info()


def test_a_component_that_loads_plugins_loads_nothing_heavy_for_it() -> None:
    def loaded(code: str) -> set[str]:
        tell = f"\nimport sys, json\nprint(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
        done = subprocess.run([sys.executable, "-c", code + tell], check=True, capture_output=True, text=True)
        return set(json.loads(done.stdout.splitlines()[-1]))

    before = loaded("import airflow.sdk.plugins_manager")
    made = "from airflow_provider_ekyc.plugins.ekyc_page import EkycPagePlugin; EkycPagePlugin()"
    assert loaded(f"import airflow.sdk.plugins_manager\n{made}") == before


def test_the_page_and_the_tab_of_a_run() -> None:
    plugin = EkycPagePlugin()
    (app,) = plugin.fastapi_apps
    assert (app["url_prefix"], app["name"]) == ("/ekyc", "eKYC")
    assert [(each["destination"], each["url_route"]) for each in plugin.react_apps] == [
        ("nav", "ekyc"),
        ("dag_run", "ekyc-run"),
    ]
    assert {each["bundle_url"] for each in plugin.react_apps} == {"/ekyc/static/ekyc_page.js"}
    assert {each["name"] for each in plugin.react_apps} == {"eKYC"}


def test_the_path_of_the_base_url_stands_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.invalid/team/airflow/")
    assert base_path() == "/team/airflow"
    assert EkycPagePlugin().react_apps[0]["bundle_url"] == "/team/airflow/ekyc/static/ekyc_page.js"


@pytest.mark.parametrize("value", ["False", "0", "no way"])
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__PAGE", value)
    plugin = EkycPagePlugin()
    assert not page_is_enabled()
    assert plugin.fastapi_apps == plugin.react_apps == []


@pytest.mark.parametrize(
    ("version", "shown"), [("2.11.2", False), ("3.0.6", False), ("3.1.8", True), ("3.4.0b2", True)]
)
def test_below_3_1_there_is_no_page(monkeypatch: pytest.MonkeyPatch, version: str, shown: bool) -> None:
    monkeypatch.setattr("airflow.__version__", version)
    assert page_is_enabled() is shown
    assert bool(EkycPagePlugin().fastapi_apps) is shown


def test_a_page_that_can_not_be_made_does_not_keep_airflow_from_starting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise ImportError("a name that a later Airflow has moved")

    monkeypatch.setattr("airflow_provider_ekyc.plugins.page_app.page_app", fail)
    plugin = EkycPagePlugin()
    assert plugin.fastapi_apps == plugin.react_apps == []
    assert "can't be shown" in caplog.text
    assert ekyc_page.NAME == "eKYC"
