"""
Formats, and the numbers that did not come back, from the submission to the objects in S3.

Modules: ``results/compare/comparison.py``, ``results/compare/submitted_input.py``.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.results.compare import submitted_input
from airflow_provider_ekyc.s3 import target
from airflow_provider_ekyc.s3.file_sums import sums_of
from airflow_provider_ekyc.sandbox import Sandbox, expected_answer
from airflow_provider_ekyc.spool import spool_file
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.testing.task_context import context_of
from tests.conftest import BUCKET, keys_of

pytestmark = pytest.mark.usefixtures("connections")

KEY, LEFT = "results/part-0", "unmatched/part-0.txt"


@pytest.fixture
def submission(numbers_file: Path) -> Callable[[], dict[str, Any]]:
    """Submit the two hundred numbers with the operator; its second XCom."""

    def send() -> dict[str, Any]:
        context = context_of()
        EkycSubmitOperator(
            task_id="submit", numbers=str(numbers_file), journal_uri=str(numbers_file.parent / "journal")
        ).execute(context)
        submission = context["ti"].xcoms["submission"]
        assert isinstance(submission, dict)
        return submission

    return send


def land(sent: dict[str, Any] | None, context: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    """Land a result; the second XCom."""
    settings = {"s3_bucket": BUCKET, "s3_key": KEY, **arguments}
    if sent is not None:
        settings = {"ekyc_task_id": sent["ekyc_task_id"], "submission": sent, **settings}
    EkycResultsToS3Operator(task_id="land", **settings).execute(context)
    result = context["ti"].xcoms["result"]
    assert isinstance(result, dict)
    return result


def content_of(client: Any, key: str = KEY) -> bytes:
    content = client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert isinstance(content, bytes)
    return content


# Formats.


def test_parquet_lands_with_every_row(s3: Any, exported: str, numbers: list[str], context: dict[str, Any]) -> None:
    result = land(None, context, ekyc_task_id=exported, output_format="parquet")
    rows = parquet.read_table(io.BytesIO(content_of(s3))).to_pylist()
    assert {row["number"]: row["answer"] for row in rows} == {number: expected_answer(number) for number in numbers}
    assert all(row["registered"] is (row["answer"] == "yes") for row in rows)
    assert {(row["task_type"], row["ekyc_task_id"]) for row in rows} == {("amazon", exported)}
    assert rows[0]["verified_at"] is not None
    assert result["output_format"] == "parquet"
    head = s3.head_object(Bucket=BUCKET, Key=KEY)
    assert (head["ContentType"], head["ContentLength"]) == ("application/vnd.apache.parquet", result["size"])
    assert head["Metadata"]["ekyc-format"] == "parquet"


@pytest.mark.parametrize("output_format", ["csv", "csv.gz", "CSV"])
def test_csv_lands_with_every_row(
    s3: Any, exported: str, numbers: list[str], context: dict[str, Any], output_format: str
) -> None:
    land(None, context, ekyc_task_id=exported, output_format=output_format)
    content = content_of(s3)
    lines = (gzip.decompress(content) if output_format == "csv.gz" else content).decode().splitlines()
    assert lines[0] == "Number,amazon"
    assert sorted(lines[1:]) == sorted(f"{number},{expected_answer(number)}" for number in numbers)


def test_a_result_that_lies_there_in_another_format_is_not_the_one_that_is_asked_for(
    s3: Any, sandbox: Sandbox, exported: str, context: dict[str, Any]
) -> None:
    land(None, context, ekyc_task_id=exported)
    calls = sandbox.calls
    with pytest.raises(EkycFailException, match=rf"already contains the result \(zip\) of remote task {exported}"):
        land(None, context, ekyc_task_id=exported, output_format="csv")
    assert sandbox.calls == calls
    assert land(None, context, ekyc_task_id=exported, output_format="csv", replace=True)["output_format"] == "csv"
    assert content_of(s3).startswith(b"Number,amazon\n")


@pytest.mark.usefixtures("either_way")
def test_what_was_landed_is_found_again_with_all_that_was_said_of_it(
    s3: Any, sandbox: Sandbox, submission: Callable[[], dict[str, Any]], numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.change(failure_rows=7)
    sent = submission()
    arguments = {"numbers": str(numbers_file), "unmatched_key": LEFT, "output_format": "csv.gz"}
    first = land(sent, context, **arguments)
    calls = sandbox.calls
    assert land(sent, context_of(), **arguments) == first
    assert sandbox.calls == calls
    assert (first["unmatched"], first["unmatched_uri"]) == (7, f"s3://{BUCKET}/{LEFT}")


def test_parquet_without_pyarrow_fails_before_any_request(
    s3: Any, sandbox: Sandbox, exported: str, context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = sandbox.calls
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EkycFailException, match=r"output_format='parquet' needs pyarrow: pip install ") as failed:
        land(None, context, ekyc_task_id=exported, output_format="parquet")
    assert str(failed.value).endswith("No request was sent.")
    assert failed.value.kind == "settings"
    assert sandbox.calls == calls
    assert keys_of(s3) == []


# Numbers that did not come back.


def test_connections_hold_for_their_list_as_well(
    s3: Any,
    sandbox: Sandbox,
    submission: Callable[[], dict[str, Any]],
    numbers_file: Path,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[int] = []
    connections_of = target.connections_of

    def noted(client: Any, connections: int) -> Any:
        used.append(connections)
        return connections_of(client, connections)

    monkeypatch.setattr(target, "SINGLE_PUT", 0)  # so that both go up in parts
    monkeypatch.setattr(target, "connections_of", noted)
    sandbox.change(failure_rows=7)
    land(submission(), context, numbers=str(numbers_file), unmatched_key=LEFT, connections=3)
    assert used == [3, 3]
    assert keys_of(s3) == [KEY, LEFT]


@pytest.mark.usefixtures("either_way")
def test_numbers_that_did_not_come_back_are_counted_and_landed(
    s3: Any,
    sandbox: Sandbox,
    submission: Callable[[], dict[str, Any]],
    numbers: list[str],
    numbers_file: Path,
    context: dict[str, Any],
) -> None:
    sandbox.change(failure_rows=7)
    result = land(submission(), context, numbers=str(numbers_file), unmatched_key=LEFT, output_format="csv")
    returned = {line.split(",")[0] for line in content_of(s3).decode().splitlines()[1:]}
    left = content_of(s3, LEFT).decode().splitlines()
    assert sorted(left) == sorted(set(numbers) - returned)
    assert (len(left), result["unmatched"], result["unmatched_uri"]) == (7, 7, f"s3://{BUCKET}/{LEFT}")
    assert keys_of(s3) == sorted([KEY, LEFT])
    assert s3.head_object(Bucket=BUCKET, Key=LEFT)["Metadata"]["ekyc-format"] == "unmatched"


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("as_json", [True, False])
def test_when_all_numbers_are_returned_the_list_is_empty(
    s3: Any,
    submission: Callable[[], dict[str, Any]],
    numbers_file: Path,
    context: dict[str, Any],
    as_json: bool,
) -> None:
    sent = submission()
    given = json.dumps(sent) if as_json else sent
    result = land(sent, context, submission=given, numbers=str(numbers_file), unmatched_key=f"s3://{BUCKET}/{LEFT}")
    assert (result["unmatched"], content_of(s3, LEFT)) == (0, b"")


@pytest.mark.parametrize("what", ["deleted", "emptied", "another task's", "a stranger's", "as it was"])
def test_a_list_that_is_not_there_any_more_is_not_named(
    s3: Any,
    sandbox: Sandbox,
    submission: Callable[[], dict[str, Any]],
    numbers_file: Path,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    sandbox.change(failure_rows=7)
    sent, arguments = submission(), {"numbers": str(numbers_file), "unmatched_key": LEFT}
    first = land(sent, context, **arguments)
    metadata = s3.head_object(Bucket=BUCKET, Key=LEFT)["Metadata"]
    if what == "deleted":
        s3.delete_object(Bucket=BUCKET, Key=LEFT)
    elif what != "as it was":
        other = {"emptied": metadata, "another task's": {**metadata, "ekyc-task-id": "another"}}.get(what, {})
        s3.put_object(Bucket=BUCKET, Key=LEFT, Body=b"", Metadata=other)
    calls, keys = sandbox.calls, keys_of(s3)
    is_there = what == "as it was"

    again = land(sent, context_of(), **arguments)

    assert again == (first if is_there else {**first, "unmatched_uri": None})
    assert again["unmatched"] == 7
    assert (f"is not at s3://{BUCKET}/{LEFT} any more as it was landed" in caplog.text) is not is_there
    assert (sandbox.calls, keys_of(s3)) == (calls, keys)


def test_without_a_key_they_are_counted(
    s3: Any, sandbox: Sandbox, submission: Callable[[], dict[str, Any]], numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.change(failure_rows=7)
    result = land(submission(), context, numbers=str(numbers_file))
    assert (result["unmatched"], result["unmatched_uri"]) == (7, None)
    assert keys_of(s3) == [KEY]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.write_text(file.read_text() + "+12025550199\n"), "has changed since it was submitted"),
        (lambda file: file.unlink(), "can't be read any more"),
        (lambda file: (file.unlink(), file.symlink_to(file)), "numbers.txt is a link that leads to itself)"),
        (lambda file: file.write_bytes(b"PK\x03\x04"), "has changed since it was submitted"),
    ],
    ids=["another line", "gone", "in a loop", "no text"],
)
def test_an_input_that_is_not_the_one_that_was_sent_is_reported_and_does_not_stop_the_landing(
    s3: Any,
    submission: Callable[[], dict[str, Any]],
    numbers_file: Path,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Path], Any],
    words: str,
) -> None:
    sent = submission()
    change(numbers_file)
    result = land(sent, context, numbers=str(numbers_file), unmatched_key=LEFT)
    assert (result["unmatched"], result["unmatched_uri"], result["rows"]) == (None, None, 200)
    assert keys_of(s3) == [KEY]
    assert words in caplog.text
    assert "Not compared with what was sent" in caplog.text


def test_a_taken_place_for_the_list_fails_before_anything_is_asked(
    s3: Any, sandbox: Sandbox, submission: Callable[[], dict[str, Any]], numbers_file: Path, context: dict[str, Any]
) -> None:
    sent = submission()
    s3.put_object(Bucket=BUCKET, Key=LEFT, Body=b"theirs")
    calls = sandbox.calls
    with pytest.raises(EkycFailException, match="already contains an object that is not a result of eKYC"):
        land(sent, context, numbers=str(numbers_file), unmatched_key=LEFT)
    assert sandbox.calls == calls
    assert content_of(s3, LEFT) == b"theirs"


def test_a_list_that_an_earlier_try_left_is_no_hindrance(
    s3: Any, sandbox: Sandbox, submission: Callable[[], dict[str, Any]], numbers_file: Path, context: dict[str, Any]
) -> None:
    sandbox.change(failure_rows=7)
    sent = submission()
    land(sent, context, numbers=str(numbers_file), unmatched_key=LEFT)
    s3.delete_object(Bucket=BUCKET, Key=KEY)  # as after a kill between the two
    assert land(sent, context, numbers=str(numbers_file), unmatched_key=LEFT)["unmatched"] == 7
    assert keys_of(s3) == sorted([KEY, LEFT])


def test_another_list_that_another_try_lands_meanwhile_is_kept_and_the_result_is_not_landed(
    s3: Any,
    sandbox: Sandbox,
    submission: Callable[[], dict[str, Any]],
    numbers_file: Path,
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.change(failure_rows=7)
    sent = submission()
    arguments = {"numbers": str(numbers_file), "unmatched_key": LEFT}
    put, another = target.S3Target.put, b"+9990000000001\n"

    def put_after_another_try(self: Any, file: Any, sums: Any, landed: Any, **more: Any) -> Any:
        if self.key == LEFT and keys_of(s3) == []:
            with spool_file(None) as other:
                other.write(another)
                others = sums_of(other)
                theirs = changed(landed, rows=1, size=others.size, sha256=others.sha256)
                put(self, other, others, theirs, **more)
        return put(self, file, sums, landed, **more)

    monkeypatch.setattr(target.S3Target, "put", put_after_another_try)
    with pytest.raises(EkycRetryException) as failed:
        land(sent, context, **arguments)
    assert (
        f"Another try of this remote task has landed another list at s3://{BUCKET}/{LEFT} meanwhile. The result was "
        f"not landed. A retry requests the result again. The submission is already paid for and will not be charged "
        f"again."
    ) in str(failed.value)
    assert (failed.value.kind, failed.value.charge) == ("s3", "certain")
    assert "Clear this task when no other task lands the result of this remote task." in caplog.messages
    assert not any("permissions of the AWS connection" in line for line in caplog.messages)
    assert (keys_of(s3), content_of(s3, LEFT)) == ([LEFT], another)
    assert land(sent, context_of(), **arguments)["unmatched"] == 7
    assert content_of(s3, LEFT) != another


def test_another_ones_result_is_not_landed_unless_asked_for(
    s3: Any,
    sandbox: Sandbox,
    submission: Callable[[], dict[str, Any]],
    exported: str,
    tmp_path: Path,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("".join(f"+999{n:010d}\n" for n in range(5000, 5200)))
    given = context_of()
    EkycSubmitOperator(task_id="submit", numbers=str(other), journal_uri=str(tmp_path / "journal")).execute(given)
    sent = {**given["ti"].xcoms["submission"], "ekyc_task_id": exported}
    with pytest.raises(EkycFailException, match="None of the 200 numbers that were sent is in the result"):
        land(sent, context, numbers=str(other), unmatched_key=LEFT)
    assert keys_of(s3) == []
    assert land(sent, context, numbers=str(other), on_mismatch="warn")["unmatched"] == 200
    assert "It is landed because on_mismatch='warn'" in caplog.text


def test_missing_rows_can_be_landed_with_a_warning(
    s3: Any, sandbox: Sandbox, exported: str, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("result", "missing_rows", times=2)
    with pytest.raises(EkycFailException, match="on_mismatch='warn'"):
        land(None, context, ekyc_task_id=exported)
    assert keys_of(s3) == []
    assert land(None, context, ekyc_task_id=exported, on_mismatch="{{ 'WARN' }}".strip("{} '"))["rows"] < 200
    assert "It is landed because on_mismatch='warn'" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"unmatched_key": "x"}, "unmatched_key needs numbers"),
        ({"numbers": "/tmp/x", "submission": "no JSON"}, "is not what EkycSubmitOperator pushes"),
        ({"numbers": "/tmp/x", "submission": "[1]"}, "is not what EkycSubmitOperator pushes"),
        ({"numbers": "/tmp/x", "submission": {"ekyc_task_id": "t"}}, "is not what EkycSubmitOperator pushes"),
        ({"on_mismatch": "ignore"}, "on_mismatch must be one of: fail, warn"),
        ({"task_type": "a,b"}, "task_type must be a word"),
    ],
)
def test_arguments_that_do_not_go_together_fail_before_anything_is_asked(
    sandbox: Sandbox, exported: str, context: dict[str, Any], arguments: dict[str, Any], words: str
) -> None:
    calls = sandbox.calls
    with pytest.raises(EkycFailException, match=words):
        land(None, context, ekyc_task_id=exported, **arguments)
    assert sandbox.calls == calls


def test_a_submission_of_another_task_and_one_place_for_both_are_refused(
    sandbox: Sandbox,
    submission: Callable[[], dict[str, Any]],
    exported: str,
    numbers_file: Path,
    context: dict[str, Any],
) -> None:
    sent, calls = submission(), sandbox.calls
    with pytest.raises(EkycFailException, match=f"not of {exported}"):
        land(sent, context, ekyc_task_id=exported, numbers=str(numbers_file))
    with pytest.raises(EkycFailException, match="name the same object"):
        land(sent, context, numbers=str(numbers_file), unmatched_key=KEY)
    for count in ({"rows": "200"}, {"total": "200"}, {"total": 200.0}):
        with pytest.raises(EkycFailException, match="is not what EkycSubmitOperator pushes"):
            land(sent, context, numbers=str(numbers_file), submission={**sent, **count})
    assert sandbox.calls == calls


def test_no_message_contains_a_number(
    s3: Any,
    sandbox: Sandbox,
    submission: Callable[[], dict[str, Any]],
    numbers: list[str],
    numbers_file: Path,
    context: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    sandbox.change(failure_rows=7)
    land(submission(), context, numbers=str(numbers_file), unmatched_key=LEFT, output_format="parquet")
    metadata = [s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] for key in (KEY, LEFT)]
    said = json.dumps([context["ti"].xcoms, metadata]) + "".join(capfd.readouterr()) + caplog.text
    assert "are not in the result" in said
    assert not [number for number in numbers if number[1:] in said]


class StoreError(Exception):
    """Of a file system that has errors of its own."""


def test_an_input_that_fails_in_its_own_way_keeps_no_result_back(
    s3: Any,
    submission: Callable[[], dict[str, Any]],
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise StoreError("gs://bucket/numbers.txt?signature=made-up-secret of +9990000000001")

    monkeypatch.setattr(submitted_input, "open_numbers", broken)
    result = land(submission(), context, numbers="gs://bucket/numbers.txt?signature=made-up-secret")
    assert (result["rows"], result["unmatched"]) == (200, None)
    assert "the input at gs://bucket/numbers.txt can't be read any more (StoreError in " in caplog.text
    assert "secret" not in caplog.text
    assert keys_of(s3) == [KEY]
