"""
May this be sent? Intent, submit, receipt, over a journal.

The API has no idempotency key, no list and no cancel call, and each accepted submission is charged. So what is
about to be sent is written down before, and what was taken after. A later try that finds the receipt takes it
up; one that finds the intent alone knows that the outcome is not known, and sends nothing by itself.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ekyc.api.models import Balance, Task
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycError,
    EkycJournalError,
    EkycKilledError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.journals.record import (
    Intent,
    Journal,
    Scope,
    Submission,
    fingerprint,
    read_intent,
    read_receipt,
)

if TYPE_CHECKING:
    from typing import BinaryIO

    from airflow_provider_ekyc.numbers.prepare import PreparedNumbers

log = logging.getLogger(__name__)


class SubmittingApi(Protocol):
    """The calls that a submission needs, as ``EkycHook`` has them."""

    def get_balance(self, *, once: bool = False) -> Balance:
        """Ask for the balance; free."""
        ...

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        """Send a file once; charged."""
        ...


class Submitter:
    """
    Submits one file, at most once.

    :param api: the hook
    :param journal: what remembers; None if nothing does
    :param base_url: of the API, part of the scope of a record
    :param account: label of the paying account, part of the scope of a record
    :param try_number: of the Airflow task
    :param resubmit: whether a submission whose outcome is unknown is sent again by the next try
    :param killed: tells whether the task was killed meanwhile
    """

    def __init__(
        self,
        api: SubmittingApi,
        journal: Journal | None,
        *,
        base_url: str,
        account: str,
        try_number: int,
        resubmit: bool,
        killed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._api = api
        self._journal = journal
        self._base_url = base_url
        self._account = account
        self._try_number = try_number
        self._resubmit = resubmit
        self._killed = killed

    def submit(self, numbers: PreparedNumbers, task_type: str) -> Submission:
        """
        Take up what was submitted before, or submit.

        A free balance call goes first: it turns a wrong key and an empty account into clear errors before the
        upload. If it fails otherwise, the submission goes on without it.

        :raises EkycUnknownOutcomeError: if this, or an earlier try's, may have been charged
        :raises EkycApiError: if it was refused, or not sent; nothing was charged
        :raises EkycJournalError: if it can't be known whether it was submitted before; nothing was sent
        :raises EkycInProgressError: if another try is submitting the same file
        :raises EkycKilledError: if the task was killed before anything was sent
        """
        scope = Scope(self._base_url, self._account, fingerprint(task_type, numbers.sha256))
        earlier: Intent | None = None
        if self._journal is not None:
            receipt = self._journal.receipt(scope.name)
            if receipt is not None:
                return self._take_up(read_receipt(receipt), numbers, task_type, scope)
            found = self._journal.intent(scope.name)
            if found is not None:
                earlier = read_intent(found)
                self._settle(earlier, scope)
        before = self._balance()
        if self._killed():
            raise EkycKilledError("The task was killed before anything was sent. Nothing was charged.")
        self._begin(scope, self._intent(numbers, scope, before), earlier)
        return self._send(numbers, task_type, scope, before, earlier)

    def _send(
        self,
        numbers: PreparedNumbers,
        task_type: str,
        scope: Scope,
        before: Balance | None,
        earlier: Intent | None,
    ) -> Submission:
        log.info(
            "Submitting %s numbers (task type %s, fingerprint %s).", f"{numbers.rows:,}", task_type, scope.fingerprint
        )
        try:
            task = retrying(Retries(), log)(self._api.submit, numbers.file, numbers.size, task_type)
        except EkycError as error:
            if isinstance(error, EkycApiError) and error.outcome is Outcome.UNKNOWN:
                raise self._unknown(error.message, numbers, scope, before) from None
            self._withdraw(scope, earlier)
            raise
        except BaseException as error:
            # A time-out of the task, or a kill, in the middle of the upload. With a journal the intent stays and
            # speaks for itself; without one this is the last moment to keep Airflow from trying again.
            if self._journal is None and not self._resubmit:
                interrupted = f"The submission was interrupted ({type(error).__name__})."
                raise self._unknown(interrupted, numbers, scope, before) from None
            raise
        told = "" if task.total is None else f": {task.total:,} numbers"
        log.info("Remote task %s was accepted%s.", task.ekyc_task_id, told)
        submission = _describe(numbers, task_type, scope, task.ekyc_task_id, task.total, _now())
        self._complete(scope, submission)
        return submission

    def _take_up(
        self, receipt: Mapping[str, Any], numbers: PreparedNumbers, task_type: str, scope: Scope
    ) -> Submission:
        known = _describe(numbers, task_type, scope, receipt["ekyc_task_id"], None, None)
        names = {field.name for field in fields(Submission)}
        submission = Submission(**{**known.as_dict(), **{k: v for k, v in receipt.items() if k in names}})
        log.info(
            "This file was submitted before, as remote task %s (%s). It is taken up; nothing was sent or charged now. "
            "To have it submitted anew, and charged again: %s.",
            submission.ekyc_task_id,
            submission.submitted_at or "put into the journal by hand",
            self._journal.forget(scope.name) if self._journal else "clear this task",
        )
        return submission

    def _settle(self, intent: Intent, scope: Scope) -> None:
        """Stop at an intent without a receipt, unless the user wants it sent again."""
        if self._resubmit:
            log.warning(
                "An earlier submission of this file has an unknown outcome (%s). It is sent again, as "
                "on_unknown_outcome='resubmit' says, and may be charged twice.",
                intent.shown,
            )
            return
        raise EkycUnknownOutcomeError(
            f"An earlier submission of this file left no receipt ({intent.shown}): its try died, got "
            f"no clear answer, or is still under way, and it may or may not have been taken and charged. Nothing was "
            f"sent now. Fingerprint {scope.fingerprint}; balance now {_shown(self._balance_after())} "
            f"(evidence, not proof: others may use the account, and a charge may be "
            f"booked late). {self._ways_out(scope)}",
            outcome=Outcome.UNKNOWN,
        )

    def _unknown(
        self, happened: str, numbers: PreparedNumbers, scope: Scope, before: Balance | None
    ) -> EkycUnknownOutcomeError:
        unknown = EkycUnknownOutcomeError(
            f"{happened} The submission may or may not have been taken and charged. Known: {numbers.rows:,} "
            f"numbers, fingerprint {scope.fingerprint}, at {_now()}; balance before {_shown(before)}, after "
            f"{_shown(self._balance_after())} (evidence, not proof: others may use the account, and a charge may be "
            f"booked late). {self._ways_out(scope)}",
            outcome=Outcome.UNKNOWN,
        )
        # What the user asked for by on_unknown_outcome="resubmit": Airflow's next try may send it again.
        unknown.retryable = self._resubmit
        return unknown

    def _ways_out(self, scope: Scope) -> str:
        looking = "Look for the task in the vendor's console."
        if self._resubmit:
            return f"{looking} The next try sends it again, as on_unknown_outcome='resubmit' says."
        if self._journal is None:
            return (
                f"{looking} It is not sent again by itself. If it is there, give its id to EkycTaskSensor and "
                f"EkycResultsToS3Operator; if it is not, clear this task to submit again."
            )
        return (
            f"{looking} It is not sent again by itself: {self._journal.by_hand(scope.name)}; then clear this task. "
            f"To look again at the journal alone, clear this task as it is."
        )

    def _intent(self, numbers: PreparedNumbers, scope: Scope, before: Balance | None) -> Intent:
        balance = None if before is None else before.balance
        nonce = secrets.token_hex(8)
        return Intent(_now(), self._try_number, numbers.rows, scope.fingerprint, nonce, balance)

    def _begin(self, scope: Scope, intent: Intent, earlier: Intent | None) -> None:
        if self._journal is None:
            return
        try:
            self._journal.begin(scope.name, intent, again=earlier is not None)
        except EkycJournalError:
            # The intent may have been written all the same; nothing was sent, so it must not stay.
            self._withdraw(scope, earlier, only=intent)
            raise

    def _complete(self, scope: Scope, submission: Submission) -> None:
        if self._journal is None:
            return
        lost = (
            f"Remote task {submission.ekyc_task_id} was accepted, but its receipt could not be written. Should this "
            f"task be tried again, it will say that the outcome is unknown: {self._journal.by_hand(scope.name)}."
        )
        try:
            self._journal.complete(scope.name, submission.as_dict())
        except EkycJournalError as error:
            log.error("%s %s", lost, error)  # paid, and its id is known: this task succeeds with it
        except BaseException:
            log.error("%s", lost)
            raise

    def _withdraw(self, scope: Scope, earlier: Intent | None, only: Intent | None = None) -> None:
        """
        Forget the intent, since nothing was taken; an earlier one whose outcome is unknown stays remembered.

        :param only: forget nothing but this one
        """
        if self._journal is None:
            return
        try:
            if only is not None and self._journal.intent(scope.name) != only.as_dict():
                return
            if earlier is None:
                self._journal.withdraw(scope.name)
            else:
                self._journal.begin(scope.name, earlier, again=True)
        except EkycJournalError as error:
            log.error(
                "Nothing was sent or charged, but the journal could not be told: %s The next try may say that the "
                "outcome is unknown: %s.",
                error,
                self._journal.by_hand(scope.name),
            )

    def _balance(self) -> Balance | None:
        try:
            return self._api.get_balance()
        except EkycApiError as error:
            if error.status in (401, 402):
                raise
            log.warning("%s The submission goes on without knowing the balance.", error)
            return None

    def _balance_after(self) -> Balance | None:
        try:
            return self._api.get_balance(once=True)
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
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _shown(balance: Balance | None) -> str:
    return "unknown" if balance is None else f"{balance.balance:,.2f}"
