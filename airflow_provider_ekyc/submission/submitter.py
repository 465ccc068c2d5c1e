"""
May this be sent? Intent, submit, receipt, over a journal.

The API has no idempotency key, no list and no cancel call, and each accepted submission is charged. So what is
about to be sent is recorded before, and what was accepted after. A later try that finds the receipt returns its
remote task; one that finds an intent alone knows that the outcome is not known, and sends nothing by itself.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from airflow_provider_ekyc.api.models import Balance, Task
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycError,
    EkycInProgressError,
    EkycJournalError,
    EkycKilledError,
    EkycSettingsError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.submission.earlier_records import earlier_name
from airflow_provider_ekyc.submission.gate import MOST_SENDS, SubmissionGate, amount
from airflow_provider_ekyc.submission.record import Intent, IntentState, Receipt, Scope, Submission, fingerprint
from airflow_provider_ekyc.submission.record_format import is_by_hand

if TYPE_CHECKING:
    from typing import BinaryIO

    from airflow_provider_ekyc.numbers.prepare import PreparedNumbers
    from airflow_provider_ekyc.submission.identity import TaskIdentity
    from airflow_provider_ekyc.submission.journal import Journal

log = logging.getLogger(__name__)

#: How often one try sends it: what a second does not help, a later try may, after the task's ``retry_delay``.
SENDS_PER_TRY = 2


class SubmittingApi(Protocol):
    """The calls that a submission needs, as ``EkycHook`` has them."""

    def get_balance(self, *, once: bool = False) -> Balance:
        """Ask for the balance; free."""
        ...

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        """Submit a file, once; charged."""
        ...


class Submitter:
    """
    Submits one list, at most once.

    :param api: the hook
    :param journal: what remembers; :meth:`Journal.start_try` was called
    :param task: the Airflow task
    :param base_url: of the API, as the connection has it
    :param scope_url: of the API, in the one spelling that records have
    :param account: label of the paying account
    :param resubmit: whether a submission whose outcome is unknown is sent again by the next try
    :param killed: tells whether the task was killed meanwhile
    :param retries: how often, and for how long, one try sends again what certainly was not accepted
    """

    def __init__(
        self,
        api: SubmittingApi,
        journal: Journal,
        task: TaskIdentity,
        *,
        base_url: str,
        scope_url: str,
        account: str,
        resubmit: bool,
        killed: Callable[[], bool] = lambda: False,
        retries: Retries | None = None,
    ) -> None:
        self._api = api
        self._journal = journal
        self._task = task
        self._base_url = base_url
        self._scope_url = scope_url
        self._account = account
        self._resubmit = resubmit
        self._gate = SubmissionGate(journal, task, resubmit=resubmit, balance_now=self._balance_after)
        self._killed = killed
        self._retries = retries or Retries()

    def submit(self, numbers: PreparedNumbers, task_type: str) -> Submission:
        """
        Return what was submitted before, or submit.

        A free balance query goes first: it turns a wrong key and an empty account into clear errors before the
        upload. If it fails otherwise, the submission goes on without it.

        :raises EkycUnknownOutcomeError: if this, or an earlier try's, may have been charged
        :raises EkycApiError: if it was refused, or not sent; nothing was charged
        :raises EkycSendLimitError: if it was refused too often
        :raises EkycJournalError: if it can't be known whether it was submitted before; nothing was sent
        :raises EkycInProgressError: if another try is submitting the same list
        :raises EkycKilledError: if the task was killed before anything was sent
        """
        scope = Scope(self._scope_url, self._account, fingerprint(task_type, numbers.content_key))
        earlier = earlier_name(self._base_url, self._account, task_type, numbers.sha256)
        found = self._journal.find(scope.name, earlier_name=earlier)
        if isinstance(found, Receipt):
            return self._reuse(found, numbers, task_type, scope)
        sends = self._gate.sends_so_far(found, scope)
        before = self._balance()
        self._stop_if_killed()
        intent = self._intent(numbers, scope, before)
        # What the record says while nothing is being sent. A refusal must not make an earlier unknown outcome known.
        resting = replace(
            found if found is not None and found.is_open else replace(intent, state=IntentState.NOT_TAKEN),
            sends=sends,
            max_tries=self._task.max_tries,
            nonce=intent.nonce,
        )
        self._journal.begin(scope, resting, by_hand=found is not None and is_by_hand(found))
        return self._send(numbers, task_type, scope, intent, resting)

    def _send(
        self, numbers: PreparedNumbers, task_type: str, scope: Scope, intent: Intent, resting: Intent
    ) -> Submission:
        begun = resting

        def sent_often() -> bool:
            return resting.sends - begun.sends >= SENDS_PER_TRY

        def send() -> Task:
            nonlocal resting
            self._stop_if_killed()
            if resting is not begun:
                self._look_at_the_balance(intent)
            sending = replace(intent, sends=resting.sends + 1, possible_ids=resting.possible_ids)
            try:
                self._journal.announce(scope.name, sending)
                self._require_current(scope)
            except EkycError:
                self._note(scope, resting)
                raise
            try:
                return self._api.submit(numbers.file, numbers.size, task_type)
            except EkycApiError as error:
                if error.outcome is Outcome.UNKNOWN:
                    ids = tuple(dict.fromkeys((*resting.possible_ids, *error.possible_ids)))
                    unknown = replace(sending, state=IntentState.UNKNOWN, possible_ids=ids)
                    self._note(scope, unknown)
                    raise self._unknown(error, scope, unknown) from None
                not_sent = 1 if error.outcome is Outcome.NOT_SENT else 0
                resting = replace(resting, sends=sending.sends - not_sent)
                self._note(scope, resting)
                if resting.is_open:
                    error.message += " An earlier submission of this list still has an unknown outcome."
                if error.retryable and resting.sends >= MOST_SENDS:
                    raise self._gate.limit(scope, resting, error.message) from None
                raise
            except EkycSettingsError:  # raised before the call, such as a task type that can't be one
                self._note(scope, resting)
                raise

        log.info(
            "Submitting %s numbers (task type %s, fingerprint %s); an accepted submission is charged. Record: %s.%s",
            f"{numbers.rows:,}",
            task_type,
            scope.fingerprint,
            self._journal.address(scope.name),
            " This is a test run (airflow tasks test, dag.test): each call of it submits and pays anew."
            if self._task.is_test
            else "",
        )
        try:
            task = retrying(self._retries, log, enough=sent_often)(send)
        except EkycUnknownOutcomeError as error:
            # What the user asked for by on_unknown_outcome="resubmit": Airflow's next try, not this one, sends again.
            error.retryable = self._resubmit and resting.sends + 1 < MOST_SENDS
            raise
        accepted = "" if task.total is None else f": {task.total:,} numbers"
        log.info("Remote task %s was accepted%s.", task.ekyc_task_id, accepted)
        submission = _describe(numbers, task_type, scope, task.ekyc_task_id, task.total, _now())
        self._complete(scope, submission, resting.possible_ids)
        return submission

    def _look_at_the_balance(self, intent: Intent) -> None:
        balance = self._balance()
        if balance is not None:
            log.info("Balance before sending again: %s, at first %s.", amount(balance.balance), amount(intent.balance))

    def _require_current(self, scope: Scope) -> None:
        """Look at the last moment whether this may still be sent."""
        self._stop_if_killed()
        if not self._journal.is_current(scope.name):
            raise EkycInProgressError(
                f"The record of this list, {self._journal.address(scope.name)}, was changed meanwhile: another try "
                f"submits it, or a person has settled it. Nothing was sent. A retry reads the record again."
            )

    def _stop_if_killed(self) -> None:
        if self._killed():
            raise EkycKilledError(
                "The task was killed before the list was sent, or sent again. Nothing was sent from then on; a retry "
                "reads the record of the list and goes on from there."
            )

    def _reuse(self, receipt: Receipt, numbers: PreparedNumbers, task_type: str, scope: Scope) -> Submission:
        known = _describe(numbers, task_type, scope, receipt.ekyc_task_id, None, None)
        names = {field.name for field in fields(Submission)}
        remembered = {name: value for name, value in receipt.submission.items() if name in names}
        submission = Submission(**{**known.as_dict(), **remembered, "ekyc_task_id": receipt.ekyc_task_id})
        log.info(
            "This list was already submitted, as remote task %s (%s). Nothing was sent or charged now. To submit it "
            "anew, which is charged again: %s.",
            submission.ekyc_task_id,
            submission.submitted_at or "recorded by hand",
            self._journal.resubmit_instructions(scope.name),
        )
        return submission

    def _unknown(self, error: EkycApiError, scope: Scope, intent: Intent) -> EkycUnknownOutcomeError:
        return EkycUnknownOutcomeError(
            f"{self._gate.ways_out(scope, intent)} {error.message} The submission of {intent.rows:,} numbers may "
            f"or may not have been accepted and charged, at {_now()}. {self._gate.evidence(scope, intent)}",
            status=error.status,
            outcome=Outcome.UNKNOWN,
            possible_ids=error.possible_ids,
        )

    def _intent(self, numbers: PreparedNumbers, scope: Scope, before: Balance | None) -> Intent:
        return Intent(
            started_at=_now(),
            try_number=self._task.try_number,
            map_index=self._task.map_index,
            rows=numbers.rows,
            fingerprint=scope.fingerprint,
            nonce=secrets.token_hex(8),
            max_tries=self._task.max_tries,
            balance=None if before is None else before.balance,
        )

    def _complete(self, scope: Scope, submission: Submission, earlier_ids: tuple[str, ...]) -> None:
        receipt = Receipt(submission.ekyc_task_id, {**submission.as_dict(), "possible_ids": list(earlier_ids)})
        try:
            retrying(self._retries, log, kinds=EkycJournalError)(self._journal.complete, scope.name, receipt)
        except EkycJournalError as error:
            # Paid, and its id is known: this task succeeds with it.
            log.error(
                "Write %s into %s: this remote task was accepted, and its receipt could not be written. %s Unless it "
                "is there, a later try of this task says that the outcome is unknown.",
                submission.ekyc_task_id,
                self._journal.address(scope.name),
                error,
            )
        except BaseException:
            log.error("Remote task %s was accepted. Writing its receipt once more.", submission.ekyc_task_id)
            self._journal.complete(scope.name, receipt)
            raise

    def _note(self, scope: Scope, intent: Intent) -> None:
        """Record what came of a send; the error at hand says more than a journal that fails now."""
        try:
            self._journal.note(scope.name, intent)
        except EkycJournalError as error:
            log.error(
                "The record %s could not be changed to %r: %s The next try may say that the outcome is unknown.",
                self._journal.address(scope.name),
                intent.state.value,
                error,
            )

    def _balance(self) -> Balance | None:
        try:
            return self._api.get_balance()
        except EkycApiError as error:
            if error.status in (401, 402) and not error.retryable:
                raise
            log.warning("%s The submission goes on without knowing the balance.", error)
            return None

    def _balance_after(self) -> float | None:
        try:
            return self._api.get_balance(once=True).balance
        except EkycApiError as error:
            log.warning("%s So the balance is not known.", error)
            return None


def _describe(
    numbers: PreparedNumbers,
    task_type: str,
    scope: Scope,
    ekyc_task_id: str,
    total: int | None,
    submitted_at: str | None,
) -> Submission:
    return Submission(
        ekyc_task_id=ekyc_task_id,
        task_type=task_type,
        fingerprint=scope.fingerprint,
        lines_read=numbers.lines_read,
        blank=numbers.blank,
        duplicates=numbers.duplicates,
        invalid=numbers.invalid,
        rows=numbers.rows,
        total=total,
        submitted_at=submitted_at,
        input_sha256=numbers.input_sha256,
        content_key=numbers.content_key,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
