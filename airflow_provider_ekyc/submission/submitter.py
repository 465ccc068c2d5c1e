"""
Submit a list once: intent, submission, receipt.

The API has no idempotency key, no list and no cancel call, and each accepted submission is charged. So an
intent is recorded before a list is sent, and a receipt after it was accepted. A later try that finds the receipt
returns its remote task; one that finds only an intent fails because the outcome is unknown, and sends nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ekyc.api.models import Task
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycApiError,
    EkycError,
    EkycInProgressError,
    EkycJournalError,
    EkycSettingsError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.log_lines import log_lines, wrapped
from airflow_provider_ekyc.spans import span
from airflow_provider_ekyc.submission.balance import BalanceApi, balance_now
from airflow_provider_ekyc.submission.gate import MOST_SENDS, SubmissionGate
from airflow_provider_ekyc.submission.record import (
    SENT_AGAIN_BY_HAND,
    Intent,
    IntentState,
    Receipt,
    Scope,
    Submission,
)
from airflow_provider_ekyc.submission.settle_steps import after_send, receipt_steps
from airflow_provider_ekyc.submission.spending import NO_LIMITS, Estimate, SpendingLimits
from airflow_provider_ekyc.submission.spending_check import SpendingCheck
from airflow_provider_ekyc.submission.unsettled import UnsettledReport

if TYPE_CHECKING:
    from typing import BinaryIO

    from airflow_provider_ekyc.api.settings import EkycSettings
    from airflow_provider_ekyc.numbers.prepare import PreparedNumbers
    from airflow_provider_ekyc.submission.former_tasks import FormerSubmission, FormerTasks
    from airflow_provider_ekyc.submission.identity import TaskIdentity
    from airflow_provider_ekyc.submission.journal import Journal, SubmissionRecords

log = logging.getLogger(__name__)

#: How often one try sends a list: what a second send does not help, a later try may, after the task's ``retry_delay``.
SENDS_PER_TRY = 2


class SubmittingApi(BalanceApi, Protocol):
    """The calls that a submission needs, as ``EkycHook`` has them."""

    @property
    def settings(self) -> EkycSettings:
        """Settings of the connection."""
        ...

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        """Submit a file, once; charged."""
        ...


class Submitter:
    """
    Submits one list, at most once.

    :param api: the hook
    :param journal: of the task; :meth:`Journal.start_try` was called
    :param task: the Airflow task
    :param numbers: the list
    :param task_type: what to verify
    :param limits: what the user allows to be spent on this list
    :param resubmit: whether a submission whose outcome is unknown is sent again by the next try
    :param former: tasks of the same run that the DAG no longer has; None if there are none
    :param killed: whether the task was killed meanwhile
    :param report: takes the XCom ``unsettled``, and never raises an error
    """

    def __init__(
        self,
        api: SubmittingApi,
        journal: Journal,
        task: TaskIdentity,
        numbers: PreparedNumbers,
        task_type: str,
        *,
        limits: SpendingLimits = NO_LIMITS,
        resubmit: bool,
        former: FormerTasks | None = None,
        killed: Callable[[], bool] = lambda: False,
        report: Callable[[Mapping[str, Any]], object] = lambda _: None,
    ) -> None:
        self._api = api
        self._task = task
        self._numbers = numbers
        self._task_type = task_type
        self._resubmit = resubmit
        self._former = former
        self._is_by_hand = False
        self._killed = killed
        #: Whether this try's submission was accepted; not if it was submitted before.
        self.is_accepted = False
        #: How many sends of this try were accepted, or may have been: at the most so many are charged.
        self.possibly_charged = 0
        price = api.settings.price(task_type)
        self._spending = SpendingCheck(api, limits, Estimate(task_type, numbers.rows, price))
        self._scope = Scope.of(api.settings, task_type, numbers)
        self._report = UnsettledReport(report, self._scope, task_type, numbers.rows, price, task.try_number)
        self._records = journal.submission(self._scope.name, self._scope.schema_1_name)
        self._gate = SubmissionGate(
            journal,
            self._records,
            self._scope,
            task,
            resubmit=resubmit,
            balance_now=lambda: balance_now(api),
            report=self._report,
        )

    @property
    def killed_before(self) -> int:
        """How many sends of earlier tries ended with their worker, 0 or 1: they may have been accepted."""
        return int(self._gate.found_killed)

    def submit(self) -> Submission:
        """
        Return what was submitted before, or submit. What was submitted before is not checked: nothing is spent on it.

        :raises EkycSpendingError: if a limit does not allow it; nothing was sent
        :raises EkycUnknownOutcomeError: if this, or an earlier try's, may have been charged
        :raises EkycApiError: if it was refused, or not sent; nothing was charged
        :raises EkycError: ``send_limit`` if it was refused too often; ``killed`` before anything was sent
        :raises EkycJournalError: if it can't be known whether it was submitted before; nothing was sent
        :raises EkycInProgressError: if another try is submitting the same list
        """
        found = self._records.find()
        if isinstance(found, Receipt):
            return self._submitted_before(found, self._records)
        self._is_by_hand = found is SENT_AGAIN_BY_HAND
        if (submission := self._submitted_by_former_task(found)) is not None:
            return submission
        try:
            return self._submit(found)
        except EkycError as error:
            # What this try did not send, or what was refused, leaves an earlier unknown outcome as it is.
            if found is not None and found.is_open:
                error.charge = Charge.POSSIBLE
            if not isinstance(error, EkycUnknownOutcomeError):
                self._report.ended(self._records, found)
            raise

    def _submit(self, found: Intent | None) -> Submission:
        sends = self._gate.sends_so_far(found)
        self._spending.before_record(found)
        self._stop_if_killed()
        intent = Intent(
            started_at=_now(),
            try_number=self._task.try_number,
            map_index=self._task.map_index,
            rows=self._numbers.rows,
            fingerprint=self._scope.fingerprint,
            nonce=secrets.token_hex(8),
            max_tries=self._task.max_tries,
            balance=self._spending.balance,
            clear_number=self._task.clear_number,
        )
        # The record's content while nothing is being sent. A refusal must not make an earlier unknown outcome known.
        is_open = found is not None and found.is_open
        idle = replace(
            found if found is not None and is_open else replace(intent, state=IntentState.NOT_ACCEPTED),
            sends=sends,
            max_tries=intent.max_tries,
            nonce=intent.nonce,
        )
        self._records.begin(self._scope, idle, by_hand=found is SENT_AGAIN_BY_HAND)
        begun = (
            f"Submitting {self._numbers.rows:,} numbers (task type {self._task_type}). An accepted submission is "
            f"charged. Record: {self._records.address}. Fingerprint: {self._scope.fingerprint}."
        )
        if self._task.is_test:
            begun += " This is a test run (airflow tasks test, dag.test): each call submits again and is charged again."
        log_lines(log, logging.INFO, wrapped(begun))
        task, earlier_ids = self._send(intent, idle)
        total = task.total or None  # 0 while a task is pending, which is not a count
        accepted = "" if total is None else f": {total:,} numbers"
        log.info("Remote task %s was accepted%s.", task.ekyc_task_id, accepted)
        submission = self._spending.recorded(self._describe(task.ekyc_task_id, total=total, submitted_at=_now()))
        self._complete(Receipt(task.ekyc_task_id, submission.as_dict(), earlier_ids))
        return self._spending.after(submission)

    def _send(self, intent: Intent, idle: Intent) -> tuple[Task, tuple[str, ...]]:
        """Send the list, again if that is free; return the remote task, and possible ids of earlier sends."""
        begun = idle

        def sent_often() -> bool:
            return idle.sends - begun.sends >= SENDS_PER_TRY

        def send() -> Task:
            nonlocal idle
            self._stop_if_killed()
            self._spending.before_send(refused=idle is not begun, first_balance=intent.balance)
            sending = replace(
                intent,
                sends=idle.sends + 1,
                possible_ids=idle.possible_ids,
                possibly_charged=idle.possibly_charged + 1,
            )
            # Before the record, which must not say "being sent" while this waits for Airflow.
            self._report.sending(self._records, sending)
            try:
                self._records.announce(sending)
                self._stop_if_killed()
                self._records.require_current()
                self._stop_if_former_task_sends()
            except EkycError:
                self._note(idle)
                raise
            self.possibly_charged += 1  # also if a signal ends the call
            try:
                with span("ekyc.send", rows=self._numbers.rows, bytes=self._numbers.size):
                    task = self._api.submit(self._numbers.file, self._numbers.size, self._task_type)
                self.is_accepted = True
                return task
            except EkycApiError as error:
                if error.outcome is not Outcome.UNKNOWN:
                    self.possibly_charged -= 1
                if error.outcome is Outcome.UNKNOWN:
                    ids = tuple(dict.fromkeys((*idle.possible_ids, *error.possible_ids)))
                    unknown = replace(sending, state=IntentState.UNKNOWN, possible_ids=ids)
                    self._note(unknown)
                    raise self._unknown(error, unknown) from None
                not_sent = 1 if error.outcome is Outcome.NOT_SENT else 0
                idle = replace(idle, sends=sending.sends - not_sent)
                self._note(idle)
                if idle.is_open:
                    error.message += " An earlier submission of this list still has an unknown outcome."
                if error.retryable and idle.sends >= MOST_SENDS:
                    raise self._gate.limit_error(idle, error.message) from None
                raise
            except EkycSettingsError:  # raised before the call, such as a task type that can't be one
                self.possibly_charged -= 1
                self._note(idle)
                raise

        try:
            return retrying(Retries(), log, enough=sent_often)(send), idle.possible_ids
        except EkycUnknownOutcomeError as error:
            # What the user asked for by on_unknown_outcome="resubmit": Airflow's next try, not this one, sends again.
            error.retryable = self._resubmit and idle.sends + 1 < MOST_SENDS
            raise

    def _stop_if_killed(self) -> None:
        if self._killed():
            raise EkycError(
                "The task was killed before the list was sent, or sent again. Nothing was sent from then on; a retry "
                "reads the record of the list and goes on from there.",
                kind="killed",
                retryable=True,
                charge=Charge.NONE,
            )

    def _submitted_by_former_task(self, found: Intent | None) -> Submission | None:
        gate_stops = self._gate.has_begun if found is None else found.is_open and not self._resubmit
        former = None if gate_stops else self._find_former()
        if former is None:
            return None
        if isinstance(former.record, Receipt):
            return self._submitted_before(former.record, former.records, former.task_id)
        self._gate.require_former_settled(former.task_id, former.records, former.record)
        return None

    def _stop_if_former_task_sends(self) -> None:
        """
        Look once more after this list was announced.

        Each of two tasks that submit one list under two ids announces it first and looks for the other then, since
        neither's DAG has the other. So at least one of them notices the other.
        """
        former = self._find_former()
        if former is not None and (isinstance(former.record, Receipt) or former.record.state is IntentState.SENDING):
            raise EkycInProgressError(
                f"Task {former.task_id!r} of this run, which the DAG does not have, submits this list at the same "
                f"moment: see {former.records.address}. Nothing was sent now. A retry reads that record again."
            )

    def _find_former(self) -> FormerSubmission | None:
        if self._former is None:
            return None
        try:
            return self._former.find(self._records)
        except EkycJournalError as error:
            if not self._is_by_hand:
                raise
            text = f"A person had this list sent again, so it is sent although this is not known: {error.message}"
            log_lines(log, logging.WARNING, wrapped(text))
            return None

    def _submitted_before(self, receipt: Receipt, records: SubmissionRecords, former_id: str = "") -> Submission:
        submission = replace(self._describe(receipt.ekyc_task_id), **receipt.submission)
        former = f" by task {former_id!r} of this run, which the DAG no longer has," if former_id else ""
        text = (
            f"This list was already submitted{former or ','} as remote task {submission.ekyc_task_id} "
            f"({submission.submitted_at or 'recorded by hand'}). Nothing was sent or charged now. To submit it again, "
            f"which is charged again: {records.resubmit_instructions()}."
        )
        log_lines(log, logging.INFO, wrapped(text))
        return submission

    def _unknown(self, error: EkycApiError, intent: Intent) -> EkycUnknownOutcomeError:
        return EkycUnknownOutcomeError(
            f"{self._gate.instructions(intent)} {error.message} The submission of {intent.rows:,} numbers may or may "
            f"not have been accepted and charged, at {_now()}. {self._gate.evidence(intent)}",
            status=error.status,
            outcome=Outcome.UNKNOWN,
            possible_ids=error.possible_ids,
        ).with_steps(*self._gate.steps(intent), advice=self._gate.advice)

    def _complete(self, receipt: Receipt) -> None:
        try:
            retrying(Retries(), log, kinds=EkycJournalError)(self._write_receipt, receipt)
        except EkycJournalError as error:
            # It is paid for, and its id is known: this task succeeds with it.
            self._show_receipt(receipt, error)
        except BaseException:
            log.error("Remote task %s was accepted. Writing its receipt once more.", receipt.ekyc_task_id)
            try:
                self._write_receipt(receipt)
            except EkycJournalError as error:
                self._show_receipt(receipt, error)
            raise

    def _write_receipt(self, receipt: Receipt) -> None:
        try:
            self._records.complete(receipt)
        except EkycJournalError as error:
            raise error.with_message(after_send(error.message)) from None

    def _show_receipt(self, receipt: Receipt, error: EkycJournalError) -> None:
        steps = receipt_steps(self._records.address, receipt.ekyc_task_id)
        log_lines(log, logging.ERROR, (*steps, *wrapped(error.message)))

    def _note(self, intent: Intent) -> None:
        """Record the outcome of a send. The error at hand matters more than a journal that fails now."""
        try:
            self._records.note(intent)
        except EkycJournalError as error:
            text = (
                f"The record {self._records.address} could not be changed to {intent.state.value!r}. The next try may "
                f"fail because the outcome is unknown. {after_send(error.message)}"
            )
            log_lines(log, logging.ERROR, wrapped(text))

    def _describe(self, ekyc_task_id: str, **answer: Any) -> Submission:
        return Submission.of(ekyc_task_id, self._task_type, self._scope.fingerprint, self._numbers, **answer)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
