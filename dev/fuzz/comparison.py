"""What was sent compared with what is in the result, by the plainest program: the difference of two sets."""

from __future__ import annotations

from typing import Any

from dev.fuzz.model import ArchiveInput, Sent


def numbers_of(given: ArchiveInput) -> frozenset[str] | None:
    """Return the numbers in a result, None if they are not known."""
    return None if given.rows is None else frozenset(digits for digits, _ in given.rows)


def is_of_others(given: ArchiveInput) -> bool:
    """Tell whether a result is compared, and most of its numbers were never sent."""
    returned = numbers_of(given)
    if given.sent is None or given.sent.fate != "compared" or returned is None:
        return False
    return not given.sent.numbers & returned or len(returned - given.sent.numbers) > len(returned & given.sent.numbers)


def contradictions_of(given: ArchiveInput) -> int:
    """Count the numbers of a result that are in it both as yes and as no."""
    said: dict[str, set[str]] = {}
    for digits, word in given.rows or ():
        said.setdefault(digits, set()).add(word)
    return sum({"yes", "no"} <= words for words in said.values())


def flaw_of_comparison(given: ArchiveInput, result: dict[str, Any], uri: str, listed: bytes | None) -> str:
    """
    Say what is wrong with what a transfer says of unmatched numbers, "" if nothing is.

    :param result: what it pushed
    :param uri: where the list of unmatched numbers must be, "" if it was not asked for
    :param listed: what is there, None if nothing does
    """
    count, told_uri = result["unmatched"], result["unmatched_uri"]
    fate = given.sent.fate if given.sent else "left out"
    if fate == "refused":
        return "landed though its arguments can't be right"
    if count is None:
        if fate == "compared":
            return "what was sent was not compared"
        return "" if told_uri is None and listed is None else "not compared, and there is a list"
    if fate == "left out" or given.sent is None:
        return "compared with what is not what was sent"
    if (told_uri or "") != uri or (listed is None) is bool(uri):
        return "the list is not where it must be"
    return _flaw_of_numbers(given, given.sent, count, listed)


def _flaw_of_numbers(given: ArchiveInput, sent: Sent, count: int, listed: bytes | None) -> str:
    returned = numbers_of(given)
    missing = None if returned is None else sent.numbers - returned
    if not 0 <= count <= len(sent.numbers) or (missing is not None and count != len(missing)):
        return f"{count} unmatched numbers of {len(sent.numbers)}, not {'so many' if missing is None else len(missing)}"
    return "" if listed is None else flaw_of_list(listed, sent.numbers, missing, count)


def flaw_of_list(listed: bytes, sent: frozenset[str], missing: frozenset[str] | None, count: int | None) -> str:
    """
    Say what is wrong with a list of unmatched numbers, "" if nothing is.

    :param missing: what it must hold, None if that is not known
    :param count: how many it must hold, None if nobody said
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
