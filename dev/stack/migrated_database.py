"""
A migrated database of Airflow: made once per installation of Airflow, then copied.

``airflow db migrate`` takes some ten seconds of a processor on an empty database, and the tests start many Airflows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev.stack.airflow_database import database_of

#: What decides which tables there are.
SETTINGS = ("AIRFLOW__CORE__AUTH_MANAGER", "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS")
PACKAGES = ("apache-airflow", "apache-airflow-providers-fab")


def migrated_database(python: str, env: Mapping[str, str], migrate: Callable[[], None]) -> None:
    """Fill the empty database of a new AIRFLOW_HOME: with a copy of one that the same installation has migrated before.

    :param python: interpreter of the virtual environment whose Airflow it is; the first database is kept there
    :param env: environment variables of that Airflow, which name the database
    :param migrate: runs ``airflow db migrate`` for this database
    """
    database = database_of(env)
    kept = Path(python).parent.parent / "migrated" / f"{_fingerprint(python, env)}{database.suffix}"
    kept.parent.mkdir(exist_ok=True)
    with _alone(kept.with_suffix(f"{kept.suffix}.lock")):
        if not kept.exists():
            migrate()
            unfinished = kept.with_suffix(f"{kept.suffix}.{os.getpid()}")
            database.save(unfinished)
            unfinished.replace(kept)
            return
    database.load(kept)


def _fingerprint(python: str, env: Mapping[str, str]) -> str:
    code = (
        "from importlib.metadata import distributions; import sys\n"
        "print(sorted(f'{d.name}=={d.version}' for d in distributions() if d.name in sys.argv[1:]))"
    )
    installed = subprocess.run([python, "-I", "-c", code, *PACKAGES], capture_output=True, text=True, check=True).stdout
    chosen = [f"{name}={env.get(name, '')}" for name in SETTINGS]
    return hashlib.sha256("\n".join([installed, *chosen]).encode()).hexdigest()[:16]


@contextmanager
def _alone(lock_file: Path) -> Iterator[None]:
    """Wait until no other process makes the same database."""
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
