"""What is reported of a landed result to hook lineage and to OpenLineage: all of it, and nothing more."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.openlineage.extractors import ExtractorManager, OperatorLineage
from airflow.sdk import lineage as airflow_lineage
from airflow.utils.state import TaskInstanceState
from openlineage.client.serde import Serde
from pyarrow import parquet

from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.iceberg.commit import Committed
from airflow_provider_ekyc.s3.result_object import Landed
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.transfers.lineage import api_host, openlineage_of, report_to_hook_lineage
from dev.testing.task_context import TaskInstance, context_of
from tests.conftest import BUCKET

HOST = "api.ekycpro.com"
EKYC_TASK_ID = "d4g24nep2jvh04o9uoh0"
SHA256 = "ab" * 32

#: A presigned query, any URL but those by which OpenLineage names its facets, and the numbers of no country.
SECRET = re.compile(
    r"X-Amz-|https?:(?!//(openlineage\.io|github\.com/(apache/airflow|OpenLineage))/)|(?<![0-9a-f])\+?999\d{7}"
)


def landed(output_format: str = "parquet", **more: Any) -> Landed:
    reported = {
        "ekyc_task_id": EKYC_TASK_ID,
        "s3_uri": f"s3://{BUCKET}/results/dt=2026-02-01/part-0",
        "rows": 2049,
        "yes": 1024,
        "no": 1000,
        "unknown": 25,
        "size": 31_000,
        "sha256": SHA256,
        "output_format": output_format,
        "unmatched": None,
        "unmatched_uri": None,
    }
    return Landed(**{**reported, **more})


def as_json(reported: OperatorLineage) -> dict[str, Any]:
    """What OpenLineage's client would send."""
    text = Serde.to_json(reported)
    assert not SECRET.search(text), text
    return json.loads(text)  # type: ignore[no-any-return]  # an object, since reported is one


@pytest.mark.parametrize("reported", ["https://wapic.s3.amazonaws.com/a.zip", "a.zip?X-Amz-Date=1", "+9990000000001"])
def test_the_check_would_notice(reported: str) -> None:
    with pytest.raises(AssertionError):
        as_json(openlineage_of(landed(s3_uri=f"s3://{BUCKET}/{reported}"), HOST, "amazon"))


def test_openlineage_is_reported_source_object_schema_rows_and_bytes() -> None:
    reported = as_json(openlineage_of(landed(), HOST, "amazon"))
    assert [(d["namespace"], d["name"]) for d in reported["inputs"]] == [(f"ekyc://{HOST}", EKYC_TASK_ID)]
    (output,) = reported["outputs"]
    assert (output["namespace"], output["name"]) == (f"s3://{BUCKET}", "results/dt=2026-02-01/part-0")
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"]) == (2049, 31_000)
    assert output["facets"]["version"]["datasetVersion"] == SHA256
    assert [(f["name"], f["type"]) for f in output["facets"]["schema"]["fields"]] == [
        ("number", "string"),
        ("registered", "bool"),
        ("answer", "string"),
        ("task_type", "string"),
        ("verified_at", "timestamp[us, tz=UTC]"),
        ("ekyc_task_id", "string"),
    ]


@pytest.mark.parametrize("output_format", ["csv", "csv.gz"])
def test_a_csv_has_the_columns_of_its_header(output_format: str) -> None:
    (output,) = as_json(openlineage_of(landed(output_format), HOST, "coinW"))["outputs"]
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == ["Number", "coinW"]


def test_an_archive_says_what_it_is_and_claims_no_schema() -> None:
    (output,) = as_json(openlineage_of(landed("zip"), HOST, "amazon"))["outputs"]
    assert "schema" not in output["facets"]
    assert "archive as delivered (zip)" in output["facets"]["documentation"]["description"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 2049


def test_the_unmatched_object_is_a_second_output() -> None:
    result = landed(unmatched=7, unmatched_uri=f"s3://{BUCKET}/unmatched/2026-02-01.txt")
    first, second = as_json(openlineage_of(result, HOST, "amazon"))["outputs"]
    assert first["name"] == "results/dt=2026-02-01/part-0"
    assert (second["namespace"], second["name"]) == (f"s3://{BUCKET}", "unmatched/2026-02-01.txt")
    assert second["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert second["outputFacets"]["outputStatistics"].get("size") is None


def test_what_is_not_known_is_left_out() -> None:
    assert openlineage_of(None, None, "amazon") == OperatorLineage()
    reported = as_json(openlineage_of(landed(), None, "amazon"))
    assert reported["inputs"] == []
    assert len(reported["outputs"]) == 1


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("https://api.ekycpro.com:443/behind/a/gateway", "api.ekycpro.com"),
        ("http://127.0.0.1:8900", "127.0.0.1:8900"),
        ("http://[::1]:8900", "[::1]:8900"),
    ],
)
def test_the_host_is_the_connections_without_scheme_and_path(
    host: str, authority: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EKYC_DEFAULT", json.dumps({"conn_type": "ekyc", "host": host, "password": "x"}))
    assert api_host(EkycHook()) == authority


def test_a_connection_that_is_gone_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert api_host(EkycHook("ekyc_gone")) is None
    assert "The lineage of this result was not reported, or not completely (EkycNoConnectionError)." in caplog.text


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[airflow_lineage.HookLineageCollector]:
    """Airflow's own collector, as it is where a reader of hook lineage is installed."""
    monkeypatch.setattr("airflow.sdk.plugins_manager.get_hook_lineage_readers_plugins", lambda: [object])
    airflow_lineage.get_hook_lineage_collector.cache_clear()
    collecting = airflow_lineage.get_hook_lineage_collector()
    assert type(collecting) is airflow_lineage.HookLineageCollector
    yield collecting
    airflow_lineage.get_hook_lineage_collector.cache_clear()


def uris(collector: airflow_lineage.HookLineageCollector) -> tuple[list[str], list[str]]:
    reported = collector.collected_assets
    return [found.asset.uri for found in reported.inputs], [found.asset.uri for found in reported.outputs]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("host", [HOST, "127.0.0.1:8900"])
def test_hook_lineage_is_reported_both_ends(host: str, collector: airflow_lineage.HookLineageCollector) -> None:
    ekyc, s3 = EkycHook(), S3Hook()
    result = landed(unmatched=7, unmatched_uri=f"s3://{BUCKET}/unmatched.txt")
    report_to_hook_lineage(result, host, ekyc, s3)
    assert uris(collector) == ([f"ekyc://{host}/{EKYC_TASK_ID}"], [result.s3_uri, f"s3://{BUCKET}/unmatched.txt"])
    reported = collector.collected_assets
    assert [found.context for found in (*reported.inputs, *reported.outputs)] == [ekyc, s3, s3]


def test_hook_lineage_is_reported_a_key_with_parts_of_a_url_whole(
    collector: airflow_lineage.HookLineageCollector,
) -> None:
    report_to_hook_lineage(landed(s3_uri=f"s3://{BUCKET}/list #1?.zip"), HOST, EkycHook(), S3Hook())
    assert uris(collector)[1] == [f"s3://{BUCKET}/list %231%3F.zip"]


@pytest.mark.filterwarnings("error")
def test_hook_lineage_is_reported_an_iceberg_table_by_its_location(
    collector: airflow_lineage.HookLineageCollector,
) -> None:
    committed = Committed("ekyc.results", 4611686018427387904, f"s3://{BUCKET}/warehouse/ekyc/results", "iceberg://x")
    report_to_hook_lineage(landed(), HOST, EkycHook(), S3Hook(), committed)
    assert uris(collector)[1] == [landed().s3_uri, committed.location]
    assert collector.collected_assets.outputs[1].asset.extra == {
        "iceberg_table": "ekyc.results",
        "iceberg_snapshot_id": "4611686018427387904",
    }


def test_without_a_host_hook_lineage_is_reported_the_output_alone(
    collector: airflow_lineage.HookLineageCollector,
) -> None:
    report_to_hook_lineage(landed(), None, EkycHook(), S3Hook())
    assert uris(collector) == ([], [landed().s3_uri])


def test_a_collector_that_fails_does_not_fail_a_landed_result(
    collector: airflow_lineage.HookLineageCollector,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)

    def fail(**_: Any) -> None:
        raise RuntimeError("made-up trouble")

    monkeypatch.setattr(collector, "add_output_asset", fail)
    report_to_hook_lineage(landed(), HOST, EkycHook(), S3Hook())
    assert "not completely (RuntimeError)" in caplog.text
    assert "made-up trouble" not in caplog.text


def operator(ekyc_task_id: str, **arguments: Any) -> EkycResultsToS3Operator:
    return EkycResultsToS3Operator(
        task_id="land", ekyc_task_id=ekyc_task_id, s3_bucket=BUCKET, s3_key="results/a", **arguments
    )


def extracted(task: EkycResultsToS3Operator, state: TaskInstanceState) -> OperatorLineage:
    """What the OpenLineage provider's listener takes from the task."""
    run = SimpleNamespace(run_id="a_run")
    return ExtractorManager().extract_metadata(run, task, state, TaskInstance())


@pytest.mark.usefixtures("connections")
def test_the_openlineage_provider_finds_it_at_the_operator(
    s3: Any, sandbox: Sandbox, exported: str, context: dict[str, Any]
) -> None:
    task = operator(exported)
    assert extracted(task, TaskInstanceState.FAILED) == OperatorLineage()
    task.execute(context)
    reported = as_json(extracted(task, TaskInstanceState.SUCCESS))
    host = sandbox.url.partition("://")[2]
    assert [(d["namespace"], d["name"]) for d in reported["inputs"]] == [(f"ekyc://{host}", exported)]
    (output,) = reported["outputs"]
    result = context["ti"].xcoms["result"]
    assert f"{output['namespace']}/{output['name']}" == result["s3_uri"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == result["rows"] == 200
    assert output["outputFacets"]["outputStatistics"]["size"] == result["size"]
    assert output["facets"]["version"]["datasetVersion"] == result["sha256"]


@pytest.mark.usefixtures("connections")
def test_a_result_that_lies_there_already_is_reported_the_same(
    s3: Any, exported: str, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = operator(exported), operator(exported), operator(exported)
    for task in (first, second):
        task.execute(context_of())
    reported = [as_json(extracted(task, TaskInstanceState.SUCCESS)) for task in (first, second)]
    assert reported[0] == reported[1]
    monkeypatch.delenv("AIRFLOW_CONN_EKYC_DEFAULT")
    third.execute(context)
    assert as_json(extracted(third, TaskInstanceState.SUCCESS)) == {**reported[0], "inputs": []}


@pytest.mark.usefixtures("connections")
def test_the_operator_reports_to_hook_lineage(
    s3: Any,
    sandbox: Sandbox,
    exported: str,
    context: dict[str, Any],
    collector: airflow_lineage.HookLineageCollector,
) -> None:
    operator(exported).execute(context)
    host = sandbox.url.partition("://")[2]
    assert uris(collector) == ([f"ekyc://{host}/{exported}"], [f"s3://{BUCKET}/results/a"])


@pytest.mark.usefixtures("connections")
def test_the_reported_columns_are_those_of_a_landed_parquet(s3: Any, exported: str, context: dict[str, Any]) -> None:
    task = operator(exported, output_format="parquet")
    task.execute(context)
    content = s3.get_object(Bucket=BUCKET, Key="results/a")["Body"].read()
    schema = parquet.read_schema(io.BytesIO(content))
    (output,) = as_json(extracted(task, TaskInstanceState.SUCCESS))["outputs"]
    reported = [(field["name"], field["type"]) for field in output["facets"]["schema"]["fields"]]
    assert reported == [(field.name, str(field.type)) for field in schema]


def test_nothing_of_openlineage_is_needed_or_loaded() -> None:
    code = """
import sys
sys.modules["openlineage"] = None  # so that importing it fails
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.s3.result_object import Landed
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.transfers.lineage import report_to_hook_lineage
reported = dict.fromkeys(Landed.__slots__, 0)
landed = Landed(**{**reported, "ekyc_task_id": "d1", "s3_uri": "s3://bucket/key", "unmatched_uri": None})
report_to_hook_lineage(landed, "host", EkycHook(), S3Hook())
EkycResultsToS3Operator(task_id="land", ekyc_task_id="d1", s3_key="s3://bucket/key")
assert "airflow.providers.openlineage.extractors" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "lineage of this result" not in done.stdout + done.stderr
