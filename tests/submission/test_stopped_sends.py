"""
A try of a list that is interrupted, or that the records or the limits stop; no request, records in memory.

Modules: ``submission/submitter.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycError,
    EkycInProgressError,
    EkycSpendingError,
)
from airflow_provider_ekyc.submission.journal import Journal
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt, Submission
from airflow_provider_ekyc.submission.settle_steps import receipt_steps
from airflow_provider_ekyc.submission.spending import SpendingLimits
from airflow_provider_ekyc.submission.stores import open_stores
from dev.testing.variables import Variables
from tests.submission.in_memory import TASK, intent, journal_of, leave, logged
from tests.submission.one_try import (
    NUMBERS,
    REFUSED_FOR_GOOD,
    SCOPE,
    ScriptedApi,
    Try,
    accepted,
    failure,
    recorded,
)

pytestmark = pytest.mark.usefixtures("no_waits")


def test_a_signal_that_ends_the_call_leaves_it_open() -> None:
    one = Try(ScriptedApi(KeyboardInterrupt()))
    one.fails(KeyboardInterrupt)
    assert (one.submitter.is_accepted, one.submitter.possibly_charged) == (False, 1)
    found = recorded()
    assert isinstance(found, Intent)
    assert found.state is IntentState.SENDING


def killed_at(*moments: bool) -> Callable[[], bool]:
    """Return what says at each question whether the task was killed."""
    left = list(moments)
    return lambda: left.pop(0)


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_a_kill_before_the_send_sends_nothing(asked: int, variables: Variables) -> None:
    one = Try(ScriptedApi(), killed=killed_at(*[False] * (asked - 1), True))
    error = one.fails(EkycError)
    assert error.message.startswith("The task was killed before the list was sent, or sent again. Nothing was sent")
    assert (error.kind, error.retryable, error.charge) == ("killed", True, Charge.NONE)
    assert one.submitter.possibly_charged == 0
    assert one.states == {1: [], 2: [], 3: ["sending", "not_accepted"]}[asked]
    found = recorded()
    assert found is None if asked == 1 else isinstance(found, Intent) and not found.is_open


def test_a_kill_after_an_unknown_outcome_may_be_charged() -> None:
    leave(intent(SCOPE), SCOPE)
    one = Try(ScriptedApi(), killed=killed_at(True), resubmit=True)
    assert one.fails(EkycError).charge is Charge.POSSIBLE
    assert one.states == ["unknown"]


def test_what_a_person_had_sent_again_is_no_longer_open_even_if_the_try_is_killed(variables: Variables) -> None:
    leave(intent(SCOPE), SCOPE)
    (key,) = variables.records()
    variables.set(key, "send again")
    one = Try(ScriptedApi(), killed=killed_at(False, True))
    assert one.fails(EkycError).charge is Charge.NONE
    found = recorded()
    assert isinstance(found, Intent)
    assert (found.is_open, found.sends) == (False, 0)


def test_another_try_that_starts_while_this_one_announces_stops_it(variables: Variables) -> None:
    def another(moment: str, key: str) -> None:
        if moment == "after" and "_open_" in key:
            variables.watch = lambda moment, key: None
            journal_of(replace(TASK, try_number=2))

    variables.watch = another
    one = Try(ScriptedApi(accepted()))
    assert one.fails(EkycInProgressError).charge is Charge.POSSIBLE
    assert one.api.sent == []
    found = recorded()
    assert isinstance(found, Intent)
    assert not found.is_open


def test_what_is_not_allowed_to_be_spent_is_not_sent(variables: Variables) -> None:
    one = Try(ScriptedApi(), limits=SpendingLimits.read(max_cost="0.149"))
    error = one.fails(EkycSpendingError)
    assert "150 numbers, which cost 0.15 at 0.001 each (the connection's price of amazon)" in error.message
    assert (one.reports, variables.records()) == ([], {})


def test_each_unknown_outcome_counts_towards_what_may_be_spent() -> None:
    leave(intent(SCOPE, possibly_charged=2), SCOPE)
    one = Try(ScriptedApi(), limits=SpendingLimits.read(max_cost="0.449"), resubmit=True)
    assert "whose outcome is unknown (2), which may be charged too, 0.45" in one.fails(EkycSpendingError).message


@pytest.mark.parametrize("submitted_at", [None, "2026-01-02T03:04:05.678+00:00"])
def test_what_was_submitted_before_is_returned_and_said(
    submitted_at: str | None, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    values: dict[str, Any] = (
        {} if submitted_at is None else {"submitted_at": submitted_at, "total": 148, "price": "0.002"}
    )
    leave(Receipt("made-up-id", values), SCOPE)
    one = Try(ScriptedApi(), limits=SpendingLimits.read(max_rows=1))
    described = Submission.of("made-up-id", "amazon", SCOPE.fingerprint, NUMBERS)
    assert one.submit() == replace(described, **values)
    (receipt,) = variables.receipts()
    assert logged(caplog) == (
        f"This list was already submitted, as remote task made-up-id ({submitted_at or 'recorded by hand'}). Nothing "
        f"was sent or charged now. To submit it again, which is charged again: start a new run, or write 'send again' "
        f"into Airflow Variable {receipt} and clear this task."
    )
    assert {record.levelname for record in caplog.records} == {"INFO"}
    assert (one.reports, one.submitter.is_accepted, one.submitter.possibly_charged) == ([], False, 0)


def test_a_receipt_of_schema_1_is_found() -> None:
    store = {f"ekyc-receipt-{SCOPE.schema_1_name}": {"ekyc_task_id": "made-up-id", "rows": 150}}
    stores = open_stores(TASK, uri=None, aws_conn_id=None, connection_uri=None, state_store=store)
    journal = Journal(TASK, stores)
    journal.start_try()
    assert Try(ScriptedApi(), journal=journal).submit().ekyc_task_id == "made-up-id"


def broken(variables: Variables, errors: Iterable[BaseException], ending: str) -> None:
    """Let the next writes of a record fail, one after the other."""
    left = iter(errors)

    def watch(moment: str, key: str) -> None:
        error = next(left, None) if moment == "before" and re.search(ending, key) else None
        if error is not None:
            raise error

    variables.watch = watch


def test_a_receipt_that_can_never_be_written_loses_nothing(
    variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    broken(variables, [ConnectionError("made up")] * 100, "_receipt$")
    assert Try(ScriptedApi(accepted())).submit().ekyc_task_id == "made-up-id-1"
    (key,) = variables.records()
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    steps = receipt_steps(f"Airflow Variable {key}", "made-up-id-1")
    assert tuple(errors[: len(steps)]) == steps
    assert "can't be written" in " ".join(errors[len(steps) :])


def test_a_receipt_is_written_again_after_a_failure_that_may_pass(variables: Variables) -> None:
    broken(variables, [ConnectionError("made up")] * 2, "_receipt$")
    Try(ScriptedApi(accepted())).submit()
    assert isinstance(recorded(), Receipt)


def test_a_signal_while_the_receipt_is_written_has_it_written_once_more(
    variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    broken(variables, [KeyboardInterrupt()], "_receipt$")
    Try(ScriptedApi(accepted())).fails(KeyboardInterrupt)
    found = recorded()
    assert isinstance(found, Receipt)
    assert (found.ekyc_task_id, found.submission["rows"]) == ("made-up-id-1", 150)
    assert "Remote task made-up-id-1 was accepted. Writing its receipt once more." in caplog.messages


def test_a_refusal_that_can_not_be_recorded_is_still_the_error(
    variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    api = ScriptedApi(failure(REFUSED_FOR_GOOD))
    api.during = lambda: broken(variables, [ConnectionError("made up")] * 100, "_open_")
    assert Try(api).fails().status == 402
    (key,) = variables.records()
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert " ".join(" ".join(said).split()).startswith(
        f"The record Airflow Variable {key} could not be changed to 'not_taken'. The next try may fail because the "
        f"outcome is unknown. Airflow's Variables can't be written"
    )
