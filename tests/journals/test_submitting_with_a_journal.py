"""Paid once: what a later try does with what the journal remembers. Over both journals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.journals.record import Submission
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from tests.conftest import BUCKET, TaskInstance

pytestmark = pytest.mark.usefixtures("connections")


class StateStore:
    """What Airflow 3.3 gives a task: JSON values that outlive a try. The real one: tests/airflow."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.broken = False

    def get(self, key: str, default: Any = None) -> Any:
        self._may_break()
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self._may_break()
        self.values[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self._may_break()
        self.values.pop(key, None)

    def _may_break(self) -> None:
        if self.broken:
            raise ConnectionError("the API server is away")


class Job:
    """One submit task of one run, tried again and again over one journal."""

    def __init__(self, kind: str, numbers: Path, folder: Path) -> None:
        self.kind, self.numbers, self.folder = kind, numbers, folder
        self.store = StateStore()
        self.tries = 0
        self.map_index = -1

    def arguments(self) -> dict[str, Any]:
        if self.kind == "s3":
            return {"journal_uri": f"s3://{BUCKET}/journal"}
        return {"journal_uri": str(self.folder)} if self.kind == "local" else {}

    def context(self) -> dict[str, Any]:
        self.tries += 1
        ti = TaskInstance()
        ti.try_number = self.tries
        ti.map_index = self.map_index
        return {"ti": ti} | ({"task_state_store": self.store} if self.kind == "store" else {})

    def submit(self, **arguments: Any) -> str:
        operator = EkycSubmitOperator(task_id="submit", numbers=str(self.numbers), **{**self.arguments(), **arguments})
        self.last = self.context()
        return operator.execute(self.last)


@pytest.fixture(params=["store", "local", "s3"])
def job(request: pytest.FixtureRequest, numbers_file: Path, tmp_path: Path, s3: Any) -> Job:
    return Job(request.param, numbers_file, tmp_path / "journal")


def test_a_second_try_takes_up_what_the_first_paid_for(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    submission = job.last["ti"].xcoms["submission"]
    calls = dict(sandbox.calls)
    assert job.submit() == first
    assert job.last["ti"].xcoms["submission"] == submission
    assert dict(sandbox.calls) == calls, "taking up asks the API nothing"
    assert len(sandbox.bill.submissions) == 1


def test_a_changed_file_is_submitted_anew_and_the_old_one_is_found_again(
    job: Job, sandbox: Sandbox, numbers: list[str]
) -> None:
    first = job.submit()
    before = job.numbers.read_text()
    job.numbers.write_text(before + "+9991234567890\n")
    second = job.submit()
    job.numbers.write_text(before)
    assert job.submit() == first != second
    assert len(sandbox.bill.submissions) == 2


def test_another_task_type_or_account_is_another_submission(
    job: Job, sandbox: Sandbox, connect: Callable[..., None]
) -> None:
    ids = {job.submit(), job.submit(task_type="ws")}
    connect(sandbox, account="another account")
    assert len({*ids, job.submit()}) == 3


def test_a_rotated_key_takes_up(job: Job, sandbox: Sandbox, connect: Callable[..., None]) -> None:
    first = job.submit()
    connect(sandbox, password="a-new-made-up-key")
    assert job.submit() == first


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "status_after", "html", "without_task_id"])
def test_an_unknown_outcome_is_remembered_and_stays_unknown(job: Job, sandbox: Sandbox, kind: str) -> None:
    sandbox.fault("submit", kind)
    for said in ("may or may not have been taken", "left no receipt"):
        with pytest.raises(AirflowFailException, match=said) as failed:
            job.submit()
    assert sandbox.calls["submit"] == 1
    assert "try 1" in str(failed.value)
    assert "balance then 1,000,000.00" in str(failed.value)


def test_resubmit_sends_it_again_with_the_next_try(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    with pytest.raises(EkycRetryException, match="next try sends it again"):
        job.submit(on_unknown_outcome="resubmit")
    ekyc_task_id = job.submit(on_unknown_outcome="resubmit")
    assert job.submit(on_unknown_outcome="resubmit") == ekyc_task_id
    assert sandbox.calls["submit"] == 2


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("status", [400, 401, 402, 413, 429, 500])
def test_a_refusal_is_forgotten_so_that_the_next_try_may_submit(job: Job, sandbox: Sandbox, status: int) -> None:
    sandbox.fault("submit", "status", status=status, times=5)
    with pytest.raises((AirflowFailException, EkycRetryException)):
        job.submit()
    sandbox.clear_faults()
    job.submit()
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.usefixtures("no_waits")
def test_what_was_never_sent_is_forgotten(job: Job, sandbox: Sandbox, connect: Callable[..., None]) -> None:
    with Sandbox(sandbox.api_key) as gone:
        pass
    connect(gone, account="the same", result_hosts="results.example")
    with pytest.raises(EkycRetryException, match="got no answer"):
        job.submit()
    with pytest.raises(AirflowFailException, match="task_type"):
        job.submit(task_type="ama zon")
    connect(sandbox)
    job.submit()


def test_a_task_type_that_cannot_be_one_leaves_no_intent(job: Job, sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="task_type must be a word"):
            job.submit(task_type="ama zon")


def test_no_number_and_no_key_is_in_the_journal(job: Job, sandbox: Sandbox, s3: Any, numbers: list[str]) -> None:
    job.submit()
    if job.kind == "store":
        kept = json.dumps(job.store.values)
    elif job.kind == "local":
        files = [path for path in job.folder.rglob("*") if path.is_file()]
        assert all(path.stat().st_mode & 0o077 == 0 for path in files)
        kept = "".join(path.read_text() for path in files)
    else:
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix="journal/")["Contents"]
        kept = "".join(s3.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read().decode() for o in found)
    assert "ekyc_task_id" in kept
    assert sandbox.api_key not in kept
    assert not any(number[1:] in kept for number in numbers)


# One file of the three kinds of journal for a person's hand: the state store by its key, the others by their path.


def test_a_person_adopts_a_remote_id_or_has_it_sent_again(numbers_file: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    job = Job("store", numbers_file, tmp_path)
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException) as failed:
        job.submit()
    (intent_key,) = job.store.values
    receipt_key = intent_key.replace("intent", "receipt")
    assert receipt_key in str(failed.value)
    assert intent_key in str(failed.value)
    job.store.set(receipt_key, sandbox.tasks[0].task_id)
    assert job.submit() == sandbox.tasks[0].task_id
    job.store.delete(receipt_key)
    job.store.delete(intent_key)
    job.submit()
    assert sandbox.calls["submit"] == 2


def test_a_person_adopts_a_remote_id_in_a_file(numbers_file: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException) as failed:
        job.submit()
    (intent,) = (path for path in job.folder.rglob("*.json"))
    receipt = intent.with_name(intent.name.replace("intent", "receipt"))
    assert str(receipt) in str(failed.value)
    receipt.write_text(json.dumps({"ekyc_task_id": sandbox.tasks[0].task_id}))
    assert job.submit() == sandbox.tasks[0].task_id
    assert job.last["ti"].xcoms["submission"]["input_sha256"] == hashlib.sha256(numbers_file.read_bytes()).hexdigest()


def test_a_receipt_of_an_earlier_version_is_taken_up_with_the_input_of_now(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    first = job.submit()
    submission = job.last["ti"].xcoms["submission"]
    (receipt,) = job.folder.rglob("*.receipt.json")
    kept = json.loads(receipt.read_text())
    assert kept.pop("input_sha256") == submission["input_sha256"]
    receipt.write_text(json.dumps(kept))
    assert job.submit() == first
    assert job.last["ti"].xcoms["submission"] == submission
    assert Submission(**kept).input_sha256 is None, "an XCom of an earlier version can't be read"


def test_a_receipt_tells_the_input_that_was_sent_and_not_one_that_only_prepares_to_the_same(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    first = job.submit()
    submission = job.last["ti"].xcoms["submission"]
    numbers_file.write_text(numbers_file.read_text() + "\n")
    assert job.submit() == first
    assert job.last["ti"].xcoms["submission"] == submission


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"ekyc_task_id": ""}', "7"])
def test_an_unreadable_receipt_is_an_error_and_never_nothing_there(
    content: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    job.submit()
    (receipt,) = job.folder.rglob("*.receipt.json")
    receipt.write_text(content)
    with pytest.raises(AirflowFailException, match="Nothing was sent"):
        job.submit()
    assert sandbox.calls["submit"] == 1


def test_an_unreadable_intent_is_an_error(numbers_file: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    sandbox.fault("submit", "cut_after")
    with pytest.raises(AirflowFailException):
        job.submit()
    (intent,) = job.folder.rglob("*.intent.json")
    intent.write_text('{"rows": "many"}')
    with pytest.raises(AirflowFailException, match="not known whether it was paid"):
        job.submit()


def test_a_store_that_is_away_stops_the_submission_and_may_be_tried_again(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("store", numbers_file, tmp_path)
    job.store.broken = True
    with pytest.raises(EkycRetryException, match="can't be read"):
        job.submit()
    assert sandbox.calls["submit"] == 0


def test_a_directory_that_cannot_be_used_stops_the_submission(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    (tmp_path / "journal").write_text("a file, not a directory")
    with pytest.raises(EkycRetryException, match="can't be used"):
        job.submit()
    assert sandbox.calls["submit"] == 0


def test_a_bucket_that_is_missing_stops_the_submission(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, s3: Any
) -> None:
    job = Job("s3", numbers_file, tmp_path)
    with pytest.raises(EkycRetryException, match="can't be used"):
        job.submit(journal_uri="s3://there-is-no-such-bucket/journal")
    assert sandbox.calls["submit"] == 0


@pytest.mark.parametrize("uri", ["gs://bucket/journal", "relative/path", "s3://", "file://host/path"])
def test_other_stores_are_refused_with_a_reason(uri: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    job = Job("local", numbers_file, tmp_path)
    with pytest.raises(AirflowFailException, match="journal_uri"):
        job.submit(journal_uri=uri)
    assert sandbox.calls["submit"] == 0


def test_a_receipt_that_cannot_be_written_loses_nothing(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job("store", numbers_file, tmp_path)
    write = job.store.set

    def only_intents(key: str, value: Any, **retention: Any) -> None:
        if "receipt" in key:
            raise ConnectionError("the API server is away")
        write(key, value, **retention)

    job.store.set = only_intents  # type: ignore[method-assign]  # a store that breaks between two writes
    ekyc_task_id = job.submit()
    assert ekyc_task_id == sandbox.tasks[0].task_id
    assert f"{ekyc_task_id} was accepted, but its receipt could not be written" in caplog.text
    with pytest.raises(AirflowFailException, match="left no receipt"):
        job.submit()


def test_after_a_reordered_mapped_list_no_index_adopts_anothers_receipt(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("".join(f"+9995{number:09d}\n" for number in range(150)))
    for kind in ("store", "local"):
        jobs = [Job(kind, path, tmp_path / "journal") for path in (numbers_file, other)]
        ids = {}
        for index, job in enumerate(jobs):
            job.map_index = index
            ids[job.numbers] = job.submit()
        jobs[0].numbers, jobs[1].numbers = other, numbers_file
        again = {job.numbers: job.submit() for job in jobs}
        rows = {task.task_id: task.total for task in sandbox.tasks}
        assert {path: rows[task_id] for path, task_id in again.items()} == {numbers_file: 200, other: 150}
        if kind == "local":
            assert again == ids, "under a journal_uri each file finds its own receipt"


def test_without_any_journal_it_says_what_is_not_protected(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    job = Job("none", numbers_file, tmp_path)
    job.submit()
    assert "Nothing remembers this submission" in capfd.readouterr().out
