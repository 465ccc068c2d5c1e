"""What is recorded of a submission, whoever writes to it meanwhile. ``submission/instance_journal.py`` too."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.api.models import Balance, Task, TaskStatus
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import EkycApiError, EkycError, Outcome
from airflow_provider_ekyc.numbers.prepare import PreparedNumbers, prepared_numbers
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.journal import Journal, SubmissionRecords
from airflow_provider_ekyc.submission.record import Scope
from airflow_provider_ekyc.submission.stores import open_stores
from airflow_provider_ekyc.submission.submitter import Submitter
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables
from tests.conftest import BUCKET
from tests.submission.interleaving import TO_ITS_END, Turns
from tests.submission.submit_job import ANYWHERE, IN_EITHER, IN_FILES, IN_VARIABLES, Job, expanded, lists

pytestmark = pytest.mark.usefixtures("connections")


@IN_EITHER
def test_a_mapped_list_that_shifts_before_a_clear_pays_for_the_new_file_alone(
    kind: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    files, jobs = lists(tmp_path, "abcd"), {}
    first = expanded(jobs, kind, [files[name] for name in "bcd"], tmp_path / "journal")
    again = expanded(jobs, kind, [files[name] for name in "abcd"], tmp_path / "journal")
    assert again[1:] == first
    assert len(sandbox.bill.submissions) == 4


def test_of_each_map_index_before_it_a_submission_reads_the_receipt_alone(
    tmp_path: Path, variables: Variables, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, jobs, read = lists(tmp_path, "abcdef"), {}, list[str]()
    expanded(jobs, "variables", [files[name] for name in "abcde"], tmp_path / "journal")
    before = {key for key in variables.values if "_instance_" not in key and not key.endswith("_check")}
    assert len(before) == 3 * 5
    monkeypatch.setattr(variables, "get", lambda key, get=variables.get: read.append(key) or get(key))
    last = Job("variables", files["f"], tmp_path / "journal")
    last.map_index = 5
    last.submit()
    assert sorted(key for key in read if key in before) == sorted(key for key in before if key.endswith("_receipt"))


@ANYWHERE
def test_a_record_that_was_deleted_is_never_nothing_there(job: Job, sandbox: Sandbox, variables: Variables) -> None:
    job.submit()
    for path in job.folder.rglob("*.json"):
        path.unlink()
    variables.delete_all()
    with pytest.raises(AirflowFailException, match=r"can't be found now.*Nothing was sent"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
def test_variables_that_another_try_wrote_to_meanwhile_stop_this_one(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    def overtaken(moment: str, key: str) -> None:
        if moment == "after" and key in variables.records():
            record = json.loads(variables.values[key])
            variables.values[key] = json.dumps({**record, "nonce": "another's"})

    variables.watch = overtaken
    with pytest.raises(EkycRetryException, match="was changed meanwhile"):
        job.submit()
    assert sandbox.calls["submit"] == 0


@IN_VARIABLES
def test_another_try_that_began_while_this_one_asked_for_the_balance_is_noticed(
    job: Job, sandbox: Sandbox, variables: Variables, numbers_file: Path
) -> None:
    ended: list[str] = []

    def another_try(moment: str, key: str) -> None:
        if moment == "after" and key in variables.records():
            variables.watch = lambda moment, key: None
            other = Job("variables", numbers_file, job.folder)
            other.map_index = 7
            ended.append(other.submit())

    variables.watch = another_try
    with pytest.raises(EkycRetryException, match="was changed meanwhile"):
        job.submit()
    assert job.submit() == ended[0]
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
def test_a_late_write_of_an_older_try_hides_no_receipt_and_no_unknown_outcome(
    lost: bool, job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    """Airflow repeats a write for minutes: one of a try that was given up may take effect after all of the next."""
    newer: list[str] = []

    def the_next_try(moment: str, key: str) -> None:
        if moment == "before" and not re.search("_instance_|_check$", key):
            variables.watch = lambda moment, key: None
            if lost:
                sandbox.fault("submit", "cut_after")
            try:
                newer.append(job.submit())
            except AirflowFailException as error:
                newer.append(str(error))

    variables.watch = the_next_try
    with pytest.raises((EkycRetryException, AirflowFailException)):
        job.submit()
    if lost:
        with pytest.raises(AirflowFailException):
            job.submit()
    else:
        assert job.submit() == newer[0]
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
@pytest.mark.parametrize(
    "wrapped",
    [str, json.dumps, "'{}'".format, "\ufeff{}\n".format, lambda each: json.dumps({"ekyc_task_id": each})],
    ids=["text", "JSON", "quoted", "with a BOM", "named"],
)
@pytest.mark.parametrize("again", ["Send again\n", "'send again'", "send_again", "SEND  AGAIN.", '"send again"'])
def test_a_person_adopts_a_remote_id_or_has_it_sent_again(
    job: Job, wrapped: Callable[[str], str], again: str, sandbox: Sandbox, variables: Variables
) -> None:
    message = job.submit_without_answer(sandbox)
    (key,) = variables.records()
    assert f"write its id into Airflow Variable {key}. Not found: write 'send again' there" in message
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
    text = " ".join(record.getMessage().strip() for record in caplog.records)
    named = re.search(r"write 'send again' into (?:Airflow Variable )?(\S+) and clear", text)
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


@IN_VARIABLES
def test_an_id_that_is_added_to_the_intents_json_is_adopted(job: Job, sandbox: Sandbox, variables: Variables) -> None:
    job.submit_without_answer(sandbox)
    ((key, record),) = variables.records().items()
    variables.set(key, json.dumps({**json.loads(record), "ekyc_task_id": "made-up-remote-id"}))
    assert job.submit() == "made-up-remote-id"


@IN_FILES
def test_a_person_adopts_a_remote_id_in_a_file(job: Job, sandbox: Sandbox) -> None:
    message = job.submit_without_answer(sandbox)
    (record,) = job.folder.rglob("[!o]*.json")
    assert str(record) in message
    record.write_text(sandbox.tasks[0].task_id)
    assert job.submit() == sandbox.tasks[0].task_id
    assert job.last["ti"].xcoms["submission"]["input_sha256"] == hashlib.sha256(job.numbers.read_bytes()).hexdigest()


class CountingApi:
    """
    As much of the API as a submission needs; nothing is sent anywhere.

    :param outcome: of the failed submissions, or None if they are accepted
    """

    settings = EkycSettings(base_url="https://api.example", api_key="made-up", account="made-up")

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.submissions = 0
        self.outcome = outcome

    def get_balance(self, *, once: bool = False) -> Balance:
        return Balance(1000.0)

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        if self.outcome is not None:
            raise EkycApiError("made up", retryable=False, outcome=self.outcome)
        self.submissions += 1
        return Task(f"made-up-id-{self.submissions}", TaskStatus.PENDING, "pending")


def attempt(api: CountingApi, numbers: PreparedNumbers, map_index: int, resubmit: bool = False) -> None:
    """Try to submit the list as one map index, recorded in Variables."""
    ti = TaskInstance()
    ti.map_index = map_index
    task = identity_of(ti)
    journal = Journal(task, open_stores(task, uri=None, aws_conn_id=None, connection_uri=None, state_store=None))
    journal.start_try()
    with contextlib.suppress(EkycError):
        Submitter(api, journal, task, numbers, "amazon", resubmit=resubmit).submit()


#: What a third map index has left, and which of its records then has the words "send again".
STATES = {
    "nothing": (None, None, False),
    "a refusal": (Outcome.REFUSED, None, False),
    "an unknown outcome, and resubmit": (Outcome.UNKNOWN, None, True),
    "an unknown outcome, to be sent again": (Outcome.UNKNOWN, "[0-9a-f]_[0-9a-f]{16}$", False),
    "a receipt, to be sent again": ("accepted", "_receipt$", False),
}
#: Accesses of one try before the other has its turn, at the most.
MOST = 18


@pytest.fixture(scope="module")
def prepared() -> Iterator[PreparedNumbers]:
    with prepared_numbers(io.BytesIO(b"".join(b"+9990%09d\n" % number for number in range(150)))) as numbers:
        yield numbers


def two_at_once(state: str, numbers: PreparedNumbers, order: list[tuple[int, int]]) -> tuple[int, list[bool]]:
    """Let two map indexes submit the same list in turns; return how often it was submitted, and who had ended when."""
    outcome, sent_again, resubmit = STATES[state]
    api = CountingApi()
    turns = Turns(Scope.of(api.settings, "amazon", numbers).name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("airflow_provider_ekyc.submission.variable_store.Variable", turns)
        if outcome is not None:
            attempt(CountingApi(outcome if isinstance(outcome, Outcome) else None), numbers, 2)
        for key in turns.values:
            if sent_again and re.search(sent_again, key):
                turns.values[key] = "send again"
        both = [partial(attempt, api, numbers, index, resubmit) for index in range(2)]
        ended = turns.run(both, order)
    return api.submissions, ended


def submissions_of_two(state: str, numbers: PreparedNumbers) -> Iterator[int]:
    """
    Let two map indexes submit the same list in all orders; yield for each how often it was submitted.

    They are switched up to three times: after so many accesses of the one, of the other, and of the one again. An order
    in which a try may make more accesses than it does is the same as one before it.
    """
    for one in range(MOST + 1):
        for other in range(MOST + 1):
            for again in (3, TO_ITS_END):
                submissions, ended = two_at_once(state, numbers, [(0, one), (1, other), (0, again)])
                yield submissions
                if ended[2]:
                    break
            if ended[1]:
                break
        if ended[0]:
            break


@pytest.mark.parametrize("state", STATES)
def test_of_two_map_indexes_with_one_list_at_once_at_most_one_submits(
    state: str, prepared: PreparedNumbers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "airflow_provider_ekyc")  # nobody reads the lines of hundreds of submissions
    assert set(submissions_of_two(state, prepared)) == {0, 1}


@pytest.mark.parametrize("without", ["announce", "require_current"])
def test_the_orders_would_show_that_both_submit(
    without: str, prepared: PreparedNumbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SubmissionRecords, without, lambda *_: None)
    assert 2 in submissions_of_two("nothing", prepared)
