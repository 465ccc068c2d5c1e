"""
What a journal remembers of a submission, and under which name.

A record is bound to what is sent and to who pays: another file, task type, base URL or account has another
name. The API key is no part of it, so a rotated key finds what the old one paid for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from airflow_provider_ekyc.exceptions import EkycJournalError


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What a submission is: who is asked, who pays, what is sent.

    :param base_url: of the API
    :param account: label of the paying account
    :param fingerprint: SHA-256 of task type and content
    """

    base_url: str
    account: str
    fingerprint: str

    @property
    def name(self) -> str:
        """Sixteen hex digits that stand for all three."""
        told = "\0".join((self.base_url, self.account, self.fingerprint))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Intent:
    """
    A submission is about to be sent.

    :param started_at: time (ISO 8601, UTC)
    :param try_number: of the Airflow task
    :param rows: numbers about to be sent
    :param nonce: random, so that a try knows its own intent from another's
    :param balance: of the account just before, if known
    """

    started_at: str
    try_number: int
    rows: int
    fingerprint: str
    nonce: str
    balance: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @property
    def shown(self) -> str:
        """Say it in a message."""
        balance = "unknown" if self.balance is None else f"{self.balance:,.2f}"
        return f"try {self.try_number} at {self.started_at}, {self.rows:,} numbers, balance then {balance}"


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
    :param input_sha256: SHA-256 of the input's bytes as they were read; None in what an earlier version wrote
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
    input_sha256: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as scalars for an XCom and for the journal."""
        return asdict(self)


def fingerprint(task_type: str, sha256: str) -> str:
    """
    Name what is sent: the same content and task type have the same fingerprint.

    :param sha256: hex digest of the bytes that are sent
    """
    return hashlib.sha256(f"{task_type}\0{sha256}".encode()).hexdigest()


def read_intent(value: object) -> Intent:
    """
    Read what a journal holds.

    :raises EkycJournalError: if it is no intent
    """
    if isinstance(value, Mapping):
        try:
            return Intent(
                started_at=str(value["started_at"]),
                try_number=int(value["try_number"]),
                rows=int(value["rows"]),
                fingerprint=str(value["fingerprint"]),
                nonce=str(value.get("nonce", "")),
                balance=None if value.get("balance") is None else float(value["balance"]),
            )
        except (KeyError, TypeError, ValueError):
            pass
    raise EkycJournalError(
        "The journal holds an intent of this submission that can't be read, so it is not known whether it was paid. "
        "Nothing was sent. Delete or mend the entry by hand, then clear this task."
    )


def read_receipt(value: object) -> dict[str, Any]:
    """
    Read what a journal holds: what ``Submission.as_dict`` wrote, or a remote id that a person put there.

    :return: a mapping with at least ``ekyc_task_id``
    :raises EkycJournalError: if it holds no remote id
    """
    if isinstance(value, str):
        value = {"ekyc_task_id": value}
    if isinstance(value, Mapping):
        ekyc_task_id = value.get("ekyc_task_id")
        if isinstance(ekyc_task_id, str) and ekyc_task_id.strip():
            return {**value, "ekyc_task_id": ekyc_task_id.strip()}
    raise EkycJournalError(
        "The journal holds a receipt of this submission that names no remote task. Nothing was sent. Put the remote "
        "id there (as text, or as ekyc_task_id), or delete the entry, then clear this task."
    )


class Journal(Protocol):
    """Remembers submissions of one task of one run, whatever becomes of the worker."""

    def receipt(self, name: str) -> object | None:
        """
        Return what is remembered of a submission that was taken, or None.

        :param name: ``Scope.name``
        :raises EkycJournalError: if the journal can't be read; that is never "nothing there"
        """
        ...

    def intent(self, name: str) -> object | None:
        """
        Return what is remembered of a submission that was about to be sent, or None.

        :raises EkycJournalError: if the journal can't be read
        """
        ...

    def begin(self, name: str, intent: Intent, *, again: bool) -> None:
        """
        Remember that a submission is about to be sent.

        :param again: whether to replace an earlier intent; otherwise an intent that is there is another try's
        :raises EkycInProgressError: if another try was faster
        :raises EkycJournalError: if it can't be written; then nothing may be sent
        """
        ...

    def complete(self, name: str, receipt: Mapping[str, Any]) -> None:
        """
        Remember that a submission was taken.

        :raises EkycJournalError: if it can't be written
        """
        ...

    def withdraw(self, name: str) -> None:
        """
        Forget an intent: it is certain that nothing was taken.

        :raises EkycJournalError: if it can't be written
        """
        ...

    def by_hand(self, name: str) -> str:
        """Say how a person adopts a remote id, or has an unknown submission sent again."""
        ...

    def forget(self, name: str) -> str:
        """Say how a person has a submission that was taken submitted anew."""
        ...
