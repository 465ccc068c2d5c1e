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

EXAMPLES = Path(__file__).parents[2] / "example_dags"
VERSION = os.environ.get("EKYC_BROWSER_VERSION")

#: Five seconds by default, which a busy machine needs for one answer.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def python() -> Path | None:
    """The interpreter whose Airflow is opened; None for that of the tests."""
    return Version(VERSION).python if VERSION else None


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, python: Path | None) -> Iterator[Deployment]:
    """An Airflow without connections, the sandbox and an S3 server."""
    dags = [EXAMPLES / "ekyc_basic.py", EXAMPLES / "ekyc_mapped.py"]
    with Deployment(tmp_path_factory.mktemp("browser"), dags, python=python) as running:
        yield running


@pytest.fixture(scope="module")
def admin(browser: Browser, deployment: Deployment) -> Iterator[Person]:
    """An administrator at a wide window."""
    with Person(browser, deployment.airflow.url).sign_in(*deployment.airflow.login) as person:
        yield person
