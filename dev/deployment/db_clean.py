"""
What ``airflow db clean`` removes of a deployment with old and with waiting runs, and what stays.

    python -m dev.deployment.db_clean [--days 30]

A database of its own is made with rows of four runs: one that has ended, and one that waits, begun 100 days ago and 10
days ago each. ``airflow.utils.db_cleanup.run_cleanup``, which ``airflow db clean`` calls, then cleans it. Printed is
what is left, as JSON: the runs, the waits, the triggers, and the keys of the Variables.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.submission.variable_store import PREFIX
from dev.stack.airflow_stack import AirflowStack

#: Days ago that the runs have begun.
AGES = (100, 10)
#: A record of each kind, by the end of its key; the values do not matter here.
RECORDS = ("18779d9a7e776001", "18779d9a7e776001_receipt", "open_18779d9a7e776001", "instance_0")

_CLEAN = """
import sys
from datetime import UTC, datetime, timedelta
from airflow.utils.db_cleanup import run_cleanup
before = datetime.now(UTC) - timedelta(days=float(sys.argv[1]))
run_cleanup(clean_before_timestamp=before, skip_archive=True, confirm=False, verbose=False)
"""


def clean(folder: Path, days: float) -> dict[str, list[str]]:
    """
    Make the database, clean it, and return what is left.

    :param folder: of the AIRFLOW_HOME
    :param days: what is older is cleaned
    :return: ids of ``runs``, of runs with ``waits``, of ``triggers``; keys of ``variables``
    """
    stack = AirflowStack(folder, folder / "dags")
    stack.migrate()
    database = folder / "airflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("pragma foreign_keys = off")
        for table, row in _rows(datetime.now(UTC)):
            _insert(connection, table, row)
    subprocess.run(
        [sys.executable, "-c", _CLEAN, str(days)], env=stack.env, check=True, stdout=subprocess.DEVNULL, timeout=300
    )
    with closing(sqlite3.connect(database)) as connection:
        return {
            "runs": _column(connection, "select run_id from dag_run"),
            "waits": _column(connection, "select run_id from task_instance where state = 'deferred'"),
            "triggers": _column(connection, "select id from trigger"),
            "variables": _column(connection, "select key from variable"),
        }


def _rows(now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "dag_bundle", {"name": "a_bundle", "active": 1}
    yield "dag", {"dag_id": "a_dag", "bundle_name": "a_bundle", "last_parsed_time": now}
    for number, age in enumerate(AGES, start=1):
        began = now - timedelta(days=age)
        for state in ("success", "running"):
            run = {"dag_id": "a_dag", "run_id": f"{state} {age} days", "run_type": "manual"}
            times = {"start_date": began, "run_after": began, "queued_at": began, "created_at": began}
            yield "dag_run", {**run, **times, "state": state}
            waits = state == "running"
            task = {"dag_id": "a_dag", "run_id": run["run_id"], "task_id": "wait", "map_index": -1, "start_date": began}
            yield (
                "task_instance",
                {
                    **task,
                    "id": f"{number:031d}{int(waits)}",
                    "state": "deferred" if waits else "success",
                    "trigger_id": number if waits else None,
                },
            )
        path = "airflow_provider_ekyc.triggers.ekyc.EkycTaskTrigger"
        yield "trigger", {"id": number, "classpath": path, "created_date": began, "kwargs": "{}"}
    for end in RECORDS:
        yield "variable", {"key": f"{PREFIX}0123456789abcdef_{end}", "val": "made up"}


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    """Insert a row; what it leaves out and may not be NULL is made up by its type."""
    values = {name: value.isoformat(" ") if isinstance(value, datetime) else value for name, value in row.items()}
    for _, name, kind, not_null, default, key in connection.execute(f"pragma table_info({table})").fetchall():
        if name not in values and not_null and default is None and not (key and kind == "INTEGER"):
            values[name] = 0 if kind.split("(")[0] in ("INTEGER", "BOOLEAN", "FLOAT", "SMALLINT") else "made up"
    columns, places = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"insert into {table} ({columns}) values ({places})", list(values.values()))


def _column(connection: sqlite3.Connection, query: str) -> list[str]:
    return sorted(str(value) for (value,) in connection.execute(query))


def main(arguments: Sequence[str] | None = None) -> None:
    """Clean and print."""
    parser = argparse.ArgumentParser(prog="python -m dev.deployment.db_clean", description="What a clean-up leaves.")
    parser.add_argument("--days", type=float, default=30, help="what is older is cleaned")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ekyc-db-clean-") as folder:
        os.chmod(folder, 0o700)
        print(json.dumps(clean(Path(folder), given.days), indent=1))


if __name__ == "__main__":
    main()
