"""
EkycResultsToS3Operator from end to end: the sandbox, a real S3 server, nothing of our own replaced.

Modules: ``transfers/places.py``, ``transfers/shown.py``, ``results/transfer.py``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.definitions.asset import AssetUniqueKey
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath
from airflow_provider_ekyc.sandbox import Sandbox, expected_answer
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.xcom_keys import OBJECT_LINK
from dev.stack.s3_server import S3Server
from dev.testing.s3_events import accept, record
from dev.testing.task_context import context_of
from tests.conftest import BUCKET, aws_connection, keys_of

pytestmark = pytest.mark.usefixtures("connections")

KEY = "results/a.zip"


def operator(ekyc_task_id: str, **arguments: Any) -> EkycResultsToS3Operator:
    settings = {"s3_bucket": BUCKET, "s3_key": KEY, **arguments}
    return EkycResultsToS3Operator(task_id="land", ekyc_task_id=ekyc_task_id, **settings)


def rows_of(client: Any, key: str = KEY) -> dict[str, str]:
    content = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("amazon.csv") as table:
        rows = list(csv.reader(io.TextIOWrapper(table, encoding="utf-8")))
    assert rows[0] == ["Number", "amazon"]
    assert len({row[0] for row in rows}) == len(rows)
    return dict(rows[1:])


def test_a_result_lands_with_every_row(
    s3: Any, exported: str, numbers: list[str], context: dict[str, Any], sandbox: Sandbox, s3_server: S3Server
) -> None:
    assert operator(exported).execute(context) == f"s3://{BUCKET}/{KEY}"
    assert keys_of(s3) == [KEY]
    assert rows_of(s3) == {number: expected_answer(number) for number in numbers}
    content = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
    yes = sum(expected_answer(number) == "yes" for number in numbers)
    assert context["ti"].xcoms == {
        "result": {
            "ekyc_task_id": exported,
            "s3_uri": f"s3://{BUCKET}/{KEY}",
            "output_format": "zip",
            "rows": 200,
            "yes": yes,
            "no": 200 - yes,
            "unknown": 0,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "unmatched": None,
            "unmatched_uri": None,
            "distinct": 200,
            "contradictions": 0,
            "missing": 0,
        },
        "summary": f"200 rows: {yes} yes, {200 - yes} no",
        OBJECT_LINK: f"{s3_server.endpoint_url}/{BUCKET}/{KEY}",
    }
    assert (sandbox.calls["status"], sandbox.calls["result"], sandbox.key_leaks) == (1, 1, 0)


def test_neither_xcom_nor_metadata_holds_a_number_or_a_url(
    s3: Any, exported: str, numbers: list[str], context: dict[str, Any]
) -> None:
    returned = operator(exported).execute(context)
    xcoms = context["ti"].xcoms
    assert "?" not in xcoms.pop(OBJECT_LINK), "the link is an address alone"
    head = s3.head_object(Bucket=BUCKET, Key=KEY)
    visible = json.dumps([returned, xcoms, head["Metadata"], s3.get_object_tagging(Bucket=BUCKET, Key=KEY)])
    assert not [number for number in numbers if number[1:] in visible]
    assert "http" not in visible
    assert "X-Amz" not in json.dumps(context["ti"].xcoms)


def test_unknown_answers_and_failed_numbers_are_counted(
    s3: Any, sandbox: Sandbox, submit: Callable[[], str], context: dict[str, Any]
) -> None:
    sandbox.change(undetermined_percent=20, failure_rows=7, failure_rows_in_result=True, extra_success=3)
    operator(submit()).execute(context)
    result = context["ti"].xcoms["result"]
    assert result["rows"] == 200
    assert result["unknown"] == list(rows_of(s3).values()).count("undetermined") > 7


def test_a_second_run_finds_the_object_and_asks_for_nothing(
    s3: Any, sandbox: Sandbox, exported: str, context: dict[str, Any]
) -> None:
    operator(exported).execute(context)
    calls, first = sandbox.calls, s3.head_object(Bucket=BUCKET, Key=KEY)
    for replace in (False, True):
        again = context_of()
        assert operator(exported, replace=replace).execute(again) == f"s3://{BUCKET}/{KEY}"
        assert again["ti"].xcoms == context["ti"].xcoms
    assert sandbox.calls == calls
    assert s3.head_object(Bucket=BUCKET, Key=KEY)["LastModified"] == first["LastModified"]


def test_a_landed_result_is_found_even_without_the_api(
    s3: Any, exported: str, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    operator(exported).execute(context)
    monkeypatch.delenv("AIRFLOW_CONN_EKYC_DEFAULT")
    operator(exported).execute(context_of())


def test_a_taken_key_fails_before_the_api_is_asked(
    s3: Any, sandbox: Sandbox, exported: str, context: dict[str, Any]
) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"theirs")
    calls = sandbox.calls
    with pytest.raises(EkycFailException, match="already contains an object that is not a result of eKYC"):
        operator(exported).execute(context)
    assert sandbox.calls == calls
    assert set(context["ti"].xcoms) == {"failure"}
    assert context["ti"].xcoms["failure"]["kind"] == "object_exists"
    operator(exported, replace=True).execute(context)
    assert len(rows_of(s3)) == 200


def test_a_key_with_the_result_of_another_task_names_that_task(
    s3: Any, submit: Callable[[], str], context: dict[str, Any]
) -> None:
    first, second = submit(), submit()
    operator(first).execute(context)
    with pytest.raises(EkycFailException, match=rf"already contains the result \(zip\) of remote task {first}"):
        operator(second).execute(context)
    operator(second, replace="true").execute(context)
    assert s3.head_object(Bucket=BUCKET, Key=KEY)["Metadata"]["ekyc-task-id"] == second


@pytest.mark.parametrize(
    "key", [f"s3://{BUCKET}/deep/er/{KEY}", f"S3://{BUCKET}/b c+d=é.zip", f"s3a://{BUCKET}//k", f" s3://{BUCKET}/k "]
)
def test_a_whole_address_may_be_given_as_the_key(s3: Any, exported: str, context: dict[str, Any], key: str) -> None:
    uri = operator(exported, s3_bucket=None, s3_key=key).execute(context)
    assert uri == "s3://" + key.strip().partition("://")[2].replace("//", "/")
    assert [f"s3://{BUCKET}/{found}" for found in keys_of(s3)] == [uri]


@pytest.mark.parametrize(
    "key",
    [f"s3://other_aws@{BUCKET}/k", f"s3a://other_aws@{BUCKET}/k", ObjectStoragePath(f"s3://other_aws@{BUCKET}/k")],
)
def test_the_connection_in_an_address_wins(
    s3: Any, s3_server: S3Server, exported: str, context: dict[str, Any], key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER_AWS", aws_connection(s3_server))
    unusable = json.dumps({"conn_type": "aws", "extra": {"region_name": "us-east-1", "endpoint_url": "nowhere"}})
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", unusable)
    assert operator(exported, s3_bucket=None, s3_key=key).execute(context) == f"s3://{BUCKET}/k"
    assert keys_of(s3) == ["k"]


def test_both_keys_are_reached_with_one_connection(exported: str, context: dict[str, Any]) -> None:
    unmatched_key = f"s3://other_aws@{BUCKET}/unmatched.txt"
    with pytest.raises(EkycFailException, match="unmatched_key names another AWS connection"):
        operator(
            exported, unmatched_key=unmatched_key, numbers="/made/up", submission={"ekyc_task_id": exported}
        ).execute(context)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"ekyc_task_id": "None"}, "ekyc_task_id"),
        ({"ekyc_task_id": ""}, "ekyc_task_id"),
        ({"s3_key": ""}, "s3_key is empty"),
        ({"s3_key": "None"}, "s3_key is empty"),
        ({"s3_bucket": None}, "place is not known"),
        ({"s3_bucket": "None"}, "s3_bucket is empty"),
        ({"s3_key": f"s3://{BUCKET}/{KEY}"}, "s3_bucket must be empty"),
        ({"s3_bucket": None, "s3_key": f"s3://{BUCKET}"}, "place is not known"),
        ({"s3_bucket": None, "s3_key": f"s3://{BUCKET}/"}, "begins or ends with a slash"),
        ({"s3_bucket": None, "s3_key": f"s3://{BUCKET}/folder/"}, "begins or ends with a slash"),
        ({"s3_key": "folder/"}, "begins or ends with a slash"),
        ({"s3_key": "/a.zip"}, "begins or ends with a slash"),
        ({"s3_key": 7}, "s3_key must be text, not int"),
        ({"s3_bucket": None, "s3_key": "gs://bucket/key"}, "place is not known"),
        ({"s3_key": "https://localhost/key"}, "place is not known"),
        ({"s3_bucket": "not a bucket"}, "Invalid bucket name"),
        ({"replace": "maybe"}, "replace must be true or false"),
        ({"replace": ""}, "replace must be true or false"),
        ({"encrypt": "1"}, "encrypt must be true or false"),
        ({"encrypt": True, "s3_extra_args": {"ServerSideEncryption": "aws:kms"}}, "names another encryption"),
        ({"encrypt": True, "s3_extra_args": {"SSEKMSEncryptionContext": "x"}}, "names another encryption"),
        (
            {"s3_extra_args": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": 7}},
            "SSECustomerKey, valid types",
        ),
        ({"connections": 0}, "connections must be a number, at least 1, at most 32"),
        ({"connections": "33"}, "connections must be a number, at least 1, at most 32"),
        ({"connections": "2.5"}, "connections must be a whole number"),
        ({"connections": True}, "connections must be a number"),
        ({"acl_policy": "None"}, "acl_policy is empty"),
        ({"output_format": "xlsx"}, "output_format must be one of: zip, csv, csv.gz, parquet"),
        ({"s3_extra_args": "{}"}, "s3_extra_args must be a mapping"),
        ({"s3_extra_args": {"StorageKlass": "x"}}, "StorageKlass"),
        ({"s3_extra_args": {"Key": "x"}}, "may not contain Key"),
        ({"s3_extra_args": {1: 2}}, "a name that is not text"),
        (
            {"s3_extra_args": {"ContentType": "text/plain\n"}},
            "such as a line break, in ContentType",
        ),
        ({"acl_policy": "private\nx"}, "such as a line break, in ACL"),
        ({"s3_extra_args": {"Metadata": {"EKYC-rows": "1"}}}, "'EKYC-rows': what begins with ekyc-"),
        ({"s3_extra_args": {"Metadata": {"a b": "1"}}}, "a name that a header can have"),
        ({"s3_extra_args": {"Metadata": {"a": "1\r\nx: y"}}}, "not ASCII, as S3 requires, or has a line break"),
        ({"s3_bucket": "no-such-bucket"}, "NoSuchBucket"),
    ],
)
def test_arguments_that_cannot_be_meant_fail_for_good_before_anything_is_asked(
    s3: Any, sandbox: Sandbox, exported: str, context: dict[str, Any], arguments: dict[str, Any], words: str
) -> None:
    calls = sandbox.calls
    with pytest.raises(EkycFailException) as caught:
        operator(**{"ekyc_task_id": exported, **arguments}).execute(context)
    assert words in str(caught.value)
    assert sandbox.calls == calls
    assert keys_of(s3) == []


def test_templates_give_text_and_text_is_read_strictly(s3: Any, exported: str, context: dict[str, Any]) -> None:
    landing = operator(
        "{{ given.id }}",
        s3_key="{{ given.day }}/a.zip",
        s3_bucket="{{ given.bucket }}",
        replace="{{ 1 > 2 }}",
        encrypt="{{ False }}",
        acl_policy="{{ '' }}",
        output_format="{{ 'ZIP' }}",
        spool_dir="{{ '' }}",
        connections="{{ 2 }}",
        s3_extra_args={"StorageClass": "{{ given.storage }}", "Metadata": {"day": "{{ given.day }}"}},
    )
    given = {"id": exported, "day": "2026-11-23", "bucket": BUCKET, "storage": "STANDARD_IA"}
    landing.render_template_fields({"given": given})  # type: ignore[arg-type]
    assert landing.replace == "False"
    assert landing.execute(context) == f"s3://{BUCKET}/2026-11-23/a.zip"
    head = s3.head_object(Bucket=BUCKET, Key="2026-11-23/a.zip")
    assert head["Metadata"]["day"] == "2026-11-23"
    assert head["StorageClass"] == "STANDARD_IA"
    s3.put_object(Bucket=BUCKET, Key="2026-11-23/a.zip", Body=b"theirs")
    with pytest.raises(EkycFailException, match="It was not touched"):
        landing.execute(context)


def test_encryption_acl_and_further_arguments_reach_s3(
    s3: Any, exported: str, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    requests: list[Any] = []
    connect = S3Hook.get_conn

    def recorded(hook: S3Hook) -> Any:
        client = connect(hook)
        if not requests:
            requests.append(record(client))
            # Our server has no key for server-side encryption and would answer 500.
            accept(client, "PutObject", ETag='"made-up"')
        return client

    monkeypatch.setattr(S3Hook, "get_conn", recorded)
    landing = operator(
        exported,
        encrypt="True",
        acl_policy="bucket-owner-full-control",
        s3_extra_args={"ServerSideEncryption": "AES256", "Tagging": "a=b", "Metadata": {"Team": "made-up"}},
    )
    # It is looked for afterwards, and this one was accepted by nobody.
    with pytest.raises(EkycRetryException, match="it accepted the object, and does not have it"):
        landing.execute(context)
    (headers,) = [headers for method, _, headers in requests[0] if method == "PUT"]
    assert headers["x-amz-server-side-encryption"] == "AES256"
    assert headers["x-amz-acl"] == "bucket-owner-full-control"
    assert headers["x-amz-tagging"] == "a=b"
    assert headers["x-amz-meta-team"] == "made-up"
    assert headers["x-amz-meta-ekyc-rows"] == "200"
    assert headers["if-none-match"] == "*"


def test_outlets_get_the_counts_and_none_is_added(s3: Any, exported: str, context: dict[str, Any]) -> None:
    asset, alias = Asset("s3://made-up/results"), AssetAlias("results")
    context["outlet_events"] = OutletEventAccessors()
    landing = operator(exported, outlets=[asset, alias])
    landing.execute(context)
    result = context["ti"].xcoms["result"]
    assert context["outlet_events"][asset].extra == result
    (event,) = context["outlet_events"][alias].asset_alias_events
    assert (event.dest_asset_key.uri, event.extra) == (result["s3_uri"], result)
    assert landing.outlets == [asset, alias]


def test_an_outlet_that_refers_to_an_asset_gets_the_counts_too(
    s3: Any, exported: str, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    results, ref = Asset("made_up_results"), Asset.ref(name="made_up_results")
    events = context["outlet_events"] = OutletEventAccessors()
    # As Airflow's API server answers.
    monkeypatch.setitem(events._asset_ref_cache, ref, (AssetUniqueKey.from_asset(results), None))
    operator(exported, outlets=[ref]).execute(context)
    assert events[results].extra == context["ti"].xcoms["result"]


def test_the_asset_of_a_key_beyond_ascii_is_percent_encoded_where_airflow_needs_it(
    s3: Any, exported: str, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Airflow 2.11 and 3.0 accept no other, later versions with MySQL.
    monkeypatch.setattr("airflow.sdk.definitions.asset.SQL_ALCHEMY_CONN", "mysql://made-up")
    context["outlet_events"] = OutletEventAccessors()
    alias = AssetAlias("results")
    key = "campañas/a b+c%20.zip"
    assert operator(exported, s3_key=key, outlets=[alias]).execute(context) == f"s3://{BUCKET}/{key}"
    assert keys_of(s3) == [key]
    (event,) = context["outlet_events"][alias].asset_alias_events
    assert event.dest_asset_key.uri == f"s3://{BUCKET}/campa%C3%B1as/a b+c%20.zip"
    assert event.extra["s3_uri"] == f"s3://{BUCKET}/{key}"


def test_a_key_that_is_too_long_for_an_asset_fails_no_landing(
    s3: Any,
    exported: str,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("airflow.sdk.definitions.asset.SQL_ALCHEMY_CONN", "mysql://made-up")
    context["outlet_events"] = OutletEventAccessors()
    alias = AssetAlias("results")
    key = "/".join(["ñ" * 50] * 5)  # 1,504 characters as they are percent-encoded
    assert operator(exported, s3_key=key, outlets=[alias]).execute(context) == f"s3://{BUCKET}/{key}"
    assert context["outlet_events"][alias].asset_alias_events == []
    assert "The asset alias results gets no event: Asset name cannot exceed 1500 characters." in caplog.text


def test_the_asset_of_a_key_with_parts_of_a_url_is_of_the_whole_key(
    s3: Any, exported: str, context: dict[str, Any]
) -> None:
    context["outlet_events"] = OutletEventAccessors()
    alias = AssetAlias("results")
    operator(exported, s3_key="list #1?b=2&a=1.zip", outlets=[alias]).execute(context)
    (event,) = context["outlet_events"][alias].asset_alias_events
    assert event.dest_asset_key.uri == f"s3://{BUCKET}/list %231%3Fb=2&a=1.zip"
    assert event.extra["s3_uri"] == f"s3://{BUCKET}/list #1?b=2&a=1.zip"


def test_spool_files_leave_nothing(s3: Any, exported: str, context: dict[str, Any], tmp_path: Path) -> None:
    spool_dir = tmp_path / "spool"
    spool_dir.mkdir()
    operator(exported, spool_dir=str(spool_dir)).execute(context)
    assert list(spool_dir.iterdir()) == []
    assert not [link for link in _open_files() if link.startswith(str(spool_dir))]


def _open_files() -> list[str]:
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:
            continue  # the one that lists
    return links


def test_nothing_is_read_when_the_operator_is_made() -> None:
    operator("{{ x }}", s3_key="{{ y }}", s3_bucket=None, replace="{{ z }}", encrypt="{{ z }}", s3_extra_args=None)
