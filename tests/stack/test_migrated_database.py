from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dev.stack.migrated_database import migrated_database


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter in a folder of its own, beside which databases are kept."""
    link = tmp_path / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    return str(link)


class Migration:
    """Stands for ``airflow db migrate``: makes a table that says which run made it."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute("pragma journal_mode=wal")
            connection.execute("create table made_by (file text)")
            connection.execute("insert into made_by values (?)", (self.database.name,))
            connection.commit()


def made_by(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("select file from made_by").fetchone()[0])


def made(python: str, database: Path, env: dict[str, str]) -> Migration:
    migration = Migration(database)
    migrated_database(python, database, env, migration)
    return migration


def test_the_second_database_is_a_copy_of_the_first(python: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    assert made(python, first, {}).runs == 1
    assert made(python, second, {}).runs == 0
    assert made_by(second) == "first.db"
    assert second.stat().st_mode & 0o777 == 0o600


def test_a_change_to_a_copy_changes_no_later_one(python: str, tmp_path: Path) -> None:
    for name in ("first.db", "second.db"):
        made(python, tmp_path / name, {})
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.execute("update made_by set file = 'changed'")
            connection.commit()
    made(python, tmp_path / "third.db", {})
    assert made_by(tmp_path / "third.db") == "first.db"


def test_another_auth_manager_has_tables_of_its_own(python: str, tmp_path: Path) -> None:
    made(python, tmp_path / "first.db", {})
    assert made(python, tmp_path / "second.db", {"AIRFLOW__CORE__AUTH_MANAGER": "fab"}).runs == 1


def test_a_migration_that_fails_leaves_nothing_to_copy(python: str, tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        migrated_database(python, tmp_path / "first.db", {}, fail)
    assert made(python, tmp_path / "second.db", {}).runs == 1
