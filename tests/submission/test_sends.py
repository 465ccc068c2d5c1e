"""
One try of a list, step by step: what it records, returns, reports and logs; no request, records in memory.

Modules: ``submission/submitter.py``.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any, BinaryIO

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from airflow_provider_ekyc.api.models import Balance, Task, TaskStatus
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycApiError,
    EkycError,
    EkycInProgressError,
    EkycJournalError,
    EkycSettingsError,
    EkycSpendingError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.numbers.prepare import PreparedNumbers
from airflow_provider_ekyc.spans import traced_with
from airflow_provider_ekyc.submission.gate import MOST_SENDS
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.journal import Journal
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt, Scope, Submission
from airflow_provider_ekyc.submission.settle_steps import possible_id_steps, receipt_steps, settle_steps
from airflow_provider_ekyc.submission.spending import SpendingLimits
from airflow_provider_ekyc.submission.stores import open_stores
from airflow_provider_ekyc.submission.submitter import SENDS_PER_TRY, Submitter
from dev.testing.variables import Variables
from tests.submission.in_memory import TASK, Reports, intent, journal_of, leave, logged

pytestmark = pytest.mark.usefixtures("no_waits")

SETTINGS = EkycSettings("https://api.example", "made-up-key", account="made-up", prices={"amazon": Decimal("0.001")})
LIST = b"+9990000000001\n" * 150
NUMBERS = PreparedNumbers(io.BytesIO(LIST), len(LIST), "1" * 64, "2" * 32, 160, 1, 2, 3, 150, "3" * 64)
SCOPE = Scope.of(SETTINGS, "amazon", NUMBERS)
NOW = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")

REFUSED_FOR_GOOD = (402, False, Outcome.REFUSED)
REFUSED = (500, True, Outcome.REFUSED)
NOT_SENT = (None, True, Outcome.NOT_SENT)
UNKNOWN = (504, False, Outcome.UNKNOWN)


def accepted(number: int = 1, total: int | None = 149) -> Task:
    return Task(f"made-up-id-{number}", TaskStatus.PENDING, "pending", total)


def failure(what: tuple[int | None, bool, Outcome], *ids: str) -> EkycApiError:
    status, retryable, outcome = what
    return EkycApiError("Made up.", status=status, retryable=retryable, outcome=outcome, possible_ids=ids)


class ScriptedApi:
    """
    As much of the API as a submission needs; each balance is one less than the one before.

    :param answers: of the submissions, in turn: a remote task, or an error
    """

    settings = SETTINGS

    def __init__(self, *answers: Task | BaseException) -> None:
        self._answers = list(answers)
        self._balance = 1001.0
        self.sent: list[tuple[object, int, str]] = []
        #: What is called when a list is sent.
        self.during: Callable[[], object] = lambda: None

    def get_balance(self, *, once: bool = False) -> Balance:
        self._balance -= 1
        return Balance(self._balance)

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        self.sent.append((file, size, task_type))
        self.during()
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Try:
    """One try over the records in memory, and what it has reported."""

    def __init__(self, api: ScriptedApi, task: TaskIdentity = TASK, journal: Journal | None = None, **more: Any):
        self.api = api
        self.reports = Reports()
        options = {"resubmit": False, "report": self.reports, **more}
        self.submitter = Submitter(api, journal or journal_of(task), task, NUMBERS, "amazon", **options)

    def submit(self) -> Submission:
        return self.submitter.submit()

    def fails(self, kind: type[BaseException] = EkycApiError) -> Any:
        """Return the error of the try."""
        with pytest.raises(kind) as failed:
            self.submitter.submit()
        return failed.value

    @property
    def states(self) -> list[str]:
        return [report["state"] for report in self.reports]


def recorded(task: TaskIdentity = TASK) -> Receipt | Intent | None:
    """What another try finds now."""
    return journal_of(task).submission(SCOPE.name).find()


def open_intent(variables: Variables) -> dict[str, Any]:
    """The record of what is being sent, without the fields that each record has."""
    (record,) = (json.loads(value) for key, value in variables.values.items() if "_open_" in key)
    return {name: each for name, each in record.items() if name not in ("schema", "record")}


def own_record(variables: Variables) -> dict[str, Any]:
    (record,) = (json.loads(value) for value in variables.records().values())
    return {name: each for name, each in record.items() if name not in ("schema", "record")}


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


def test_an_accepted_task_without_a_total_is_named_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert Try(ScriptedApi(accepted(total=None))).submit().total is None
    assert "Remote task made-up-id-1 was accepted." in caplog.messages


@pytest.mark.parametrize("is_test", [False, True])
def test_a_test_run_is_said_before_it_pays(is_test: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    Try(ScriptedApi(accepted()), replace(TASK, is_test=is_test)).submit()
    words = f"Fingerprint: {SCOPE.fingerprint}. This is a test run (airflow tasks test, dag.test): each call submits"
    assert (words in logged(caplog)) == is_test


def test_while_it_is_sent_the_records_say_so(variables: Variables) -> None:
    task = replace(TASK, try_number=3, map_index=7, max_tries=4)
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
