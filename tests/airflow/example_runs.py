"""The runs of all example DAGs under one scheduler, begun so that they wait beside each other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.airflow_rest import AirflowRest
from dev.stack.postgres_server import PostgresServer
from dev.testing.waiting import wait_until
from tests.conftest import BUCKET

#: Seconds for one run to end, with all others beside it.
PATIENCE = 600.0

#: Seconds for which a remote task is queued: more than a turn of a busy scheduler's loop. Airflow fails a task that is
#: resumed in the turn in which it was deferred (apache/airflow#72716).
QUEUED = 15.0

AT_ONCE = ("ekyc_basic", "ekyc_taskflow", "ekyc_mapped", "ekyc_mapped_group", "ekyc_daily")
#: By itself, so that the waits of the others are not shorter for it.
AFTERWARDS = "ekyc_warehouse"
DAGS = (*AT_ONCE, AFTERWARDS)
#: From a list as it is to landed results.
DAILY, GROUP, CSV = "ekyc_customers_daily", "ekyc_verify_group", "ekyc_csv_files"
LOAD, VERIFY, REPORT = "ekyc_customers_load", "ekyc_customers_verify", "ekyc_customers_report"
FROM_LISTS = (DAILY, GROUP, CSV, LOAD, VERIFY, REPORT)

#: An account of its own, whose first submission is accepted, and charged, without an answer.
UNCLEAR_CONNECTION = "ekyc_unclear"


def made_up(start: int, count: int = 1000) -> list[str]:
    return [f"+999{number:010d}" for number in range(start, start + count)]


FILES = {index: made_up(10_000 * (index + 1), 100 + index) for index in range(3)}
BASIC = made_up(90_000)
#: The customers of the first day, and of the second: nine of ten are the same.
CUSTOMERS = made_up(100_000)
CUSTOMERS_LATER = [*CUSTOMERS[100:], *made_up(110_000, 100)]
#: Three files of 100 numbers.
LARGE = made_up(120_000, 300)
#: As exported by people: separators, a duplicate across files, one that is no number, an empty line.
EXPORTED = made_up(1_300_000_000, 200)
EXPORTS = {
    "a.csv": ["name;phone", *(f"customer;{n[:4]} {n[4:8]}-{n[8:]}" for n in EXPORTED[:120])],
    "b.csv": ["phone,name", *(f'"{n}",customer' for n in EXPORTED[100:]), "unknown,customer"],
}
ALL_NUMBERS = [BASIC, *FILES.values(), CUSTOMERS, CUSTOMERS_LATER, LARGE, EXPORTED]


@dataclass
class Runs:
    """
    The runs of all example DAGs, ended.

    :param ids: the run of each DAG that runs once
    :param days: the runs of the daily DAG: with all customers, with a tenth of them new, with none new
    :param group: a run of the task group that succeeds, and one of whose files has an unclear outcome
    """

    rest: AirflowRest
    was_deferred: bool = False
    ids: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    days: list[str] = field(default_factory=list)
    group: dict[str, str] = field(default_factory=dict)

    def failures(self, dag_id: str) -> str:
        """The ends of the logs of what failed."""
        failed = [ti for ti in self.rest.task_instances(dag_id, self.ids[dag_id]) if ti["state"] == "failed"]
        return "\n".join(
            self.rest.log(dag_id, self.ids[dag_id], ti["task_id"], ti["try_number"], ti["map_index"])[-3000:]
            for ti in failed
        )

    def xcom(self, dag_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        return self.rest.xcom(dag_id, self.ids[dag_id], task_id, key, map_index)

    def states_of(self, dag_id: str, run_id: str) -> dict[str, list[str]]:
        """The states of each task, in the order of its map indexes."""
        found: dict[str, list[str]] = {}
        for ti in sorted(self.rest.task_instances(dag_id, run_id), key=lambda ti: ti["map_index"]):
            found.setdefault(ti["task_id"], []).append(ti["state"])
        return found

    def submitted(self, dag_id: str, run_id: str) -> list[str]:
        """The remote ids of all submissions of a run."""
        return [
            self.rest.xcom(dag_id, run_id, ti["task_id"], map_index=ti["map_index"])
            for ti in self.rest.task_instances(dag_id, run_id)
            if ti["task_id"].endswith("submit") and ti["state"] == "success"
        ]

    def rows_paid(self, sandbox: Sandbox, dag_id: str, run_id: str) -> int:
        """How many rows the account was charged for by a run."""
        ids = set(self.submitted(dag_id, run_id))
        return sum(charge.rows for charge in sandbox.bill.submissions if charge.task_id in ids)


def run_examples(rest: AirflowRest, results: Any, postgres: PostgresServer, basic: Path, sandbox: Sandbox) -> Runs:
    """
    Run all example DAGs.

    :param basic: a path for the local file of the first example
    :param sandbox: goes on at its pace with what the first example submits, and is faster with the others: the
        scheduler looks at each run that waits about once a second
    """
    put_inputs(results, basic)
    replace_customers(postgres, CUSTOMERS)
    runs = Runs(rest)
    confs = {
        "ekyc_basic": {"numbers": str(basic), "s3_bucket": BUCKET},
        "ekyc_daily": {"lists": f"s3://{BUCKET}/lists/"},
        "ekyc_warehouse": {"lists": f"s3://{BUCKET}/lists/"},
    }
    for dag_id in (*AT_ONCE, "ekyc_results_report", *FROM_LISTS):
        rest.wait_for_dag(dag_id)
    # Alone until it waits, so that its progress is seen before the remote task has ended.
    rest.unpause("ekyc_basic")
    runs.ids["ekyc_basic"] = rest.trigger("ekyc_basic", confs["ekyc_basic"])
    while not runs.was_deferred and rest.run("ekyc_basic", runs.ids["ekyc_basic"])["state"] in ("queued", "running"):
        runs.was_deferred = rest.task_instance("ekyc_basic", runs.ids["ekyc_basic"], "wait")["state"] == "deferred"
        time.sleep(0.2)
    sandbox.change(pace=400.0, queue_seconds=QUEUED)
    for dag_id in (*AT_ONCE[1:], "ekyc_results_report", *FROM_LISTS):
        rest.unpause(dag_id)
    for dag_id in (*AT_ONCE[1:], CSV, LOAD):
        runs.ids[dag_id] = rest.trigger(dag_id, confs.get(dag_id, {}))
    in_three = {"numbers": f"s3://{BUCKET}/large.txt", "max_rows": 100}
    runs.group["clear"] = runs.ids[GROUP] = rest.trigger(GROUP, in_three)
    runs.group["unclear"] = rest.trigger(GROUP, {**in_three, "ekyc_conn_id": UNCLEAR_CONNECTION})
    # By its schedule, as soon as it was switched on.
    assert wait_until(lambda: rest.runs(DAILY), interval=0.5)
    runs.ids[DAILY] = rest.runs(DAILY)[0]["dag_run_id"]
    _add_day(runs, runs.ids[DAILY])
    replace_customers(postgres, CUSTOMERS_LATER)
    _add_day(runs, rest.trigger(DAILY))
    _add_day(runs, rest.trigger(DAILY))
    for dag_id in (VERIFY, REPORT):
        assert wait_until(lambda dag_id=dag_id: rest.runs(dag_id), timeout=PATIENCE, interval=0.5), (
            f"{dag_id} was not started"
        )
        runs.ids[dag_id] = rest.runs(dag_id)[0]["dag_run_id"]
    _wait(runs, runs.ids)
    rest.wait_for_run(GROUP, runs.group["unclear"], timeout=PATIENCE)
    rest.wait_for_dag(AFTERWARDS)
    rest.unpause(AFTERWARDS)
    runs.ids[AFTERWARDS] = rest.trigger(AFTERWARDS, confs[AFTERWARDS])
    _wait(runs, [AFTERWARDS])
    return runs


def _add_day(runs: Runs, run_id: str) -> None:
    runs.rest.wait_for_run(DAILY, run_id, timeout=PATIENCE)
    runs.days.append(run_id)


def _wait(runs: Runs, dag_ids: Iterable[str]) -> None:
    for dag_id in dag_ids:
        runs.states[dag_id] = runs.rest.wait_for_run(dag_id, runs.ids[dag_id], timeout=PATIENCE)["state"]


def put_inputs(results: Any, basic: Path) -> None:
    """Write the lists of all examples."""
    basic.write_text("\n".join(BASIC))
    daily = "\n".join(FILES[0])
    objects = {
        **{f"numbers/{index}.txt": "\n".join(numbers) for index, numbers in FILES.items()},
        **{f"lists/{datetime.now(UTC) + timedelta(days=day):%Y-%m-%d}.txt": daily for day in (0, 1)},
        "large.txt": "\n".join(LARGE),
        **{f"exports/{name}": "\r\n".join(lines) for name, lines in EXPORTS.items()},
    }
    for key, body in objects.items():
        results.put_object(Bucket=BUCKET, Key=key, Body=body.encode())


def replace_customers(postgres: PostgresServer, numbers: list[str]) -> None:
    """Make the table of customers anew, with these."""
    rows = ", ".join(f"({index}, '{number}')" for index, number in enumerate(numbers))
    postgres.execute(
        "CREATE TABLE IF NOT EXISTS customers (id bigint PRIMARY KEY, phone text)",
        f"DELETE FROM customers; INSERT INTO customers VALUES {rows}",
    )
