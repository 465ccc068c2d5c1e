"""A task instance of this package as the page reads it: its state and what it has pushed, checked for their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

#: Longest text that the page is given; a message of ours has 2,000 characters at the most.
MOST_TEXT = 2000

#: Largest count: what others write may be so long that Python refuses to write a sum of it.
MOST_COUNTED = 2**53 - 1


class Role(StrEnum):
    """What a task does in a chain, by the name of its operator as Airflow stores it."""

    PREPARE = "EkycPrepareNumbersOperator"
    SUBMIT = "EkycSubmitOperator"
    SENSOR = "EkycTaskSensor"
    TRANSFER = "EkycResultsToS3Operator"


#: Names of the operators that the page shows. Airflow stores the class's own name: a subclass is not among them.
OPERATORS = tuple(role.value for role in Role)


#: Operators of a chain: what is submitted, waited for and landed.
CHAIN = (Role.SUBMIT, Role.SENSOR, Role.TRANSFER)


@dataclass(slots=True)
class TaskRecord:
    """
    One task instance.

    :param number: its id in Airflow's database, which another try changes
    :param run_number: ``DagRun.id``: later runs have a larger one
    :param run_started: time at which the run started, or was to start
    :param region: what Airflow 3.4 tells mapped and looped task instances apart by; None below 3.4 and for a plain task
    :param xcoms: what it has pushed, by key
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    role: Role
    state: str | None
    try_number: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    run_number: int = 0
    run_started: datetime | None = None
    region: str | None = None
    number: Any = None
    xcoms: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """What names it in Airflow; in a looped task group several have the same."""
        return self.dag_id, self.run_id, self.task_id, self.map_index

    @property
    def place(self) -> tuple[int, str, int]:
        """The same, with the number of the run."""
        return self.run_number, self.task_id, self.map_index

    @property
    def group(self) -> str:
        """The task group that it is in, or empty text."""
        return self.task_id.rpartition(".")[0]

    def pushed(self, key: str) -> Mapping[str, Any]:
        """Return a mapping that it has pushed; an empty one if there is none, or it is something else."""
        value = self.xcoms.get(key)
        return value if isinstance(value, Mapping) else {}

    def as_reference(self) -> dict[str, Any]:
        """Return how a row names it."""
        return {
            "task_id": self.task_id,
            "map_index": self.map_index,
            "state": self.state,
            "try_number": self.try_number,
        }


def text_of(value: object, most: int = MOST_TEXT) -> str | None:
    """Return text, cut to a length; None for anything else. An amount may be a number in what others wrote."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    shown = str(value)
    return shown[:most] if shown else None


def count_of(value: object) -> int | None:
    """Return a count; None for anything else, and for what is beyond all reason."""
    return value if type(value) is int and 0 <= value <= MOST_COUNTED else None


def texts_of(value: object, most: int = 20) -> list[str]:
    """Return the texts of a list; an empty one for anything else."""
    if not isinstance(value, list | tuple):
        return []
    return [text for each in value[:most] if (text := text_of(each, 200)) is not None]


def time_text(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC."""
    if time is None:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
