"""The XCom ``unsettled``: what a person sees of a submission that may have been charged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.unsettled import NOT_ACCEPTED
from airflow_provider_ekyc.xcom_keys import FAILURE, SUBMISSION, SUMMARY, UNSETTLED
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables
from tests.conftest import API_KEY
from tests.submission.submit_job import IN_FILES, IN_VARIABLES, Job, interrupted, lists

pytestmark = pytest.mark.usefixtures("connections")

KEYS = {"state", "name", "record", "store", "rows", "task_type", "fingerprint", "started_at", "try_number"}
KEYS |= {"possible_ids", "possibly_charged", "balance_before", "balance_after", "price", "estimated_cost"}


def xcoms(job: Job) -> dict[str, Any]:
    found: dict[str, Any] = job.last["ti"].xcoms
    return found


def test_an_unknown_outcome_is_reported_with_its_record(job: Job, sandbox: Sandbox) -> None:
    message = job.submit_without_answer(sandbox)
    unsettled = xcoms(job)[UNSETTLED]
    assert set(unsettled) == KEYS
    assert unsettled["state"] == "unknown"
    assert unsettled["store"] == {"variables": "variables", "local": "directory", "s3": "s3"}[job.kind]
    assert unsettled["record"] in message
    assert unsettled["name"] in unsettled["record"]
    assert (unsettled["rows"], unsettled["task_type"], unsettled["try_number"]) == (200, "amazon", 1)
    assert unsettled["possibly_charged"] == 1
    assert datetime.fromisoformat(unsettled["started_at"]).utcoffset() is not None
    assert float(unsettled["balance_before"]) > float(unsettled["balance_after"])
    assert (unsettled["price"], unsettled["estimated_cost"]) == (None, None)
    assert SUBMISSION not in xcoms(job)
    assert SUMMARY not in xcoms(job)
    failure = xcoms(job)[FAILURE]
    assert (failure["kind"], failure["charge"], failure["retryable"]) == ("unknown_outcome", "possible", False)


@IN_VARIABLES
def test_the_next_try_reports_it_again_since_airflow_has_cleared_the_xcoms(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    first = xcoms(job)[UNSETTLED]
    with pytest.raises(AirflowFailException, match="has no receipt"):
        job.submit()
    assert xcoms(job)[UNSETTLED] == first, "try 1 has sent it, with what was known then"


@IN_VARIABLES
def test_what_a_record_names_is_what_settles_it(job: Job, sandbox: Sandbox, variables: Variables) -> None:
    job.submit_without_answer(sandbox)
    key = xcoms(job)[UNSETTLED]["record"].removeprefix("Airflow Variable ")
    variables.set(key, sandbox.tasks[0].task_id)
    assert job.submit() == sandbox.tasks[0].task_id
    assert xcoms(job)[SUMMARY] == (
        f"200 numbers were submitted before, as remote task {sandbox.tasks[0].task_id}; nothing charged now"
    )


@IN_VARIABLES
def test_it_is_there_when_the_list_is_sent_and_stays_when_it_was_accepted(
    job: Job, sandbox: Sandbox, connect: Callable[..., None]
) -> None:
    connect(sandbox, prices={"amazon": "0.001"})
    ekyc_task_id = job.submit()
    found = xcoms(job)
    assert list(found).index(UNSETTLED) < list(found).index(SUBMISSION)
    assert found[UNSETTLED]["state"] == "sending"
    assert (found[UNSETTLED]["price"], found[UNSETTLED]["estimated_cost"]) == ("0.001", "0.2")
    assert found[UNSETTLED]["fingerprint"] == found[SUBMISSION]["fingerprint"]
    assert found[SUMMARY] == f"200 numbers submitted as remote task {ekyc_task_id}; estimated cost 0.20"
    assert FAILURE not in found


@IN_VARIABLES
def test_a_try_that_was_killed_while_it_sent_leaves_it(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        """As what Airflow throws into a task."""

    interrupted(monkeypatch, Killed())
    with pytest.raises(Killed):
        job.submit()
    assert xcoms(job)[UNSETTLED]["state"] == "sending"


@IN_FILES
@pytest.mark.parametrize(("status", "charge"), [(402, "none"), (400, "none")])
def test_a_refusal_settles_it(job: Job, sandbox: Sandbox, status: int, charge: str) -> None:
    sandbox.fault("submit", "status", status=status)
    with pytest.raises(EkycFailException):
        job.submit()
    assert xcoms(job)[UNSETTLED]["state"] == NOT_ACCEPTED
    assert xcoms(job)[FAILURE]["charge"] == charge
    assert xcoms(job)[FAILURE]["status"] == status


@IN_FILES
def test_a_refusal_does_not_settle_what_was_unknown_before(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    sandbox.fault("submit", "status", status=402)
    with pytest.raises(EkycFailException):
        job.submit(on_unknown_outcome="resubmit")
    assert xcoms(job)[UNSETTLED]["state"] == "unknown"
    assert xcoms(job)[UNSETTLED]["try_number"] == 1
    assert xcoms(job)[FAILURE]["charge"] == "possible"


@IN_FILES
def test_nothing_is_reported_of_what_was_never_announced(job: Job, sandbox: Sandbox) -> None:
    with pytest.raises(EkycFailException):
        job.submit(max_rows=10)
    assert UNSETTLED not in xcoms(job)
    assert xcoms(job)[FAILURE]["kind"] == "spending_limit"
    assert sandbox.calls["submit"] == 0


@IN_VARIABLES
def test_a_record_that_was_deleted_is_reported(job: Job, sandbox: Sandbox, variables: Variables) -> None:
    job.submit_without_answer(sandbox)
    variables.delete_all()
    with pytest.raises(EkycFailException, match="can't be found now"):
        job.submit()
    unsettled = xcoms(job)[UNSETTLED]
    assert (unsettled["state"], unsettled["started_at"], unsettled["possibly_charged"]) == ("unknown", None, 1)
    assert xcoms(job)[FAILURE]["kind"] == "journal"


@IN_FILES
def test_another_list_that_is_unknown_is_reported_by_its_own_record(job: Job, sandbox: Sandbox, tmp_path: Path) -> None:
    job.submit_without_answer(sandbox)
    first = xcoms(job)[UNSETTLED]
    job.numbers = lists(tmp_path, "b")["b"]
    with pytest.raises(EkycFailException, match="another list"):
        job.submit()
    second = xcoms(job)[UNSETTLED]
    assert (second["record"], second["name"], second["rows"]) == (first["record"], first["name"], 200)
    assert second["fingerprint"] == first["fingerprint"]


@IN_FILES
def test_an_id_in_an_answer_that_can_not_be_read_is_passed_on(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    with pytest.raises(EkycRetryException):
        job.submit(on_unknown_outcome="resubmit")
    assert xcoms(job)[UNSETTLED]["possible_ids"] == []
    assert xcoms(job)[FAILURE]["retryable"] is True


class NoReports(TaskInstance):
    """A task instance whose reports can't be written, and whose result can."""

    def xcom_push(self, key: str, value: Any) -> None:
        if key != SUBMISSION:
            raise RuntimeError("made up")
        super().xcom_push(key, value)


@IN_VARIABLES
def test_a_report_that_fails_neither_fails_nor_repeats_the_submission(
    job: Job, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    context = {**job.context(), "ti": NoReports()}
    assert job.operator().execute(context) == sandbox.tasks[0].task_id
    assert sandbox.calls["submit"] == 1
    assert "'unsettled' can't be written (RuntimeError)" in caplog.text
    assert list(context["ti"].xcoms) == [SUBMISSION]


def test_no_number_and_no_key_is_in_any_of_them(job: Job, sandbox: Sandbox) -> None:
    job.submit_without_answer(sandbox)
    shown = json.dumps(xcoms(job))
    assert API_KEY not in shown
    assert not [number for number in job.numbers.read_text().split() if number.lstrip("+") in shown]
