"""
A migrated SQLite database: made once per installation of Airflow, then copied.

``airflow db migrate`` takes some ten seconds of a processor on an empty database, and the tests start many Airflows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

#: What decides which tables there are.
SETTINGS = ("AIRFLOW__CORE__AUTH_MANAGER", "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS")
PACKAGES = ("apache-airflow", "apache-airflow-providers-fab")


def migrated_database(python: str, database: Path, env: Mapping[str, str], migrate: Callable[[], None]) -> None:
    """Make the database of a new AIRFLOW_HOME: a copy of one that the same installation has migrated before.

    :param python: interpreter of the virtual environment whose Airflow it is; the first database is kept there
    :param database: the file, which does not exist yet
    :param env: environment variables of that Airflow
    :param migrate: runs ``airflow db migrate`` for this database
    """
    kept = Path(python).parent.parent / "migrated" / f"{_fingerprint(python, env)}.db"
    kept.parent.mkdir(exist_ok=True)
    with _alone(kept.with_suffix(".lock")):
        if not kept.exists():
            migrate()
            unfinished = kept.with_suffix(f".{os.getpid()}")
            _copy(database, unfinished)
            unfinished.replace(kept)
            return
    _copy(kept, database)


def _fingerprint(python: str, env: Mapping[str, str]) -> str:
    code = (
        "from importlib.metadata import distributions; import sys\n"
        "print(sorted(f'{d.name}=={d.version}' for d in distributions() if d.name in sys.argv[1:]))"
    )
    installed = subprocess.run([python, "-I", "-c", code, *PACKAGES], capture_output=True, text=True, check=True).stdout
    chosen = [f"{name}={env.get(name, '')}" for name in SETTINGS]
    return hashlib.sha256("\n".join([installed, *chosen]).encode()).hexdigest()[:16]


def _copy(source: Path, target: Path) -> None:
    """Copy a database whole, whatever its journal mode, readable by its owner alone."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@contextmanager
def _alone(lock_file: Path) -> Iterator[None]:
    """Wait until no other process makes the same database."""
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
