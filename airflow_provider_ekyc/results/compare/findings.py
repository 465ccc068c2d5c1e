"""What was found about a checked result: pure, in counts alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ekyc.results.table.number_forms import ADDRESS

if TYPE_CHECKING:
    from airflow_provider_ekyc.results.archive.check import ArchiveSummary
    from airflow_provider_ekyc.results.compare.expected_counts import ExpectedCounts
    from airflow_provider_ekyc.results.compare.ledger import Unmatched
    from airflow_provider_ekyc.submission.record import Submission


@dataclass(slots=True)
class Findings:
    """
    What was found about a result.

    :param mismatches: sentences for which the task fails, unless ``on_mismatch="warn"``
    :param warnings: sentences for the log
    :param notes: sentences for the log that are no warning
    """

    mismatches: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def findings_of(
    summary: ArchiveSummary,
    found: Unmatched,
    expected: ExpectedCounts,
    submission: Submission | None = None,
    *,
    is_compared: bool = False,
) -> Findings:
    """
    Compare the counts of a result with those of the remote task and of its submission.

    :param summary: of the archive
    :param found: what the ledger counted in its rows
    :param submission: what was sent, in counts
    :param is_compared: whether ``found`` holds what was sent, number by number
    """
    findings = Findings()
    _add_counts(findings, summary, found, expected)
    if found.contradictions:
        findings.mismatches.append(
            f"{found.contradictions:,} of the result's {found.returned:,} different numbers are both yes and no."
        )
    if is_compared:
        _add_numbers(findings, found)
    elif submission is not None:
        _add_content(findings, found, submission)
    understood = (answer_mismatch(summary, all_failed=expected.all_failed), form_mismatch(summary))
    findings.mismatches += filter(None, understood)
    return findings


def answer_mismatch(summary: ArchiveSummary, *, all_failed: bool) -> str | None:
    """
    Return a sentence if no row is yes or no: then the answers are in unknown words, or in another column.

    :param all_failed: whether the vendor could process none of the numbers: then no answer is a result
    """
    if summary.yes or summary.no or not summary.rows or all_failed:
        return None
    return f"None of the result's {summary.rows:,} rows is a yes or a no (answers: {summary.unknown_words})."


def form_mismatch(summary: ArchiveSummary) -> str | None:
    """Return how many numbers can't be read. E-mail addresses are none, unless all rows are, as of some task types."""
    unreadable = dict(summary.unreadable)
    if not unreadable or unreadable == {ADDRESS: summary.rows}:
        return None
    return (
        f"{sum(unreadable.values()):,} of the result's {summary.rows:,} rows have a number that can't be read "
        f"({_shown(unreadable)})."
    )


def remarks(summary: ArchiveSummary, *, is_archive: bool) -> Iterator[str]:
    """
    Yield sentences for the log: what was read in another form than written, and what was not read.

    :param is_archive: whether the archive itself is landed, in which nothing is changed
    """
    if not summary.is_read:
        yield (
            "Only the archive itself was checked (check='archive'): its contents were not read, and its rows were not "
            "counted."
        )
    if summary.unchecked:
        yield (
            f"{summary.unchecked:,} of its members were not checked: they are encrypted, or compressed by another "
            f"method."
        )
    if summary.unknown and (summary.yes or summary.no):
        rows = f"{summary.unknown:,} of the result's {summary.rows:,} rows"
        yield f"{rows} are unknown (answers: {summary.unknown_words})."
    if summary.repaired:
        kept = " The archive has them as they were written." if is_archive else ""
        yield (
            f"{sum(summary.repaired.values()):,} numbers were written in another form and were read "
            f"({_shown(summary.repaired)}).{kept}"
        )
    if summary.beside:
        yield f"Not read as results: {summary.beside}."


def _add_counts(findings: Findings, summary: ArchiveSummary, found: Unmatched, expected: ExpectedCounts) -> None:
    rows, distinct = summary.rows, found.returned
    counts = f"The result has {rows:,} rows"
    if expected.most and not expected.least <= rows <= expected.most:
        findings.mismatches.append(f"{counts}, but {expected.shown}.")
    elif not rows and not expected.all_failed:
        findings.mismatches.append("The result has no row.")
    elif distinct < expected.least:
        findings.mismatches.append(f"{counts} with {_numbers(distinct)}, but {expected.shown}.")
    if distinct < rows:
        findings.warnings.append(
            f"{counts} with {_numbers(distinct)}: {rows - distinct:,} repeat another row's number."
        )
    if expected.total and distinct < expected.total and not findings.mismatches:
        findings.notes.append(
            f"{expected.total - distinct:,} of {expected.total:,} numbers are not in the result ({expected.failure:,} "
            f"could not be processed)."
        )


def _add_numbers(findings: Findings, found: Unmatched) -> None:
    """
    Add what was compared number by number.

    The API page does not say whether numbers that could not be processed are in the result, nor whether the vendor
    writes each number as it was sent; so some that are missing, or were not sent, are only counted. A result most of
    whose numbers were not sent is the result of another submission.
    """
    matched = found.returned - found.unexpected
    if not matched and found.returned:
        findings.mismatches.append(
            f"None of the {found.sent:,} numbers that were sent is in the result: it belongs to another submission."
        )
    elif found.unexpected > matched:
        findings.mismatches.append(
            f"Only {matched:,} of the {found.returned:,} numbers in the result were sent: it belongs to another "
            f"submission."
        )
    counted = (
        f"Of {found.sent:,} numbers that were sent, {found.count:,} are not in the result; {found.unexpected:,} "
        f"numbers in the result were not sent."
    )
    (findings.warnings if found.unexpected else findings.notes).append(counted)


def _add_content(findings: Findings, found: Unmatched, submission: Submission) -> None:
    """Compare without the list: as many numbers as were sent are the same numbers only if they have the same key."""
    if submission.content_key is None or found.content_key is None or found.returned != submission.rows:
        return
    if found.content_key == submission.content_key:
        findings.notes.append(f"The result contains exactly the {found.returned:,} numbers that were sent.")
    else:
        findings.mismatches.append(
            f"The result contains as many numbers as were sent ({found.returned:,}), but not the same ones. To count "
            f"those that differ, set numbers= to the input that was sent."
        )


def _numbers(count: int) -> str:
    return f"{count:,} different number{'s' if count != 1 else ''}"


def _shown(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items(), key=lambda item: -item[1]))
