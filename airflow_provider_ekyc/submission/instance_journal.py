"""The record of one task instance: which try is its latest, and which submissions its tries have begun."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_ekyc.exceptions import EkycInProgressError
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.record import Begun, InstanceRecord, Pointer
from airflow_provider_ekyc.submission.record_format import read_instance, write_record

if TYPE_CHECKING:
    from airflow_provider_ekyc.submission.stores import RecordStore

#: How the name of a task instance's record begins.
INSTANCE = "instance_"


class InstanceJournal:
    """
    The record of one task instance. It outlasts its tries.

    So an absent record of a submission is never treated as "not submitted" where this one says otherwise.

    :param task: the task instance and its try
    :param instances: where the record is
    """

    def __init__(self, task: TaskIdentity, instances: RecordStore) -> None:
        self._try_number = task.try_number
        self._instances = instances
        self._instance = InstanceRecord(task.try_number, "", {})
        self._instance_body: bytes | None = None
        self._instance_name = f"{INSTANCE}{max(task.map_index, 0)}"
        self._is_first_record = True

    @property
    def is_first_record(self) -> bool:
        """Whether no earlier try of this task instance has left a record."""
        return self._is_first_record

    @property
    def begun(self) -> Mapping[str, Begun]:
        """What the tries of this task instance have begun, by the name of the submission."""
        return self._instance.begun

    def start_try(self) -> None:
        """
        Read what earlier tries of this task instance have begun, and record this one as the latest.

        :raises EkycJournalError: if that can't be known
        :raises EkycInProgressError: if another try starts at the same moment
        """
        body = self._read()
        self._is_first_record = body is None
        self._instance_body = body
        self._update(replace(self._instance, try_number=self._try_number))

    def read_begun(self) -> Mapping[str, Begun]:
        """
        Return :attr:`begun` of a task instance that does not run: it is read, and nothing is written.

        :raises EkycJournalError: if that can't be known
        """
        self._read()
        return self.begun

    def record_begun(self, name: str, begun: Begun) -> None:
        """
        Record that this task instance begins a submission.

        :raises EkycInProgressError: if another try of this task instance has started
        :raises EkycJournalError: if it can't be written
        """
        if begun.journal != self._instances.address(name) and self._instances.read(name) is None:
            self._instances.write(name, write_record(Pointer(begun.journal, _now())), replacing=None)
        self._update(replace(self._instance, begun={**self.begun, name: begun}))

    def require_latest_try(self) -> None:
        """
        Stop if another try of this task instance has started.

        :raises EkycInProgressError: if so
        :raises EkycJournalError: if that can't be known
        """
        if self._instances.read(self._instance_name) != self._instance_body:
            raise self._other_try_error()

    def _read(self) -> bytes | None:
        body = self._instances.read(self._instance_name)
        if body is not None:
            self._instance = read_instance(body, self._instances.address(self._instance_name))
        return body

    def _update(self, instance: InstanceRecord) -> None:
        body = write_record(replace(instance, updated_at=_now()))
        if not self._instances.write(self._instance_name, body, replacing=self._instance_body):
            raise self._other_try_error()
        self._instance, self._instance_body = instance, body

    def _other_try_error(self) -> EkycInProgressError:
        return EkycInProgressError(
            f"Another try of this task is running: it changed {self._instances.address(self._instance_name)}. Nothing "
            f"was sent. A retry reads it again."
        )


def _now() -> str:
    return datetime.now(UTC).isoformat()
