"""
Made-up runs in the database of an Airflow, for the benchmark of the page: seeded, so that each call makes the same.

    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=... python -m dev.benchmarks.page_data --runs 10000

Runs under any Airflow from 3.1 on: through its models, since its tables differ. Each run has three task instances, and
six XComs unless something has failed. The last twenty runs wait; of the others one in a hundred has an unknown outcome,
as many were refused, and as many could not be landed.
"""

from __future__ import annotations

import argparse
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

DAGS = 5
DAYS = 120
SEED = 14
WAITING = 20
PORTION = 2_000

#: In the order of a chain: task id, class, pool slots.
TASKS = (("submit", "EkycSubmitOperator"), ("wait", "EkycTaskSensor"), ("land", "EkycResultsToS3Operator"))


@dataclass(slots=True)
class Tables:
    """Rows to insert, by table."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    xcoms: list[dict[str, Any]] = field(default_factory=list)
    variables: list[tuple[str, str]] = field(default_factory=list)


def main() -> None:
    """Fill the database that Airflow's configuration names."""
    parser = argparse.ArgumentParser(description="Fill the database of an Airflow with made-up runs.")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--now", type=datetime.fromisoformat, default=None, help="time of the last run")
    arguments = parser.parse_args()
    fill(arguments.runs, arguments.now or datetime.now(UTC))


def fill(runs: int, now: datetime) -> None:
    """
    Insert runs, task instances, XComs and records of submissions.

    :param runs: how many
    :param now: time of the last run
    """
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(DagBundleModel(name="made-up"))
        session.flush()
        for number in range(DAGS):
            session.add(DagModel(dag_id=_dag_id(number), bundle_name="made-up", is_paused=False, is_stale=False))
    for tables in made_up(runs, now):
        with create_session() as session:
            insert_rows(session, tables)
            for key, value in tables.variables:
                session.add(Variable(key=key, val=value))


def made_up(runs: int, now: datetime) -> Iterator[Tables]:
    """
    Yield rows, so many runs at a time.

    :param runs: how many in all
    :param now: time of the last one
    """
    choice = random.Random(SEED)
    step = timedelta(days=DAYS) / runs
    tables = Tables()
    for number in range(runs):
        _add_run(tables, number, now - step * (runs - 1 - number), choice, is_last=number >= runs - WAITING)
        if len(tables.runs) == PORTION:
            yield tables
            tables = Tables()
    if tables.runs:
        yield tables


def _add_run(tables: Tables, number: int, time: datetime, choice: random.Random, *, is_last: bool) -> None:
    dag_id, run_id = _dag_id(number % DAGS), f"made_up__{number:06d}"
    chance = choice.random()
    fate = "waits" if is_last else "unknown" if chance < 0.01 else "refused" if chance < 0.02 else "landed"
    if fate == "landed" and chance > 0.99:
        fate = "not_landed"
    states = {
        "waits": ("success", "deferred", None),
        "unknown": ("failed", "upstream_failed", "upstream_failed"),
        "refused": ("failed", "upstream_failed", "upstream_failed"),
        "not_landed": ("success", "success", "failed"),
        "landed": ("success", "success", "success"),
    }[fate]
    tables.runs.append(
        {
            "id": number + 1,
            "dag_id": dag_id,
            "run_id": run_id,
            "state": "running" if is_last else "success" if fate == "landed" else "failed",
            "run_type": "manual",
            "queued_at": time,
            "start_date": time,
            "end_date": None if is_last else time + timedelta(minutes=10),
            "run_after": time,
            "logical_date": time,
            "clear_number": 0,
        }
    )
    run = _Run(tables, number, dag_id, run_id, time)
    for place, ((task_id, operator), state) in enumerate(zip(TASKS, states, strict=True)):
        run.add_task(task_id, operator, state, time + timedelta(minutes=3 * place))
    ekyc_task_id, rows = f"made-up-{number:08d}", choice.randrange(100, 1_000_000)
    if fate in ("unknown", "refused"):
        run.add_failed_submission(rows, is_open=fate == "unknown")
        return
    run.add_submission(ekyc_task_id, rows)
    done = rows // 2 if is_last else rows
    run.add_progress(ekyc_task_id, done, rows, is_over=not is_last)
    if fate == "landed":
        run.add_result(ekyc_task_id, rows, yes=choice.randrange(rows))
    elif fate == "not_landed":
        run.add_failure("land", kind="s3", charge="certain", ekyc_task_id=ekyc_task_id)


@dataclass(slots=True)
class _Run:
    tables: Tables
    number: int
    dag_id: str
    run_id: str
    time: datetime
    tasks: dict[str, uuid.UUID] = field(default_factory=dict)

    def add_task(self, task_id: str, operator: str, state: str | None, time: datetime) -> None:
        number = uuid.UUID(int=(self.number << 16) + len(self.tasks) + 1)
        self.tasks[task_id] = number
        has_run = state not in (None, "upstream_failed")
        self.tables.tasks.append(
            {
                "id": number,
                "dag_id": self.dag_id,
                "run_id": self.run_id,
                "task_id": task_id,
                "operator": operator,
                "state": state,
                "try_number": int(has_run),
                "max_tries": 2,
                "start_date": time if has_run else None,
                "end_date": time + timedelta(minutes=2) if has_run and state != "deferred" else None,
                "pool": "default_pool",
                "pool_slots": 1,
                "executor_config": {},
                "span_status": "not_started",
            }
        )

    def push(self, task_id: str, key: str, value: Any) -> None:
        self.tables.xcoms.append(
            {
                "task_instance_id": self.tasks[task_id],
                "dag_run_id": self.number + 1,
                "dag_id": self.dag_id,
                "run_id": self.run_id,
                "task_id": task_id,
                "map_index": -1,
                "key": key,
                "value": value,
                "timestamp": self.time,
            }
        )

    def add_submission(self, ekyc_task_id: str, rows: int) -> None:
        amounts = {"price": "0.001", "estimated_cost": f"{rows / 1000:.3f}", "balance_before": "5000.00"}
        self.push(
            "submit",
            "submission",
            {
                "ekyc_task_id": ekyc_task_id,
                "task_type": "amazon",
                "fingerprint": f"{self.number:064x}",
                "lines_read": rows,
                "blank": 0,
                "duplicates": 0,
                "invalid": 0,
                "rows": rows,
                "total": rows,
                "submitted_at": self.time.isoformat(),
                **amounts,
                "balance_after": None,
            },
        )
        self.push("submit", "summary", f"{rows:,} numbers submitted as remote task {ekyc_task_id}")

    def add_progress(self, ekyc_task_id: str, done: int, total: int, *, is_over: bool) -> None:
        self.push(
            "wait",
            "progress",
            {
                "ekyc_task_id": ekyc_task_id,
                "status": "exported" if is_over else "processing",
                "done": done,
                "total": total,
                "failure": 0,
                "started_at": self.time.isoformat(),
                "asked_at": self.time.isoformat(),
                "next_query_at": None if is_over else (self.time + timedelta(minutes=1)).isoformat(),
                "expected_end": None if is_over else (self.time + timedelta(minutes=9)).isoformat(),
                "rate": 50.0,
                "queries": 4,
                "query_failures": 0,
                "note": "Made up.",
            },
        )
        if is_over:
            waited = {"ekyc_task_id": ekyc_task_id, "status": "exported", "total": total, "success": total}
            self.push("wait", "return_value", {**waited, "failure": 0, "seconds": 120.0, "queries": 4})

    def add_result(self, ekyc_task_id: str, rows: int, *, yes: int) -> None:
        self.push(
            "land",
            "result",
            {
                "ekyc_task_id": ekyc_task_id,
                "s3_uri": f"s3://made-up/results/{ekyc_task_id}.zip",
                "output_format": "zip",
                "rows": rows,
                "yes": yes,
                "no": rows - yes,
                "unknown": 0,
                "size": rows * 5,
                "sha256": f"{self.number:064x}",
            },
        )
        self.push("land", "summary", f"{rows:,} rows: {yes:,} yes, {rows - yes:,} no")

    def add_failure(self, task_id: str, **known: Any) -> None:
        failure = {"status": None, "retryable": False, "message": "Made up.", "runbook": "docs/runbook.md", **known}
        self.push(task_id, "failure", failure)

    def add_failed_submission(self, rows: int, *, is_open: bool) -> None:
        """Add what a submission without an answer, or one that was refused, leaves: its records and its XComs."""
        from airflow_provider_ekyc.submission.identity import TaskIdentity
        from airflow_provider_ekyc.submission.record import Begun, InstanceRecord, Intent, IntentState
        from airflow_provider_ekyc.submission.record_format import write_record

        task = TaskIdentity(self.dag_id, "submit", self.run_id, None, -1, 1, 2)
        prefix, name = f"ekyc_submission_{task.digest}_", f"{self.number:016x}"
        address = f"Airflow Variable {prefix}{name}"
        begun = Begun(f"{self.number:064x}", "http://127.0.0.1/api", "made-up", address)
        intent = Intent(
            started_at=self.time.isoformat(),
            try_number=1,
            map_index=-1,
            rows=rows,
            fingerprint=begun.fingerprint,
            nonce="made-up",
            state=IntentState.UNKNOWN if is_open else IntentState.NOT_ACCEPTED,
            sends=1,
            max_tries=2,
            balance=5000.0,
            possibly_charged=int(is_open),
        )
        instance = InstanceRecord(1, self.time.isoformat(), {name: begun})
        self.tables.variables += [
            (f"{prefix}instance_0", write_record(instance).decode()),
            (f"{prefix}{name}", write_record(intent).decode()),
            (f"{prefix}open_{name}", write_record(intent).decode()),
        ]
        kind, charge = ("unknown_outcome", "possible") if is_open else ("authentication", "none")
        self.add_failure("submit", kind=kind, charge=charge, ekyc_task_id=None)
        sent = {"state": "unknown" if is_open else "sending", "name": name, "record": address, "store": "variables"}
        self.push("submit", "unsettled", {**sent, "rows": rows, "task_type": "amazon", "estimated_cost": "1.00"})


def _dag_id(number: int) -> str:
    return f"made_up_{number}"


def insert_rows(session: Any, tables: Tables) -> None:
    """
    Insert rows into the tables of the running Airflow.

    :param session: of its database
    :param tables: the rows; a column that its tables do not have is left out
    """
    from airflow.models import xcom
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import insert

    runs, tasks = DagRun.__table__, TaskInstance.__table__
    session.execute(insert(runs), [_known(runs, row) for row in tables.runs])
    index = "region_index" if "region_index" in tasks.c else "map_index"
    session.execute(insert(tasks), [_known(tasks, {**row, index: row.get("map_index", -1)}) for row in tables.tasks])
    stored = (getattr(xcom, "XComModelV2", None) or xcom.XComModel).__table__
    session.execute(insert(stored), [_known(stored, {**row, "id": uuid.uuid4()}) for row in tables.xcoms])


def _known(table: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Return what of a row this version's table has, in the types that it takes."""
    known = {name: value for name, value in row.items() if name in table.c}
    if "id" in known and isinstance(known["id"], uuid.UUID) and table.c["id"].type.python_type is str:
        known["id"] = str(known["id"])
    return known


if __name__ == "__main__":
    main()
