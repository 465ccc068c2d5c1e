"""
Submitted once, whatever gets between: kills, time-outs, refusals, a receipt that can't be written.

With ``submission/balance.py``: a balance query goes first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.timeout import TimeoutPosix

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException, AirflowTaskTimeout
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.stack.processes import free_ports
from dev.testing.task_context import TaskInstance
from dev.testing.variables import Variables
from tests.submission.submit_job import IN_FILES, IN_VARIABLES, Job, interrupted

pytestmark = pytest.mark.usefixtures("connections")


def test_a_second_try_returns_what_the_first_paid_for(job: Job, sandbox: Sandbox) -> None:
    first = job.submit()
    # The receipt is written before the balance is queried once more.
    submission = {**job.last["ti"].xcoms["submission"], "balance_after": None}
    calls = dict(sandbox.calls)
    assert job.submit() == first
    assert job.last["ti"].xcoms["submission"] == submission
    assert dict(sandbox.calls) == calls, "it asks the API nothing"
    assert len(sandbox.bill.submissions) == 1


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
    gone = SimpleNamespace(url=f"http://127.0.0.1:{free_ports(1)[0]}", ca_file=None)
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


@IN_FILES
def test_a_receipt_names_the_input_that_was_sent_and_not_one_that_only_prepares_to_the_same(
    job: Job, sandbox: Sandbox
) -> None:
    first = job.submit()
    submission = {**job.last["ti"].xcoms["submission"], "balance_after": None}
    job.numbers.write_text(job.numbers.read_text() + "\n")
    assert job.submit() == first
    assert job.last["ti"].xcoms["submission"] == submission


@IN_VARIABLES
@pytest.mark.usefixtures("no_waits")
def test_a_receipt_that_cannot_be_written_loses_nothing(
    job: Job, sandbox: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:

    def break_after_the_submission(moment: str, key: str) -> None:
        if moment == "before" and sandbox.bill.submissions:
            raise ConnectionError("the API server is away")

    variables.watch = break_after_the_submission
    ekyc_task_id = job.submit()
    assert ekyc_task_id == sandbox.tasks[0].task_id
    (key,) = variables.records()
    at = caplog.messages.index("into this Airflow Variable (Admin, Variables):")
    assert (caplog.messages[at - 1], caplog.messages[at + 1]) == (ekyc_task_id, key)
    variables.watch = lambda moment, key: None
    with pytest.raises(AirflowFailException, match="has no receipt"):
        job.submit()


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens during the waits between two sends, one after the other; no time passes."""
    from airflow_provider_ekyc.api.retries import retrying

    events: list[Callable[[], None]] = []
    assert retrying.__kwdefaults__
    monkeypatch.setitem(retrying.__kwdefaults__, "sleep", lambda seconds: events.pop(0)() if events else None)
    return events


@IN_VARIABLES
def test_a_kill_before_the_submission_sends_nothing(job: Job, sandbox: Sandbox) -> None:
    operator = job.operator()
    operator.on_kill()
    with pytest.raises(EkycRetryException, match="killed before the list was sent"):
        operator.execute(job.context())
    assert sandbox.calls["submit"] == 0
    job.submit()
    assert sandbox.calls["submit"] == 1


@IN_VARIABLES
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


@IN_VARIABLES
@pytest.mark.usefixtures("no_waits")
def test_the_balance_is_asked_before_each_send_and_logged(
    job: Job, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("submit", "status", status=500)
    with caplog.at_level("INFO"):
        job.submit()
    assert sandbox.calls["balance"] == 3, "and once after it was accepted"
    assert caplog.text.count("Balance before sending again: 1,000,000.00, at first 1,000,000.00") == 1


@IN_VARIABLES
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


@IN_VARIABLES
def test_an_interruption_while_the_receipt_can_not_be_written_names_what_was_accepted(
    job: Job, sandbox: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    """Airflow's own time-out, while the write is repeated."""

    def watch(moment: str, key: str) -> None:
        if moment == "before" and key.endswith("_receipt"):
            variables.away = True
            raise ConnectionError("the API server is away")

    variables.watch = watch
    with pytest.raises(AirflowTaskTimeout), TimeoutPosix(2):
        job.submit()
    assert sandbox.tasks[0].task_id in caplog.text
    assert "This remote task was accepted and is paid for; its receipt could not be written." in caplog.text
    assert "Airflow's Variables can't be written (ConnectionError). Trying again" in caplog.text
    assert "Nothing was sent" not in caplog.text
    assert job.last["ti"].xcoms["unsettled"]["state"] == "sending"


@IN_VARIABLES
def test_an_xcom_that_cannot_be_pushed_is_pushed_by_the_retry(job: Job, sandbox: Sandbox, numbers_file: Path) -> None:
    class Unheard(TaskInstance):
        def xcom_push(self, key: str, value: Any) -> None:
            raise ConnectionError("the API server is away")

    with pytest.raises(ConnectionError):
        EkycSubmitOperator(task_id="submit", numbers=str(numbers_file)).execute({"ti": Unheard()})
    assert job.submit() == sandbox.tasks[0].task_id
    assert len(sandbox.bill.submissions) == 1


@IN_VARIABLES
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


@IN_VARIABLES
@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("call", ["balance", "submit", "killed"])
def test_what_ends_a_try_leaves_an_earlier_unknown_outcome_possibly_charged(
    job: Job, sandbox: Sandbox, call: str
) -> None:
    job.submit_without_answer(sandbox)
    operator = job.operator(on_unknown_outcome="resubmit")
    if call == "killed":
        operator.on_kill()
    else:
        sandbox.fault(call, "status", status=401)
    with pytest.raises((EkycFailException, EkycRetryException)) as failed:
        operator.execute(job.context())
    assert failed.value.kind == ("killed" if call == "killed" else "authentication")
    assert failed.value.charge == "possible"


@IN_VARIABLES
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


@IN_VARIABLES
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


@IN_VARIABLES
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


@IN_VARIABLES
def test_a_refusal_says_that_an_earlier_send_is_still_unknown(job: Job, sandbox: Sandbox) -> None:
    sandbox.fault("submit", "cut_after")
    sandbox.fault("submit", "status", status=402)
    with pytest.raises(EkycRetryException):
        job.submit(on_unknown_outcome="resubmit")
    with pytest.raises(AirflowFailException, match="earlier submission of this list still has an unknown outcome"):
        job.submit(on_unknown_outcome="resubmit")


@IN_VARIABLES
def test_a_record_that_a_person_settles_between_two_sends_stops_the_next_one(
    job: Job, sandbox: Sandbox, variables: Variables, sleeps: list[Callable[[], None]]
) -> None:
    sandbox.fault("submit", "status", status=500)
    sleeps.append(lambda: variables.values.update(dict.fromkeys(variables.records(), "made-up-remote-id")))
    with pytest.raises(EkycRetryException, match="was changed meanwhile"):
        job.submit()
    assert sandbox.calls["submit"] == 1
    assert job.submit() == "made-up-remote-id"
