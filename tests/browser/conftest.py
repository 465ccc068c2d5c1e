"""A browser, and what it opens. ``EKYC_BROWSER_VERSION`` names another Airflow (``make browser`` sets it)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from dev.browser.chromium import chromium
from dev.browser.deployment import Deployment
from dev.browser.person import Person
from dev.stack.compat.versions import Version
from tests.conftest import is_last_file_with

EXAMPLES = Path(__file__).parents[2] / "example_dags"
VERSION = os.environ.get("EKYC_BROWSER_VERSION")

#: Five seconds by default, which a busy machine needs for one answer.
expect.set_options(timeout=60_000)


_PAGES = [("can_read", resource) for resource in ("Website", "Plugins", "DAG Runs", "Task Logs")]
_READS_ALL = [*_PAGES, ("can_read", "DAGs"), ("can_read", "Task Instances"), ("can_read", "XComs")]
_EDITS = [
    (action, resource)
    for resource in ("DAGs", "Task Instances", "DAG Runs", "Variables")
    for action in ("can_read", "can_edit", "can_create")
]
#: The DAG of most runs, and the one that not all users may read.
SHOWN, HIDDEN = "ekyc_basic", "ekyc_taskflow"
#: Users of the deployment, and their rights.
USERS = {
    "reads-one-dag": [*_PAGES, ("can_read", f"DAG:{SHOWN}"), ("can_read", "Task Instances"), ("can_read", "XComs")],
    "reads-all": _READS_ALL,
    "reads-no-xcoms": [right for right in _READS_ALL if right[1] != "XComs"],
    "reads-no-tasks": [right for right in _READS_ALL if right[1] != "Task Instances"],
    "edits": [*_READS_ALL, *_EDITS],
    "edits-no-variables": [*_READS_ALL, *(right for right in _EDITS if right[1] != "Variables")],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def python() -> Path | None:
    """The interpreter whose Airflow is opened; None for that of the tests."""
    return Version(VERSION).python if VERSION else None


@pytest.fixture(scope="session")
def _deployment(tmp_path_factory: pytest.TempPathFactory, python: Path | None) -> Iterator[Deployment]:
    dags = [EXAMPLES / f"{name}.py" for name in (SHOWN, "ekyc_mapped", HIDDEN)]
    with Deployment(tmp_path_factory.mktemp("browser"), dags, USERS, python) as running:
        yield running


@pytest.fixture(scope="module")
def deployment(request: pytest.FixtureRequest, _deployment: Deployment) -> Iterator[Deployment]:
    """An Airflow with the users, the sandbox and an S3 server; it ends with the last of the files that share it."""
    yield _deployment
    if is_last_file_with("_deployment", request):
        _deployment.stop()


@pytest.fixture(scope="module")
def admin(browser: Browser, deployment: Deployment) -> Iterator[Person]:
    """An administrator at a wide window."""
    with Person(browser, deployment.airflow.url).send_login(*deployment.login()) as person:
        yield person
