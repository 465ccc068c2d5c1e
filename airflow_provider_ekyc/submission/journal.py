"""The records of the submissions of one task of one run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.instance_journal import InstanceJournal
from airflow_provider_ekyc.submission.record import (
    SENT_AGAIN_BY_HAND,
    Begun,
    Intent,
    IntentState,
    Receipt,
    Scope,
    SendAgain,
)
from airflow_provider_ekyc.submission.record_format import (
    SEND_AGAIN,
    read_record,
    unreadable,
    write_record,
)

if TYPE_CHECKING:
    from airflow_provider_ekyc.submission.stores import RecordStore, Stores

#: How the name of the record of what is being sent begins.
OPEN = "open_"
#: How the name of a receipt ends.
RECEIPT = "_receipt"


class Journal(InstanceJournal):
    """
    The records of one task instance, which outlast its tries: its own, and those of its submissions.

    :param task: the task instance and its try
    :param stores: where the records are
    """

    def __init__(self, task: TaskIdentity, stores: Stores) -> None:
        super().__init__(task, stores.instances)
        self._task = task
        self._stores = stores

    def submission(self, name: str, schema_1_name: str = "") -> SubmissionRecords:
        """
        Return the records of a submission. Found by what is sent, not by the map index, which a changed list shifts.

        :param name: ``Scope.name``
        :param schema_1_name: ``Scope.schema_1_name``; empty to leave out what schema 1 recorded
        """
        return SubmissionRecords(self, self._stores, name, schema_1_name)

    def unknown_elsewhere(self, name: str) -> Iterator[tuple[SubmissionRecords, Intent]]:
        """
        Return submissions of other map indexes whose outcome is unknown since before the run was cleared.

        A mapped list can only change with a clear. So what became unknown since then is another list than this one, and
        one map index of an expansion does not stop the others. Nothing is returned where the store can't list its
        records: Variables below Airflow 3.3.

        :param name: of the submission at hand
        :return: pairs of the other list's records and its intent
        :raises EkycJournalError: if a record can't be read
        """
        for store in self._stores.submissions:
            for marker in store.names(OPEN) or ():
                other = self.submission(marker.removeprefix(OPEN))
                if other.name == name or other.name in self.begun or other.is_accepted():
                    continue
                record = other.find()
                if isinstance(record, Intent) and self._is_unknown_of_before(record):
                    yield other, record

    def _is_unknown_of_before(self, intent: Intent) -> bool:
        # A clear while the run is running does not change its start. Airflow counts it from 3.2 on; that this map index
        # began another list shows it, too.
        if intent.state is IntentState.UNKNOWN and (self.begun or self._was_cleared_since(intent)):
            return True
        if self._task.run_started is None:
            return intent.state is IntentState.UNKNOWN and not self.is_first_record
        # Where the run was not cleared since, an earlier time is that of a worker whose clock is slow.
        if intent.clear_number is not None and intent.clear_number == self._task.clear_number:
            return False
        # What is being sent since before the clear is that of a try that was killed, and may never be tried again.
        return intent.is_open and datetime.fromisoformat(intent.started_at) < self._task.run_started

    def _was_cleared_since(self, intent: Intent) -> bool:
        before, now = intent.clear_number, self._task.clear_number
        return before is not None and now is not None and before < now


class SubmissionRecords:
    """
    The records of one submission, all three in one store.

    Its own, which a person may write into and two tries contend for; what is being sent, or was sent without an answer;
    and its receipt. They are separate since a write may be late (Airflow's tasks repeat one for minutes): the late
    write of a try that has stopped overwrites neither a receipt nor an unknown outcome.

    :param journal: of the task
    :param stores: where the records may be
    :param name: ``Scope.name``
    :param schema_1_name: ``Scope.schema_1_name``, or empty
    """

    def __init__(self, journal: InstanceJournal, stores: Stores, name: str, schema_1_name: str) -> None:
        self.name = name
        self._schema_1_name = schema_1_name
        self._journal = journal
        self._stores = stores
        self._store: RecordStore = stores.submissions[0]
        # What the records held when they were last read or written.
        self._own: bytes | None = None
        self._open: bytes | None = None
        self._receipt: bytes | None = None

    @property
    def address(self) -> str:
        """Where the submission is recorded, for a message."""
        return self._store.address(self.name)

    @property
    def store_kind(self) -> str:
        """The kind of store that has the records, as :attr:`RecordStore.kind`."""
        return self._store.kind

    def is_accepted(self) -> bool:
        """
        Return whether the first store has a receipt, which :meth:`find` then returns: one read instead of three.

        Of several hundred map indexes each reads the records of all that were before it.

        :raises EkycJournalError: if the store or the record can't be read
        """
        store, entry = self._stores.submissions[0], self.name + RECEIPT
        body = store.read(entry)
        return body is not None and isinstance(read_record(body, store.address(entry)), Receipt)

    def find(self) -> Receipt | Intent | None:
        """
        Return what is recorded of the submission.

        :raises EkycJournalError: if a store or a record can't be read; that is never "nothing there"
        """
        for store in self._stores.submissions:
            own, being_sent, receipt = map(store.read, (self.name, OPEN + self.name, self.name + RECEIPT))
            if own is being_sent is receipt is None:
                continue
            self._store, self._own, self._open, self._receipt = store, own, being_sent, receipt
            intents: dict[str, Intent] = {}
            decided = None
            for entry, body in ((self.name + RECEIPT, receipt), (self.name, own), (OPEN + self.name, being_sent)):
                record = None if body is None else read_record(body, store.address(entry))
                if isinstance(record, Receipt) or record is SENT_AGAIN_BY_HAND:
                    return record
                if isinstance(record, SendAgain):
                    decided = record
                elif record is not None:
                    intents[entry] = record
            intents.pop(self.name + RECEIPT, None)
            if not intents:
                # A person had the list sent again, and the records of that are gone.
                raise unreadable(self.address)
            being_sent_now = intents.get(OPEN + self.name)
            if being_sent_now is not None and being_sent_now.is_open:
                is_decided = decided is not None and decided.nonce == being_sent_now.nonce
                return SENT_AGAIN_BY_HAND if is_decided else being_sent_now
            return _first_with_all_sends(list(intents.values()))
        return self._find_schema_1()

    def begin(self, scope: Scope, intent: Intent, *, by_hand: bool) -> None:
        """
        Claim the submission before it is sent.

        :param intent: the record's content until then
        :param by_hand: whether a person asked for it: what was open before is settled
        :raises EkycInProgressError: if another try was faster
        :raises EkycJournalError: if it can't be written; then nothing may be sent
        """
        body = write_record(intent)
        self._journal.require_latest_try()
        if not self._store.write(self.name, body, replacing=self._own):
            raise self._changed_record_error()
        self._own = body
        self._journal.record_begun(self.name, Begun(scope.fingerprint, scope.api, scope.account, self.address))
        if by_hand and self._open is not None:
            self.announce(intent)
        if by_hand and self._receipt is not None:
            # The words that a person wrote there have the list sent again once.
            self._store.write(self.name + RECEIPT, body, replacing=self._receipt)

    def announce(self, intent: Intent) -> None:
        """
        Record that the submission is being sent.

        :raises EkycInProgressError: if another try sends it
        :raises EkycJournalError: if it can't be written; then nothing may be sent
        """
        body = write_record(intent)
        if not self._store.write(OPEN + self.name, body, replacing=self._open):
            raise self._changed_record_error()
        self._open = body

    def note(self, intent: Intent) -> None:
        """
        Record the outcome of a send. An unknown one replaces what another try has written meanwhile.

        :raises EkycJournalError: if it can't be written
        """
        entry, body, known = OPEN + self.name, write_record(intent), self._open
        while not self._store.write(entry, body, replacing=known):
            known = self._store.read(entry)
            record = None if known is None else read_record(known, self._store.address(entry))
            if isinstance(record, Intent) and record.nonce != intent.nonce and not intent.is_open:
                return
        self._open = body
        # For a person who reads it; the other record is the one that counts.
        if intent.is_open and self._store.write(self.name, body, replacing=self._own):
            self._own = body

    def require_current(self) -> None:
        """
        Check right before the list is sent that this is the latest try, and the own record is what it has written.

        Each try first writes that it is the latest and then reads the record; here it is the other way round. So of
        two tries of one task instance at least one notices the other. Nor do two map indexes both send: each writes
        the own record, reads and writes what is being sent, and reads its own record here.

        :raises EkycInProgressError: if not
        :raises EkycJournalError: if it can't be read
        """
        if self._store.read(self.name) != self._own:
            raise self._changed_record_error()
        self._journal.require_latest_try()

    def complete(self, receipt: Receipt) -> None:
        """
        Record that the submission was accepted.

        :raises EkycJournalError: if it can't be written, or another remote task is recorded there
        """
        entry, known = self.name + RECEIPT, None
        while not self._store.write(entry, write_record(receipt), replacing=known):
            known = self._store.read(entry)
            record = None if known is None else read_record(known, self._store.address(entry))
            if isinstance(record, Receipt):
                if record.ekyc_task_id == receipt.ekyc_task_id:
                    return
                raise EkycJournalError(
                    f"{self._store.address(entry)} already names another remote task, {record.ekyc_task_id}. Both may "
                    f"be charged."
                )

    def settle_instructions(self) -> str:
        """Return how a person adopts a remote id, or has an unknown submission sent again."""
        return (
            f"Look for the remote task in the vendor's console. Found: write its id into {self.address}. Not found: "
            f"write '{SEND_AGAIN}' there. Then clear this task"
        )

    def resubmit_instructions(self) -> str:
        """Return how a person has an accepted submission submitted again."""
        entry = self.name + RECEIPT if self._receipt is not None else self.name
        return f"start a new run, or write '{SEND_AGAIN}' into {self._store.address(entry)} and clear this task"

    def _find_schema_1(self) -> Receipt | Intent | None:
        if self._schema_1_name:
            for store in self._stores.schema_1:
                for entry in (f"{self._schema_1_name}.receipt", f"{self._schema_1_name}.intent"):
                    if (body := store.read(entry)) is not None:
                        record = read_record(body, store.address(entry))
                        if isinstance(record, SendAgain):
                            raise unreadable(store.address(entry))
                        return record
        return None

    def _changed_record_error(self) -> EkycInProgressError:
        return EkycInProgressError(
            f"The record of this list, {self.address}, was changed meanwhile: another try is submitting it, or a "
            f"person has settled it. Nothing was sent. A retry reads the record again."
        )


def _first_with_all_sends(intents: list[Intent]) -> Intent:
    """Return the first intent, with the sends that any of them has counted since the last clear."""
    first = intents[0]
    return replace(first, sends=max(each.sends for each in intents if each.max_tries == first.max_tries))
