"""
What a try does with a list that a task recorded which the DAG no longer has; no request, records in memory.

Modules: ``submission/former_tasks.py`` and what ``submission/submitter.py`` does with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError, EkycUnknownOutcomeError
from airflow_provider_ekyc.submission.former_tasks import FormerTasks
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt
from airflow_provider_ekyc.submission.settle_steps import settle_steps
from airflow_provider_ekyc.submission.stores import Stores, open_stores
from dev.testing.variables import Variables
from tests.submission.in_memory import TASK, intent, journal_of, leave, logged
from tests.submission.one_try import SCOPE, ScriptedApi, Try, accepted, recorded

pytestmark = pytest.mark.usefixtures("no_waits")

OLD, OLDER = replace(TASK, task_id="old"), replace(TASK, task_id="older")
RECEIPT = Receipt("made-up-id-7", {"rows": 150, "submitted_at": "2026-01-02T03:04:05.678+00:00"}, ())
REFUSED = intent(SCOPE, IntentState.NOT_ACCEPTED)


def stores_of(task: TaskIdentity) -> Stores:
    return open_stores(task, uri=None, aws_conn_id=None, connection_uri=None)


class Former(FormerTasks):
    """Former tasks; how often Airflow was asked for their ids is counted."""

    def __init__(self, *task_ids: str, task: TaskIdentity = TASK) -> None:
        super().__init__(task, self._ids, stores_of)
        self._named = task_ids
        self.asked = 0
        #: What is done when Airflow is asked; its number of the question is given.
        self.then: Callable[[int], object] = lambda asked: None

    def _ids(self) -> tuple[str, ...]:
        self.asked += 1
        self.then(self.asked)
        return self._named

    def found(self) -> tuple[Any, ...] | None:
        """Return what is found of the list: task id, address and record."""
        former = self.find(journal_of().submission(SCOPE.name))
        return None if former is None else (former.task_id, former.records.address, former.record)


def test_nothing_is_found_without_a_former_task_and_where_none_has_a_record() -> None:
    assert Former().found() is None
    assert Former("old", "older").found() is None


def test_the_task_itself_is_none_of_its_former_ones() -> None:
    leave(RECEIPT, SCOPE)
    assert Former(TASK.task_id).found() is None


def test_a_receipt_is_found_before_an_open_intent_whatever_the_names() -> None:
    leave(intent(SCOPE), SCOPE, OLD)
    receipts = leave(RECEIPT, SCOPE, OLDER)
    assert Former("older", "old").found() == ("older", receipts.address, RECEIPT)


def test_of_two_open_intents_the_first_by_name_is_found() -> None:
    records = leave(intent(SCOPE, sends=2), SCOPE, OLD)
    leave(intent(SCOPE, sends=3), SCOPE, OLDER)
    assert Former("older", "old").found() == ("old", records.address, intent(SCOPE, sends=2))


def test_a_refused_intent_is_passed_over() -> None:
    leave(REFUSED, SCOPE, OLD)
    assert Former("old").found() is None
    records = leave(intent(SCOPE), SCOPE, OLDER)
    assert Former("old", "older").found() == ("older", records.address, intent(SCOPE))


def test_what_another_run_or_iteration_recorded_is_not_found() -> None:
    leave(RECEIPT, SCOPE, replace(OLD, run_id="another_run"))
    leave(RECEIPT, SCOPE, replace(OLD, iteration=1))
    assert Former("old").found() is None
    assert Former("old", task=replace(TASK, iteration=2)).found() is None
    assert Former("old", task=replace(TASK, iteration=1)).found() is not None


def test_a_task_in_a_loop_finds_what_was_recorded_outside_of_it() -> None:
    records = leave(RECEIPT, SCOPE, OLD)
    assert Former("old", task=replace(TASK, iteration=0)).found() == ("old", records.address, RECEIPT)


def test_a_former_record_that_is_gone_is_not_taken_for_none(variables: Variables) -> None:
    records = leave(intent(SCOPE), SCOPE, OLD)
    for key in (*variables.records(), *[key for key in variables.values if "_open_" in key]):
        del variables.values[key]
    with pytest.raises(EkycJournalError) as failed:
        Former("old").found()
    error, settle = failed.value, records.settle_instructions()
    assert error.message == (
        f"This list may have been charged. {settle}. Task 'old' of this run, which the DAG no longer has, began to "
        f"submit it, and its record can't be found now: it was deleted, or this worker does not share its directory. "
        f"Nothing was sent now."
    )
    assert (error.steps, error.advice) == (settle_steps(records.address), f"{settle}.")
    assert not error.retryable


def test_while_the_ids_are_not_known_a_person_may_still_settle_the_list() -> None:
    def away(asked: int) -> None:
        raise EkycJournalError("Made up.", retryable=True)

    former = Former("old")
    former.then = away
    own = journal_of().submission(SCOPE.name)
    with pytest.raises(EkycJournalError) as failed:
        former.find(own)
    assert failed.value.message == "Made up."
    assert failed.value.retryable
    assert failed.value.steps == ("If a retry does not help:", *settle_steps(own.address))


def test_a_map_index_finds_what_another_one_recorded() -> None:
    leave(RECEIPT, SCOPE, replace(OLD, map_index=3))
    assert Former("old", task=replace(TASK, map_index=0)).found() is not None


def test_a_receipt_of_a_former_task_is_returned_and_nothing_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    records = leave(RECEIPT, SCOPE, OLD)
    one = Try(ScriptedApi(), former=Former("old"))
    found = one.submit()
    assert (found.ekyc_task_id, found.rows) == ("made-up-id-7", 150)
    assert (one.api.sent, one.states, one.submitter.is_accepted) == ([], [], False)
    records.find()
    assert logged(caplog) == (
        "This list was already submitted by task 'old' of this run, which the DAG no longer has, as remote task "
        "made-up-id-7 (2026-01-02T03:04:05.678+00:00). Nothing was sent or charged now. To submit it again, which is "
        f"charged again: {records.resubmit_instructions()}."
    )


def test_a_receipt_of_its_own_is_returned_without_a_look_for_former_tasks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    leave(replace(RECEIPT, ekyc_task_id="its-own"), SCOPE)
    leave(RECEIPT, SCOPE, OLD)
    former = Former("old")
    assert Try(ScriptedApi(), former=former).submit().ekyc_task_id == "its-own"
    assert former.asked == 0
    assert "This list was already submitted, as remote task its-own (" in logged(caplog)


def test_an_open_intent_of_its_own_stops_the_try_without_a_look() -> None:
    leave(intent(SCOPE), SCOPE)
    leave(RECEIPT, SCOPE, OLD)
    former = Former("old")
    Try(ScriptedApi(), former=former).fails(EkycUnknownOutcomeError)
    assert former.asked == 0


@pytest.mark.parametrize("own", ["refused", "sent again by hand", "unknown, and resubmit"])
def test_what_may_be_sent_by_its_own_record_may_be_paid_under_the_other_id(own: str, variables: Variables) -> None:
    leave(REFUSED if own == "refused" else intent(SCOPE), SCOPE)
    if own == "sent again by hand":
        (key,) = variables.records()
        variables.values[key] = "send again"
    leave(RECEIPT, SCOPE, OLD)
    one = Try(ScriptedApi(), former=Former("old"), resubmit=own == "unknown, and resubmit")
    assert one.submit().ekyc_task_id == "made-up-id-7"
    assert one.api.sent == []


def test_what_a_person_had_sent_again_is_sent_while_the_ids_are_not_known(
    variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    leave(intent(SCOPE), SCOPE)
    (key,) = variables.records()
    variables.values[key] = "send again"

    def away(asked: int) -> None:
        raise EkycJournalError("Made up.", retryable=True)

    former = Former("old")
    former.then = away
    assert Try(ScriptedApi(accepted()), former=former).submit().ekyc_task_id == "made-up-id-1"
    assert "A person had this list sent again, so it is sent although this is not known: Made up." in logged(caplog)


@pytest.mark.parametrize("left", [RECEIPT, intent(SCOPE, IntentState.SENDING)], ids=["accepted", "being sent"])
def test_what_the_other_task_sends_since_the_first_look_is_not_sent_beside_it(left: Receipt | Intent) -> None:
    former = Former("old")
    former.then = lambda asked: asked == 2 and leave(left, SCOPE, OLD)
    one = Try(ScriptedApi(), former=former)
    error = one.fails(EkycInProgressError)
    assert error.message == (
        f"Task 'old' of this run, which the DAG does not have, submits this list at the same moment: see "
        f"{journal_of(OLD).submission(SCOPE.name).address}. Nothing was sent now. A retry reads that record again."
    )
    assert one.api.sent == []
    assert one.states == ["sending", "not_accepted"]
    found = recorded()
    assert isinstance(found, Intent)
    assert found.state is IntentState.NOT_ACCEPTED


def test_an_open_intent_of_a_former_task_stops_the_try() -> None:
    records = leave(intent(SCOPE), SCOPE, OLD)
    one = Try(ScriptedApi(), former=Former("old"))
    error = one.fails(EkycUnknownOutcomeError)
    assert "Until its task id was changed, task 'old' of this run" in error.message
    assert records.address in error.message
    assert (one.api.sent, one.states) == ([], [])


def test_with_resubmit_it_is_sent_again_under_the_new_id() -> None:
    leave(intent(SCOPE), SCOPE, OLD)
    one = Try(ScriptedApi(accepted()), former=Former("old"), resubmit=True)
    assert one.submit().ekyc_task_id == "made-up-id-1"
    found = journal_of().submission(SCOPE.name).find()
    assert isinstance(found, Receipt)
    assert found.ekyc_task_id == "made-up-id-1"


def test_without_a_record_of_a_former_task_it_is_sent() -> None:
    former = Former("old")
    assert Try(ScriptedApi(accepted()), former=former).submit().ekyc_task_id == "made-up-id-1"
    assert former.asked == 2


def test_a_record_of_its_own_that_is_gone_is_not_looked_for_under_another_id(variables: Variables) -> None:
    leave(REFUSED, SCOPE)
    for key in (*variables.records(), *[key for key in variables.values if "_open_" in key]):
        del variables.values[key]
    leave(RECEIPT, SCOPE, OLD)
    former = Former("old")
    error = Try(ScriptedApi(), former=former).fails(EkycJournalError)
    assert "that record can't be found now" in error.message
    assert former.asked == 0
