"""
Paid once, when something gets in between: kills, time-outs, another try, a person, a limit.

Modules: ``submission/gate.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException, AirflowTaskTimeout
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.submitter import MOST_SENDS
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables
from tests.submission.submit_job import Job

pytestmark = pytest.mark.usefixtures("connections")


@pytest.fixture
def job(numbers_file: Path, tmp_path: Path) -> Job:
    return Job("variables", numbers_file, tmp_path / "journal")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens during the waits between two sends, one after the other; no time passes."""
    from airflow_provider_ekyc.api.retries import retrying

    events: list[Callable[[], None]] = []
    assert retrying.__kwdefaults__
    monkeypatch.setitem(retrying.__kwdefaults__, "sleep", lambda seconds: events.pop(0)() if events else None)
    return events


def test_a_kill_before_the_submission_sends_nothing(job: Job, sandbox: Sandbox) -> None:
    operator = job.operator()
    operator.on_kill()
    with pytest.raises(EkycRetryException, match="killed before the list was sent"):
        operator.execute(job.context())
    assert sandbox.calls["submit"] == 0
    job.submit()
    assert sandbox.calls["submit"] == 1


def test_a_kill_between_two_sends_sends_nothing_more(
    job: Job, sandbox: Sandbox, sleeps: list[Callable[[], None]]
) -> None:
    sandbox.fault("submit", "status", status=500)
    operator = job.operator()
    sleeps.append(operator.on_kill)
    with pytest.raises(EkycRetryException, match="killed before the list was sent"):
        operator.execute(job.context())
    assert sandbox.calls["submit"] == 1
    job.submit()
    assert len(sandbox.bill.submissions) == 1


def test_a_record_that_a_person_settles_between_two_sends_stops_the_next_one(
    job: Job, sandbox: Sandbox, variables: Variables, sleeps: list[Callable[[], None]]
) -> None:
    sandbox.fault("submit", "status", status=500)
    sleeps.append(lambda: variables.values.update(dict.fromkeys(variables.records(), "made-up-remote-id")))
    with pytest.raises(EkycRetryException, match="was changed meanwhile"):
        job.submit()
    assert sandbox.calls["submit"] == 1
    assert job.submit() == "made-up-remote-id"


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("resubmit", [False, True])
def test_what_is_sent_again_by_itself_has_a_bound_over_all_tries(
    resubmit: bool, job: Job, sandbox: Sandbox, numbers_file: Path
) -> None:
    arguments = {"on_unknown_outcome": "resubmit"} if resubmit else {}
    if resubmit:
        sandbox.fault("submit", "cut_after", times=None)
    else:
        sandbox.fault("submit", "status", status=500, times=None)
    said = []
    for _ in range(8):
        with pytest.raises((AirflowFailException, EkycRetryException)) as failed:
            job.submit(**arguments)
        said.append(str(failed.value))
    assert sandbox.calls["submit"] == MOST_SENDS == 5
    assert f"sent {MOST_SENDS} times over the tries of this task" in said[-1]
    assert isinstance(failed.value, AirflowFailException)
    sandbox.clear_faults()
    job.clear()
    job.submit(**arguments)
    assert sandbox.calls["submit"] == MOST_SENDS + 1


@pytest.mark.usefixtures("no_waits")
def test_the_balance_is_asked_before_each_send_and_logged(
    job: Job, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("submit", "status", status=500)
    with caplog.at_level("INFO"):
        job.submit()
    assert sandbox.calls["balance"] == 2
    assert caplog.text.count("Balance before sending again: 1,000,000.00, at first 1,000,000.00") == 1


def interrupted(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the submission reach the API, and what Airflow throws into it reach us."""
    submit = EkycClient.submit

    def accepted_then_interrupted(self: EkycClient, *arguments: Any) -> Any:
        submit(self, *arguments)
        raise error

    monkeypatch.setattr(EkycClient, "submit", accepted_then_interrupted)


@pytest.mark.parametrize("error", [AirflowTaskTimeout("the task's execution_timeout"), MemoryError("made up")])
def test_after_an_interruption_the_next_try_says_that_it_is_unknown(
    error: BaseException, job: Job, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        interrupted(patched, error)
        with pytest.raises(type(error)):
            job.submit()
    with pytest.raises(AirflowFailException, match="has no receipt"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


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


def test_an_xcom_that_cannot_be_pushed_is_pushed_by_the_retry(job: Job, sandbox: Sandbox, numbers_file: Path) -> None:
    class Unheard(TaskInstance):
        def xcom_push(self, key: str, value: Any) -> None:
            raise ConnectionError("the API server is away")

    with pytest.raises(ConnectionError):
        EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute({"ti": Unheard()})
    assert job.submit() == sandbox.tasks[0].task_id
    assert len(sandbox.bill.submissions) == 1


def test_a_possible_id_is_shown_and_kept_with_the_record(job: Job, sandbox: Sandbox, variables: Variables) -> None:
    sandbox.fault("submit", "status_after", status=500, body='{"error": "made up", "task_id": "made-up-id-1"}')
    sandbox.fault("submit", "cut_after")
    for _ in range(2):
        with pytest.raises((AirflowFailException, EkycRetryException)) as failed:
            job.submit(on_unknown_outcome="resubmit")
        assert "made-up-id-1" in str(failed.value)
    (record,) = variables.records().values()
    assert json.loads(record)["possible_ids"] == ["made-up-id-1"]
    job.submit(on_unknown_outcome="resubmit")
    (receipt,) = variables.receipts().values()
    assert json.loads(receipt)["possible_ids"] == ["made-up-id-1"]


def test_a_kill_while_the_record_is_written_sends_nothing(job: Job, sandbox: Sandbox, variables: Variables) -> None:
    operator = job.operator()

    def kill(moment: str, key: str) -> None:
        if moment == "after" and '"sending"' in variables.values[key]:
            operator.on_kill()

    variables.watch = kill
    with pytest.raises(EkycRetryException, match="killed before the list was sent"):
        operator.execute(job.context())
    variables.watch = lambda moment, key: None
    assert sandbox.calls["submit"] == 0
    job.submit()
    assert sandbox.calls["submit"] == 1


def test_a_write_before_the_send_whose_answer_is_lost_leaves_nothing_open(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    def break_once(moment: str, key: str) -> None:
        if moment == "after" and '"sending"' in variables.values[key]:
            variables.watch = lambda moment, key: None
            raise ConnectionError("the answer was lost")

    variables.watch = break_once
    with pytest.raises(EkycRetryException, match="can't be written"):
        job.submit()
    job.submit()
    assert sandbox.calls["submit"] == 1


@pytest.mark.usefixtures("no_waits")
def test_a_receipt_whose_first_writes_fail_is_written_by_a_later_one(
    job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    failures = iter(range(3))

    def break_thrice(moment: str, key: str) -> None:
        if moment == "before" and key.endswith("_receipt") and next(failures, None) is not None:
            raise ConnectionError("the API server is away")

    variables.watch = break_thrice
    first = job.submit()
    assert job.submit() == first
    assert len(sandbox.bill.submissions) == 1


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
def test_a_late_write_of_an_older_try_hides_no_receipt_and_no_unknown_outcome(
    lost: bool, job: Job, sandbox: Sandbox, variables: Variables
) -> None:
    """Airflow repeats a write for minutes: one of a try that was taken for dead may come after all of the next."""
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


def test_a_refusal_says_that_an_earlier_send_is_still_unknown(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    sandbox.fault("submit", "status", status=402)
    with pytest.raises(EkycRetryException):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match="earlier submission of this list still has an unknown outcome"):
        job.submit(on_unknown_outcome="resubmit")
