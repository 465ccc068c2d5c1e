"""What must become of a transfer: how an archive goes through it, and the plainest comparison with what was sent."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from airflow_provider_ekyc.results.output.formats import FORMATS
from dev.fuzz.model import ArchiveInput, ordinal_of
from dev.fuzz.sent import is_plain


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How an archive goes through a transfer.

    :param total: numbers that the remote task announces; 0 is how the API says that it does not know
    :param has_fewer: whether the result has fewer
    :param warns: whether what does not match is to be landed all the same
    :param has_ranges: whether the archive is downloaded by several ranges, as otherwise only large ones are
    :param is_tls: whether the API and its store speak TLS
    :param is_taken: whether another object is put at the key during the download
    """

    output_format: str
    total: int
    has_fewer: bool
    warns: bool
    has_ranges: bool
    is_tls: bool
    is_taken: bool


def plan_of(seed: int, given: ArchiveInput) -> Plan:
    """Return how an archive goes through, the same each time."""
    rng = random.Random(f"{seed}/{given.index}/landing")
    rows, has_input = len(given.rows or ()), given.sent is not None
    goes_wrong = not (has_input and is_plain(ordinal_of(given.index)))
    # Drawn in any case, so that a smaller input has the same plan.
    has_fewer = rng.random() < (0.05 if has_input else 0.15) and given.rows is not None and goes_wrong
    output_format = rng.choice(tuple(FORMATS))
    known = rows + 5 if has_fewer else rng.choice((0, rows))
    return Plan(
        output_format=output_format,
        # Where nobody knows it, the submission would be the measure, of which the result may have fewer.
        total=known or (rows if has_input else 0),
        has_fewer=has_fewer,
        warns=rng.random() < 0.15 and has_input and goes_wrong,
        has_ranges=rng.random() < 0.6,
        is_tls=rng.random() < 0.25,
        is_taken=rng.random() < 0.08 and has_input and goes_wrong,
    )


def must_be_refused(plan: Plan, given: ArchiveInput) -> str:
    """Say why nothing may be landed, "" if it may."""
    if plan.is_taken:
        return "landed where another object is"
    rows = given.rows or ()
    reasons = {
        "missing rows": plan.has_fewer,
        "none of the numbers that were sent": is_of_others(given),
        "neither a yes nor a no": bool(rows) and all(answer == "unknown" for _, answer in rows),
        "contradictions": contradictions_of(given) > 0,
        "fewer numbers than announced": bool(rows) and len(given.numbers or ()) < plan.total,
        "numbers that can't be read": given.unreadable > 0,
    }
    found = "" if plan.warns else next((reason for reason, applies in reasons.items() if applies), "")
    return f"a result with {found} was landed" if found else ""


def is_of_others(given: ArchiveInput) -> bool:
    """Tell whether a result is compared, and most of its numbers were never sent."""
    returned = given.numbers
    if given.sent is None or given.sent.fate != "compared" or returned is None:
        return False
    return not given.sent.numbers & returned or len(returned - given.sent.numbers) > len(returned & given.sent.numbers)


def contradictions_of(given: ArchiveInput) -> int:
    """Count the numbers of a result that are in it both as yes and as no."""
    answers: dict[str, set[str]] = {}
    for digits, word in given.rows or ():
        answers.setdefault(digits, set()).add(word)
    return sum({"yes", "no"} <= words for words in answers.values())


def flaw_of_repetition(given: ArchiveInput, result: dict[str, Any]) -> str:
    """Say what is wrong with the counts of different numbers and of contradictions, "" if nothing is."""
    if given.numbers is None or given.unreadable:
        return ""
    expected, found = (len(given.numbers), contradictions_of(given)), (result["distinct"], result["contradictions"])
    return "" if found == expected else f"{found} different numbers and contradictions, not {expected}"


def flaw_of_comparison(given: ArchiveInput, result: dict[str, Any], uri: str, listed: bytes | None) -> str:
    """
    Say what is wrong with the unmatched numbers of a transfer, "" if nothing is.

    :param result: what it pushed
    :param uri: where the list of unmatched numbers must be, "" if it was not asked for
    :param listed: what is there, None if nothing is
    """
    count, pushed_uri = result["unmatched"], result["unmatched_uri"]
    fate = given.sent.fate if given.sent else "left out"
    if fate == "refused":
        return "landed though its arguments can't be right"
    if count is None:
        if fate == "compared":
            return "what was sent was not compared"
        return "" if pushed_uri is None and listed is None else "not compared, and there is a list"
    if fate == "left out" or given.sent is None:
        return "compared with what is not what was sent"
    if (pushed_uri or "") != uri or (listed is None) is bool(uri):
        return "the list is not where it must be"
    sent, missing = given.sent.numbers, missing_of(given)
    if not 0 <= count <= len(sent) or (missing is not None and count != len(missing)):
        return f"{count} unmatched numbers of {len(sent)}, not {'so many' if missing is None else len(missing)}"
    return "" if listed is None else flaw_of_list(listed, sent, missing, count)


def missing_of(given: ArchiveInput) -> frozenset[str] | None:
    """Return the numbers that were sent and are not in the result; None if these are not known."""
    return None if given.sent is None or given.numbers is None else given.sent.numbers - given.numbers


def flaw_of_list(listed: bytes, sent: frozenset[str], missing: frozenset[str] | None, count: int | None) -> str:
    """
    Say what is wrong with a list of unmatched numbers, "" if nothing is.

    :param missing: what it must hold, None if that is not known
    :param count: how many it must hold, None if that is not known either
    """
    *lines, rest = listed.decode("latin-1").split("\n")
    found = {line.removeprefix("+") for line in lines}
    if rest or not all(line.startswith("+") for line in lines):
        return "the list is not one number a line"
    if len(lines) != len(found) or count not in (None, len(lines)):
        return f"the list has {len(lines)} lines for {count} numbers"
    if missing is not None and found != missing:
        return f"the list lacks {len(missing - found)} numbers, and has {len(found - missing)} that were returned"
    return "" if found <= sent else "the list has numbers that were never sent"
