"""``airflow dags test``: three sensors in one run, two authorities of TLS, an HTTP proxy, and an Iceberg table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.table import Table

from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.s3_server import S3Server
from dev.testing.http_proxy import Proxy, http_proxy
from tests.airflow.dags_test import DagsTest
from tests.conftest import API_KEY, BUCKET, WAREHOUSE, aws_connection, empty_bucket, keys_of

pytestmark = pytest.mark.airflow


@dataclass
class Outcome:
    """What one run left."""

    code: int
    output: str
    keys: list[str]
    proxy: Proxy
    table: Table
    sandboxes: dict[str, Sandbox]


@pytest.fixture(scope="module")
def outcome(dags_test: DagsTest, warehouse: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Run the DAG once."""
    s3_server, home = warehouse, tmp_path_factory.mktemp("three")
    iceberg = s3_server.iceberg_properties(f"sqlite:///{home}/catalog.db", f"s3://{WAREHOUSE}/{home.name}")
    catalog = load_catalog("iceberg_default", **iceberg)
    catalog.create_namespace("ekyc")
    numbers = home / "numbers.txt"
    numbers.write_text("".join(f"+999{number:010d}\n" for number in range(100)))
    client = s3_server.client()
    empty_bucket(client)
    with (
        Sandbox(API_KEY, tls=True, pace=30.0) as first,
        Sandbox(API_KEY, tls=True, pace=30.0) as second,
        Sandbox(API_KEY, pace=30.0) as plain,
        http_proxy() as proxy,
    ):
        env = {
            "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(s3_server),
            "AIRFLOW_CONN_ICEBERG_DEFAULT": json.dumps({"conn_type": "iceberg", "extra": iceberg}),
            "AIRFLOW_CONN_EKYC_FIRST": connection(first),
            "AIRFLOW_CONN_EKYC_SECOND": connection(second),
            "AIRFLOW_CONN_EKYC_PROXIED": connection(plain, proxy=proxy.url),
            "EKYC_TEST_NUMBERS": str(numbers),
            "EKYC_TEST_BUCKET": BUCKET,
        }
        done = dags_test.run("ekyc_three_connections", env)
        sandboxes = {"first": first, "second": second, "proxied": plain}
        table = catalog.load_table("ekyc.results")
        yield Outcome(done.code, done.output, keys_of(client), proxy, table, sandboxes)


def connection(sandbox: Sandbox, **extra: Any) -> str:
    if sandbox.ca_file is not None:
        extra["ca_file"] = str(sandbox.ca_file)
    extra["result_hosts"] = sandbox.url
    return json.dumps({"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY, "extra": extra})


def test_three_chains_in_one_run_land_three_results(outcome: Outcome) -> None:
    assert outcome.code == 0, outcome.output[-5000:]
    assert sorted(outcome.keys) == ["three/first.zip", "three/proxied.zip", "three/second.parquet"]


def test_one_result_is_in_the_iceberg_table(outcome: Outcome) -> None:
    rows = outcome.table.scan().to_arrow()
    assert sorted(rows["number"].to_pylist()) == [f"+999{number:010d}" for number in range(100)]
    (submission,) = outcome.sandboxes["second"].bill.submissions
    assert set(rows["ekyc_task_id"].to_pylist()) == {submission.task_id}
    (snapshot,) = outcome.table.snapshots()
    assert f"ekyc.results (connection 'iceberg_default'): snapshot {snapshot.snapshot_id}." in outcome.output


def test_each_sandbox_was_asked_through_its_own_connection(outcome: Outcome) -> None:
    for sandbox in outcome.sandboxes.values():
        assert len(sandbox.bill.submissions) == 1
        assert sandbox.calls["status"] >= 2  # by the trigger, and by the transfer
        assert sandbox.calls["result"] in (1, 2)  # its end too, if the first range does not arrive before
        assert sandbox.key_leaks == 0


def test_each_submission_says_first_that_a_test_run_pays_at_each_call(outcome: Outcome) -> None:
    assert outcome.output.count("each call submits again and is charged again") == 3
    assert outcome.output.index("is charged again") < outcome.output.index("was accepted")


def test_each_landing_finds_its_submission_and_compares_the_numbers(outcome: Outcome) -> None:
    assert outcome.output.count("The result contains exactly the 100 numbers that were sent.") == 3


def test_the_proxied_chain_went_through_the_proxy_and_the_others_did_not(outcome: Outcome) -> None:
    seen = "\n".join(outcome.proxy.asked)
    for name, sandbox in outcome.sandboxes.items():
        address = sandbox.url.split("://")[1]
        assert (address in seen) == (name == "proxied")


def test_the_output_holds_no_key_no_signature_and_no_number(outcome: Outcome) -> None:
    assert API_KEY not in outcome.output
    assert "made-up-secret" not in outcome.output
    assert "X-Amz-Signature=" not in outcome.output
    assert "99900000000" not in outcome.output
    assert "Unclosed client session" not in outcome.output
