"""Paid once, when something gets in between: kills, time-outs, journals that break at the wrong moment."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException, AirflowTaskTimeout
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from tests.conftest import TaskInstance
from tests.journals.test_submitting_with_a_journal import Job

pytestmark = pytest.mark.usefixtures("connections")


def test_two_mapped_tries_at_once_over_s3_submit_the_same_file_once(
    numbers_file: Path, sandbox: Sandbox, s3: Any, tmp_path: Path
) -> None:
    sandbox.fault("balance", "delay", seconds=2.0, times=None)  # both have read the journal before either writes
    ended: list[object] = []

    def run(index: int) -> None:
        job = Job("s3", numbers_file, tmp_path)
        job.map_index = index
        try:
            ended.append(job.submit())
        except (AirflowFailException, EkycRetryException) as error:
            ended.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sandbox.bill.submissions) == 1
    assert sorted(type(end).__name__ for end in ended) == ["EkycRetryException", "str"]


@pytest.mark.parametrize("kind", ["store", "local"])
def test_a_free_refusal_of_a_resubmission_does_not_forget_the_unknown_before_it(
    kind: str, numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job(kind, numbers_file, tmp_path / "journal")
    sandbox.fault("submit", "cut_after")
    sandbox.fault("submit", "status", status=402)
    with pytest.raises(EkycRetryException):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match="402"):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match=r"left no receipt \(try 1"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


def test_an_intent_that_was_written_although_the_journal_failed_is_taken_back(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("store", numbers_file, tmp_path)
    write = job.store.set

    def written_but_not_told(key: str, value: Any, **retention: Any) -> None:
        write(key, value, **retention)
        raise ConnectionError("the answer was lost")

    job.store.set = written_but_not_told  # type: ignore[method-assign]  # an answer that is lost
    with pytest.raises(EkycRetryException, match="can't be written"):
        job.submit()
    assert job.store.values == {}
    job.store.set = write  # type: ignore[method-assign]
    job.submit()
    assert len(sandbox.bill.submissions) == 1


def test_a_state_store_that_another_try_wrote_to_meanwhile_stops_this_one(
    numbers_file: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    job = Job("store", numbers_file, tmp_path)
    write = job.store.set

    def overtaken(key: str, value: Any, **retention: Any) -> None:
        write(key, {**value, "nonce": "another's"}, **retention)

    job.store.set = overtaken  # type: ignore[method-assign]  # another try, between our write and our look
    with pytest.raises(EkycRetryException, match="Another try is submitting this file right now"):
        job.submit()
    assert sandbox.calls["submit"] == 0


def test_a_kill_before_the_submission_sends_nothing(numbers_file: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    operator = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file), journal_uri=str(tmp_path / "journal"))
    operator.on_kill()
    with pytest.raises(EkycRetryException, match="killed before anything was sent"):
        operator.execute({"ti": TaskInstance()})
    assert sandbox.calls["submit"] == 0
    assert not list((tmp_path / "journal").rglob("*.json"))


def interrupted(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the submission reach the API, and what Airflow throws into it reach us."""
    submit = EkycClient.submit

    def taken_then_interrupted(self: EkycClient, *arguments: Any) -> Any:
        submit(self, *arguments)
        raise error

    monkeypatch.setattr(EkycClient, "submit", taken_then_interrupted)


def test_without_a_journal_a_time_out_in_the_upload_is_not_tried_again(
    numbers_file: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupted(monkeypatch, AirflowTaskTimeout("the task's execution_timeout"))
    with pytest.raises(
        AirflowFailException, match=r"interrupted \(AirflowTaskTimeout\).*may or may not have been taken"
    ):
        Job("none", numbers_file, tmp_path).submit()


def test_with_a_journal_the_next_try_says_that_it_is_unknown(
    numbers_file: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = Job("local", numbers_file, tmp_path / "journal")
    with monkeypatch.context() as patched:
        interrupted(patched, AirflowTaskTimeout("the task's execution_timeout"))
        with pytest.raises(AirflowTaskTimeout):
            job.submit()
    with pytest.raises(AirflowFailException, match="left no receipt"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


def test_without_a_journal_an_xcom_that_cannot_be_pushed_is_not_tried_again_and_names_the_id(
    numbers_file: Path, sandbox: Sandbox
) -> None:
    class Unheard(TaskInstance):
        def xcom_push(self, key: str, value: Any) -> None:
            raise ConnectionError("the API server is away")

    with pytest.raises(AirflowFailException) as failed:
        EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute({"ti": Unheard()})
    assert sandbox.tasks[0].task_id in str(failed.value)
