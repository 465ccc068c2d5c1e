"""
EkycPrepareNumbersOperator from a list to files, over a directory and the S3 server.

With ``preparation/destination.py``, ``preparation/destinations.py``, ``preparation/job.py``,
``preparation/reading.py``, ``preparation/report.py``.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath
from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.task_context import TaskInstance, context_of
from tests.conftest import BUCKET

pytestmark = pytest.mark.usefixtures("connections")


def prepare(numbers: object, destination: object, **arguments: Any) -> EkycPrepareNumbersOperator:
    return EkycPrepareNumbersOperator(task_id="prepare", numbers=numbers, destination_uri=str(destination), **arguments)


def test_it_writes_files_of_even_size_in_the_order_of_the_lists(
    tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("\n".join([*numbers[:120], "", f" {numbers[0]}\t", "garbage"]))
    second.write_text("".join(f"{number}\n" for number in numbers[110:]))
    uris = prepare([str(first), second], tmp_path / "ready", max_rows="199").execute(context)
    assert [Path(uri).read_text().splitlines() for uri in uris] == [numbers[:100], numbers[100:]]
    preparation = context["ti"].xcoms["preparation"]
    assert preparation["files"] == [{"uri": uri, "rows": 100, "bytes": 1500} for uri in uris]
    counts = {name: preparation[name] for name in ("sources", "rows_read", "blank", "duplicates", "to_send")}
    assert counts == {"sources": 2, "rows_read": 213, "blank": 1, "duplicates": 11, "to_send": 200}
    assert preparation["invalid"] == {"other text": 1}
    assert preparation["changed"] == {"blanks around": 1}


def test_a_file_is_named_by_the_content_key_which_its_submission_has_too(
    sandbox: Sandbox, tmp_path: Path, numbers_file: Path, context: dict[str, Any]
) -> None:
    (uri,) = prepare(numbers_file, tmp_path / "ready").execute(context)
    key = ContentKey()
    key.add_lines(numbers_file.read_bytes())
    assert Path(uri).name == f"{key.hexdigest()}.txt"
    EkycSubmitOperator(task_id="submit", numbers=uri).execute(context)
    assert context["ti"].xcoms["submission"]["content_key"] == key.hexdigest()
    assert sandbox.bill.submissions[0].rows == 200


def test_it_writes_to_s3_and_names_the_files_in_the_manifest(
    s3: Any, numbers_file: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    (uri,) = prepare(numbers_file, f"s3://{BUCKET}/ready/").execute(context)
    body = read(s3, uri)
    assert body.decode().splitlines() == numbers
    manifest_uri = context["ti"].xcoms["preparation"]["manifest_uri"]
    assert re.fullmatch(rf"s3://{BUCKET}/ready/manifest-[0-9a-f]{{16}}\.json", manifest_uri)
    manifest = json.loads(read(s3, manifest_uri))
    assert manifest["version"] == 1
    assert manifest["files"] == [
        {"name": uri.rpartition("/")[2], "rows": 200, "bytes": 3000, "sha256": manifest["files"][0]["sha256"]}
    ]
    assert manifest["report"]["to_send"] == 200
    assert not re.search(r"9990000", json.dumps(manifest))


def read(s3: Any, uri: str) -> bytes:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()
    return body


def test_it_writes_to_what_object_storage_opens(
    tmp_path: Path, numbers_file: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    (uri,) = prepare(numbers_file, ObjectStoragePath(f"local://{tmp_path}/ready")).execute(context)
    assert uri.startswith("local://")
    assert Path(uri.removeprefix("local://")).read_text().splitlines() == numbers
    assert EkycSubmitOperator(task_id="submit", numbers=uri).execute(context)


def test_only_the_owner_can_read_what_is_written_to_a_directory(
    tmp_path: Path, numbers_file: Path, context: dict[str, Any]
) -> None:
    prepare(numbers_file, tmp_path / "a" / "ready").execute(context)
    assert (tmp_path / "a" / "ready").stat().st_mode & 0o777 == 0o700
    modes = {path.name[-5:]: path.stat().st_mode & 0o777 for path in (tmp_path / "a" / "ready").iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 2


def test_rejected_rows_go_to_their_file_and_nowhere_else(
    s3: Any, tmp_path: Path, numbers: list[str], context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    messy = tmp_path / "messy.txt"
    messy.write_text("\n".join([*numbers, "5550100555", "somebody@example.com"]))
    prepare(messy, f"s3://{BUCKET}/ready", rejects_uri=f"s3://{BUCKET}/rejects/today.csv").execute(context)
    rows = list(csv.DictReader(read(s3, f"s3://{BUCKET}/rejects/today.csv").decode().splitlines()))
    assert rows == [
        {"file": str(messy), "row": "201", "reason": "no country code", "value": "5550100555"},
        {"file": str(messy), "row": "202", "reason": "e-mail address", "value": "somebody@example.com"},
    ]
    preparation = context["ti"].xcoms["preparation"]
    assert preparation["rejects_uri"] == f"s3://{BUCKET}/rejects/today.csv"
    for text in (caplog.text, json.dumps(preparation)):
        assert "5550100" not in text
        assert "example.com" not in text


def test_no_rejects_are_written_where_none_are_asked_for(
    tmp_path: Path, numbers_file: Path, context: dict[str, Any]
) -> None:
    prepare(numbers_file, tmp_path / "ready", rejects_uri="").execute(context)
    assert context["ti"].xcoms["preparation"]["rejects_uri"] is None
    assert len(list((tmp_path / "ready").iterdir())) == 2


def test_invalid_rows_may_fail_the_task_which_says_where_they_are(
    tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    messy = tmp_path / "messy.txt"
    messy.write_text("\n".join([*numbers, "5550100555", "garbage"]))
    rejects = tmp_path / "rejects.csv"
    with pytest.raises(EkycFailException) as failed:
        prepare(messy, tmp_path / "ready", invalid="fail", rejects_uri=rejects).execute(context)
    message = str(failed.value)
    assert "2 of 202 rows are invalid (1 no country code, 1 other text)" in message
    assert f"{messy} row 201, {messy} row 202" in message
    assert f"{rejects} has all of them" in message
    assert "5550100" not in message
    assert (failed.value.kind, failed.value.charge) == ("input", "none")
    assert list((tmp_path / "ready").iterdir()) == []
    assert len(rejects.read_text().splitlines()) == 3


def test_a_list_without_a_valid_row_is_an_error(tmp_path: Path, context: dict[str, Any]) -> None:
    (tmp_path / "list.txt").write_text("a\nb\n")
    with pytest.raises(EkycFailException, match=r"no row is left\. 2 of 2 rows are invalid"):
        prepare(tmp_path / "list.txt", tmp_path / "ready").execute(context)


def test_fewer_numbers_than_the_minimum_are_the_error_that_a_submission_has(
    tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    (tmp_path / "list.txt").write_text("\n".join([*numbers[:99], numbers[0]]))
    with pytest.raises(EkycFailException, match=r"99 numbers are left of 100 rows .* the minimum of 100"):
        prepare(tmp_path / "list.txt", tmp_path / "ready").execute(context)


def test_fewer_numbers_than_the_minimum_because_rows_are_invalid_say_why_and_where(
    tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    messy, rejects = tmp_path / "list.txt", tmp_path / "rejects.csv"
    messy.write_text("\n".join([*numbers[:90], "5550100555", *["garbage"] * 20]))
    with pytest.raises(EkycFailException) as failed:
        prepare(messy, tmp_path / "ready", rejects_uri=rejects).execute(context)
    message = str(failed.value)
    assert message.startswith("Check column, header, delimiter, normalise and default_region. 90 numbers are left of ")
    assert "fewer than the minimum of 100. 21 of 111 rows are invalid (1 no country code, 20 other text): " in message
    assert f"{messy} row 91, {messy} row 92, " in message
    assert f"{messy} row 100, …. {rejects} has all of them. Nothing was submitted or charged." in message
    assert "5550100" not in message
    assert len(rejects.read_text().splitlines()) == 22


@pytest.mark.parametrize("invalid", ["drop", "fail"])
def test_a_list_of_blank_rows_alone_is_an_error(invalid: str, tmp_path: Path, context: dict[str, Any]) -> None:
    (tmp_path / "list.txt").write_text(" \n\n" * 50)
    with pytest.raises(
        EkycFailException, match=r"no row is left\. All 100 rows are blank\. Nothing was submitted"
    ) as failed:
        prepare(tmp_path / "list.txt", tmp_path / "ready", invalid=invalid).execute(context)
    assert failed.value.kind == "input"
    assert list((tmp_path / "ready").iterdir()) == []


def test_blank_rows_beside_a_list_with_numbers_are_left_out(
    tmp_path: Path, numbers_file: Path, context: dict[str, Any]
) -> None:
    (tmp_path / "blank.txt").write_text("\n \n")
    assert len(prepare([tmp_path / "blank.txt", numbers_file], tmp_path / "ready").execute(context)) == 1
    assert context["ti"].xcoms["preparation"]["blank"] == 2


@pytest.mark.parametrize(
    ("text", "arguments", "blank"),
    [("", {}, 0), ("\n \n", {}, 2), ("\n" * 99, {}, 99), ("phone,name\n", {"column": "phone"}, 0)],
    ids=["empty", "two blank rows", "99 blank rows", "a header"],
)
def test_nothing_to_verify_is_a_success(
    text: str, arguments: dict[str, Any], blank: int, tmp_path: Path, context: dict[str, Any]
) -> None:
    (tmp_path / "list.txt").write_text(text)
    assert prepare(tmp_path / "list.txt", tmp_path / "ready", **arguments).execute(context) == []
    preparation = context["ti"].xcoms["preparation"]
    assert (preparation["to_send"], preparation["files"]) == (0, [])
    assert (preparation["rows_read"], preparation["blank"]) == (blank, blank)
    assert preparation["manifest_uri"] is None
    assert list((tmp_path / "ready").iterdir()) == []


def test_each_task_instance_has_a_manifest_of_its_own(tmp_path: Path, numbers_file: Path) -> None:
    instances = [
        TaskInstance(),
        TaskInstance(map_index=0),
        TaskInstance(map_index=1),
        TaskInstance(run_id="another_run"),
        TaskInstance(task_id="another_task"),
        TaskInstance(dag_id="another_dag"),
    ]
    returned = [prepare(numbers_file, tmp_path / "ready").execute(context_of(ti)) for ti in instances]
    assert returned == [returned[0]] * len(instances)
    manifests = {ti.xcoms["preparation"]["manifest_uri"] for ti in instances}
    assert len(manifests) == len(instances)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_rows": 99}, "max_rows must be a number, at least 100"),
        ({"invalid": "keep"}, "invalid must be one of: drop, fail"),
        ({"normalise": "perhaps"}, "normalise must be true or false"),
        ({"task_type": "a b"}, "task_type must be a word"),
        ({"rejects_uri": "s3://bucket"}, "rejects_uri names no file"),
        ({"rejects_uri": "rejects.csv"}, "rejects_uri names no file"),
        ({"destination_uri": "s3://"}, "destination_uri names no place"),
        ({"destination_uri": ""}, "destination_uri is empty"),
        ({"destination_uri": "/tmp/+999 555 0100 123"}, "destination_uri contains what looks like a phone number"),
        ({"rejects_uri": "/tmp/+9995550100123.csv"}, "rejects_uri contains what looks like a phone number"),
        ({"s3_extra_args": "AES256"}, "s3_extra_args must be a mapping"),
        ({"max_total_rows": "many"}, "max_total_rows must be a number"),
    ],
)
def test_a_wrong_argument_is_an_error_before_anything_is_read(
    arguments: dict[str, Any], message: str, context: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(EkycFailException) as failed:
        EkycPrepareNumbersOperator(
            task_id="prepare", **{"numbers": "/nowhere", "destination_uri": str(tmp_path), **arguments}
        ).execute(context)
    assert message in str(failed.value)
    assert failed.value.kind == "settings"
    assert "9995550100" not in str(failed.value).replace(" ", "")


def test_what_it_has_written_is_not_read_as_a_list(tmp_path: Path, numbers_file: Path, context: dict[str, Any]) -> None:
    (uri,) = prepare(numbers_file, tmp_path / "ready").execute(context)
    other = context_of(TaskInstance(run_id="another_run"))
    with pytest.raises(EkycFailException, match="is among the lists to read, and was written by this operator"):
        prepare([numbers_file, uri], tmp_path / "ready").execute(other)
    rejects = tmp_path / "rejects.csv"
    rejects.write_text("\n")
    with pytest.raises(EkycFailException, match="is among the lists to read"):
        prepare([numbers_file, rejects], tmp_path / "other", rejects_uri=rejects).execute(other)
