"""What a person decides about a submission whose outcome is unknown, and what the next try makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, Intent, Receipt
from airflow_provider_ekyc.submission.settlement import Settlement
from airflow_provider_ekyc.submission.stores import open_stores
from tests.submission.submit_job import ANYWHERE, IN_EITHER, IN_FILES, Job, expanded, lists

pytestmark = pytest.mark.usefixtures("connections")

DECIDED = "2026-11-26T08:00:00+00:00"


def settlement(job: Job, name: str | None = None) -> Settlement:
    """Return the records of a job as another process opens them."""
    task = identity_of(job.last["ti"])
    stores = open_stores(
        task,
        uri=job.arguments().get("journal_uri"),
        aws_conn_id="aws_default",
        connection_uri=None,
        state_store=None,
    )
    if name is None:
        instance = stores.instances.read(f"instance_{max(task.map_index, 0)}")
        assert instance is not None
        (name,) = json.loads(instance)["begun"]
    return Settlement(task, stores, name)


def open_settlement(job: Job) -> tuple[Settlement, Intent]:
    opened = settlement(job)
    found = opened.find()
    assert isinstance(found, Intent)
    assert found.is_open
    return opened, found


def charged(sandbox: Sandbox) -> str:
    (charge,) = sandbox.bill.submissions
    return charge.task_id


def test_an_adopted_id_is_returned_by_the_next_try_with_its_counts(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    opened, _ = open_settlement(job)
    assert opened.adoption(Receipt(charged(sandbox), {"total": 200, "price": "0.5", "submitted_at": DECIDED})).write()
    job.clear()
    assert job.submit() == charged(sandbox)
    pushed = job.last["ti"].xcoms["submission"]
    assert (pushed["total"], pushed["price"], pushed["submitted_at"], pushed["rows"]) == (200, "0.5", DECIDED, 200)


def test_a_decision_to_send_again_is_followed_once(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    opened, intent = open_settlement(job)
    assert opened.sending_again(intent, DECIDED).write()
    assert settlement(job).find() is SENT_AGAIN_BY_HAND
    job.clear()
    second = job.submit()
    job.clear()
    assert job.submit() == second
    assert len(sandbox.bill.submissions) == 2


def test_of_two_people_the_first_decides(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    first, _ = open_settlement(job)
    second, _ = open_settlement(job)
    assert first.adoption(Receipt(charged(sandbox))).write()
    assert not second.adoption(Receipt("made-up-other-id")).write()
    job.clear()
    assert job.submit() == charged(sandbox)


def test_an_adoption_wins_over_a_decision_to_send_again(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    first, intent = open_settlement(job)
    second, _ = open_settlement(job)
    assert first.sending_again(intent, DECIDED).write()
    assert second.adoption(Receipt(charged(sandbox))).write()
    job.clear()
    assert job.submit() == charged(sandbox)
    assert len(sandbox.bill.submissions) == 1


def test_a_receipt_that_a_try_has_written_meanwhile_stays(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    opened, intent = open_settlement(job)
    settled, _ = open_settlement(job)
    assert settled.adoption(Receipt(charged(sandbox))).write()
    assert not opened.adoption(Receipt("made-up-other-id")).write()
    opened.sending_again(intent, DECIDED).write()
    found = settlement(job).find()
    assert isinstance(found, Receipt)
    assert found.ekyc_task_id == charged(sandbox)


@ANYWHERE
def test_a_decision_that_is_written_late_does_not_mean_a_later_send(job: Job, sandbox: Sandbox) -> None:
    """A page that was asleep writes its decision when the list was sent again, and that outcome is unknown as well."""
    job.submit_without_answer(sandbox)
    opened, intent = open_settlement(job)
    assert opened.sending_again(intent, DECIDED).write()
    job.clear()
    job.submit_without_answer(sandbox)
    late, second = open_settlement(job)
    assert second.nonce != intent.nonce
    assert late.sending_again(intent, DECIDED).write()
    job.clear()
    with pytest.raises(AirflowFailException, match="may have been charged"):
        job.submit()
    assert len(sandbox.bill.submissions) == 2
    again, third = open_settlement(job)
    assert again.sending_again(third, DECIDED).write()
    job.clear()
    job.submit()
    assert len(sandbox.bill.submissions) == 3


@IN_FILES
def test_a_decision_without_the_send_that_it_is_about_sends_nothing(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    opened, intent = open_settlement(job)
    assert opened.sending_again(intent, DECIDED).write()
    for path in job.folder.rglob("open_*.json"):
        path.unlink()
    with pytest.raises(EkycJournalError):
        settlement(job).find()
    job.clear()
    with pytest.raises(AirflowFailException, match="Nothing was sent"):
        job.submit()
    assert len(sandbox.bill.submissions) == 1


@IN_EITHER
def test_the_remote_id_of_another_list_of_the_task_is_noticed(kind: str, tmp_path: Path, sandbox: Sandbox) -> None:
    files, jobs = lists(tmp_path, "ab"), {}
    first, second = expanded(jobs, kind, [files[name] for name in "ab"], tmp_path / "journal")
    own, other = settlement(jobs[0]), settlement(jobs[1])
    own.find()
    assert own.other_list_of(second) == other.address.replace(other.name, f"{other.name}_receipt")
    assert own.other_list_of(first) is None
    assert own.other_list_of("made-up-other-id") is None


@IN_FILES
def test_an_id_that_a_person_wrote_into_the_record_of_another_list_is_noticed(
    job: Job, sandbox: Sandbox, tmp_path: Path
) -> None:
    files, jobs = lists(tmp_path, "ab"), {}
    expanded(jobs, "local", [files[name] for name in "ab"], tmp_path / "journal")
    own, other = settlement(jobs[0]), settlement(jobs[1])
    own.find()
    Path(other.address.replace(other.name, f"{other.name}_receipt")).unlink()
    Path(other.address).write_text("made-up-other-id")
    assert own.other_list_of("made-up-other-id") == other.address
    Path(other.address).write_text("{ not to be read")
    assert own.other_list_of("made-up-other-id") is None
