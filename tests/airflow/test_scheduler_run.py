"""The example DAGs under a real scheduler and a real triggerer."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from pyarrow import parquet

from airflow_provider_ekyc.sandbox import Sandbox, expected_answer
from airflow_provider_ekyc.xcom_keys import OBJECT_LINK, PAGE_LINK
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.postgres_server import PostgresServer
from dev.testing.waiting import wait_until
from tests.airflow.example_runs import (
    ALL_NUMBERS,
    BASIC,
    CSV,
    CUSTOMERS,
    CUSTOMERS_LATER,
    DAGS,
    DAILY,
    EXPORTED,
    FILES,
    FROM_LISTS,
    GROUP,
    LARGE,
    PATIENCE,
    REPORT,
    VERIFY,
    Runs,
    run_examples,
)
from tests.conftest import API_KEY, BUCKET

pytestmark = pytest.mark.airflow

#: Of all examples, without the plus.
NUMBERS = frozenset(number[1:].encode() for numbers in ALL_NUMBERS for number in numbers)
#: The tasks that prepare a list.
PREPARED = {DAILY: "verify.prepare", GROUP: "verify.prepare", CSV: "prepare"}


@pytest.fixture(scope="module")
def runs(
    rest: AirflowRest,
    results: Any,
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
    paced_sandbox: Sandbox,
) -> Runs:
    """Run all examples."""
    return run_examples(rest, results, postgres, tmp_path_factory.mktemp("input") / "numbers.txt", paced_sandbox)


def landed(client: Any, uri: str) -> dict[str, str]:
    """Read a landed result: number -> answer."""
    key = uri.removeprefix(f"s3://{BUCKET}/")
    body = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (name,) = archive.namelist()
        rows = csv.reader(io.StringIO(archive.read(name).decode()))
    next(rows)
    return dict(rows)


def rows_of(client: Any, uri: str) -> list[dict[str, Any]]:
    """Read a landed Parquet file."""
    body = client.get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(body)).to_pylist()
    return rows


def answers(numbers: list[str]) -> dict[str, str]:
    return {number: expected_answer(number) for number in numbers}


def clear_and_wait(rest: AirflowRest, dag_id: str, run_id: str, task_id: str) -> None:
    rest.clear(dag_id, run_id, [task_id], downstream=False)
    assert wait_until(lambda: rest.task_instance(dag_id, run_id, task_id)["try_number"] >= 2, interval=0.5)
    assert rest.wait_for_run(dag_id, run_id, timeout=PATIENCE)["state"] == "success"


def test_all_examples_are_loaded_without_errors(rest: AirflowRest, runs: Runs) -> None:
    assert rest.import_errors() == []


@pytest.mark.parametrize("dag_id", [*DAGS, *FROM_LISTS])
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


def test_a_person_sees_how_far_it_was_and_how_it_ended(runs: Runs) -> None:
    ekyc_task_id = runs.xcom("ekyc_basic", "submit")
    result = runs.xcom("ekyc_basic", "land", "result")
    lines = {task: runs.xcom("ekyc_basic", task, "summary") for task in ("submit", "wait", "land")}
    assert lines["submit"].startswith(f"1,000 numbers submitted as remote task {ekyc_task_id}")
    assert lines["wait"].startswith("Exported: 1,000 of 1,000 processed; ")
    assert lines["land"] == f"1,000 rows: {result['yes']:,} yes, {result['no']:,} no"
    # The trigger writes beside the wait, so the last write may follow the end of the task.
    assert wait_until(lambda: runs.xcom("ekyc_basic", "wait", "progress")["status"] == "exported", 30)
    progress = runs.xcom("ekyc_basic", "wait", "progress")
    assert (progress["done"], progress["total"], progress["ekyc_task_id"]) == (1000, 1000, ekyc_task_id)
    assert progress["queries"] == runs.xcom("ekyc_basic", "wait")["queries"]
    row = f"dag_id=ekyc_basic&run_id={quote(runs.ids['ekyc_basic'], safe='')}"
    for task in ("submit", "wait"):
        assert runs.xcom("ekyc_basic", task, PAGE_LINK) == f"/plugin/ekyc?{row}&task_id={task}&map_index=-1"
    key = result["s3_uri"].partition("://")[2]
    assert unquote(runs.xcom("ekyc_basic", "land", OBJECT_LINK)).endswith(f"/{key}")


@pytest.mark.parametrize("index", FILES)
def test_the_progress_of_a_mapped_wait_is_that_of_its_own_remote_task(runs: Runs, index: int) -> None:
    def progress() -> Any:
        return runs.xcom("ekyc_mapped", "wait", "progress", map_index=index)

    assert wait_until(lambda: progress()["status"] == "exported", 30)
    assert progress()["ekyc_task_id"] == runs.xcom("ekyc_mapped", "submit", map_index=index)
    assert progress()["total"] == len(FILES[index])


@pytest.mark.parametrize(("dag_id", "task_id"), [("ekyc_mapped", "land"), ("ekyc_mapped_group", "verify.land")])
@pytest.mark.parametrize("index", FILES)
def test_each_mapped_index_lands_its_own_file(dag_id: str, task_id: str, index: int, runs: Runs, results: Any) -> None:
    assert landed(results, runs.xcom(dag_id, task_id, map_index=index)) == answers(FILES[index])


def test_the_asset_event_carries_the_counts_and_starts_the_next_dag(runs: Runs, rest: AirflowRest) -> None:
    (event,) = (e for e in rest.asset_events() if e["source_dag_id"] == "ekyc_daily")
    assert event["extra"]["rows"] == len(FILES[0])
    assert wait_until(lambda: rest.runs("ekyc_results_report"), interval=0.5)
    assert (
        rest.wait_for_run("ekyc_results_report", rest.runs("ekyc_results_report")[0]["dag_run_id"], timeout=PATIENCE)[
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
    assert {row["number"]: row["answer"] for row in rows_of(results, uri)} == answers(FILES[0])
    (event,) = (e for e in rest.asset_events() if e["source_dag_id"] == "ekyc_warehouse")
    assert (event["uri"], event["extra"]["rows"], event["extra"]["unmatched"]) == (uri, len(FILES[0]), 0)


def test_everything_was_paid_once_and_the_key_went_to_the_api_alone(
    runs: Runs, rest: AirflowRest, paced_sandbox: Sandbox
) -> None:
    # ekyc_daily runs by its schedule too, as soon as it is switched on (and may find no input of its own): all runs
    # count, but for the one of another account.
    submitted = []
    for dag_id in (*DAGS, *FROM_LISTS):
        for run in rest.runs(dag_id):
            rest.wait_for_run(dag_id, run["dag_run_id"], timeout=PATIENCE)
            if run["dag_run_id"] != runs.group["unclear"]:
                submitted += runs.submitted(dag_id, run["dag_run_id"])
    assert len(submitted) >= (1 + 1 + 3 + 3 + 1 + 1) + (2 + 3 + 1 + 1)
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


def test_the_second_daily_run_pays_for_what_is_new_alone(runs: Runs, paced_sandbox: Sandbox, results: Any) -> None:
    first, second, third = runs.days
    assert runs.rows_paid(paced_sandbox, DAILY, first) == len(CUSTOMERS)
    assert runs.rows_paid(paced_sandbox, DAILY, second) == len(CUSTOMERS_LATER) // 10
    assert runs.rows_paid(paced_sandbox, DAILY, third) == 0
    rows = [
        row
        for run_id in (first, second)
        for uri in runs.rest.xcom(DAILY, run_id, "verify.landed")
        for row in rows_of(results, uri)
    ]
    assert {row["number"]: row["answer"] for row in rows} == answers([*CUSTOMERS, *CUSTOMERS_LATER])
    assert len(rows) == 1100


def test_a_daily_run_with_nothing_to_verify_is_green_and_skips_the_rest(runs: Runs) -> None:
    assert [runs.rest.run(DAILY, run_id)["state"] for run_id in runs.days] == ["success"] * 3
    assert runs.states_of(DAILY, runs.days[2]) == {
        "verify.prepare": ["success"],
        "verify.each_file.submit": ["skipped"],
        "verify.each_file.wait": ["skipped"],
        "verify.each_file.land": ["skipped"],
        "verify.landed": ["skipped"],
    }


def test_the_files_of_a_group_are_landed_and_handed_on_together(runs: Runs, results: Any) -> None:
    uris = runs.xcom(GROUP, "verify.landed")
    assert len(uris) == 3
    found = [row["number"] for uri in uris for row in rows_of(results, uri)]
    assert found == LARGE
    total = runs.xcom(GROUP, "verify.landed", "total")
    assert (total["files"], total["landed"], total["rows"], total["missing"]) == (3, 3, 300, 0)
    assert f"{total['yes']} of 300 numbers have an account: {', '.join(uris)}" in runs.rest.log(
        GROUP, runs.group["clear"], "report"
    )


def test_where_the_outcome_of_one_file_is_unclear_the_others_are_waited_for_and_landed(
    runs: Runs, results: Any, unclear_sandbox: Sandbox
) -> None:
    run_id = runs.group["unclear"]
    states = runs.states_of(GROUP, run_id)
    (unclear,) = (index for index, state in enumerate(states["verify.each_file.submit"]) if state == "failed")
    for name, left_out in (("submit", "failed"), ("wait", "upstream_failed"), ("land", "upstream_failed")):
        expected = ["success"] * 3
        expected[unclear] = left_out
        assert states[f"verify.each_file.{name}"] == expected
    assert (states["verify.landed"], states["report"]) == (["upstream_failed"], ["upstream_failed"])
    assert runs.rest.run(GROUP, run_id)["state"] == "failed"
    landed_numbers = [
        row["number"]
        for index in range(3)
        if index != unclear
        for row in rows_of(results, runs.rest.xcom(GROUP, run_id, "verify.each_file.land", map_index=index))
    ]
    assert landed_numbers == [number for index in range(3) if index != unclear for number in LARGE[100 * index :][:100]]
    # It was accepted and charged, and is not sent again.
    assert [charge.rows for charge in unclear_sandbox.bill.submissions] == [100] * 3
    assert unclear_sandbox.bill.charged_twice == ()


def test_csv_files_of_a_prefix_become_one_list(runs: Runs, results: Any) -> None:
    preparation = runs.xcom(CSV, "prepare", "preparation")
    (file,) = preparation["files"]
    assert file["rows"] == len(EXPORTED)
    body = results.get_object(Bucket=BUCKET, Key=runs.xcom(CSV, "each_file.land", map_index=0).split(f"{BUCKET}/")[1])
    table = list(csv.reader(io.StringIO(body["Body"].read().decode())))
    assert dict(table[1:]) == answers(EXPORTED)
    rejected = results.get_object(Bucket=BUCKET, Key=f"exports-rejected/{runs.ids[CSV]}.csv")["Body"].read().decode()
    assert len(rejected.splitlines()) == 2


def test_a_loaded_table_starts_the_verification_and_that_the_report_once(runs: Runs) -> None:
    (event,) = (e for e in runs.rest.asset_events() if e["source_dag_id"] == VERIFY)
    assert event["extra"] == runs.xcom(VERIFY, "verify.landed", "total")
    assert event["extra"]["rows"] == len(CUSTOMERS)
    assert len(runs.rest.runs(REPORT)) == 1
    assert f"of {len(CUSTOMERS)} new customers have an account" in runs.rest.log(REPORT, runs.ids[REPORT], "report")


def test_no_number_is_in_the_name_of_an_object(runs: Runs, results: Any) -> None:
    pages = results.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = "\n".join(found["Key"] for page in pages for found in page["Contents"])
    assert "customers/lists/" in keys
    assert not numbers_in(keys.encode())


def test_a_manifest_holds_no_number(runs: Runs, results: Any) -> None:
    uris = [runs.xcom(dag_id, task_id, "preparation")["manifest_uri"] for dag_id, task_id in PREPARED.items()]
    for uri in uris:
        key = uri.removeprefix(f"s3://{BUCKET}/")
        body = results.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
        assert '"rows"' in body
        assert not numbers_in(body.encode())


def test_no_key_no_signature_and_no_number_is_left_anywhere_in_airflow(
    runs: Runs, airflow: AirflowStack, rest: AirflowRest
) -> None:
    forbidden = [API_KEY, "X-Amz-Signature=", "X-Amz-Credential="]
    looked_at = 0
    seen_ids = False
    ekyc_task_id = runs.xcom("ekyc_basic", "submit").encode()
    for path in files_below(airflow.home):
        content = path.read_bytes()
        looked_at += len(content)
        seen_ids = seen_ids or (path.suffix == ".log" and ekyc_task_id in content)
        for word in forbidden:
            assert word.encode() not in content, f"{word!r} is in {path.name}"
        assert not numbers_in(content), f"{len(numbers_in(content))} numbers are in {path.name}"
    assert looked_at > 1_000_000, "the database was not looked at"
    assert seen_ids, "the logs were not looked at"
    for dag_id, run_id in runs.ids.items():
        shown = str(rest.task_instances(dag_id, run_id)) + str(rest.xcoms(dag_id, run_id))
        assert "rendered_fields" in shown
        assert not any(word in shown for word in forbidden)
        assert not numbers_in(shown.encode())


def numbers_in(content: bytes) -> set[bytes]:
    """Find the numbers of the examples: +999 and ten digits, with or without the plus, also within longer digits."""
    found = {content[match.start() : match.start() + 13] for match in re.finditer(rb"9(?=99[0-9]{10})", content)}
    return found & NUMBERS


def test_the_search_would_find_a_number() -> None:
    for number in (BASIC[0], CUSTOMERS_LATER[-1], EXPORTED[7]):
        assert numbers_in(b"x99" + number.encode() + b"9") == {number[1:].encode()}
        assert numbers_in(b"99" + number[1:].encode()) >= {number[1:].encode()}
    assert numbers_in(b"+99900001 9990000") == set()


def files_below(home: Path) -> list[Path]:
    """The database with its journal, all logs; not the secrets that this Airflow needs itself."""
    return [path for path in home.rglob("*") if path.is_file() and path.suffix != ".generated"]
