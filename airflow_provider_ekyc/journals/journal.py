"""The memory of the submissions of one task of one run, over one or two stores."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ekyc.exceptions import EkycInProgressError, EkycJournalError
from airflow_provider_ekyc.journals.earlier_records import find_earlier, state_store_reader
from airflow_provider_ekyc.journals.identity import TaskIdentity
from airflow_provider_ekyc.journals.record import Begun, InstanceRecord, Intent, IntentState, Receipt, Scope
from airflow_provider_ekyc.journals.record_format import (
    SEND_AGAIN,
    read_instance,
    read_record,
    write_instance,
    write_intent,
    write_receipt,
)
from airflow_provider_ekyc.journals.record_store import RecordStore

log = logging.getLogger(__name__)

_INSTANCE = "instance_"


class Journal:
    """
    Remembers submissions, whatever becomes of the worker.

    A submission has one record, found by what is sent and not by the map index. A task instance has one as well:
    which submissions its tries have begun. So an absent record is never taken for "not submitted" where the
    instance's own record says otherwise.

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
        # Where each submission is recorded, and what was read or written there last.
        self._records: dict[str, tuple[RecordStore, bytes | None]] = {}
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
        Read what earlier tries of this task instance have begun, and record this one.

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
            body = store.read(name)
            if body is not None:
                self._records[name] = (store, body)
                return read_record(body, store.address(name))
        self._records[name] = (self._stores[0], None)
        return self._find_earlier(earlier_name) if earlier_name else None

    def begun_before(self) -> dict[str, Begun]:
        """Return what earlier tries of this task instance have begun, by the name of the submission."""
        return dict(self._instance.begun)

    def unknown_elsewhere(self, name: str) -> Iterator[tuple[str, Intent]]:
        """
        Return submissions of other map indexes of this task in this run whose outcome is unknown.

        Nothing, where the store can't list its records: Variables below Airflow 3.3.

        :param name: of the submission at hand
        :return: pairs of address and intent
        :raises EkycJournalError: if a record can't be read
        """
        store = self._stores[0]
        for other in store.names() or ():
            if other == name or other.startswith(_INSTANCE) or "." in other or other in self._instance.begun:
                continue
            body = store.read(other)
            record = None if body is None else read_record(body, store.address(other))
            if isinstance(record, Intent) and record.state is IntentState.UNKNOWN:
                yield store.address(other), record

    def begin(self, scope: Scope, intent: Intent) -> None:
        """
        Remember that a submission is about to be sent.

        :raises EkycInProgressError: if another try was faster
        :raises EkycJournalError: if it can't be written; then nothing may be sent
        """
        self.update(scope.name, intent)
        begun = Begun(scope.fingerprint, scope.api, scope.account, self.address(scope.name))
        self._write_instance(replace(self._instance, begun={**self._instance.begun, scope.name: begun}))

    def update(self, name: str, intent: Intent) -> None:
        """
        Write how far an intent has come.

        :raises EkycInProgressError: if the record was changed by another try, or by a person
        :raises EkycJournalError: if it can't be written
        """
        store, known = self._records[name]
        body = write_intent(intent)
        if not store.write(name, body, replacing=known):
            raise EkycInProgressError(
                f"The record of this list, {store.address(name)}, was changed meanwhile: another try is submitting "
                f"it, or a person has settled it. Nothing was sent. A retry reads the record again."
            )
        self._records[name] = (store, body)

    def is_current(self, name: str) -> bool:
        """
        Whether the record still is what this try has written.

        :raises EkycJournalError: if it can't be read
        """
        store, known = self._records[name]
        return store.read(name) == known

    def complete(self, name: str, receipt: Receipt) -> None:
        """
        Remember that a submission was accepted. What another try has written meanwhile gives way, unless it is a
        receipt.

        :raises EkycJournalError: if it can't be written
        """
        store, known = self._records[name]
        body = write_receipt(receipt)
        while not store.write(name, body, replacing=known):
            known = store.read(name)
            record = None if known is None else read_record(known, store.address(name))
            if isinstance(record, Receipt):
                if record.ekyc_task_id != receipt.ekyc_task_id:
                    raise EkycJournalError(
                        f"The record {store.address(name)} already names remote task {record.ekyc_task_id}."
                    )
                break
        self._records[name] = (store, body)

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
        return f"start a new run, or write '{SEND_AGAIN}' into {self.address(name)} and clear this task"

    def _find_earlier(self, earlier_name: str) -> Receipt | Intent | None:
        for store in self._stores:
            # It never wrote to Variables.
            if store.is_atomic and (found := find_earlier(earlier_name, store.read, store.address(earlier_name))):
                return found
        if self._state_store is None:
            return None
        return find_earlier(earlier_name, state_store_reader(self._state_store), "in this task's Task State Store")

    def _write_instance(self, instance: InstanceRecord) -> None:
        body = write_instance(replace(instance, updated_at=datetime.now(UTC).isoformat(timespec="seconds")))
        if not self._instances.write(self._instance_name, body, replacing=self._instance_body):
            raise EkycInProgressError(
                f"Another try of this task is running: it changed {self._instances.address(self._instance_name)}. "
                f"Nothing was sent. A retry reads it again."
            )
        self._instance, self._instance_body = instance, body
