"""
A bucket that does not exist is found before the submission is paid for; what is not certain does not stop it.

Modules: ``operators/downstream_buckets.py``, ``transfers/buckets.py``, ``s3/missing_bucket.py``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, Param, TaskGroup, task

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.operators.downstream_buckets import CREATE_THE_BUCKET
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.stack.s3_server import S3Server
from dev.testing.sockets import SocketServer, answer, answering
from tests.conftest import BUCKET, aws_connection

pytestmark = pytest.mark.usefixtures("connections", "no_waits")

MISSING = "ekyc-made-up-bucket"
Build = Callable[..., EkycSubmitOperator]


@pytest.fixture
def build(numbers_file: Path) -> Build:
    """Submit, wait, land, as a DAG file has them; the transfer's arguments vary."""

    def build_chain(
        *,
        expand: dict[str, Any] | None = None,
        between: BaseOperator | None = None,
        transfer_class: type[EkycResultsToS3Operator] = EkycResultsToS3Operator,
        default_args: dict[str, Any] | None = None,
        group_args: dict[str, Any] | None = None,
        **transfer: Any,
    ) -> EkycSubmitOperator:
        params = {"bucket": MISSING, "given_with_the_run": Param(type="string")}
        common: dict[str, Any] = {"params": params, "default_args": default_args or {}}
        with DAG("chain", schedule=None, start_date=datetime(2026, 1, 1), **common) as dag:
            submit = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))
            wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
            with TaskGroup("group", prefix_group_id=False, default_args=group_args or {}):
                if expand is None:
                    land: Any = transfer_class(task_id="land", ekyc_task_id=submit.output, **transfer)
                else:
                    land = transfer_class.partial(task_id="land", **transfer).expand(
                        **{"ekyc_task_id": ["d1"], **expand}
                    )
            wait >> land
            if between is not None:
                dag.add_task(between)
                between >> land
        return submit

    return build_chain


def stopped(submit: EkycSubmitOperator, context: dict[str, Any]) -> str:
    with pytest.raises(EkycFailException) as caught:
        submit.execute(context)
    assert (caught.value.kind, caught.value.charge) == ("settings", "none")
    return str(caught.value)


def given(context: dict[str, Any]) -> dict[str, Any]:
    return {**context, "params": {"bucket": MISSING}, "ds": "2026-01-01"}


@pytest.mark.parametrize(
    "transfer",
    [
        {"s3_bucket": MISSING, "s3_key": "key"},
        {"s3_bucket": "{{ params.bucket }}", "s3_key": "{{ ti.map_index }}/key"},
        {"s3_bucket": "{{ params['bucket'] | lower }}", "s3_key": "key"},
        {"s3_key": f"s3://{MISSING}/{{{{ ti.map_index }}}}.zip"},
        {"s3_key": "s3://{{ params.bucket }}/dt={{ ds }}/x.zip"},
        {"s3_key": f"s3://aws_default@{MISSING}/x.zip", "aws_conn_id": "nowhere"},
        {"s3_key": f"s3://{BUCKET}/x", "numbers": "x.txt", "unmatched_key": f"s3://{MISSING}/unmatched.txt"},
        {"s3_bucket": MISSING, "s3_key": "key", "aws_conn_id": "{{ 'aws_default' }}"},
    ],
    ids=str,
)
def test_a_bucket_that_does_not_exist_costs_nothing(
    transfer: dict[str, Any],
    build: Build,
    sandbox: Sandbox,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = stopped(build(**transfer), given(context))
    assert said == (
        f"S3 has no bucket '{MISSING}' (connection 'aws_default'), to which task 'land' writes. Nothing was sent or "
        f"charged. Create the bucket, or correct its name or the connection, then clear this task."
    )
    assert sum(sandbox.calls.values()) == 0
    assert caplog.messages.count(CREATE_THE_BUCKET) == 1
    assert not any("Create the bucket" in line for line in caplog.messages if line != CREATE_THE_BUCKET)


def test_a_bucket_of_a_mapped_transfer(build: Build, sandbox: Sandbox, context: dict[str, Any]) -> None:
    submit = build(expand={"s3_key": ["a", "b"]}, s3_bucket=MISSING)
    assert "has no bucket" in stopped(submit, given(context))
    assert sum(sandbox.calls.values()) == 0


@pytest.mark.parametrize("where", ["default_args", "group_args"])
@pytest.mark.parametrize(
    ("given_there", "transfer"),
    [
        ({"s3_bucket": MISSING}, {"s3_key": "key"}),
        ({"s3_bucket": BUCKET}, {"s3_key": "key", "s3_bucket": MISSING}),
        ({"aws_conn_id": "aws_default"}, {"s3_key": f"s3://{MISSING}/key"}),
    ],
)
@pytest.mark.parametrize("expand", [None, {}], ids=["plain", "mapped"])
def test_default_arguments_are_those_of_a_transfer(
    build: Build,
    context: dict[str, Any],
    where: str,
    given_there: dict[str, Any],
    transfer: dict[str, Any],
    expand: dict[str, Any] | None,
) -> None:
    submit = build(expand=expand, **{where: given_there}, **transfer)
    assert f"has no bucket '{MISSING}' (connection 'aws_default')" in stopped(submit, given(context))


#: The connection by its name, as an argument of a transfer.
OWN = {"aws_conn_id": "aws_default"}


class PrefixedTransfer(EkycResultsToS3Operator):
    """A class of a user's, which changes its arguments."""

    def __init__(self, *, s3_bucket: str = "results", aws_conn_id: str = "nowhere", **kwargs: Any) -> None:
        super().__init__(s3_bucket=f"ekyc-{s3_bucket}", aws_conn_id=aws_conn_id, **kwargs)


class NamedTransfer(EkycResultsToS3Operator):
    """A class of a user's, which changes none."""


def test_a_bucket_of_a_class_made_from_the_transfer(build: Build, context: dict[str, Any]) -> None:
    submit = build(transfer_class=NamedTransfer, expand={}, s3_bucket=MISSING, s3_key="key")
    assert "has no bucket" in stopped(submit, given(context))


def test_a_bucket_that_exists(build: Build, context: dict[str, Any]) -> None:
    assert build(s3_bucket=BUCKET, s3_key="key").execute(given(context))


@pytest.mark.parametrize(
    "transfer",
    [
        {"s3_bucket": "{{ ti.xcom_pull('other') }}", "s3_key": "key"},
        {"s3_bucket": "{{ task.task_id }}", "s3_key": "key"},
        {"s3_bucket": "{{ nothing_known }}", "s3_key": "key"},
        {"s3_bucket": "{{ params.bucket", "s3_key": "key"},
        {"s3_bucket": "{{ params.nothing.at.all }}", "s3_key": "key"},
        {"s3_bucket": "{{ params.bucket }}", "s3_key": "key", "params": {"bucket": BUCKET}},
        {"expand": {}, "s3_bucket": "{{ params.bucket }}", "s3_key": "key", "params": {"bucket": BUCKET}},
        {"s3_bucket": MISSING, "s3_key": "key", "executor_config": {"pod_override": "another image"}},
        {"expand": {}, "s3_bucket": MISSING, "s3_key": "key", "executor_config": {"pod_override": "another image"}},
        {"s3_bucket": MISSING, "s3_key": "key", "aws_conn_id": "{{ ti.task_id }}"},
        {"s3_bucket": MISSING, "s3_key": "key", "aws_conn_id": "nowhere"},
        {"s3_bucket": MISSING, "s3_key": "key", "queue": "another"},
        {"expand": {"s3_bucket": [MISSING]}, "s3_key": "key"},
        {"expand": {"s3_key": [f"s3://{MISSING}/key"]}},
        {"expand": {"aws_conn_id": ["a"]}, "s3_bucket": MISSING, "s3_key": "key"},
        {"expand": {}, "default_args": {"aws_conn_id": "nowhere"}, "s3_bucket": MISSING, "s3_key": "key"},
        {"expand": {}, "group_args": {"aws_conn_id": "nowhere"}, "s3_bucket": MISSING, "s3_key": "key"},
        {
            "expand": {"aws_conn_id": ["a"]},
            "default_args": {"aws_conn_id": "aws_default"},
            "s3_key": f"s3://{MISSING}/k",
        },
        {"expand": {}, "transfer_class": PrefixedTransfer, "s3_key": f"s3://{MISSING}/key"},
        {"expand": {}, "transfer_class": PrefixedTransfer, "s3_bucket": "results", "s3_key": "key", **OWN},
    ],
    ids=str,
)
def test_what_is_not_known_yet_does_not_stop_a_submission(
    transfer: dict[str, Any], build: Build, context: dict[str, Any]
) -> None:
    assert build(**transfer).execute(given(context))


def test_a_bucket_that_a_task_in_between_may_make(build: Build, context: dict[str, Any]) -> None:
    @task
    def make_the_bucket() -> None: ...

    between = make_the_bucket().operator
    assert build(between=between, s3_bucket=MISSING, s3_key="key").execute(given(context))


def connect_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"endpoint_url": url, "region_name": "us-east-1", "config_kwargs": {"s3": {"addressing_style": "path"}}}
    connection = {"conn_type": "aws", "login": "made-up", "password": "made-up", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))


def test_a_404_of_another_server_is_not_that_of_s3(
    build: Build, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = answer("404 Not Found", b"<html>no such page</html>", "Content-Type: text/html")
    with SocketServer(answering(page)) as server:
        connect_to(server.url, monkeypatch)
        assert build(s3_bucket=MISSING, s3_key="key").execute(given(context))
        assert server.connections == 2, "it was asked once more, for the reason"


@pytest.mark.parametrize("status", ["403 Forbidden", "301 Moved Permanently", "503 Slow Down", "400 Bad Request"])
def test_other_answers_do_not_say_that_a_bucket_is_missing(
    status: str, build: Build, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with SocketServer(answering(answer(status))) as server:
        connect_to(server.url, monkeypatch)
        assert build(s3_bucket=MISSING, s3_key="key").execute(given(context))
        assert server.connections >= 1


def test_credentials_that_are_refused(
    build: Build, s3_server: S3Server, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = json.loads(aws_connection(s3_server)) | {"password": "another-made-up-secret"}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    assert build(s3_bucket=MISSING, s3_key="key").execute(given(context))


def test_a_store_that_does_not_answer_delays_a_submission_by_seconds(
    build: Build, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.s3.missing_bucket.READ_TIMEOUT", 0.5)
    with SocketServer(lambda line: server.over.wait(20) and None) as server:
        connect_to(server.url, monkeypatch)
        began = time.monotonic()
        assert build(s3_bucket=MISSING, s3_key="key").execute(given(context))
        assert server.connections == 1
    assert time.monotonic() - began < 15


def test_a_warehouse_that_does_not_exist(
    build: Build, s3_server: S3Server, sandbox: Sandbox, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = s3_server.iceberg_properties("sqlite:///nothing.db", f"s3://{MISSING}/warehouse")
    monkeypatch.setenv("AIRFLOW_CONN_ICEBERG_DEFAULT", json.dumps({"conn_type": "iceberg", "extra": properties}))
    table = {"output_format": "parquet", "iceberg_table": "a.b", "s3_bucket": BUCKET, "s3_key": "key"}
    assert f"S3 has no bucket '{MISSING}' (warehouse of connection 'iceberg_default')" in stopped(
        build(**table), given(context)
    )
    assert sum(sandbox.calls.values()) == 0
    # A REST catalog says by itself where its files are.
    elsewhere = {**properties, "type": "rest", "uri": "http://127.0.0.1:1"}
    monkeypatch.setenv("AIRFLOW_CONN_ICEBERG_DEFAULT", json.dumps({"conn_type": "iceberg", "extra": elsewhere}))
    assert build(**table).execute(given(context))
    properties = s3_server.iceberg_properties("sqlite:///nothing.db", f"s3://{BUCKET}/warehouse")
    monkeypatch.setenv("AIRFLOW_CONN_ICEBERG_DEFAULT", json.dumps({"conn_type": "iceberg", "extra": properties}))
    assert build(**table).execute(given(context))


def test_a_submission_without_a_transfer(numbers_file: Path, context: dict[str, Any]) -> None:
    assert EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute(given(context))
