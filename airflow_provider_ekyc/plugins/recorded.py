"""
What the records of a task say of its submissions. Pure: it is given the Variables.

Airflow Variables always have the record of the task instance, which names the submissions that its tries began; with a
journal in S3 or in a directory they have a pointer in the place of each submission's records. XComs are not asked: they
are gone when the next try starts, and others can write them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from airflow_provider_ekyc.exceptions import EkycJournalError
from airflow_provider_ekyc.plugins.task_records import TaskRecord
from airflow_provider_ekyc.submission.identity import TaskIdentity
from airflow_provider_ekyc.submission.journal import OPEN, RECEIPT, Journal
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, Begun, InstanceRecord, Intent, Receipt
from airflow_provider_ekyc.submission.record_format import read_instance
from airflow_provider_ekyc.submission.stores import Stores
from airflow_provider_ekyc.submission.variable_store import PREFIX


class Known(StrEnum):
    """What is known of a submission."""

    OPEN = "open"  #: it may have been accepted and charged
    ACCEPTED = "accepted"  #: it has a receipt, or a person has entered its remote id
    SEND_AGAIN = "send_again"  #: a person has settled it: the next try sends it again
    FREE = "free"  #: it was certainly not accepted
    ELSEWHERE = "elsewhere"  #: its records are in S3 or in a directory
    UNREADABLE = "unreadable"  #: its record can't be read
    ABSENT = "absent"  #: it was begun, and its record is gone


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    One submission that a task instance has begun.

    :param name: ``Scope.name``
    :param address: of its record, as messages name it
    :param intent: if it is open
    :param receipt: if it was accepted
    """

    name: str
    address: str
    known: Known
    intent: Intent | None = None
    receipt: Receipt | None = None

    @property
    def store(self) -> str:
        """Where its records are: ``variables``, ``s3`` or ``directory``."""
        if self.known is not Known.ELSEWHERE:
            return "variables"
        return "s3" if self.address.startswith("s3://") else "directory"


class GivenVariables:
    """
    Variables that were read before, as a store of records that can only be read.

    :param values: by key
    :param task: of the records
    """

    kind: ClassVar[str] = "variables"

    def __init__(self, values: Mapping[str, str], task: TaskIdentity) -> None:
        self._values = values
        self._prefix = f"{PREFIX}{task.digest}_"

    def address(self, name: str) -> str:
        """Return the Variable's key, as a message names it."""
        return f"Airflow Variable {self._prefix}{name}"

    def read(self, name: str) -> bytes | None:
        """Return the Variable's value, or None if there was none."""
        value = self._values.get(f"{self._prefix}{name}")
        return None if value is None else value.encode()

    def write(self, name: str, body: bytes, *, replacing: bytes | None) -> bool:
        """
        Refuse: these were read before, and nothing here writes.

        :raises TypeError: always
        """
        raise TypeError("These records are read only.")

    def names(self, prefix: str) -> list[str] | None:
        """Return None: nothing here lists them."""
        return None


def identities_of(record: TaskRecord) -> tuple[TaskIdentity, ...]:
    """
    Return the task instance as its records may name it.

    Airflow 3.4 stores the iteration of a loop where it stores a map index, and what of the two it is in a region of the
    run: so there are two possibilities.
    """

    def identity(iteration: int | None, map_index: int) -> TaskIdentity:
        task = record.dag_id, record.task_id, record.run_id
        return TaskIdentity(*task, iteration, map_index, record.try_number, 0)

    plain = identity(None, record.map_index)
    return (plain,) if record.region is None else (plain, identity(record.map_index, -1))


def instance_key(task: TaskIdentity) -> str:
    """Return the key of the record of a task instance."""
    return f"{PREFIX}{task.digest}_instance_{max(task.map_index, 0)}"


def submission_keys(task: TaskIdentity, names: Iterable[str]) -> Iterator[str]:
    """Yield the keys of the records of submissions."""
    for name in names:
        for entry in (name, OPEN + name, name + RECEIPT):
            yield f"{PREFIX}{task.digest}_{entry}"


def begun_by(values: Mapping[str, str], task: TaskIdentity) -> Mapping[str, Begun] | None:
    """
    Return what the tries of a task instance have begun, by the names of the submissions.

    :return: None if the task instance has no record
    :raises EkycJournalError: if the record can't be read
    """
    key = instance_key(task)
    value = values.get(key)
    if value is None:
        return None
    record: InstanceRecord = read_instance(value.encode(), f"Airflow Variable {key}")
    return record.begun


def recorded_submissions(values: Mapping[str, str], task: TaskIdentity, begun: Mapping[str, Begun]) -> list[Recorded]:
    """
    Return what is recorded of each submission that a task instance has begun.

    :param values: Variables, those of :func:`submission_keys` among them
    :param begun: what :func:`begun_by` returned
    """
    return [_recorded(GivenVariables(values, task), task, name, each.journal) for name, each in begun.items()]


def _recorded(store: GivenVariables, task: TaskIdentity, name: str, journal: str) -> Recorded:
    address = store.address(name)
    if journal != address:
        return Recorded(name, journal, Known.ELSEWHERE)
    try:
        found = Journal(task, Stores((store,), store, ())).submission(name).find()
    except EkycJournalError:
        return Recorded(name, address, Known.UNREADABLE)
    if isinstance(found, Receipt):
        return Recorded(name, address, Known.ACCEPTED, receipt=found)
    if found is SENT_AGAIN_BY_HAND:
        return Recorded(name, address, Known.SEND_AGAIN)
    if found is None:
        return Recorded(name, address, Known.ABSENT)
    return Recorded(name, address, Known.OPEN if found.is_open else Known.FREE, intent=found if found.is_open else None)
