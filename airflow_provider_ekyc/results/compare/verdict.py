"""Whether a checked result is what was promised and what was sent: pure, in counts alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ekyc.results.archive.check import ArchiveSummary
    from airflow_provider_ekyc.results.compare.expectation import Promise
    from airflow_provider_ekyc.results.compare.ledger import Unmatched
    from airflow_provider_ekyc.submission.record import Submission


@dataclass(slots=True)
class Verdict:
    """
    What there is to say of a result.

    :param mismatches: sentences for which the task fails, unless ``on_mismatch="warn"``
    :param warnings: sentences for the log
    :param notes: sentences for the log that are no warning
    """

    mismatches: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(
    summary: ArchiveSummary,
    found: Unmatched,
    promise: Promise,
    submission: Submission | None = None,
    *,
    is_compared: bool = False,
) -> Verdict:
    """
    Judge a result.

    :param summary: of the archive
    :param found: what the ledger says of its rows
    :param promise: what the remote task promises
    :param submission: what was sent, in counts
    :param is_compared: whether ``found`` holds what was sent, number by number
    """
    verdict = Verdict()
    _judge_counts(verdict, summary, found, promise)
    if found.contradictions:
        verdict.mismatches.append(
            f"{found.contradictions:,} of the result's {found.returned:,} different numbers are both yes and no."
        )
    if is_compared:
        _judge_numbers(verdict, found)
    elif submission is not None:
        _judge_content(verdict, found, submission)
    return verdict


def _judge_counts(verdict: Verdict, summary: ArchiveSummary, found: Unmatched, promise: Promise) -> None:
    rows, distinct = summary.rows, found.returned
    counts = f"The result has {rows:,} rows"
    if promise.most and not promise.least <= rows <= promise.most:
        verdict.mismatches.append(f"{counts}, but {promise.shown}.")
    elif not rows and not promise.all_failed:
        verdict.mismatches.append("The result has no row.")
    elif distinct < promise.least:
        verdict.mismatches.append(f"{counts} with {_numbers(distinct)}, but {promise.shown}.")
    if distinct < rows:
        verdict.warnings.append(f"{counts} with {_numbers(distinct)}: {rows - distinct:,} repeat another row's number.")
    if promise.total and distinct < promise.total and not verdict.mismatches:
        verdict.notes.append(
            f"{promise.total - distinct:,} of {promise.total:,} numbers are not in the result ({promise.failure:,} "
            f"could not be processed)."
        )


def _judge_numbers(verdict: Verdict, found: Unmatched) -> None:
    """
    Judge what was compared number by number.

    Nobody says whether numbers that could not be processed come back, nor whether the vendor writes each number as
    it was sent; so some that are missing, or new, are counted and no more. A result most of whose numbers were never
    sent is another one's.
    """
    matched = found.returned - found.unexpected
    if not matched and found.returned:
        verdict.mismatches.append(
            f"Not one of the {found.sent:,} numbers that were sent is in the result: it is another one's."
        )
    elif found.unexpected > matched:
        verdict.mismatches.append(
            f"Only {matched:,} of the {found.returned:,} numbers in the result were sent: it is another one's."
        )
    said = (
        f"Of {found.sent:,} numbers that were sent {found.count:,} did not come back; {found.unexpected:,} came back "
        f"that were not sent."
    )
    (verdict.warnings if found.unexpected else verdict.notes).append(said)


def _judge_content(verdict: Verdict, found: Unmatched, submission: Submission) -> None:
    """Compare without the list: as many numbers as were sent are the same numbers only if they have the same key."""
    if submission.content_key is None or found.content_key is None or found.returned != submission.rows:
        return
    if found.content_key == submission.content_key:
        verdict.notes.append(f"The result holds just the {found.returned:,} numbers that were sent.")
    else:
        verdict.mismatches.append(
            f"The result holds as many numbers as were sent ({found.returned:,}), but not the same ones. To count "
            f"those that differ, set numbers= to the input that was sent."
        )


def _numbers(count: int) -> str:
    return f"{count:,} different number{'s' if count != 1 else ''}"
