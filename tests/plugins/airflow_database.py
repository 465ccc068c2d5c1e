"""Airflow's database as an SQLite file with its tables and no row, in the process of the test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from airflow import settings
from airflow.models import import_all_models
from airflow.models.base import Base
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session, sessionmaker


class AirflowDatabase:
    """
    One that Airflow's own sessions use until the test ends.

    :param file: with its tables
    """

    def __init__(self, file: Path) -> None:
        self._engine = create_engine(f"sqlite:///{file}", connect_args={"check_same_thread": False})
        self._sessions = sessionmaker(self._engine)

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have Airflow's sessions use it."""
        monkeypatch.setattr(settings, "Session", self._sessions)

    def session(self) -> Session:
        """Return a session."""
        return self._sessions()

    def insert(self, model: Any, **row: Any) -> None:
        """Insert a row into the table of a model of Airflow's."""
        with self._engine.begin() as connection:
            connection.execute(insert(model.__table__).values(row))

    def rows(self, model: Any) -> list[Mapping[str, Any]]:
        """Return the rows of the table of a model of Airflow's."""
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(model.__table__.select()).mappings()]

    def close(self) -> None:
        """Close it."""
        self._engine.dispose()


def make_tables(file: Path) -> None:
    """Make Airflow's tables."""
    import_all_models()
    engine = create_engine(f"sqlite:///{file}")
    Base.metadata.create_all(engine)
    engine.dispose()
