"""
EkycResultsToS3Operator with ``iceberg_table``: landed in S3, and in the table, once each.

Modules: ``transfers/warehouse.py``, ``transfers/outlets.py``, ``transfers/lineage.py``, ``transfers/requirements.py``.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pyarrow
import pytest
from airflow.sdk import DAG, Asset, AssetAlias
from airflow.sdk.execution_time.context import OutletEventAccessors
from openlineage.client.serde import Serde
from pyiceberg.catalog import Catalog

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox, expected_answer
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.testing.rest_catalog import RestCatalogServer, lost, unsent
from dev.testing.task_context import context_of
from tests.conftest import BUCKET, keys_of
from tests.iceberg.conftest import NAMESPACE, TABLE, connect
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "no_waits", "sql")

KEY = "results/part-0.parquet"


@pytest.fixture
def exported(sandbox: Sandbox) -> str:
    return submitted(sandbox)


def operator(ekyc_task_id: str, **arguments: Any) -> EkycResultsToS3Operator:
    settings: dict[str, Any] = {
        "s3_key": f"s3://{BUCKET}/{KEY}",
        "output_format": "parquet",
        "iceberg_table": TABLE,
        **arguments,
    }
    return EkycResultsToS3Operator(task_id="land", ekyc_task_id=ekyc_task_id, **settings)


def rows_in(catalog: Catalog) -> list[dict[str, Any]]:
    return sorted(catalog.load_table(TABLE).scan().to_arrow().to_pylist(), key=lambda row: row["number"])


def test_a_result_is_landed_and_in_the_table(exported: str, catalog: Catalog, s3: Any, context: dict[str, Any]) -> None:
    assert operator(exported).execute(context) == f"s3://{BUCKET}/{KEY}"

    rows = rows_in(catalog)
    assert [(row["number"], row["answer"], row["registered"]) for row in rows] == [
        (number, expected_answer(number), expected_answer(number) == "yes")
        for number in (f"+999{number:010d}" for number in range(200))
    ]
    assert {(row["task_type"], row["ekyc_task_id"]) for row in rows} == {("amazon", exported)}
    assert {row["verified_at"] for row in rows} != {None}
    table = catalog.load_table(TABLE)
    assert [task.file.file_path for task in table.scan().plan_files()] == [f"s3://{BUCKET}/{KEY}"]
    result = context["ti"].xcoms["result"]
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert (result["iceberg_table"], result["iceberg_snapshot_id"]) == (TABLE, str(snapshot.snapshot_id))
    assert result["rows"] == 200
    assert keys_of(s3) == [KEY]


def test_a_clear_adds_nothing_and_sends_no_request(exported: str, catalog: Catalog, sandbox: Sandbox) -> None:
    contexts = [context_of(), context_of()]
    operator(exported).execute(contexts[0])
    calls = sandbox.calls.copy()

    operator(exported).execute(contexts[1])

    assert sandbox.calls == calls
    assert contexts[1]["ti"].xcoms == contexts[0]["ti"].xcoms
    assert len(rows_in(catalog)) == 200


def test_a_retry_after_the_landing_only_commits(
    exported: str, rest: RestCatalogServer, catalog: Catalog, sandbox: Sandbox
) -> None:
    rest.faults["commit"] += [unsent] * 20
    with pytest.raises(EkycRetryException, match="The result has landed at") as caught:
        operator(exported).execute(context_of())
    assert (caught.value.kind, caught.value.charge) == ("iceberg", "certain")
    assert rows_in(catalog) == []
    calls = sandbox.calls.copy()
    rest.faults.clear()

    operator(exported).execute(context_of())

    assert sandbox.calls == calls
    assert len(rows_in(catalog)) == 200


def test_a_lost_answer_of_the_catalog(exported: str, rest: RestCatalogServer, catalog: Catalog) -> None:
    rest.faults["commit"].append(lost)

    operator(exported).execute(context_of())

    assert len(rows_in(catalog)) == 200


def test_a_landing_that_was_made_without_the_table_is_added_by_a_clear(
    exported: str, catalog: Catalog, sandbox: Sandbox
) -> None:
    operator(exported, iceberg_table=None).execute(context_of())
    calls = sandbox.calls.copy()

    operator(exported).execute(context_of())

    assert sandbox.calls == calls
    assert len(rows_in(catalog)) == 200


def test_a_table_of_another_schema_is_an_error_before_the_download(
    exported: str, catalog: Catalog, sandbox: Sandbox, s3: Any
) -> None:
    catalog.create_table(TABLE, pyarrow.schema([pyarrow.field("number", pyarrow.int64())]))
    calls = sandbox.calls.copy()

    with pytest.raises(EkycFailException, match="its column number is long, not string") as caught:
        operator(exported).execute(context_of())

    assert sandbox.calls == calls
    assert keys_of(s3) == []
    assert (caught.value.kind, caught.value.charge) == ("iceberg", "certain")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"output_format": "csv"}, "iceberg_table needs output_format='parquet', not 'csv'"),
        ({"replace": "True"}, "iceberg_table and replace=True contradict each other"),
        ({"iceberg_table": "results"}, "iceberg_table must be a namespace and a table"),
        ({"iceberg_conn_id": ""}, "iceberg_conn_id is empty"),
        ({"s3_key": f"s3://{BUCKET}/part#1.parquet"}, r"s3_key has a \? or a #"),
        ({"s3_key": f"s3://{BUCKET}/results//part-1.parquet"}, r"s3_key has //.* No request was sent\."),
        ({"s3_key": "results//part-1.parquet", "s3_bucket": BUCKET}, "s3_key has //"),
    ],
)
def test_arguments_that_contradict_each_other(
    arguments: dict[str, Any], problem: str, exported: str, sandbox: Sandbox
) -> None:
    calls = sandbox.calls.copy()

    with pytest.raises(EkycFailException, match=problem):
        operator(exported, **arguments).execute(context_of())

    assert sandbox.calls == calls


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_a_template_that_found_nothing_is_no_table(nothing: str | None, exported: str, catalog: Catalog) -> None:
    context = context_of()
    operator(exported, iceberg_table=nothing).execute(context)

    assert "iceberg_table" not in context["ti"].xcoms["result"]
    assert catalog.list_tables(NAMESPACE) == []


def test_a_connection_that_is_not_there_is_an_error_before_the_download(exported: str, sandbox: Sandbox) -> None:
    calls = sandbox.calls.copy()

    with pytest.raises(EkycRetryException, match="no connection 'not_there'"):
        operator(exported, iceberg_conn_id="not_there").execute(context_of())

    assert sandbox.calls == calls


def test_a_warehouse_that_the_connection_may_not_read(
    exported: str, sql: dict[str, str], monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    connect(monkeypatch, **{**sql, "s3.secret-access-key": "made-up-wrong-secret"})
    calls = sandbox.calls.copy()

    with pytest.raises(EkycFailException, match=r"docs/iceberg\.md lists the permissions") as caught:
        operator(exported).execute(context_of())

    assert sandbox.calls == calls
    assert "made-up" not in str(caught.value)


# Who hears of it.


def test_asset_events_name_the_table_and_the_snapshot(exported: str, catalog: Catalog) -> None:
    asset, alias = Asset("ekyc_results"), AssetAlias("ekyc_partitions")
    events = OutletEventAccessors()
    context = {**context_of(), "outlet_events": events}

    operator(exported, outlets=[asset, alias]).execute(context)

    (snapshot,) = catalog.load_table(TABLE).snapshots()
    named = {"iceberg_table": TABLE, "iceberg_snapshot_id": str(snapshot.snapshot_id)}
    assert named.items() <= events[asset].extra.items()
    assert named.items() <= events[alias].asset_alias_events[0].extra.items()


def test_a_result_without_a_row_is_in_the_table_once(sandbox: Sandbox, catalog: Catalog) -> None:
    sandbox.change(failure_rows=200, failure_rows_in_result=False)
    ekyc_task_id = submitted(sandbox)
    contexts = [context_of(), context_of()]
    for context in contexts:
        operator(ekyc_task_id).execute(context)
    (snapshot,) = catalog.load_table(TABLE).snapshots()
    assert rows_in(catalog) == []
    results = [context["ti"].xcoms["result"] for context in contexts]
    assert [result["iceberg_snapshot_id"] for result in results] == [str(snapshot.snapshot_id)] * 2


def test_lineage_names_the_table_and_the_snapshot(exported: str, catalog: Catalog) -> None:
    task = operator(exported)
    task.execute(context_of())

    outputs = json.loads(Serde.to_json(task.get_openlineage_facets_on_complete(None)))["outputs"]
    table = catalog.load_table(TABLE)
    (snapshot,) = table.snapshots()
    assert f"{outputs[1]['namespace']}/{outputs[1]['name']}" == table.location()
    assert outputs[1]["facets"]["version"]["datasetVersion"] == str(snapshot.snapshot_id)
    assert outputs[1]["facets"]["symlinks"]["identifiers"] == [
        {"name": TABLE, "namespace": "iceberg://iceberg_default", "type": "TABLE"}
    ]
    assert outputs[1]["facets"]["schema"] == outputs[0]["facets"]["schema"]
    assert outputs[1]["outputFacets"]["outputStatistics"]["rowCount"] == 200


def test_lineage_names_a_rest_catalog_by_its_uri_without_credentials(
    exported: str, rest: RestCatalogServer, sql: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = rest.url.replace("://", "://made-up-user:made-up-password@")
    connect(monkeypatch, **{**sql, "type": "rest", "uri": uri})
    task = operator(exported)
    task.execute(context_of())

    outputs = json.loads(Serde.to_json(task.get_openlineage_facets_on_complete(None)))["outputs"]
    assert outputs[1]["facets"]["symlinks"]["identifiers"][0]["namespace"] == rest.url


# What a submission upstream is refused for, before it is paid.


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"output_format": "csv"}, "In task 'land': iceberg_table needs output_format='parquet'"),
        ({"output_format": "parquet", "replace": True}, "In task 'land': iceberg_table and replace=True contradict"),
        ({"replace": "True"}, "In task 'land': iceberg_table"),
    ],
)
def test_a_transfer_that_would_fail_stops_the_submission(
    arguments: dict[str, Any], problem: str, mapped: bool, sandbox: Sandbox, numbers_file: Any
) -> None:
    submit = chain(str(numbers_file), mapped, **arguments)

    with pytest.raises(EkycFailException, match=problem):
        submit.execute(context_of())

    assert not sandbox.bill.submissions


@pytest.mark.parametrize("mapped", [False, True])
def test_a_missing_extra_stops_the_submission(
    mapped: bool, sandbox: Sandbox, numbers_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.iceberg.catalog.version", lambda name: "1.4.1")
    submit = chain(str(numbers_file), mapped, output_format="parquet")

    with pytest.raises(EkycFailException, match=r"IcebergHook opens no catalog.*needed by task 'land'"):
        submit.execute(context_of())

    assert not sandbox.bill.submissions


def test_a_transfer_that_can_be_done_stops_nothing(sandbox: Sandbox, numbers_file: Any) -> None:
    chain(str(numbers_file), mapped=False, output_format="parquet").execute(context_of())

    assert len(sandbox.bill.submissions) == 1


def chain(numbers: str, mapped: bool, **transfer: Any) -> EkycSubmitOperator:
    """A submission with a transfer after it."""
    with DAG("chain", schedule=None, start_date=datetime(2026, 1, 1)):
        submit = EkycSubmitOperator(task_id="submit", numbers=numbers)
        settings: dict[str, Any] = {"task_id": "land", "s3_key": "s3://b/k", "iceberg_table": TABLE, **transfer}
        if mapped:
            land = EkycResultsToS3Operator.partial(**settings).expand(ekyc_task_id=["d1"])
        else:
            land = EkycResultsToS3Operator(ekyc_task_id=submit.output, **settings)
        submit >> land
    return submit
