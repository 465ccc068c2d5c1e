"""
May this be sent? Intent, submit, receipt, over a journal.

The API has no idempotency key, no list and no cancel call, and each accepted submission is charged. So what is
about to be sent is written down before, and what was taken after. A later try that finds the receipt takes it
up; one that finds the intent alone knows that the outcome is not known, and sends nothing by itself.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ekyc.api.models import Balance, Task
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycError,
    EkycJournalError,
    EkycUnknownOutcomeError,
    Outcome,
)
from airflow_provider_ekyc.journals.record import Intent, Journal, Scope, read_intent, read_receipt

if TYPE_CHECKING:
    from typing import BinaryIO

    from airflow_provider_ekyc.numbers.prepare import PreparedNumbers

log = logging.getLogger(__name__)


class SubmittingApi(Protocol):
    """The calls that a submission needs, as ``EkycHook`` has them."""

    def get_balance(self) -> Balance:
        """Ask for the balance; free."""
        ...

    def submit(self, file: BinaryIO, size: int, task_type: str) -> Task:
        """Submit a file; charged."""
        ...


@dataclass(frozen=True, slots=True)
class Submission:
    """
    What was submitted, in ids and counts alone: the second XCom of ``EkycSubmitOperator``.

    :param fingerprint: SHA-256 of the task type and of what was sent
    :param lines_read: lines of the input
    :param blank: blank lines, dropped
    :param duplicates: lines dropped since the same number came before
    :param invalid: invalid lines, dropped (0 unless ``invalid="drop"``)
    :param rows: numbers sent
    :param total: numbers that the API took, as it says; it may be below ``rows``
    :param submitted_at: time of the answer (ISO 8601, UTC); None for a remote id that a person put into the journal
    """

    ekyc_task_id: str
    task_type: str
    fingerprint: str
    lines_read: int
    blank: int
    duplicates: int
    invalid: int
    rows: int
    total: int | None
    submitted_at: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as scalars for an XCom and for the journal."""
        return asdict(self)


def fingerprint(task_type: str, sha256: str) -> str:
    """
    Name what is sent: the same content and task type have the same fingerprint.

    :param sha256: hex digest of the bytes that are sent
    """
    return hashlib.sha256(f"{task_type}\0{sha256}".encode()).hexdigest()


class Submitter:
    """
    Submits one file, at most once.

    :param api: the hook
    :param journal: what remembers; None if nothing does
    :param base_url: of the API, part of the scope of a record
    :param account: label of the paying account, part of the scope of a record
    :param try_number: of the Airflow task
    :param resubmit: whether a submission whose outcome is unknown is sent again by the next try
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
    ) -> None:
        self._api = api
        self._journal = journal
        self._base_url = base_url
        self._account = account
        self._try_number = try_number
        self._resubmit = resubmit

    def submit(self, numbers: PreparedNumbers, task_type: str) -> Submission:
        """
        Take up what was submitted before, or submit.

        A free balance call goes first: it turns a wrong key and an empty account into clear errors before the
        upload. If it fails otherwise, the submission goes on without it.

        :raises EkycUnknownOutcomeError: if this, or an earlier try's, may have been charged
        :raises EkycApiError: if it was refused, or not sent; nothing was charged
        :raises EkycJournalError: if it can't be known whether it was submitted before; nothing was sent
        :raises EkycInProgressError: if another try is submitting the same file
        """
        scope = Scope(self._base_url, self._account, fingerprint(task_type, numbers.sha256))
        earlier: object | None = None
        if self._journal is not None:
            receipt = self._journal.receipt(scope.name)
            if receipt is not None:
                return self._take_up(read_receipt(receipt), numbers, task_type, scope)
            earlier = self._journal.intent(scope.name)
            if earlier is not None:
                self._settle(read_intent(earlier), scope)
        before = self._balance()
        if self._journal is not None:
            self._journal.begin(scope.name, self._intent(numbers, scope, before), again=earlier is not None)
        return self._send(numbers, task_type, scope, before)

    def _send(self, numbers: PreparedNumbers, task_type: str, scope: Scope, before: Balance | None) -> Submission:
        log.info(
            "Submitting %s numbers (task type %s, fingerprint %s).", f"{numbers.rows:,}", task_type, scope.fingerprint
        )
        try:
            task = self._api.submit(numbers.file, numbers.size, task_type)
        except EkycError as error:
            if isinstance(error, EkycApiError) and error.outcome is Outcome.UNKNOWN:
                raise self._unknown(error, numbers, scope, before) from None
            self._withdraw(scope)
            raise
        log.info("Remote task %s was accepted: %s numbers.", task.ekyc_task_id, task.total)
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
            "This file was submitted before, as remote task %s (%s). It is taken up; nothing was sent or charged now.",
            submission.ekyc_task_id,
            submission.submitted_at or "put into the journal by hand",
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
            f"An earlier submission of this file left no receipt ({intent.shown}): it may or may not have been taken "
            f"and charged. Nothing was sent now. Fingerprint {scope.fingerprint}; balance now "
            f"{_shown(self._balance_after())} (evidence, not proof: others may use the account, and a charge may be "
            f"booked late). {self._ways_out(scope)}",
            outcome=Outcome.UNKNOWN,
        )

    def _unknown(
        self, error: EkycApiError, numbers: PreparedNumbers, scope: Scope, before: Balance | None
    ) -> EkycUnknownOutcomeError:
        unknown = EkycUnknownOutcomeError(
            f"{error.message} The submission may or may not have been taken and charged. Known: {numbers.rows:,} "
            f"numbers, fingerprint {scope.fingerprint}, at {_now()}; balance before {_shown(before)}, after "
            f"{_shown(self._balance_after())} (evidence, not proof: others may use the account, and a charge may be "
            f"booked late). {self._ways_out(scope)}",
            status=error.status,
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
        return Intent(_now(), self._try_number, numbers.rows, scope.fingerprint, balance)

    def _complete(self, scope: Scope, submission: Submission) -> None:
        if self._journal is None:
            return
        try:
            self._journal.complete(scope.name, submission.as_dict())
        except EkycJournalError as error:
            # It is paid and its id is known: this task succeeds with it, and says what a clear would meet.
            log.error(
                "Remote task %s was accepted, but its receipt could not be written: %s Should this task be cleared, "
                "it will say that the outcome is unknown: %s.",
                submission.ekyc_task_id,
                error,
                self._journal.by_hand(scope.name),
            )

    def _withdraw(self, scope: Scope) -> None:
        if self._journal is None:
            return
        try:
            self._journal.withdraw(scope.name)
        except EkycJournalError as error:
            log.error(
                "Nothing was sent or charged, but the journal could not be told: %s The next try will say that the "
                "outcome is unknown: %s.",
                error,
                self._journal.by_hand(scope.name),
            )

    def _balance(self) -> Balance | None:
        try:
            return self._api.get_balance()
        except (EkycAuthenticationError, EkycBalanceError):
            raise
        except EkycApiError as error:
            log.warning("%s The submission goes on without knowing the balance.", error)
            return None

    def _balance_after(self) -> Balance | None:
        try:
            return self._api.get_balance()
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
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _shown(balance: Balance | None) -> str:
    return "unknown" if balance is None else f"{balance.balance:,.2f}"
