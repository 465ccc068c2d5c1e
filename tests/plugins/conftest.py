"""Airflow's database, and its auth manager, in the process of a test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.airflow_database import AirflowDatabase, make_tables


@pytest.fixture(scope="session")
def _tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of Airflow, made once."""
    file = tmp_path_factory.mktemp("tables") / "airflow.db"
    make_tables(file)
    return file


@pytest.fixture
def database(_tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowDatabase]:
    """Airflow's database, without a row."""
    file = tmp_path / "airflow.db"
    shutil.copy(_tables, file)
    opened = AirflowDatabase(file)
    opened.use(monkeypatch)
    yield opened
    opened.close()


@pytest.fixture
def auth_manager(database: AirflowDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's simple auth manager, which knows what each role may do."""
    from airflow.api_fastapi import app
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    monkeypatch.setattr(app._AuthManagerState, "instance", SimpleAuthManager())
