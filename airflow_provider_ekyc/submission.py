"""May this be sent? Check the account, submit once, say what is known when the outcome is not."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ekyc.api.models import Balance, Task
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycUnknownOutcomeError,
    Outcome,
)

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
    :param submitted_at: time of the answer (ISO 8601, UTC)
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
    submitted_at: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as scalars for an XCom."""
        return asdict(self)


def fingerprint(task_type: str, sha256: str) -> str:
    """
    Name what is sent: the same content and task type have the same fingerprint.

    :param sha256: hex digest of the bytes that are sent
    """
    return hashlib.sha256(f"{task_type}\0{sha256}".encode()).hexdigest()


def submit(api: SubmittingApi, numbers: PreparedNumbers, task_type: str) -> Submission:
    """
    Submit the numbers once.

    A free balance call goes first: it turns a wrong key and an empty account into clear errors before the
    upload. If it fails otherwise, the submission goes on without it.

    :raises EkycUnknownOutcomeError: if the submission may have been charged; it is never sent again by itself
    :raises EkycApiError: if it was refused, or not sent; nothing was charged
    """
    print_of_it = fingerprint(task_type, numbers.sha256)
    before = _balance(api)
    log.info("Submitting %s numbers (task type %s, fingerprint %s).", f"{numbers.rows:,}", task_type, print_of_it)
    try:
        task = api.submit(numbers.file, numbers.size, task_type)
    except EkycApiError as error:
        if error.outcome is not Outcome.UNKNOWN:
            raise
        raise _unknown(error, numbers, task_type, print_of_it, before, _balance_after(api)) from None
    log.info("Remote task %s was accepted: %s numbers.", task.ekyc_task_id, task.total)
    return Submission(
        ekyc_task_id=task.ekyc_task_id,
        task_type=task_type,
        fingerprint=print_of_it,
        lines_read=numbers.lines_read,
        blank=numbers.blank,
        duplicates=numbers.duplicates,
        invalid=numbers.invalid,
        rows=numbers.rows,
        total=task.total,
        submitted_at=datetime.now(UTC).isoformat(),
    )


def _balance(api: SubmittingApi) -> Balance | None:
    try:
        return api.get_balance()
    except (EkycAuthenticationError, EkycBalanceError):
        raise
    except EkycApiError as error:
        log.warning("%s The submission goes on without knowing the balance.", error)
        return None


def _balance_after(api: SubmittingApi) -> Balance | None:
    try:
        return api.get_balance()
    except EkycApiError as error:
        log.warning("%s So the balance after the submission is not known.", error)
        return None


def _unknown(
    error: EkycApiError,
    numbers: PreparedNumbers,
    task_type: str,
    print_of_it: str,
    before: Balance | None,
    after: Balance | None,
) -> EkycUnknownOutcomeError:
    return EkycUnknownOutcomeError(
        f"{error.message} The submission may or may not have been taken and charged; it is not sent again by "
        f"itself. Known: {numbers.rows:,} numbers, task type {task_type}, fingerprint {print_of_it}, at "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC; balance before {_shown(before)}, after {_shown(after)} "
        f"(evidence, not proof: others may use the account, and a charge may be booked late). Look for the task "
        f"in the vendor's console. If it is there, give its id to EkycTaskSensor and EkycResultsToS3Operator; "
        f"if it is not, clear this task to submit again.",
        status=error.status,
        outcome=Outcome.UNKNOWN,
    )


def _shown(balance: Balance | None) -> str:
    return "unknown" if balance is None else f"{balance.balance:,.2f}"
