"""What is around an archive on its way through a transfer: the network, what is announced, what is asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass

from airflow_provider_ekyc.results.output.formats import FORMATS
from dev.fuzz.comparison import contradictions_of, is_of_others
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
    rows = len(given.rows) if given.rows is not None else 0
    has_input = given.sent is not None
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
        "fewer numbers than announced": bool(rows) and len({digits for digits, _ in rows}) < plan.total,
        "numbers that can't be read": given.unreadable > 0,
    }
    found = "" if plan.warns else next((reason for reason, applies in reasons.items() if applies), "")
    return f"a result with {found} was landed" if found else ""
