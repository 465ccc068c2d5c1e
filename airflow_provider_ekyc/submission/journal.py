"""The memory of the submissions of one task of one run, over one or two stores."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError
from airflow_provider_ekyc.submission.earlier_records import find_earlier, state_store_reader
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.record import Begun, InstanceRecord, Intent, IntentState, Receipt, Scope
from airflow_provider_ekyc.submission.record_format import (
    SEND_AGAIN,
    is_by_hand,
    read_instance,
    read_record,
    write_instance,
    write_intent,
    write_pointer,
    write_receipt,
)
from airflow_provider_ekyc.submission.record_store import RecordStore

log = logging.getLogger(__name__)

_INSTANCE = "instance_"
#: How the name of what is being sent begins.
OPEN = "open_"
#: How the name of a receipt ends.
RECEIPT = "_receipt"


class Journal:
    """
    Remembers submissions, whatever becomes of the worker.

    What is recorded is found by what is sent, not by the map index. A submission has up to three records: its own,
    which a person may write into and which two tries fight for; what is being sent, or was sent without an answer;
    and its receipt. They are apart since a write may come late (Airflow's tasks repeat one for minutes): no late write
    of a try that has lost hides a receipt or an unknown outcome.

    A task instance has a record as well: which try is its latest, and which submissions its tries have begun. So an
    absent record is never taken for "not submitted" where the instance's own record says otherwise.

    :param task: whose submissions
    :param stores: where submissions are recorded; a new one in the first, an earlier one is looked for in all
    :param instances: where task instances are recorded
    :param state_store: ``context["task_state_store"]``, which an earlier version wrote to; None below Airflow 3.3
    """

    def __init__(
        self, task: TaskIdentity, stores: Sequence[RecordStore], instances: RecordStore, state_store: Any = None
    ) -> None:
        self._task = task
        self._stores = stores
        self._instances = instances
        self._state_store = state_store
        # Where each submission is recorded, and what its own record held when it was last read or written.
        self._records: dict[str, tuple[RecordStore, bytes | None]] = {}
        # The same of what is being sent.
        self._open: dict[str, bytes | None] = {}
        # What a person wrote in the place of a receipt, to have the list sent again.
        self._by_hand: dict[str, bytes] = {}
        self._instance = InstanceRecord(task.try_number, "", {})
        self._instance_body: bytes | None = None
        self._instance_name = f"{_INSTANCE}{max(task.map_index, 0)}"
        self._is_first_record = True

    @property
    def is_first_record(self) -> bool:
        """Whether no earlier try of this task instance has left a record."""
        return self._is_first_record

    def start_try(self) -> None:
        """
        Read what earlier tries of this task instance have begun, and record this one as the latest.

        :raises EkycJournalError: if that can't be known
        :raises EkycInProgressError: if another try starts at the same moment
        """
        body = self._instances.read(self._instance_name)
        self._is_first_record = body is None
        if body is not None:
            self._instance = read_instance(body, self._instances.address(self._instance_name))
        self._instance_body = body
        self._write_instance(replace(self._instance, try_number=self._task.try_number))

    def find(self, name: str, *, earlier_name: str | None = None) -> Receipt | Intent | None:
        """
        Return what is remembered of a submission.

        :param name: ``Scope.name``
        :param earlier_name: its name in an earlier version of this package
        :raises EkycJournalError: if a store or a record can't be read; that is never "nothing there"
        """
        for store in self._stores:
            own, being_sent, receipt = (store.read(entry) for entry in (name, OPEN + name, name + RECEIPT))
            if own is being_sent is receipt is None:
                continue
            self._records[name] = (store, own)
            self._open[name] = being_sent
            for entry, body in ((name + RECEIPT, receipt), (name, own), (OPEN + name, being_sent)):
                found = None if body is None else read_record(body, store.address(entry))
                if isinstance(found, Receipt):
                    return found
                if found is not None and is_by_hand(found):
                    if entry == name + RECEIPT:
                        self._by_hand[name] = body or b""
                    return found
                if found is not None and entry == OPEN + name and found.is_open:
                    return found
            return _resting(*(None if body is None else read_record(body, "") for body in (own, being_sent)))
        self._records.setdefault(name, (self._stores[0], None))
        return self._find_earlier(earlier_name) if earlier_name else None

    def begun_before(self) -> dict[str, Begun]:
        """Return what earlier tries of this task instance have begun, by the name of the submission."""
        return dict(self._instance.begun)

    def unknown_elsewhere(self, name: str) -> Iterator[tuple[str, Intent]]:
        """
        Return submissions of other map indexes whose outcome is unknown since before the run began anew.

        A mapped list can only change with a clear. So what became unknown since the run began is another list than
        the one at hand, and one of this expansion does not stop the others. Nothing is returned where the store can't
        list its records: Variables below Airflow 3.3.

        :param name: of the submission at hand
        :return: pairs of address and intent
        :raises EkycJournalError: if a record can't be read
        """
        for store in self._stores:
            for marker in store.names(OPEN) or ():
                other = marker.removeprefix(OPEN)
                if other == name or other in self._instance.begun:
                    continue
                record = self.find(other)
                if isinstance(record, Intent) and record.state is IntentState.UNKNOWN and self._is_of_before(record):
                    yield self.address(other), record

    def _is_of_before(self, intent: Intent) -> bool:
        if self._task.run_started is None:
            return not self._is_first_record
        return datetime.fromisoformat(intent.started_at) < self._task.run_started

    def begin(self, scope: Scope, intent: Intent, *, by_hand: bool) -> None:
        """
        Take hold of a submission before it is sent.

        :param intent: what the record is to say until then
        :param by_hand: whether a person asked for it: what was open before is settled
        :raises EkycInProgressError: if another try was faster
        :raises EkycJournalError: if it can't be written; then nothing may be sent
        """
        name = scope.name
        store, known = self._records[name]
        body = write_intent(intent)
        if not self._is_latest_try():
            raise self._overtaken()
        if not store.write(name, body, replacing=known):
            raise _changed(store.address(name))
        self._records[name] = (store, body)
        address = store.address(name)
        if store is not self._instances and self._instances.read(name) is None:
            self._instances.write(name, write_pointer(address, _now()), replacing=None)
        begun = Begun(scope.fingerprint, scope.api, scope.account, address)
        self._write_instance(replace(self._instance, begun={**self._instance.begun, name: begun}))
        if by_hand and self._open.get(name) is not None:
            self.announce(name, intent)
        if name in self._by_hand:
            # What a person asked for is done once.
            store.write(name + RECEIPT, body, replacing=self._by_hand[name])

    def announce(self, name: str, intent: Intent) -> None:
        """
        Remember that a submission is being sent.

        :raises EkycInProgressError: if another try sends it
        :raises EkycJournalError: if it can't be written; then nothing may be sent
        """
        store, _ = self._records[name]
        body = write_intent(intent)
        if not store.write(OPEN + name, body, replacing=self._open.get(name)):
            raise _changed(store.address(name))
        self._open[name] = body

    def note(self, name: str, intent: Intent) -> None:
        """
        Remember what came of a send. That it is unknown is written over what another try has written meanwhile.

        :raises EkycJournalError: if it can't be written
        """
        store, own = self._records[name]
        body, known = write_intent(intent), self._open.get(name)
        while not store.write(OPEN + name, body, replacing=known):
            known = store.read(OPEN + name)
            record = None if known is None else read_record(known, store.address(OPEN + name))
            if isinstance(record, Intent) and record.nonce != intent.nonce and not intent.is_open:
                return
        self._open[name] = body
        # For the eyes of a person; the other one counts.
        if intent.is_open and store.write(name, body, replacing=own):
            self._records[name] = (store, body)

    def is_current(self, name: str) -> bool:
        """
        Whether this is the latest try of its task instance, and the record still is what it has written.

        Each try first writes that it is the latest and then reads the record; here it is the other way round. So of
        two tries of one task instance at least one notices the other.

        :raises EkycJournalError: if it can't be read
        """
        store, known = self._records[name]
        return store.read(name) == known and self._is_latest_try()

    def complete(self, name: str, receipt: Receipt) -> None:
        """
        Remember that a submission was accepted.

        :raises EkycJournalError: if it can't be written, or another remote task is recorded there
        """
        store, _ = self._records[name]
        entry, known = name + RECEIPT, None
        while not store.write(entry, write_receipt(receipt), replacing=known):
            known = store.read(entry)
            record = None if known is None else read_record(known, store.address(entry))
            if isinstance(record, Receipt):
                if record.ekyc_task_id == receipt.ekyc_task_id:
                    return
                raise EkycJournalError(
                    f"{store.address(entry)} already names another remote task, {record.ekyc_task_id}. Both may be "
                    f"charged."
                )

    def address(self, name: str) -> str:
        """Return where a submission is recorded, for a message."""
        store, _ = self._records[name]
        return store.address(name)

    def settle_instructions(self, name: str) -> str:
        """Say how a person adopts a remote id, or has an unknown submission sent again."""
        return (
            f"Look for the remote task in the vendor's console. Found: write its id into {self.address(name)}. Not "
            f"found: write '{SEND_AGAIN}' there. Then clear this task"
        )

    def resubmit_instructions(self, name: str) -> str:
        """Say how a person has a submission that was accepted submitted anew."""
        store, _ = self._records[name]
        entry = name + RECEIPT if store.read(name + RECEIPT) is not None else name
        return f"start a new run, or write '{SEND_AGAIN}' into {store.address(entry)} and clear this task"

    def _find_earlier(self, earlier_name: str) -> Receipt | Intent | None:
        for store in self._stores:
            # It never wrote to Variables.
            if store.is_atomic and (found := find_earlier(earlier_name, store.read, store.address(earlier_name))):
                return found
        if self._state_store is None:
            return None
        return find_earlier(earlier_name, state_store_reader(self._state_store), "in this task's Task State Store")

    def _is_latest_try(self) -> bool:
        return self._instances.read(self._instance_name) == self._instance_body

    def _write_instance(self, instance: InstanceRecord) -> None:
        body = write_instance(replace(instance, updated_at=_now()))
        if not self._instances.write(self._instance_name, body, replacing=self._instance_body):
            raise self._overtaken()
        self._instance, self._instance_body = instance, body

    def _overtaken(self) -> EkycInProgressError:
        return EkycInProgressError(
            f"Another try of this task is running: it changed {self._instances.address(self._instance_name)}. Nothing "
            f"was sent. A retry reads it again."
        )


def _resting(*records: Receipt | Intent | None) -> Intent:
    """Return an intent that is not open, and how often it was sent until then."""
    first, *others = (record for record in records if isinstance(record, Intent))
    sends = [each.sends for each in (first, *others) if each.max_tries == first.max_tries]
    return replace(first, sends=max(sends))


def _changed(address: str) -> EkycInProgressError:
    return EkycInProgressError(
        f"The record of this list, {address}, was changed meanwhile: another try is submitting it, or a person has "
        f"settled it. Nothing was sent. A retry reads the record again."
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()
