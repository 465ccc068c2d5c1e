"""
One try of a list, step by step: what it records, returns, reports and logs; no request, records in memory.

Modules: ``submission/submitter.py``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycError,
    EkycJournalError,
    EkycSettingsError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.spans import traced_with
from airflow_provider_ekyc.submission.gate import MOST_SENDS
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt, Submission
from airflow_provider_ekyc.submission.settle_steps import possible_id_steps, settle_steps
from airflow_provider_ekyc.submission.submitter import SENDS_PER_TRY
from dev.testing.variables import Variables
from tests.submission.in_memory import TASK, intent, leave, logged
from tests.submission.one_try import (
    LIST,
    NOT_SENT,
    NOW,
    NUMBERS,
    REFUSED,
    REFUSED_FOR_GOOD,
    SCOPE,
    UNKNOWN,
    ScriptedApi,
    Try,
    accepted,
    failure,
    open_intent,
    own_record,
    recorded,
)

pytestmark = pytest.mark.usefixtures("no_waits")


def test_what_was_accepted_is_returned_and_recorded(variables: Variables, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    one = Try(ScriptedApi(accepted()))
    found = one.submit()
    assert found.submitted_at is not None
    assert NOW.fullmatch(found.submitted_at)
    assert found == Submission(
        ekyc_task_id="made-up-id-1",
        task_type="amazon",
        fingerprint=SCOPE.fingerprint,
        lines_read=160,
        blank=1,
        duplicates=2,
        invalid=3,
        rows=150,
        total=149,
        submitted_at=found.submitted_at,
        input_sha256="3" * 64,
        content_key="2" * 32,
        price="0.001",
        estimated_cost="0.15",
        balance_before="1000",
        balance_after="999",
    )
    values = {**found.as_dict(), "balance_after": None}
    del values["ekyc_task_id"]
    assert recorded() == Receipt("made-up-id-1", values, ())
    assert one.api.sent == [(NUMBERS.file, len(LIST), "amazon")]
    assert (one.submitter.is_accepted, one.submitter.possibly_charged) == (True, 1)
    assert one.states == ["sending"]
    said = logged(caplog)
    (key,) = variables.records()
    assert (
        "Submitting 150 numbers (task type amazon). An accepted submission is charged. Record: Airflow Variable "
        f"{key}. Fingerprint: {SCOPE.fingerprint}. Remote task made-up-id-1 was accepted: 149 numbers. Balance after"
    ) in said
    assert {record.levelname for record in caplog.records} == {"INFO"}


def test_before_its_first_call_a_try_has_sent_nothing() -> None:
    submitter = Try(ScriptedApi()).submitter
    assert (submitter.is_accepted, submitter.possibly_charged) == (False, 0)


@pytest.mark.parametrize("total", [None, 0])
def test_an_accepted_task_without_a_total_is_named_alone(total: int | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert Try(ScriptedApi(accepted(total=total))).submit().total is None
    assert "Remote task made-up-id-1 was accepted." in caplog.messages


@pytest.mark.parametrize("is_test", [False, True])
def test_a_test_run_is_said_before_it_pays(is_test: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    Try(ScriptedApi(accepted()), replace(TASK, is_test=is_test)).submit()
    words = f"Fingerprint: {SCOPE.fingerprint}. This is a test run (airflow tasks test, dag.test): each call submits"
    assert (words in logged(caplog)) == is_test


def test_while_it_is_sent_the_records_say_so(variables: Variables) -> None:
    task = replace(TASK, try_number=3, map_index=7, max_tries=4, clear_number=2)
    seen: list[dict[str, Any]] = []
    api = ScriptedApi(accepted())
    api.during = lambda: seen.extend((own_record(variables), open_intent(variables)))
    one = Try(api, task)
    one.submit()
    own, being_sent = seen
    assert NOW.fullmatch(own["started_at"])
    assert re.fullmatch("[0-9a-f]{16}", own["nonce"])
    assert own == {
        "started_at": own["started_at"],
        "try_number": 3,
        "map_index": 7,
        "rows": 150,
        "fingerprint": SCOPE.fingerprint,
        "nonce": own["nonce"],
        "state": "not_taken",
        "sends": 0,
        "max_tries": 4,
        "balance": 1000.0,
        "possible_ids": [],
        "possibly_charged": 0,
        "clear_number": 2,
    }
    assert being_sent == {**own, "state": "sending", "sends": 1, "possibly_charged": 1}
    (report,) = one.reports
    assert (report["started_at"], report["possibly_charged"], report["rows"]) == (own["started_at"], 1, 150)
    assert (report["try_number"], report["price"], report["estimated_cost"]) == (3, "0.001", "0.15")


def test_each_try_has_a_nonce_of_its_own(variables: Variables) -> None:
    nonces = set()
    for _ in range(2):
        Try(ScriptedApi(failure(REFUSED_FOR_GOOD))).fails()
        nonces.add(own_record(variables)["nonce"])
    assert len(nonces) == 2


def test_the_send_is_a_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with traced_with(provider.get_tracer("a_test")):
        Try(ScriptedApi(accepted())).submit()
    (ended,) = exporter.get_finished_spans()
    assert (ended.name, dict(ended.attributes or {})) == ("ekyc.send", {"ekyc.rows": 150, "ekyc.bytes": len(LIST)})


def test_a_refusal_for_good_is_free(variables: Variables) -> None:
    one = Try(ScriptedApi(failure(REFUSED_FOR_GOOD)))
    error = one.fails()
    assert (error.message, error.charge, error.status) == ("Made up.", Charge.NONE, 402)
    assert (one.submitter.is_accepted, one.submitter.possibly_charged) == (False, 0)
    assert one.states == ["sending", "not_accepted"]
    found = recorded()
    assert isinstance(found, Intent)
    assert (found.state, found.sends, found.possibly_charged) == (IntentState.NOT_ACCEPTED, 1, 0)


def test_a_refusal_that_may_be_tried_again_is_sent_again(
    variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    seen: list[dict[str, Any]] = []
    api = ScriptedApi(failure(REFUSED), accepted())
    api.during = lambda: seen.append(open_intent(variables))
    one = Try(api)
    assert one.submit().balance_before == "999"
    assert one.submitter.possibly_charged == 1
    assert [(each["sends"], each["possibly_charged"], each["balance"]) for each in seen] == [
        (1, 1, 1000.0),
        (2, 1, 1000.0),
    ]
    assert "Balance before sending again: 999.00, at first 1,000.00." in caplog.messages
    assert "Made up. Trying again in" in caplog.text


def test_one_try_sends_twice_at_the_most() -> None:
    one = Try(ScriptedApi(*[failure(REFUSED)] * 3))
    assert one.fails().status == 500
    assert len(one.api.sent) == SENDS_PER_TRY == 2
    found = recorded()
    assert isinstance(found, Intent)
    assert found.sends == 2


def test_what_was_not_sent_is_not_counted() -> None:
    one = Try(ScriptedApi(*[failure(NOT_SENT)] * 4, accepted()))
    one.submit()
    assert len(one.api.sent) == 5
    assert one.submitter.possibly_charged == 1


def test_a_try_that_could_not_send_leaves_nothing_open(variables: Variables) -> None:
    one = Try(ScriptedApi(*[failure(NOT_SENT)] * 5))
    assert one.fails().message == "Made up."
    assert one.submitter.possibly_charged == 0
    left = open_intent(variables)
    assert (left["sends"], left["state"]) == (0, "not_taken")


def test_a_record_that_is_gone_is_reported_with_the_list_at_hand(variables: Variables) -> None:
    leave(intent(SCOPE), SCOPE)
    variables.delete_all()
    one = Try(ScriptedApi(), replace(TASK, try_number=2))
    one.fails(EkycJournalError)
    (report,) = one.reports
    assert (report["state"], report["rows"], report["task_type"]) == ("unknown", 150, "amazon")
    assert (report["fingerprint"], report["estimated_cost"]) == (SCOPE.fingerprint, "0.15")
    assert report["try_number"] == 2


@pytest.mark.parametrize(
    ("sends", "what", "is_limit"),
    [(3, REFUSED_FOR_GOOD, False), (4, REFUSED_FOR_GOOD, False), (4, REFUSED, True), (4, NOT_SENT, False)],
)
def test_the_last_of_all_sends_says_so(sends: int, what: tuple[int | None, bool, Outcome], is_limit: bool) -> None:
    leave(intent(SCOPE, IntentState.NOT_ACCEPTED, sends=sends), SCOPE)
    error = Try(ScriptedApi(*[failure(what)] * 5)).fails(EkycError)
    assert (error.kind == "send_limit") == is_limit
    assert ("This list was sent 5 times over" in error.message) == is_limit
    assert "Made up." in error.message


def test_the_count_of_an_earlier_try_goes_on() -> None:
    leave(intent(SCOPE, IntentState.NOT_ACCEPTED, sends=3), SCOPE)
    one = Try(ScriptedApi(*[failure(REFUSED)] * 2))
    assert one.fails(EkycError).kind == "send_limit"
    assert len(one.api.sent) == MOST_SENDS - 3


def test_an_unknown_outcome_fails_with_all_that_is_known(variables: Variables) -> None:
    one = Try(ScriptedApi(failure(UNKNOWN, "made-up-1")))
    error = one.fails(EkycUnknownOutcomeError)
    (key,) = variables.records()
    address = f"Airflow Variable {key}"
    advice = (
        f"Look for the remote task in the vendor's console. Found: write its id into {address}. Not found: write 'send "
        f"again' there. Then clear this task."
    )
    time = NOW.search(error.message)
    assert time
    assert error.message == (
        f"This list may have been charged. {advice} It is not sent again automatically. The answer contains a possible "
        f"remote id: made-up-1. Made up. The submission of 150 numbers may or may not have been accepted and charged, "
        f"at {time[0]}. Fingerprint {SCOPE.fingerprint}; balance before 1,000.00, now 999.00 (evidence, not proof: "
        f"others may use the account, and a charge may be booked late)."
    )
    assert (error.status, error.outcome, error.possible_ids) == (504, Outcome.UNKNOWN, ("made-up-1",))
    assert (error.charge, error.retryable, error.kind) == (Charge.POSSIBLE, False, "unknown_outcome")
    assert (error.steps, error.advice) == (settle_steps(address, ("made-up-1",)), advice)
    assert error.__suppress_context__
    assert (one.submitter.is_accepted, one.submitter.possibly_charged) == (False, 1)
    assert one.states == ["sending", "unknown"]
    found = recorded()
    assert isinstance(found, Intent)
    assert (found.state, found.sends, found.possible_ids) == (IntentState.UNKNOWN, 1, ("made-up-1",))
    assert (found.possibly_charged, found.balance) == (1, 1000.0)


@pytest.mark.parametrize(("sends", "retryable"), [(0, True), (3, True), (4, False)])
def test_resubmit_has_the_next_try_send_it_again_while_it_may_be_sent(sends: int, retryable: bool) -> None:
    if sends:
        leave(intent(SCOPE, sends=sends), SCOPE)
    one = Try(ScriptedApi(failure(UNKNOWN)), resubmit=True)
    error = one.fails(EkycUnknownOutcomeError)
    assert error.retryable == retryable
    assert "The next try sends this list again" in error.message
    assert error.advice == ""
    assert error.steps[0].startswith("Clear this task: its next try sends this list again")
    assert one.states[-1] == "unknown"
    assert one.reports[-1]["started_at"] != intent().started_at


def test_the_possible_ids_of_all_sends_are_kept_once_and_in_order(variables: Variables) -> None:
    leave(intent(SCOPE, possible_ids=("made-up-1", "made-up-2"), possibly_charged=2), SCOPE)
    seen: list[dict[str, Any]] = []
    api = ScriptedApi(failure(UNKNOWN, "made-up-3", "made-up-1"))
    api.during = lambda: seen.append(open_intent(variables))
    error = Try(api, resubmit=True).fails(EkycUnknownOutcomeError)
    assert [each["possible_ids"] for each in seen] == [["made-up-1", "made-up-2"]]
    assert error.possible_ids == ("made-up-3", "made-up-1")
    all_ids = ("made-up-1", "made-up-2", "made-up-3")
    assert error.steps[1:] == possible_id_steps(all_ids)
    found = recorded()
    assert isinstance(found, Intent)
    assert (found.possible_ids, found.possibly_charged, found.sends) == (all_ids, 3, 2)
    Try(ScriptedApi(accepted()), resubmit=True).submit()
    receipt = recorded()
    assert isinstance(receipt, Receipt)
    assert receipt.possible_ids == all_ids


def test_a_refusal_leaves_an_earlier_unknown_outcome_as_it_was(variables: Variables) -> None:
    left = intent(SCOPE, possible_ids=("made-up-1",))
    leave(left, SCOPE)
    seen: list[dict[str, Any]] = []
    api = ScriptedApi(failure(REFUSED_FOR_GOOD))
    api.during = lambda: seen.append(own_record(variables))
    one = Try(api, replace(TASK, try_number=2, max_tries=3), resubmit=True)
    error = one.fails()
    assert error.message == "Made up. An earlier submission of this list still has an unknown outcome."
    assert (error.charge, error.outcome) == (Charge.POSSIBLE, Outcome.REFUSED)
    assert one.states == ["sending", "unknown"]
    assert one.reports[-1]["started_at"] == left.started_at
    assert one.submitter.possibly_charged == 0
    found = recorded()
    assert isinstance(found, Intent)
    # A clear has raised ``max_tries``: the count begins anew.
    assert found == replace(left, sends=1, max_tries=3, nonce=found.nonce)
    assert found.nonce != left.nonce
    assert seen[0]["sends"] == 0


def test_a_refusal_after_a_refusal_is_free() -> None:
    leave(intent(SCOPE, IntentState.NOT_ACCEPTED), SCOPE)
    one = Try(ScriptedApi(failure(REFUSED_FOR_GOOD)), replace(TASK, try_number=2))
    assert one.fails().charge is Charge.NONE
    found = recorded()
    assert isinstance(found, Intent)
    assert (found.try_number, found.started_at > "2026-02", found.sends) == (2, True, 2)


def test_a_task_type_that_cannot_be_one_is_free_and_leaves_nothing_open() -> None:
    one = Try(ScriptedApi(EkycSettingsError("made up")))
    assert one.fails(EkycSettingsError).charge is Charge.NONE
    assert one.submitter.possibly_charged == 0
    assert one.states == ["sending", "not_accepted"]
    found = recorded()
    assert isinstance(found, Intent)
    assert (found.is_open, found.sends) == (False, 0)
