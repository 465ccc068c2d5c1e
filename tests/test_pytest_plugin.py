"""The pytest plugin (``pytest_plugin.py``), in projects of others: a pytest of its own, found by its entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from airflow_provider_ekyc import pytest_plugin
from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.sandbox import Sandbox

#: What a project that merely has the package installed must not be burdened with.
HEAVY = ("airflow", "aiohttp", "requests", "numpy", "airflow_provider_ekyc.sandbox")

AUTHOR = """
import json
import os
import urllib.request

import pytest

BEFORE = dict(os.environ)


def call(sandbox, path, **headers):
    request = urllib.request.Request(sandbox.url + path, headers={"X-API-Key": sandbox.api_key, **headers})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def connection(name="EKYC_DEFAULT"):
    return json.loads(os.environ["AIRFLOW_CONN_" + name])


def test_the_connection_leads_to_a_running_sandbox(ekyc_sandbox):
    assert connection()["host"] == ekyc_sandbox.url
    assert connection()["password"] == ekyc_sandbox.api_key
    assert call(ekyc_sandbox, "/v1/balance")["balance"] == 1_000_000
    assert ekyc_sandbox.bill.submissions == ()


def test_a_proxy_of_the_environment_is_not_used_for_it(ekyc_sandbox):
    assert {"127.0.0.1", "localhost"} <= set(os.environ["NO_PROXY"].split(","))
    assert os.environ["NO_PROXY"].startswith("intranet.example,") and os.environ["no_proxy"].startswith("127.0.0.1")


@pytest.fixture
def first(ekyc_sandbox):
    return ekyc_sandbox.url


@pytest.mark.ekyc_sandbox(conn_id="ekyc_other", extra={"account": "tests"}, balance=3, row_limits={"amazon": (1, 50)})
def test_the_marker_sets_the_sandbox_and_the_connection(ekyc_sandbox, first):
    assert first == ekyc_sandbox.url
    assert call(ekyc_sandbox, "/v1/balance")["balance"] == 3
    extra = connection("EKYC_OTHER")["extra"]
    assert (extra["account"], extra["row_limits"]) == ("tests", {"amazon": [1, 50]})
    assert "AIRFLOW_CONN_EKYC_DEFAULT" not in os.environ


@pytest.mark.ekyc_sandbox("ekyc_other", {"account": "tests"})
def test_id_and_extras_may_stand_in_their_order(ekyc_sandbox):
    assert connection("EKYC_OTHER")["extra"]["account"] == "tests"


@pytest.mark.ekyc_sandbox(tls=True)
class TestTls:
    def test_the_authority_is_in_the_connection(self, ekyc_sandbox):
        assert ekyc_sandbox.url.startswith("https://")
        assert connection()["extra"]["ca_file"] == str(ekyc_sandbox.ca_file)


@pytest.mark.ekyc_sandbox(paze=5)
def test_with_a_typo(ekyc_sandbox):
    pass


def test_nothing_stays():
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**BEFORE, "PYTEST_CURRENT_TEST": ""}
"""

STRANGER = f"""
import sys


def test_of_a_project_that_has_the_package_installed(pytestconfig):
    assert pytestconfig.pluginmanager.has_plugin("{pytest_plugin.__name__}")
    assert [name for name in {HEAVY!r} if name in sys.modules] == []
"""


def run(folder: Path, **files: str) -> str:
    """Run pytest with this plugin alone in a project with these files; return the output."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "no_proxy")
    env = {name: value for name, value in os.environ.items() if name not in names and not name.startswith("AIRFLOW")}
    # Other packages of this environment have plugins of their own, which load what they need.
    options = ("--disable-plugin-autoload", "-p", pytest_plugin.__name__, "-p", "no:cacheprovider", "--strict-markers")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env={**env, "NO_PROXY": "intranet.example"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    return done.stdout


def test_pytest_finds_it_by_its_entry_point() -> None:
    (found,) = entry_points(group="pytest11", name="ekyc_sandbox")
    assert found.value == pytest_plugin.__name__


def test_an_author_has_a_sandbox_for_a_test(tmp_path: Path) -> None:
    output = run(tmp_path, test_author=AUTHOR)
    assert "6 passed, 1 error" in output, output
    assert "unexpected keyword argument 'paze'" in output


def test_a_project_that_does_not_use_it_pays_for_nothing(tmp_path: Path) -> None:
    output = run(tmp_path, test_stranger=STRANGER)
    assert "1 passed" in output, output


@pytest.mark.ekyc_sandbox(row_limits={"amazon": (1, 10), "ws": (5, 50)})
def test_the_client_accepts_the_connection(ekyc_sandbox: Sandbox) -> None:
    connection = json.loads(os.environ["AIRFLOW_CONN_EKYC_DEFAULT"])
    settings = read_settings(
        "ekyc_default",
        host=connection["host"],
        schema=None,
        port=None,
        password=connection["password"],
        extra=connection["extra"],
    )
    assert settings.base_url == ekyc_sandbox.url
    assert [settings.limits(name) for name in ("amazon", "ws")] == [(1, 10), (5, 50)]
