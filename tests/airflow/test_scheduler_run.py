"""The example DAGs under a real scheduler and a real triggerer."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from airflow_provider_ekyc.sandbox import Sandbox, expected_answer
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.testing.waiting import wait_until
from tests.conftest import API_KEY, BUCKET

pytestmark = pytest.mark.airflow

AT_ONCE = ("ekyc_basic", "ekyc_taskflow", "ekyc_mapped", "ekyc_mapped_group", "ekyc_daily")
#: By itself, so that the waits of the others are not shorter for it.
AFTERWARDS = "ekyc_warehouse"
DAGS = (*AT_ONCE, AFTERWARDS)


def made_up(start: int, count: int = 1000) -> list[str]:
    return [f"+999{number:010d}" for number in range(start, start + count)]


FILES = {index: made_up(10_000 * (index + 1), 100 + index) for index in range(3)}
BASIC = made_up(90_000)


@dataclass
class Runs:
    """The runs of all example DAGs, ended."""

    ids: dict[str, str]
    states: dict[str, str]
    was_deferred: bool
    rest: AirflowRest

    def failures(self, dag_id: str) -> str:
        """The ends of the logs of what failed."""
        failed = [ti for ti in self.rest.task_instances(dag_id, self.ids[dag_id]) if ti["state"] == "failed"]
        return "\n".join(
            self.rest.log(dag_id, self.ids[dag_id], ti["task_id"], ti["try_number"], ti["map_index"])[-3000:]
            for ti in failed
        )

    def xcom(self, dag_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        return self.rest.xcom(dag_id, self.ids[dag_id], task_id, key, map_index)


@pytest.fixture(scope="module")
def runs(rest: AirflowRest, results: Any, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run them at once, and the last one afterwards."""
    basic = tmp_path_factory.mktemp("input") / "numbers.txt"
    basic.write_text("\n".join(BASIC))
    for index, numbers in FILES.items():
        results.put_object(Bucket=BUCKET, Key=f"numbers/{index}.txt", Body="\n".join(numbers).encode())
    daily = "\n".join(FILES[0]).encode()
    results.put_object(Bucket=BUCKET, Key="daily.txt", Body=daily)
    for day in (datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)):
        results.put_object(Bucket=BUCKET, Key=f"lists/{day:%Y-%m-%d}.txt", Body=daily)
    confs = {
        "ekyc_basic": {"numbers": str(basic), "s3_bucket": BUCKET},
        "ekyc_daily": {"numbers": f"s3://{BUCKET}/daily.txt"},
        "ekyc_warehouse": {"lists": f"s3://{BUCKET}/lists/"},
    }
    ids = {}
    for dag_id in (*AT_ONCE, "ekyc_results_report"):
        rest.wait_for_dag(dag_id)
        rest.unpause(dag_id)
    for dag_id in AT_ONCE:
        ids[dag_id] = rest.trigger(dag_id, confs.get(dag_id, {}))
    was_deferred = False
    while not was_deferred and rest.run("ekyc_basic", ids["ekyc_basic"])["state"] in ("queued", "running"):
        was_deferred = rest.task_instance("ekyc_basic", ids["ekyc_basic"], "wait")["state"] == "deferred"
        time.sleep(0.2)
    states = {dag_id: rest.wait_for_run(dag_id, run_id, timeout=240)["state"] for dag_id, run_id in ids.items()}
    rest.wait_for_dag(AFTERWARDS)
    rest.unpause(AFTERWARDS)
    ids[AFTERWARDS] = rest.trigger(AFTERWARDS, confs[AFTERWARDS])
    states[AFTERWARDS] = rest.wait_for_run(AFTERWARDS, ids[AFTERWARDS], timeout=240)["state"]
    return Runs(ids, states, was_deferred, rest)


def landed(client: Any, uri: str) -> dict[str, str]:
    """Read a landed result: number -> answer."""
    key = uri.removeprefix(f"s3://{BUCKET}/")
    body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (name,) = archive.namelist()
        rows = csv.reader(io.StringIO(archive.read(name).decode()))
    next(rows)
    return dict(rows)


def answers(numbers: list[str]) -> dict[str, str]:
    return {number: expected_answer(number) for number in numbers}


def clear_and_wait(rest: AirflowRest, dag_id: str, run_id: str, task_id: str) -> None:
    rest.clear(dag_id, run_id, [task_id], downstream=False)
    assert wait_until(lambda: rest.task_instance(dag_id, run_id, task_id)["try_number"] >= 2, interval=0.5)
    assert rest.wait_for_run(dag_id, run_id, timeout=120)["state"] == "success"


def test_all_examples_are_loaded_without_errors(rest: AirflowRest, runs: Runs) -> None:
    assert rest.import_errors() == []


@pytest.mark.parametrize("dag_id", DAGS)
def test_each_example_succeeds(dag_id: str, runs: Runs) -> None:
    assert runs.states[dag_id] == "success", runs.failures(dag_id)


def test_the_wait_is_a_real_deferral_with_progress_in_the_tasks_log(runs: Runs, rest: AirflowRest) -> None:
    assert runs.was_deferred
    log = rest.log("ekyc_basic", runs.ids["ekyc_basic"], "wait")
    assert "of 1,000 numbers" in log
    assert "Next query in" in log


def test_the_result_in_s3_is_what_was_asked_for(runs: Runs, results: Any) -> None:
    uri = runs.xcom("ekyc_basic", "land")
    assert uri == f"s3://{BUCKET}/amazon/{runs.ids['ekyc_basic']}.zip"
    assert landed(results, uri) == answers(BASIC)


def test_the_xcoms_hold_ids_and_counts(runs: Runs) -> None:
    submission = runs.xcom("ekyc_basic", "submit", "submission")
    waited = runs.xcom("ekyc_basic", "wait")
    result = runs.xcom("ekyc_basic", "land", "result")
    assert submission["ekyc_task_id"] == waited["ekyc_task_id"] == result["ekyc_task_id"]
    assert submission["rows"] == waited["success"] == result["rows"] == 1000
    assert result["yes"] + result["no"] == 1000


@pytest.mark.parametrize(("dag_id", "task_id"), [("ekyc_mapped", "land"), ("ekyc_mapped_group", "verify.land")])
@pytest.mark.parametrize("index", FILES)
def test_each_mapped_index_lands_its_own_file(dag_id: str, task_id: str, index: int, runs: Runs, results: Any) -> None:
    assert landed(results, runs.xcom(dag_id, task_id, map_index=index)) == answers(FILES[index])


def test_the_asset_event_carries_the_counts_and_starts_the_next_dag(runs: Runs, rest: AirflowRest) -> None:
    (event,) = (e for e in rest.asset_events() if e["source_dag_id"] == "ekyc_daily")
    assert event["extra"]["rows"] == len(FILES[0])
    assert wait_until(lambda: rest.runs("ekyc_results_report"), interval=0.5)
    assert (
        rest.wait_for_run("ekyc_results_report", rest.runs("ekyc_results_report")[0]["dag_run_id"], timeout=120)[
            "state"
        ]
        == "success"
    )


def test_the_warehouse_example_lands_a_parquet_partition_and_names_it_as_an_asset(
    runs: Runs, results: Any, rest: AirflowRest
) -> None:
    uri = runs.xcom("ekyc_warehouse", "land")
    found = re.fullmatch(rf"s3://{BUCKET}/(ekyc/results/dt=\d{{4}}-\d\d-\d\d/part-0\.parquet)", uri)
    assert found
    body = results.get_object(Bucket=BUCKET, Key=found[1])["Body"].read()
    rows = parquet.read_table(io.BytesIO(body)).to_pylist()
    assert {row["number"]: row["answer"] for row in rows} == answers(FILES[0])
    (event,) = (e for e in rest.asset_events() if e["source_dag_id"] == "ekyc_warehouse")
    assert (event["uri"], event["extra"]["rows"], event["extra"]["unmatched"]) == (uri, len(FILES[0]), 0)


def test_everything_was_paid_once_and_the_key_went_to_the_api_alone(
    runs: Runs, rest: AirflowRest, paced_sandbox: Sandbox
) -> None:
    # ekyc_daily runs by its schedule too, as soon as it is switched on: all runs count.
    submitted = []
    for dag_id in DAGS:
        for run in rest.runs(dag_id):
            rest.wait_for_run(dag_id, run["dag_run_id"], timeout=120)
            for ti in rest.task_instances(dag_id, run["dag_run_id"]):
                # The scheduled run of ekyc_daily may find no input of its own; it submits nothing then.
                if ti["task_id"].endswith("submit") and ti["state"] == "success":
                    submitted.append(rest.xcom(dag_id, run["dag_run_id"], ti["task_id"], map_index=ti["map_index"]))
    assert len(submitted) >= 1 + 1 + 3 + 3 + 1 + 1
    assert sorted(submitted) == sorted(task.task_id for task in paced_sandbox.bill.submissions)
    assert paced_sandbox.key_leaks == 0


def test_a_cleared_landing_finds_what_is_there(runs: Runs, rest: AirflowRest, paced_sandbox: Sandbox) -> None:
    run_id = runs.ids["ekyc_basic"]
    before = dict(paced_sandbox.calls)
    result = runs.xcom("ekyc_basic", "land", "result")
    clear_and_wait(rest, "ekyc_basic", run_id, "land")
    assert "nothing was downloaded" in rest.log("ekyc_basic", run_id, "land", try_number=2)
    assert runs.xcom("ekyc_basic", "land", "result") == result
    assert dict(paced_sandbox.calls) == before


def test_a_cleared_submission_returns_what_was_paid(runs: Runs, rest: AirflowRest, paced_sandbox: Sandbox) -> None:
    run_id = runs.ids["ekyc_taskflow"]
    paid = len(paced_sandbox.bill.submissions)
    ekyc_task_id = runs.xcom("ekyc_taskflow", "submit")
    clear_and_wait(rest, "ekyc_taskflow", run_id, "submit")
    assert runs.xcom("ekyc_taskflow", "submit") == ekyc_task_id
    assert "Nothing was sent or charged now" in rest.log("ekyc_taskflow", run_id, "submit", try_number=2)
    assert len(paced_sandbox.bill.submissions) == paid
    (record,) = (v for v in rest.variables("ekyc_submission_") if ekyc_task_id in v["value"])
    assert record["description"] == f"eKYC submission of ekyc_taskflow.submit, run {run_id}"


def test_no_key_no_signature_and_no_number_is_left_anywhere_in_airflow(
    runs: Runs, airflow: AirflowStack, rest: AirflowRest
) -> None:
    forbidden = [API_KEY, "X-Amz-Signature=", "X-Amz-Credential="]
    numbers = {number[1:] for file in (BASIC, *FILES.values()) for number in file}
    looked_at = 0
    seen_ids = False
    ekyc_task_id = runs.xcom("ekyc_basic", "submit").encode()
    for path in files_below(airflow.home):
        content = path.read_bytes()
        looked_at += len(content)
        seen_ids = seen_ids or (path.suffix == ".log" and ekyc_task_id in content)
        for word in forbidden:
            assert word.encode() not in content, f"{word!r} is in {path.name}"
        found = [number for number in numbers if number.encode() in content]
        assert not found, f"{len(found)} numbers are in {path.name}"
    assert looked_at > 1_000_000, "the database was not looked at"
    assert seen_ids, "the logs were not looked at"
    for dag_id, run_id in runs.ids.items():
        shown = str(rest.task_instances(dag_id, run_id)) + str(rest.xcoms(dag_id, run_id))
        assert "rendered_fields" in shown
        assert not any(word in shown for word in forbidden)
        assert not any(number in shown for number in numbers)


def files_below(home: Path) -> list[Path]:
    """The database with its journal, all logs; not the secrets that this Airflow needs itself."""
    return [path for path in home.rglob("*") if path.is_file() and path.suffix != ".generated"]
