"""Covers ``migrated_database.py`` and ``airflow_database.py``."""

from __future__ import annotations

import sqlite3
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dev.stack.airflow_database import SETTING, database_of
from dev.stack.migrated_database import migrated_database
from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import ProcessError

#: Statements that stand for ``airflow db migrate``: they make Airflow's table of versions.
MIGRATION = ("create table alembic_version (version_num text)", "insert into alembic_version values ('first')")


class Database(ABC):
    """An empty database, and how many migrations it has had.

    :param env: names it
    """

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.migrations = 0

    @abstractmethod
    def execute(self, *statements: str) -> None:
        """Run statements."""

    @abstractmethod
    def version(self) -> str:
        """Return what is in the table."""

    def make(self, python: str, **settings: str) -> int:
        """Have it made; return how many migrations that needed."""

        def migrate() -> None:
            self.migrations += 1
            self.execute(*MIGRATION)

        assert not database_of(self.env).has_tables()
        migrated_database(python, {**self.env, **settings}, migrate)
        assert database_of(self.env).has_tables()
        return self.migrations


class SqliteFile(Database):
    """A file that does not exist yet."""

    def __init__(self, path: Path) -> None:
        super().__init__({SETTING: f"sqlite:///{path}?timeout=15"})
        self.path = path

    def execute(self, *statements: str) -> None:
        """Run statements."""
        with closing(sqlite3.connect(self.path)) as connection:
            for statement in ("pragma journal_mode=wal", *statements):
                connection.execute(statement)
            connection.commit()

    def version(self) -> str:
        """Return what is in the table."""
        with closing(sqlite3.connect(self.path)) as connection:
            return str(connection.execute("select version_num from alembic_version").fetchone()[0])


class InPostgres(Database):
    """A database that was just made."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        super().__init__({SETTING: f"{server.airflow_url.rpartition('/')[0]}/{name}"})
        self.server, self.name = server, name

    def execute(self, *statements: str) -> None:
        """Run statements."""
        with closing(self.server.connect(self.name)) as connection, connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def version(self) -> str:
        """Return what is in the table."""
        with closing(self.server.connect(self.name)) as connection, connection.cursor() as cursor:
            cursor.execute("select version_num from alembic_version")
            return str(cursor.fetchone()[0])


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter in a folder of its own, beside which databases are kept."""
    link = tmp_path / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    return str(link)


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Database]]:
    """Three empty databases."""
    names = ("first", "second", "third")
    if request.param == "sqlite":
        yield [SqliteFile(tmp_path / f"{name}.db") for name in names]
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with closing(server.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"create database {name}")
            yield [InPostgres(server, name) for name in names]
            for name in names:
                cursor.execute(f"drop database {name}")


def test_the_second_database_is_a_copy_of_the_first(python: str, databases: list[Database]) -> None:
    first, second, _ = databases
    assert first.make(python) == 1
    assert second.make(python) == 0
    assert second.version() == "first"


def test_a_change_to_a_copy_changes_no_later_one(python: str, databases: list[Database]) -> None:
    *earlier, third = databases
    for database in earlier:
        database.make(python)
        database.execute("update alembic_version set version_num = 'changed'")
    third.make(python)
    assert third.version() == "first"


def test_another_auth_manager_has_tables_of_its_own(python: str, databases: list[Database]) -> None:
    first, second, _ = databases
    first.make(python)
    assert second.make(python, AIRFLOW__CORE__AUTH_MANAGER="fab") == 1


def test_a_migration_that_fails_leaves_nothing_to_copy(python: str, databases: list[Database]) -> None:
    def fail() -> None:
        raise RuntimeError("no disk")

    first, second, _ = databases
    with pytest.raises(RuntimeError, match="no disk"):
        migrated_database(python, first.env, fail)
    assert second.make(python) == 1


def test_a_copy_is_readable_by_its_owner_alone(python: str, tmp_path: Path) -> None:
    for name in ("first.db", "second.db"):
        SqliteFile(tmp_path / name).make(python)
    assert (tmp_path / "second.db").stat().st_mode & 0o777 == 0o600


def test_a_copy_that_postgresql_refuses_is_an_error(postgres: PostgresServer, tmp_path: Path) -> None:
    file = tmp_path / "copy.sql"
    file.write_text("create table pg_temp.made_up (a int);\nselect made_up_function();\n")
    with pytest.raises(ProcessError, match="made_up_function"):
        database_of({SETTING: postgres.airflow_url}).load(file)
