"""What one case of the fault run is, and how a case can end."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

#: ``table`` is a landing that also adds its file to an Iceberg table.
Operator = Literal["submit", "wait", "land", "table", "chain"]
#: What Airflow itself keeps, a local ``journal_uri``, one in S3, one in a store that ignores ``If-None-Match``.
Memory = Literal["variables", "local", "s3", "unconditional"]
Component = Literal["triggerer", "api-server", "all"]

#: Numbers in a case's file. No two cases share a number, so that each content maps to one case.
ROWS = 120

#: Tries of a task, as ``retries=2`` gives it.
TRIES = 3

#: What a message says when it is not known whether a submission was accepted.
_UNKNOWN = re.compile(r"may (or may not )?have been (accepted|charged)|may be charged")


def says_unknown(message: str) -> bool:
    """Return whether a message says that it is not known whether a submission was accepted."""
    return _UNKNOWN.search(message) is not None


class End(StrEnum):
    """How a case ended, as Airflow and the person on call see it."""

    SUCCESS = "success"
    CLEAR = "clear failure"  #: for good, and the message says why
    UNKNOWN = "unknown"  #: for good, and the message says that it may or may not have been charged
    RETRYABLE = "retries used up"  #: with an error that a further try may fix


@dataclass(frozen=True, slots=True)
class Allowed:
    """
    What may become of a case.

    :param ends: how it may end
    :param charges: how many submissions of its content may be on the bill then
    """

    ends: frozenset[End]
    charges: frozenset[int]


@dataclass(frozen=True, slots=True)
class Case:
    """
    One operator, its tries, and what goes wrong meanwhile.

    :param number: makes the case's phone numbers its own
    :param group: the line of the printed table that it counts for
    :param operator: what is run
    :param scheduled: whether it is run by a real scheduler
    :param memory: what remembers submissions
    :param fault: name of a sandbox fault in :mod:`dev.faults.fault_cases`, or ""
    :param call: the call that the fault hits
    :param always: whether it hits every call rather than the first
    :param point: name of a kill point in :mod:`dev.faults.points`, or ""
    :param instant: share of an unharmed try's duration at which it is killed, if it is killed at random
    :param killed_tries: how many tries are killed, from the first on
    :param resubmit: whether ``on_unknown_outcome="resubmit"`` is asked for
    :param component: the part of Airflow, or all of it, that is killed and restarted meanwhile
    :param change: name of what is done between the task's end and a clear, in :mod:`dev.faults.changes`, or ""
    :param at_once: whether the first two tries run at the same time
    :param terminated: whether the task is ended as Airflow ends one (``SIGTERM``) while it waits between two sends
    :param sabotage: what of the provider is switched off, for a negative control
    """

    number: int
    group: str
    operator: Operator
    scheduled: bool = False
    memory: Memory = "local"
    fault: str = ""
    call: str = ""
    always: bool = False
    point: str = ""
    instant: float | None = None
    killed_tries: int = 1
    resubmit: bool = False
    component: Component | None = None
    change: str = ""
    at_once: bool = False
    terminated: bool = False
    sabotage: str = ""

    @property
    def shown(self) -> str:
        """What goes wrong, in words."""
        words: list[str] = [self.operator]
        if self.fault:
            words.append(f"{self.fault} on {self.call}{' always' if self.always else ''}")
        if self.point:
            words.append(f"killed {self.point}")
        if self.instant is not None:
            words.append(f"killed at {self.instant:.2f} of its time")
        if self.component:
            words.append(f"{self.component} killed")
        if self.killed_tries > 1:
            words.append(f"{self.killed_tries} times")
        if self.resubmit:
            words.append("resubmit asked for")
        if self.change:
            words.append(self.change)
        if self.at_once:
            words.append("two tries at once")
        if self.terminated:
            words.append("ended between two sends")
        if self.sabotage:
            words.append(f"without {self.sabotage}")
        return f"{', '.join(words)} ({'scheduler' if self.scheduled else 'process'}, {self.memory})"


@dataclass(frozen=True, slots=True)
class Charge:
    """
    One accepted submission on the sandbox's bill.

    :param content: names the set of numbers, whatever their order
    """

    ekyc_task_id: str
    content: str


@dataclass(slots=True)
class Evidence:
    """
    What was found when a case was over, from the bill, S3, journals, XComs and logs.

    :param end: how the task ended
    :param message: the last message of the task
    :param value: its return value
    :param succeeded_before: whether it had succeeded before the clear
    :param charges: submissions on the bill, the set-up's own included
    :param prepaid: remote tasks that the set-up submitted, whose ids the case was given
    :param submit_calls: submissions that reached the API, accepted or not
    :param remembered: everything in journals, XComs and logs, as one text
    :param objects: keys at which an object is
    :param flawed: what is wrong with objects, in words; empty if they are all whole and checked
    :param in_table: how often each number is in the Iceberg table as this case's; empty for other cases
    :param kills: how many tries were killed in fact
    :param unused: a fault that no call got, in words
    :param unforeseen: an exception that is none of the provider's, in words
    """

    end: End
    message: str = ""
    value: str | None = None
    succeeded_before: bool = False
    charges: tuple[Charge, ...] = ()
    prepaid: frozenset[str] = frozenset()
    submit_calls: int = 0
    remembered: str = field(default="", repr=False)
    objects: tuple[str, ...] = ()
    flawed: tuple[str, ...] = ()
    in_table: Counter[str] = field(default_factory=Counter, repr=False)
    kills: int = 0
    unused: str = ""
    unforeseen: str = ""
