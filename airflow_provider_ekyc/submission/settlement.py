"""
What a person decides about a submission whose outcome is unknown, as the change of one record.

Nothing here writes. A change says what the record holds now, so that whoever writes it notices that another try, or
another person, was faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.submission.instance_journal import INSTANCE
from airflow_provider_ekyc.submission.journal import OPEN, RECEIPT, Journal, SubmissionRecords
from airflow_provider_ekyc.submission.record import Intent, Receipt, SendAgain
from airflow_provider_ekyc.submission.record_format import read_record, write_record

if TYPE_CHECKING:
    from airflow_provider_ekyc.submission.identity import TaskIdentity
    from airflow_provider_ekyc.submission.stores import RecordStore, Stores


@dataclass(frozen=True, slots=True)
class Change:
    """
    A record that is to be written.

    :param store: where it is
    :param name: of the record in its store
    :param body: what to write
    :param replacing: what it holds now; None if there must be none
    """

    store: RecordStore
    name: str
    body: bytes
    replacing: bytes | None

    @property
    def address(self) -> str:
        """The record in a message."""
        return self.store.address(self.name)

    def write(self) -> bool:
        """
        Write it.

        :return: False if the record is another by now; then nothing was written
        :raises EkycJournalError: if it can't be written
        """
        return self.store.write(self.name, self.body, replacing=self.replacing)


class Settlement(SubmissionRecords):
    """
    The records of one submission, for a person who settles it.

    An adopted id becomes the submission's receipt, which :meth:`find` reads before anything else: whatever is written
    into the other records afterwards, the list is not sent again. It is created, never replaced, so that the receipt of
    a try that is accepted meanwhile stays. The decision to send again goes where a person would write it by hand, and
    names the send that it is about.

    :param task: the Airflow task
    :param stores: where its records may be
    :param name: ``Scope.name``
    """

    def __init__(self, task: TaskIdentity, stores: Stores, name: str) -> None:
        super().__init__(Journal(task, stores), stores, name, "")

    def other_list_of(self, ekyc_task_id: str) -> str | None:
        """
        Return the record of another list of this task in this run that has this remote id, or None.

        Two lists with one id would land one result twice, and the other never.

        :raises EkycJournalError: if the records can't be listed or read just now
        """
        entries = set(self._store.names("") or ())
        lists = {entry.removesuffix(RECEIPT) for entry in entries if not entry.startswith((OPEN, INSTANCE))}
        for name in sorted(lists - {self.name}):
            entry = name + RECEIPT if name + RECEIPT in entries else name
            body = self._store.read(entry)
            if body is not None and _remote_id(body) == ekyc_task_id:
                return self._store.address(entry)
        return None

    def adoption(self, receipt: Receipt) -> Change:
        """
        Return the change that makes a remote task that of this submission.

        :param receipt: of the submission; :meth:`find` has returned an open intent
        """
        return Change(self._store, self.name + RECEIPT, write_record(receipt), self._receipt)

    def sending_again(self, intent: Intent, decided_at: str) -> Change:
        """
        Return the change that has the next try send the list.

        :param intent: the open one that :meth:`find` has returned; the change means no later one
        :param decided_at: time (ISO 8601, UTC)
        """
        return Change(self._store, self.name, write_record(SendAgain(intent.nonce, decided_at)), self._own)


def _remote_id(body: bytes) -> str | None:
    """Return the remote id that a record has; None also if it can't be read, which its own task says."""
    try:
        record = read_record(body, "")
    except EkycJournalError:
        return None
    return record.ekyc_task_id if isinstance(record, Receipt) else None
