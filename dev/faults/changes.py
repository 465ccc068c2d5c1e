"""What is done between the end of a submitting task and a clear of it: to its list, and to what remembers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dev.faults.case import ROWS, Memory


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change, and the clear after it.

    :param name: as in the table of outcomes
    :param before: the lists that the task is mapped over at first, a letter each; one alone is no mapped task
    :param after: the lists that it is mapped over when it is cleared
    :param edit: what is done to the lists' files
    :param forgets_task_state: whether Airflow discards the task state store with the clear, as 3.4 does by default
    :param moves: where submissions are recorded before the clear, and where after it; the same place if it names none
    :param deletes: which records somebody deletes: that of the submission, or also that of the task instance
    """

    name: str
    before: str = "a"
    after: str = "a"
    edit: Literal["", "other order", "one number more"] = ""
    forgets_task_state: bool = False
    deletes: Literal["", "submission", "all"] = ""
    moves: Mapping[Memory, Memory] = field(default_factory=dict)


CHANGES = {
    change.name: change
    for change in (
        Change("cleared"),
        Change("cleared without its task state", forgets_task_state=True),
        Change("cleared with its list in another order", edit="other order"),
        Change("cleared with one number more in its list", edit="one number more"),
        Change("cleared with a list before the others it is mapped over", before="bcd", after="abcd"),
        Change("cleared after its record was deleted", deletes="submission"),
        Change("cleared after all its records were deleted", deletes="all"),
        Change("cleared with a journal_uri added", moves={"variables": "local"}),
        Change("cleared with its journal_uri taken away", moves={"local": "variables", "s3": "variables"}),
    )
}

#: A case without a change: one list, and no clear.
NONE = Change("")


def change_of(name: str) -> Change:
    """
    Return a change by its name; "" stands for none.

    :raises LookupError: if there is no such change
    """
    return CHANGES[name] if name else NONE


def lists_of(change: Change) -> str:
    """Return the letters of all lists that a case with this change needs."""
    return "".join(sorted({*change.before, *change.after}))


def edited(numbers: list[str], change: Change) -> list[str]:
    """
    Return the list as the clear finds it.

    :param numbers: as it was sent
    """
    if change.edit == "other order":
        return numbers[::-1]
    if change.edit == "one number more":
        last = numbers[-1]
        return [*numbers, f"{last[:-4]}{int(last[-4:]) + 1:04d}"]
    return numbers


def rows_of(letter: str) -> range:
    """Return the last four digits of a list's numbers, which no two lists of a case share."""
    start = 1000 * (ord(letter) - ord("a"))
    return range(start, start + ROWS)
