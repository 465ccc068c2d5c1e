"""What is around an archive on its way through a transfer: the line, what is promised, what is asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass

from airflow_provider_ekyc.results.output.formats import FORMATS
from dev.fuzz.comparison import contradictions_of, is_of_others
from dev.fuzz.inputs import ArchiveInput, ordinal_of
from dev.fuzz.sent import is_plain


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How an archive goes through a transfer.

    :param output_format: that is asked for
    :param total: numbers that the remote task promises; 0 is how the API says that it does not know
    :param breaks_promise: whether the result has fewer
    :param warns: whether what does not match is to be landed all the same
    :param has_ranges: whether the archive is downloaded by several ranges, as otherwise only large ones are
    :param is_tls: whether the API and its store speak TLS
    :param is_taken: whether somebody puts another object at the key during the download
    """

    output_format: str
    total: int
    breaks_promise: bool
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
    breaks_promise = rng.random() < (0.05 if has_input else 0.15) and given.rows is not None and goes_wrong
    output_format = rng.choice(tuple(FORMATS))
    known = rows + 5 if breaks_promise else rng.choice((0, rows))
    return Plan(
        output_format=output_format,
        # Where nobody knows it, the submission would be the measure, of which the result may have fewer.
        total=known or (rows if has_input else 0),
        breaks_promise=breaks_promise,
        warns=rng.random() < 0.15 and has_input and goes_wrong,
        has_ranges=rng.random() < 0.6,
        is_tls=rng.random() < 0.25,
        is_taken=rng.random() < 0.08 and has_input and goes_wrong,
    )


def must_be_refused(plan: Plan, given: ArchiveInput) -> str:
    """Say why nothing may be landed, "" if it may."""
    if plan.is_taken:
        return "landed where another object lies"
    if plan.breaks_promise and not plan.warns:
        return "a result with missing rows was landed"
    if is_of_others(given) and not plan.warns:
        return "a result without any of the numbers that were sent was landed"
    if given.rows and all(answer == "unknown" for _, answer in given.rows) and not plan.warns:
        return "a result without a yes or a no was landed"
    if contradictions_of(given) and not plan.warns:
        return "a result with contradictions was landed"
    if given.rows and plan.total and len({digits for digits, _ in given.rows}) < plan.total and not plan.warns:
        return "a result with fewer numbers than promised was landed"
    if given.unreadable and not plan.warns:
        return "a result with numbers that can't be read was landed"
    return ""
