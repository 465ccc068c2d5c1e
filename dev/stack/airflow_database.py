"""Airflow's own database as a stack keeps it: a file of SQLite, or a database in PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from dev.stack.postgres_server import postgres_binary
from dev.stack.processes import ProcessError

SETTING = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


class AirflowDatabase(Protocol):
    """Where Airflow's tables are."""

    #: Of a file that holds a copy.
    suffix: str

    def has_tables(self) -> bool:
        """Whether a migration has been there."""

    def save(self, file: Path) -> None:
        """Write a copy of it.

        :param file: the new file
        """

    def load(self, file: Path) -> None:
        """Fill it, while it is empty, with a copy.

        :param file: what :meth:`save` has written
        """


def database_of(env: Mapping[str, str]) -> AirflowDatabase:
    """Return the database that the environment of an Airflow names.

    :param env: the environment
    """
    url = env[SETTING]
    if url.startswith("sqlite:///"):
        return SqliteFile(Path(url.removeprefix("sqlite:///").partition("?")[0]))
    return PostgresDatabase(url)


class SqliteFile:
    """A file of SQLite.

    :param path: the file; it may not be there yet
    """

    suffix = ".db"

    def __init__(self, path: Path) -> None:
        self.path = path

    def has_tables(self) -> bool:
        """Whether a migration has been there."""
        if not self.path.exists():
            return False
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            try:
                return connection.execute("select version_num from alembic_version").fetchone() is not None
            except sqlite3.Error:
                return False

    def save(self, file: Path) -> None:
        """Copy it whole, whatever its journal mode, readable by its owner alone."""
        _copy(self.path, file)

    def load(self, file: Path) -> None:
        """Make it a copy."""
        _copy(file, self.path)


class PostgresDatabase:
    """A database in a running PostgreSQL server.

    :param url: as Airflow's setting has it
    """

    suffix = ".sql"

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._env = {
            **os.environ,
            "PGHOST": where.hostname or "",
            "PGPORT": str(where.port),
            "PGUSER": where.username or "",
            "PGPASSWORD": where.password or "",
            "PGDATABASE": where.path.lstrip("/"),
        }

    def has_tables(self) -> bool:
        """Whether a migration has been there."""
        found = self._run("psql", "--no-psqlrc", "--tuples-only", "-c", "select to_regclass('alembic_version')")
        return bool(found.strip())

    def save(self, file: Path) -> None:
        """Write the statements that make it."""
        self._run("pg_dump", "--no-owner", f"--file={file}")

    def load(self, file: Path) -> None:
        """Run the statements, all or none."""
        options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
        self._run("psql", *options, f"--file={file}")

    def _run(self, program: str, *arguments: str) -> str:
        command = [str(postgres_binary(program)), *arguments]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ProcessError(f"{program} failed with exit code {done.returncode}.\n{done.stderr[-2000:]}")
        return done.stdout


def _copy(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
