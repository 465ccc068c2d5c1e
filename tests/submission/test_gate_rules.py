"""Each rule of the gate on its own, with the whole error: no request, records in memory (``submission/gate.py``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycError,
    EkycInProgressError,
    EkycJournalError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.submission.gate import MOST_SENDS, SubmissionGate, amount
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt, Scope
from airflow_provider_ekyc.submission.settle_steps import possible_id_steps, settle_steps
from airflow_provider_ekyc.submission.unsettled import UnsettledReport
from dev.testing.variables import Variables
from tests.submission.in_memory import OTHER, SCOPE, TASK, Reports, intent, journal_of, leave, logged

REFUSED = intent(state=IntentState.NOT_ACCEPTED)
#: The same numbers, under a connection that names another API or account.
ELSEWHERE = Scope("https://other.example", "another-account", SCOPE.fingerprint, "")
IDS = ("made-up-1", "made-up-2")
Error = TypeVar("Error", bound=EkycError)
LATER = datetime(2026, 1, 3, tzinfo=UTC)


class Gate:
    """The gate of one try, and what it has reported."""

    def __init__(self, task: TaskIdentity = TASK, *, resubmit: bool = False) -> None:
        self.reports = Reports()
        journal = journal_of(task)
        self.records = journal.submission(SCOPE.name)
        self.found = self.records.find()
        self.gate = SubmissionGate(
            journal,
            self.records,
            SCOPE,
            task,
            resubmit=resubmit,
            balance_now=lambda: 1034.5,
            report=UnsettledReport(self.reports, SCOPE, "amazon", 200, None, task.try_number),
        )

    def sends(self) -> int:
        """Ask the gate about what is recorded."""
        assert self.found is None or isinstance(self.found, Intent)
        return self.gate.sends_so_far(self.found)

    def stopped(self, kind: type[Error]) -> Error:
        """Ask the gate, which stops the list; return its error."""
        with pytest.raises(kind) as failed:
            self.sends()
        assert type(failed.value) is kind
        return failed.value

    def reported(self) -> tuple[Any, ...]:
        """Return the one report: its state, record, rows and balance now."""
        (report,) = self.reports
        return report["state"], report["record"], report["rows"], report["balance_after"]


@pytest.fixture(params=[False, True], ids=["fail", "resubmit"])
def resubmit(request: pytest.FixtureRequest) -> bool:
    """Whether an unknown outcome is sent again by the next try."""
    return bool(request.param)


def test_a_new_list_of_a_first_try_is_sent(resubmit: bool, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(resubmit=resubmit)
    assert gate.sends() == 0
    assert (gate.reports, caplog.messages) == ([], [])


def test_a_refused_list_is_sent_again_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    leave(replace(REFUSED, sends=MOST_SENDS - 1))
    gate = Gate(replace(TASK, try_number=2))
    assert gate.sends() == MOST_SENDS - 1
    assert (gate.reports, caplog.messages) == ([], [])


def test_a_clear_starts_a_new_count() -> None:
    leave(replace(REFUSED, sends=MOST_SENDS))
    assert Gate(replace(TASK, max_tries=3)).sends() == 0


def test_a_list_that_was_refused_too_often_is_not_sent() -> None:
    leave(replace(REFUSED, sends=MOST_SENDS))
    gate = Gate()
    error = gate.stopped(EkycError)
    assert error.message == (
        "This list was sent 5 times over the tries of this task; it was refused each time, which is free. It is not "
        "sent again automatically. When the API works again, clear this task: that starts a new count. Fingerprint "
        f"{SCOPE.fingerprint}; record {gate.records.address}."
    )
    assert (error.kind, error.charge, error.retryable) == ("send_limit", Charge.NONE, False)


def test_a_list_that_was_sent_too_often_with_an_unknown_outcome_may_be_charged() -> None:
    leave(intent(sends=MOST_SENDS))
    error = Gate(resubmit=True).stopped(EkycError)
    assert "5 times over the tries of this task; its outcome is unknown. It is not sent" in error.message
    assert (error.kind, error.charge) == ("send_limit", Charge.POSSIBLE)
    assert "automatically. The last. When" in Gate().gate.limit_error(intent(), "The last.").message


def test_resubmit_sends_an_unknown_outcome_again_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    leave(intent(sends=3))
    gate = Gate(resubmit=True)
    assert gate.sends() == 3
    assert gate.reports == []
    assert logged(caplog) == (
        f"An earlier submission of this list has an unknown outcome ({intent().shown}). It is sent again, as "
        "on_unknown_outcome='resubmit' requests, and may be charged twice."
    )


@pytest.mark.parametrize("map_index", [-1, 7], ids=["its own", "another map index"])
def test_an_unknown_outcome_is_not_sent_again(map_index: int) -> None:
    left = intent(map_index=map_index, possible_ids=IDS)
    leave(left)
    gate = Gate()
    error = gate.stopped(EkycUnknownOutcomeError)
    settle = gate.records.settle_instructions()
    assert error.message == (
        f"This list may have been charged. {settle}. It is not sent again automatically. The answer contains a "
        f"possible remote id: made-up-1, made-up-2. An earlier submission of this list has no receipt ({left.shown}): "
        f"its try was killed, received no clear answer, or is still running. It may or may not have been accepted and "
        f"charged. Nothing was sent now. Fingerprint {SCOPE.fingerprint}; balance before 1,234.50, now 1,034.50 "
        f"(evidence, not proof: others may use the account, and a charge may be booked late)."
    )
    assert (error.outcome, error.charge, error.retryable) == (Outcome.UNKNOWN, Charge.POSSIBLE, False)
    assert (error.steps, error.advice) == (settle_steps(gate.records.address, IDS), f"{settle}.")
    assert gate.reported() == ("unknown", gate.records.address, 150, "1034.5")


def test_what_a_try_was_sending_when_it_ended_is_unknown_from_then_on() -> None:
    leave(intent(state=IntentState.SENDING))
    gate = Gate()
    gate.stopped(EkycUnknownOutcomeError)
    assert journal_of().submission(SCOPE.name).find() == intent(state=IntentState.UNKNOWN)


def test_what_another_map_index_is_sending_is_in_progress(resubmit: bool) -> None:
    leave(intent(state=IntentState.SENDING, map_index=7))
    gate = Gate(resubmit=resubmit)
    error = gate.stopped(EkycInProgressError)
    settle = gate.records.settle_instructions()
    assert error.message.endswith(f"If no such task runs any more: {settle}.")
    assert error.steps == (
        "If no other map index of this task runs any more:",
        *settle_steps(gate.records.address),
    )
    assert error.advice == f"If no such task runs any more: {settle}."
    assert error.advice in error.message
    assert gate.reports == []


def test_resubmit_sends_again_what_its_own_map_index_was_sending() -> None:
    leave(intent(state=IntentState.SENDING))
    assert Gate(resubmit=True).sends() == 1


@pytest.mark.parametrize("record", [intent(), REFUSED, Receipt("made-up-id")], ids=["unknown", "refused", "accepted"])
def test_a_record_that_is_gone_is_never_nothing_there(
    record: Intent | Receipt, resubmit: bool, variables: Variables
) -> None:
    leave(record)
    variables.delete_all()
    gate = Gate(resubmit=resubmit)
    error = gate.stopped(EkycJournalError)
    settle = gate.records.settle_instructions()
    assert error.message.startswith(f"This list may have been charged. {settle}. An earlier try of this task began")
    assert f"recorded that in {gate.records.address}; that record can't be found now" in error.message
    assert (error.steps, error.advice) == (settle_steps(gate.records.address), f"{settle}.")
    assert gate.reported() == ("unknown", gate.records.address, 200, None)


@pytest.mark.parametrize(
    ("record", "warned"),
    [(Receipt("made-up-id"), True), (intent(ELSEWHERE), True), (replace(REFUSED), False)],
    ids=["accepted", "unknown", "refused"],
)
def test_the_same_list_that_another_account_may_have_paid_for_is_warned_of(
    record: Intent | Receipt, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    paid = leave(record, ELSEWHERE)
    assert Gate(resubmit=True).sends() == 0
    text = (
        "An earlier try of this task submitted this list to https://other.example (account another-account): see "
        f"{paid.address}. The connection now names https://api.example (account made-up-account), so it is submitted "
        "there, and charged."
    )
    assert logged(caplog) == (text if warned else "")


def test_another_list_that_is_paid_for_is_no_reason_to_warn(caplog: pytest.LogCaptureFixture) -> None:
    leave(Receipt("made-up-id"), OTHER)
    assert Gate().sends() == 0
    assert caplog.messages == []


@pytest.mark.parametrize(("try_number", "has_begun", "warned"), [(1, False, False), (2, True, False), (2, False, True)])
def test_a_later_try_without_any_record_is_warned_of(
    try_number: int, has_begun: bool, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if has_begun:
        journal_of()
    assert Gate(replace(TASK, try_number=try_number)).sends() == 0
    text = "This is try 2, and no earlier try has left a record: it ended before it began to submit, or the records "
    assert logged(caplog).startswith(text) == warned
    assert bool(caplog.messages) == warned


@pytest.mark.parametrize("is_known", [False, True])
def test_another_list_with_an_unknown_outcome_is_settled_first(is_known: bool) -> None:
    if is_known:
        leave(REFUSED)
    left = intent(OTHER, rows=151)
    other = leave(left, OTHER)
    gate = Gate()
    error = gate.stopped(EkycUnknownOutcomeError)
    assert error.message.startswith(f"Another list may have been charged. {other.settle_instructions()}. An earlier")
    assert f"its outcome is unknown ({left.shown}). This list" in error.message
    assert (error.outcome, error.charge) == (Outcome.UNKNOWN, Charge.POSSIBLE)
    assert error.steps == ("Settle another list of this task first.", *settle_steps(other.address))
    assert error.advice == f"{other.settle_instructions()}."
    assert gate.reported() == ("unknown", other.address, 151, None)
    assert Gate(resubmit=True).sends() == int(is_known)


def test_another_list_whose_record_is_gone_is_settled_first(resubmit: bool, variables: Variables) -> None:
    other = leave(Receipt("made-up-id"), OTHER)
    variables.delete_all()
    gate = Gate(resubmit=resubmit)
    error = gate.stopped(EkycUnknownOutcomeError)
    assert "its outcome is unknown (its record can't be found). This list" in error.message
    assert gate.reported() == ("unknown", other.address, 200, None)


@pytest.mark.parametrize("record", [intent(OTHER, IntentState.NOT_ACCEPTED), Receipt("made-up-id")])
def test_another_list_that_is_settled_stops_nothing(record: Intent | Receipt) -> None:
    leave(record, OTHER)
    assert Gate().sends() == 0


@pytest.fixture
def elsewhere() -> str:
    """The address of a list of map index 7, which was sent before a clear and whose outcome is unknown."""
    mapped = replace(TASK, map_index=7)
    return leave(intent(OTHER, map_index=7, possible_ids=IDS), OTHER, mapped).address


@pytest.mark.parametrize("map_index", [0, 1])
def test_a_new_list_waits_for_the_unknown_one_of_another_map_index(map_index: int, elsewhere: str) -> None:
    gate = Gate(replace(TASK, map_index=map_index, run_started=LATER))
    error = gate.stopped(EkycUnknownOutcomeError)
    advice = f"Settle {elsewhere} first: write the remote id into it, or 'send again'."
    shown = intent(map_index=7, possible_ids=IDS).shown
    assert error.message == (
        f"{advice} The list of another map index of this task has an unknown outcome ({shown}), and this list is new, "
        f"so it may be the same numbers. Nothing was sent now. Then clear this task."
    )
    assert (error.outcome, error.charge, error.advice) == (Outcome.UNKNOWN, Charge.POSSIBLE, advice)
    assert error.steps == ("Settle the list of another map index first.", *settle_steps(elsewhere, IDS))
    assert gate.reported() == ("unknown", elsewhere, 150, None)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("prepare", "task", "resubmit", "sends"),
    [
        (lambda: leave(REFUSED, SCOPE, replace(TASK, map_index=1)), {"map_index": 1}, False, 1),
        (lambda: None, {"map_index": 1}, True, 0),
        (lambda: None, {"map_index": -1}, False, 0),
    ],
    ids=["not new", "resubmit", "not mapped"],
)
def test_other_lists_do_not_wait_for_the_unknown_one_of_another_map_index(
    prepare: Callable[[], object], task: dict[str, Any], resubmit: bool, sends: int
) -> None:
    prepare()
    assert Gate(replace(TASK, run_started=LATER, **task), resubmit=resubmit).sends() == sends


@pytest.mark.parametrize("ids", [(), IDS], ids=["no id", "two ids"])
def test_what_a_person_can_do_is_the_settings_choice(ids: tuple[str, ...]) -> None:
    left = intent(possible_ids=ids)
    shown = " The answer contains a possible remote id: made-up-1, made-up-2." if ids else ""
    settled, again = Gate(), Gate(resubmit=True).gate
    settle = settled.records.settle_instructions()
    assert settled.gate.instructions(left) == (
        f"This list may have been charged. {settle}. It is not sent again automatically.{shown}"
    )
    assert settled.gate.steps(left) == settle_steps(settled.records.address, ids)
    assert settled.gate.advice == f"{settle}."
    assert again.instructions(left) == (
        f"The next try sends this list again, as on_unknown_outcome='resubmit' requests.{shown}"
    )
    assert again.steps(left) == (
        "Clear this task: its next try sends this list again, as on_unknown_outcome='resubmit' requests.",
        *possible_id_steps(ids),
    )
    assert again.advice == ""


def test_a_balance_that_is_not_known_is_said() -> None:
    assert (amount(None), amount(0.0), amount(1234.5)) == ("unknown", "0.00", "1,234.50")


FORMER = replace(TASK, task_id="a_former_task")
BEGAN = "task 'a_former_task' of this run, which the DAG no longer has, began to submit it"


def test_what_was_begun_is_known_by_the_record_of_the_task_instance() -> None:
    assert not Gate().gate.has_begun
    leave(REFUSED, OTHER)
    assert not Gate().gate.has_begun
    leave(REFUSED)
    assert Gate().gate.has_begun


def test_an_unknown_outcome_of_a_former_task_is_not_sent_again() -> None:
    left = intent(possible_ids=IDS)
    records = leave(left, task=FORMER)
    gate = Gate()
    with pytest.raises(EkycUnknownOutcomeError) as failed:
        gate.gate.require_former_settled("a_former_task", records, left)
    error, settle = failed.value, records.settle_instructions()
    assert records.address != gate.records.address
    assert error.message == (
        f"This list may have been charged. {settle}. Until its task id was changed, {BEGAN} ({left.shown}); that "
        f"submission has no receipt. It may or may not have been accepted and charged. Nothing was sent now."
    )
    assert error.steps == settle_steps(records.address, IDS)
    assert error.advice == f"{settle}."
    assert (error.outcome, error.charge, error.retryable) == (Outcome.UNKNOWN, Charge.POSSIBLE, False)
    # The page finds it with the task that has sent it.
    assert gate.reports == []


@pytest.mark.parametrize("resubmit", [False, True])
def test_what_a_former_task_may_be_sending_is_never_sent_beside_it(resubmit: bool) -> None:
    left = intent(state=IntentState.SENDING, possible_ids=IDS)
    records = leave(left, task=FORMER)
    with pytest.raises(EkycInProgressError) as failed:
        Gate(resubmit=resubmit).gate.require_former_settled("a_former_task", records, left)
    error, settle = failed.value, records.settle_instructions()
    assert error.message == (
        f"This list may be in the middle of its upload: {BEGAN} ({left.shown}). Nothing was sent now. If that task "
        f"still runs, a retry finds its remote task. If it does not run any more: {settle}."
    )
    assert error.steps == ("If that task does not run any more:", *settle_steps(records.address, IDS))
    assert error.advice == f"If it does not run any more: {settle}."
    assert (error.charge, error.retryable) == (Charge.POSSIBLE, True)


def test_resubmit_sends_an_unknown_outcome_of_a_former_task_again_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    records = leave(intent(), task=FORMER)
    Gate(resubmit=True).gate.require_former_settled("a_former_task", records, intent())
    assert logged(caplog) == (
        f"The outcome is unknown of an earlier submission of this list: {BEGAN} ({intent().shown}). It is sent again, "
        "as on_unknown_outcome='resubmit' requests, and may be charged twice."
    )
