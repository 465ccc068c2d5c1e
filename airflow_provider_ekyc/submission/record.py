"""
What is recorded of a submission, and under which name.

A record belongs to what is sent and to the account that pays: another list, task type, API or account has another
name. The order of the numbers is not part of it, nor is the API key: a rotated key finds what the old one paid for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.settings import EkycSettings
    from airflow_provider_ekyc.numbers.prepare import PreparedNumbers


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What a submission is: the API, the account that pays, what is sent.

    :param api: ``EkycSettings.scope_url``: one spelling of the base URL
    :param account: label of the paying account
    :param fingerprint: SHA-256 of the task type and of the numbers, in any order
    :param schema_1_name: the name of the same submission in records of schema 1
    """

    api: str
    account: str
    fingerprint: str
    schema_1_name: str

    @classmethod
    def of(cls, settings: EkycSettings, task_type: str, numbers: PreparedNumbers) -> Scope:
        """Return the scope of a list under a connection."""
        # Schema 1 had the base URL as the connection has it, and the digest of the numbers in their order.
        before = (settings.base_url, settings.account, _digest(task_type, numbers.sha256))
        fingerprint = _digest(task_type, numbers.content_key)
        return cls(settings.scope_url, settings.account, fingerprint, _digest(*before)[:16])

    @property
    def name(self) -> str:
        """Sixteen hex digits that stand for API, account and fingerprint."""
        return _digest(self.api, self.account, self.fingerprint)[:16]


class IntentState(StrEnum):
    """The state of an intent; the values are those of the records."""

    SENDING = "sending"  #: it is being sent, or its try ended before it recorded an outcome
    UNKNOWN = "unknown"  #: it was sent; whether it was accepted and charged is not known
    NOT_ACCEPTED = "not_taken"  #: it is certain that nothing was accepted: it may be sent again


@dataclass(frozen=True, slots=True)
class Intent:
    """
    A submission is about to be sent, or was sent without a clear answer.

    :param started_at: time (ISO 8601, UTC)
    :param try_number: of the Airflow task
    :param map_index: of the Airflow task instance, -1 if it is not mapped
    :param rows: numbers to send
    :param fingerprint: of the :class:`Scope`
    :param nonce: random, so that a try recognizes its own intent; empty in :data:`SENT_AGAIN_BY_HAND`
    :param sends: how often it was sent since a person last cleared the task
    :param max_tries: of the Airflow task at that time; a clear raises it
    :param balance: of the account just before, if known
    :param possible_ids: what may be the remote id in an unclear answer
    :param possibly_charged: how often it was sent without a clear answer, the send at hand included; a clear does not
        reset it
    :param clear_number: how often the run was cleared before, as :class:`TaskIdentity` has it
    """

    started_at: str
    try_number: int
    map_index: int
    rows: int
    fingerprint: str
    nonce: str
    state: IntentState = IntentState.SENDING
    sends: int = 0
    max_tries: int = 0
    balance: float | None = None
    possible_ids: tuple[str, ...] = ()
    possibly_charged: int = 0
    clear_number: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may have been accepted and charged."""
        return self.state is not IntentState.NOT_ACCEPTED

    @property
    def shown(self) -> str:
        """The intent in a message."""
        balance = "unknown" if self.balance is None else f"{self.balance:,.2f}"
        index = "" if self.map_index < 0 else f", map index {self.map_index}"
        ids = f", possible remote id {' or '.join(self.possible_ids)}" if self.possible_ids else ""
        return f"try {self.try_number}{index} at {self.started_at}, {self.rows:,} numbers, balance then {balance}{ids}"


#: What the words ``send again``, which a person may write into a record, are read as.
SENT_AGAIN_BY_HAND = Intent("", 0, -1, 0, "", "", IntentState.NOT_ACCEPTED)


@dataclass(frozen=True, slots=True)
class SendAgain:
    """
    A person has decided, on the page, that one send whose outcome is unknown is followed by another.

    It means that send alone: where it is written late, another send may be open by then, which nobody has decided on.

    :param nonce: of the :class:`Intent` that the person saw
    :param decided_at: time (ISO 8601, UTC)
    """

    nonce: str
    decided_at: str


@dataclass(frozen=True, slots=True)
class Submission:
    """
    What was submitted, in ids and counts alone: the second XCom of ``EkycSubmitOperator``.

    :param fingerprint: SHA-256 of the task type and of the numbers, in any order
    :param lines_read: lines of the input
    :param blank: blank lines, dropped
    :param duplicates: lines dropped because an earlier line is the same number
    :param invalid: invalid lines, dropped (0 unless ``invalid="drop"``)
    :param rows: numbers sent
    :param total: numbers that the API reports as accepted; it may be below ``rows``
    :param submitted_at: time of the answer (ISO 8601, UTC); None for a remote id that a person entered
    :param input_sha256: SHA-256 of the input's bytes as they were read; None in what an earlier version wrote
    :param content_key: key of the numbers, in any order; None in what an earlier version wrote
    :param price: of one number, as the connection had it; None if it had none. Amounts are text, with all their digits
        and without an exponent (``"0.001"``), in the unit of the account's balance
    :param estimated_cost: ``price`` times ``rows``; None without a price
    :param balance_before: of the account before it was sent; None if it is not known
    :param balance_after: of the account after it was accepted; None if it is not known, or was recorded by an earlier
        try: the record is written before the balance is queried
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
    content_key: str | None = None
    price: str | None = None
    estimated_cost: str | None = None
    balance_before: str | None = None
    balance_after: str | None = None

    @classmethod
    def of(
        cls,
        ekyc_task_id: str,
        task_type: str,
        fingerprint: str,
        numbers: PreparedNumbers,
        *,
        total: int | None = None,
        submitted_at: str | None = None,
    ) -> Self:
        """Return the submission of a list, without what it costs."""
        return cls(
            ekyc_task_id=ekyc_task_id,
            task_type=task_type,
            fingerprint=fingerprint,
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

    def as_dict(self) -> dict[str, Any]:
        """Return it as scalars for an XCom and for the journal."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    A submission was accepted.

    :param ekyc_task_id: the remote task
    :param submission: what else is recorded of it: fields of :class:`Submission`; empty if a person entered the id
    :param possible_ids: what may be the remote ids of earlier sends whose outcome is unknown
    """

    ekyc_task_id: str
    submission: Mapping[str, Any] = field(default_factory=dict)
    possible_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Begun:
    """
    A task instance began to send a submission.

    :param fingerprint: of its :class:`Scope`
    :param api: of its :class:`Scope`
    :param account: of its :class:`Scope`
    :param journal: where its record was written, for a message
    """

    fingerprint: str
    api: str
    account: str
    journal: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """
    A submission is recorded in another store.

    :param address: its record
    :param written_at: time (ISO 8601, UTC)
    """

    address: str
    written_at: str


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """
    What one task instance has begun, in all its tries.

    :param try_number: its latest try
    :param updated_at: time of the latest change (ISO 8601, UTC)
    :param begun: by the name of the submission
    """

    try_number: int
    updated_at: str
    begun: Mapping[str, Begun]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
