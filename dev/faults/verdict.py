"""What the evidence of a case comes to: charged, charged twice, lost, partial, off the table."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import unquote

from dev.faults.case import Case, End, Evidence, says_unknown
from dev.faults.changes import change_of
from dev.faults.environment import API_KEY, numbers_of
from dev.faults.table import expected, may_be_unknown_unsent

# The numbers of all cases, and nothing else that is logged, look like this.
_NUMBER = re.compile(r"\+?\b999\d{10}\b")

#: What the log says before a list is sent of which nothing is recorded any more.
WARNED = "no earlier try has left a record"


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of a case.

    :param charged: submissions on the bill
    :param double: submissions beyond the first of the same content
    :param asked_double: the same, where the user asked for it by ``resubmit``, or deleted all records and was warned
    :param lost: charged, and the id is nowhere, and nothing says that the outcome is unknown
    :param partial: objects that are partial, unchecked or wrong
    :param table_lost: numbers of a landing that succeeded which are not in the Iceberg table
    :param table_twice: rows of the Iceberg table beyond the first of a number
    :param unsent: it ended as unknown, though no submission reached the API
    :param off: what is not as the table says, in words
    """

    case: Case
    end: End
    charged: int
    double: int
    asked_double: int
    lost: int
    partial: int
    table_lost: int
    table_twice: int
    unsent: bool
    kills: int
    off: tuple[str, ...]


def verdict_of(case: Case, evidence: Evidence) -> Verdict:
    """Compare the evidence with the table."""
    allowed = expected(case)
    times = Counter(charge.content for charge in evidence.charges)
    double = sum(count - 1 for count in times.values())
    ids = {charge.ekyc_task_id for charge in evidence.charges}
    is_asked = _is_asked(case, evidence)
    unsent = evidence.end is End.UNKNOWN and not evidence.submit_calls
    off = _against_the_bill(case, evidence)
    if evidence.end not in allowed.ends:
        off.append(f"ended as {evidence.end}, not {' or '.join(sorted(allowed.ends))}: {evidence.message[:300]}")
    if len(evidence.charges) not in allowed.charges:
        off.append(f"{len(evidence.charges)} charges, not {' or '.join(map(str, sorted(allowed.charges)))}")
    if evidence.end is End.SUCCESS and evidence.value is not None:
        if case.operator in ("submit", "wait") and evidence.value not in ids:
            off.append("succeeded with an id that is not on the bill")
        if case.operator in ("land", "table", "chain") and not evidence.objects:
            off.append("succeeded, and no object is there")
    if evidence.end is not End.SUCCESS and evidence.objects:
        off.append("an object is there although the task did not succeed")
    if case.point and not evidence.kills:
        off.append("it never reached the point at which it was to be killed")
    if evidence.unused:
        off.append(f"no call got the fault {evidence.unused}")
    if evidence.unforeseen:
        off.append(f"an exception that is none of ours: {evidence.unforeseen[:300]}")
    if unsent and not may_be_unknown_unsent(case):
        off.append("ended as unknown though nothing was sent, and it was not killed between intent and first byte")
    if evidence.in_table.keys() - {*numbers_of(case)}:
        off.append("the table has numbers as its own that are not")
    if _leaks(case, evidence.remembered):
        off.append("a key or a number is in a journal, an XCom or a log")
    return Verdict(
        case=case,
        end=evidence.end,
        charged=len(evidence.charges),
        double=0 if is_asked else double,
        asked_double=double if is_asked else 0,
        lost=_lost(case, evidence),
        partial=len(evidence.flawed),
        table_lost=_lost_rows(case, evidence),
        table_twice=sum(count - 1 for count in evidence.in_table.values()),
        unsent=unsent,
        kills=evidence.kills,
        off=(*off, *evidence.flawed),
    )


def _against_the_bill(case: Case, evidence: Evidence) -> list[str]:
    """Compare what the task said with the bill, whatever the table allows."""
    taken = len(evidence.charges) - len(evidence.prepaid)
    if evidence.end is End.SUCCESS and case.operator in ("submit", "chain") and not taken:
        return ["succeeded, and nothing is on the bill"]
    if evidence.end in (End.CLEAR, End.RETRYABLE) and taken and not evidence.succeeded_before:
        return ["failed as if nothing had been accepted, and it is on the bill"]
    return []


def _leaks(case: Case, text: str) -> bool:
    """Return whether a text holds a number, or in whatever spelling the key or the first number, which is echoed."""
    plain = _squeezed(unquote(text))
    return any(_squeezed(word) in plain for word in (API_KEY, numbers_of(case)[0])) or bool(_NUMBER.search(text))


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def _is_asked(case: Case, evidence: Evidence) -> bool:
    """Return whether a further submission was asked for, or was warned of after all records had been deleted."""
    return case.resubmit or (change_of(case.change).deletes == "all" and WARNED in evidence.remembered)


def _lost_rows(case: Case, evidence: Evidence) -> int:
    if case.operator != "table" or evidence.end is not End.SUCCESS:
        return 0
    return sum(number not in evidence.in_table for number in numbers_of(case))


def _lost(case: Case, evidence: Evidence) -> int:
    """Count charges that nothing and nobody knows of."""
    if evidence.end is End.UNKNOWN:
        return 0
    # Who asked for another submission finds the unknown outcome in the log; the task goes on.
    if _is_asked(case, evidence) and (
        "has an unknown outcome" in evidence.remembered or says_unknown(evidence.remembered)
    ):
        return 0
    return sum(
        charge.ekyc_task_id not in evidence.remembered and charge.ekyc_task_id not in evidence.prepaid
        for charge in evidence.charges
    )
