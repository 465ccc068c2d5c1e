"""Paid once: what a later try does with what is recorded, in each kind of memory."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.variables import Variables
from tests.conftest import BUCKET
from tests.submission.submit_job import Job

pytestmark = pytest.mark.usefixtures("connections")


@pytest.fixture(params=["variables", "local", "s3"])
def job(request: pytest.FixtureRequest, numbers_file: Path, tmp_path: Path, s3: Any) -> Job:
    return Job(request.param, numbers_file, tmp_path / "journal")


def test_a_second_try_returns_what_the_first_paid_for(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    submission = job.last["ti"].xcoms["submission"]
    calls = dict(sandbox.calls)
    assert job.submit() == first
    assert job.last["ti"].xcoms["submission"] == submission
    assert dict(sandbox.calls) == calls, "it asks the API nothing"
    assert len(sandbox.bill.submissions) == 1


def test_a_changed_file_is_submitted_anew_and_the_old_one_is_found_again(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    before = job.numbers.read_text()
    job.numbers.write_text(before + "+9991234567890\n")
    second = job.submit()
    job.numbers.write_text(before)
    assert job.submit() == first != second
    assert len(sandbox.bill.submissions) == 2


def test_the_same_numbers_in_another_order_are_the_same_submission(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    job.numbers.write_text("".join(reversed(job.numbers.read_text().splitlines(keepends=True))))
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


def test_another_task_type_is_another_submission(job: Job, sandbox: Sandbox) -> None:
    assert job.submit() != job.submit(task_type="ws")


def test_a_rotated_key_finds_what_was_paid(job: Job, sandbox: Sandbox, connect: Callable[..., None]) -> None:
    first = job.submit()
    connect(sandbox, password="a-new-made-up-key")
    assert job.submit() == first


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "status_after", "html", "without_task_id"])
def test_an_unknown_outcome_is_remembered_and_stays_unknown(job: Job, sandbox: Sandbox, kind: str) -> None:
    sandbox.fault("submit", kind)
    for said in ("may or may not have been accepted", "has no receipt"):
        with pytest.raises(AirflowFailException, match=said) as failed:
            job.submit()
    assert sandbox.calls["submit"] == 1
    assert "try 1" in str(failed.value)
    assert "balance then 1,000,000.00" in str(failed.value)


def test_resubmit_sends_it_again_with_the_next_try(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    with pytest.raises(EkycRetryException, match="next try sends this list again"):
        job.submit(on_unknown_outcome="resubmit")
    ekyc_task_id = job.submit(on_unknown_outcome="resubmit")
    assert job.submit(on_unknown_outcome="resubmit") == ekyc_task_id
    assert sandbox.calls["submit"] == 2


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("status", [400, 401, 402, 413, 429, 500])
def test_after_a_refusal_the_next_try_may_submit(job: Job, sandbox: Sandbox, status: int) -> None:
    sandbox.fault("submit", "status", status=status, times=5)
    with pytest.raises((AirflowFailException, EkycRetryException)):
        job.submit()
    job.clear()
    sandbox.clear_faults()
    job.submit()
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.usefixtures("no_waits")
def test_what_was_never_sent_may_be_sent_by_the_next_try(
    job: Job, sandbox: Sandbox, connect: Callable[..., None]
) -> None:
    with Sandbox(sandbox.api_key) as gone:
        pass
    connect(gone, account="the same", result_hosts="results.example")
    for _ in range(3):
        with pytest.raises(EkycRetryException, match="got no answer"):
            job.submit()
    connect(sandbox)
    job.submit()
    assert len(sandbox.bill.submissions) == 1


def test_a_task_type_that_cannot_be_one_leaves_nothing_open(job: Job, sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="task_type must be a word"):
            job.submit(task_type="ama zon")
    job.submit()


def test_no_number_and_no_key_is_recorded(
    job: Job, sandbox: Sandbox, s3: Any, numbers: list[str], variables: Variables
) -> None:
    job.submit()
    kept = json.dumps([variables.values, variables.descriptions])
    if job.kind == "local":
        files = [path for path in job.folder.rglob("*") if path.is_file()]
        assert all(path.stat().st_mode & 0o077 == 0 for path in files)
        kept += "".join(path.read_text() for path in files)
    elif job.kind == "s3":
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix="journal/")["Contents"]
        kept += "".join(s3.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read().decode() for o in found)
    assert "ekyc_task_id" in kept
    assert sandbox.api_key not in kept
    assert not any(number[1:] in kept for number in numbers)


def test_a_free_refusal_of_a_second_submission_does_not_make_the_unknown_one_known(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    sandbox.fault("submit", "status", status=402)
    with pytest.raises(EkycRetryException):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match="402"):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match=r"has no receipt \(try 1"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


# What a person does: one Variable, one file.


@pytest.mark.parametrize(
    "wrapped",
    [str, json.dumps, "'{}'".format, "\ufeff{}\n".format, lambda each: json.dumps({"ekyc_task_id": each})],
    ids=["text", "JSON", "quoted", "with a BOM", "named"],
)
@pytest.mark.parametrize("again", ["Send again\n", "'send again'", "send_again", "SEND  AGAIN.", '"send again"'])
def test_a_person_adopts_a_remote_id_or_has_it_sent_again(
    wrapped: Callable[[str], str],
    again: str,
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    variables: Variables,
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException) as failed:
        job.submit()
    (key,) = variables.records()
    assert f"write its id into Airflow Variable {key}. Not found: write 'send again' there" in str(failed.value)
    variables.set(key, wrapped(sandbox.tasks[0].task_id))
    assert job.submit() == sandbox.tasks[0].task_id
    assert sandbox.calls["submit"] == 1
    variables.set(key, again)
    second = job.submit()
    assert sandbox.calls["submit"] == 2
    assert job.submit() == second


def test_a_person_has_a_submission_that_was_accepted_submitted_anew_once(
    job: Job, sandbox: Sandbox, variables: Variables, s3: Any, caplog: pytest.LogCaptureFixture
) -> None:
    first = job.submit()
    with caplog.at_level("INFO"):
        job.submit()
    named = re.search(r"write 'send again' into (?:Airflow Variable )?(\S+) and clear", caplog.text)
    assert named
    if job.kind == "variables":
        variables.set(named[1], "send again")
    elif job.kind == "local":
        Path(named[1]).write_text("send again")
    else:
        s3.put_object(Bucket=BUCKET, Key=named[1].removeprefix(f"s3://{BUCKET}/"), Body=b"send again")
    second = job.submit()
    assert second != first
    assert job.submit() == second
    assert sandbox.calls["submit"] == 2


@pytest.mark.parametrize("ekyc_task_id", ["12345", '{"ekyc_task_id": 12345}'])
def test_a_numeric_id_can_be_adopted(
    ekyc_task_id: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        job.submit()
    (key,) = variables.records()
    variables.set(key, ekyc_task_id)
    assert job.submit() == "12345"


def test_an_id_that_is_added_to_the_intents_json_is_adopted(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        job.submit()
    ((key, record),) = variables.records().items()
    variables.set(key, json.dumps({**json.loads(record), "ekyc_task_id": "made-up-remote-id"}))
    assert job.submit() == "made-up-remote-id"


def test_a_person_adopts_a_remote_id_in_a_file(numbers_file: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException) as failed:
        job.submit()
    (record,) = job.folder.rglob("[!o]*.json")
    assert str(record) in str(failed.value)
    record.write_text(sandbox.tasks[0].task_id)
    assert job.submit() == sandbox.tasks[0].task_id
    assert job.last["ti"].xcoms["submission"]["input_sha256"] == hashlib.sha256(numbers_file.read_bytes()).hexdigest()


def test_a_receipt_names_the_input_that_was_sent_and_not_one_that_only_prepares_to_the_same(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    first = job.submit()
    submission = job.last["ti"].xcoms["submission"]
    numbers_file.write_text(numbers_file.read_text() + "\n")
    assert job.submit() == first
    assert job.last["ti"].xcoms["submission"] == submission


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"ekyc_task_id": ""}', '{"record": "intent"}', "two words", "unknown"]
)
def test_an_unreadable_record_is_an_error_and_never_nothing_there(
    content: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    job.submit()
    (receipt,) = job.folder.rglob("*_receipt.json")
    receipt.write_text(content)
    with pytest.raises(AirflowFailException, match="can't be read, so it is not known"):
        job.submit()
    assert sandbox.calls["submit"] == 1


def test_variables_that_are_away_stop_the_submission_and_may_be_tried_again(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    variables.away = True
    with pytest.raises(EkycRetryException, match="can't be read"):
        job.submit()
    assert sandbox.calls["submit"] == 0
    variables.away = False
    job.submit()


def test_variables_that_say_not_found_while_they_cannot_be_read_are_never_nothing_there(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    job = Job("variables", numbers_file, tmp_path)
    first = job.submit()
    variables.unseen = True
    with pytest.raises((EkycRetryException, AirflowFailException), match=r"can't be read|can't read them"):
        job.submit()
    variables.unseen = False
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


def test_variables_that_are_listed_and_cannot_be_read_stop_the_submission_for_good(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables
) -> None:
    """After a change of [core] fernet_key Airflow says "not found" of each Variable, and lists them all."""
    job = Job("variables", numbers_file, tmp_path)
    job.submit()
    variables.unseen = True
    with pytest.raises(AirflowFailException, match=r"was \[core\] fernet_key changed"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


def test_a_directory_that_cannot_be_used_stops_the_submission(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    (tmp_path / "journal").write_text("a file, not a directory")
    with pytest.raises(EkycRetryException, match="can't be used"):
        job.submit()
    assert sandbox.calls["submit"] == 0


@pytest.mark.parametrize(
    ("connection", "advice"),
    [
        ({}, "Check the bucket: there is none of this name"),
        ({"password": "a-wrong-made-up-secret"}, "Correct the secret access key"),
        ({"extra": {"region_name": "no such region !"}}, "Correct region_name"),
    ],
)
def test_a_journal_in_s3_that_cannot_be_used_stops_the_submission_and_says_what_to_correct(
    connection: dict[str, Any],
    advice: str,
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    s3: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = {**json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"]), **connection}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    job = Job("s3", numbers_file, tmp_path)
    with pytest.raises(AirflowFailException, match=advice):
        job.submit(journal_uri="s3://there-is-no-such-bucket/journal")
    assert sandbox.calls["submit"] == 0


@pytest.mark.parametrize("uri", ["gs://bucket/journal", "relative/path", "s3://", "file://host/path"])
def test_other_stores_are_refused_with_a_reason(uri: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    job = Job("local", numbers_file, tmp_path)
    with pytest.raises(AirflowFailException, match="journal_uri"):
        job.submit(journal_uri=uri)
    assert sandbox.calls["submit"] == 0


@pytest.mark.usefixtures("no_waits")
def test_a_receipt_that_cannot_be_written_loses_nothing(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job("variables", numbers_file, tmp_path)

    def break_after_the_submission(moment: str, key: str) -> None:
        if moment == "before" and sandbox.bill.submissions:
            raise ConnectionError("the API server is away")

    variables.watch = break_after_the_submission
    ekyc_task_id = job.submit()
    assert ekyc_task_id == sandbox.tasks[0].task_id
    assert f"Write {ekyc_task_id} into Airflow Variable" in caplog.text
    variables.watch = lambda moment, key: None
    with pytest.raises(AirflowFailException, match="has no receipt"):
        job.submit()


def test_where_a_journal_is_comes_from_the_operator_the_connection_or_the_configuration(
    numbers_file: Path,
    tmp_path: Path,
    sandbox: Sandbox,
    connect: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uris = {name: str(tmp_path / name) for name in ("configuration", "connection", "operator")}
    jobs = [Job("variables", numbers_file, tmp_path) for _ in uris]
    for index, job in enumerate(jobs):
        job.map_index = index
        numbers_file.write_text(numbers_file.read_text() + f"+99912345678{index}0\n")
        if index == 0:
            monkeypatch.setenv("AIRFLOW__EKYC__JOURNAL_URI", uris["configuration"])
        elif index == 1:
            connect(sandbox, journal_uri=uris["connection"])
        job.submit(**({"journal_uri": uris["operator"]} if index == 2 else {}))
    for uri in uris.values():
        assert len(list(Path(uri).rglob("*_receipt.json"))) == 1
