"""What is said of a result that was read: what keeps it from being landed unasked, and what is only said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_provider_ekyc.results.archive.check import ArchiveSummary
from airflow_provider_ekyc.results.table.number_forms import ADDRESS


def answer_mismatch(summary: ArchiveSummary, *, all_failed: bool) -> str | None:
    """
    Say if no row is yes or no: then the answers are in words that nobody knows, or in another column.

    :param all_failed: whether the vendor could process none of the numbers: then no answer is a result
    :return: a sentence, or None
    """
    if not summary.is_read or summary.yes or summary.no or not summary.rows or all_failed:
        return None
    return f"Not one of the result's {summary.rows:,} rows is a yes or a no (answers: {summary.unknown_words})."


def form_mismatch(summary: ArchiveSummary) -> str | None:
    """
    Say how many numbers can't be read. E-mail addresses are none, unless all rows are, as of some task types.

    :return: a sentence, or None
    """
    unreadable = dict(summary.unreadable)
    if unreadable == {ADDRESS: summary.rows}:
        return None
    if not unreadable:
        return None
    return (
        f"{sum(unreadable.values()):,} of the result's {summary.rows:,} rows have a number that can't be read "
        f"({_shown(unreadable)})."
    )


def remarks(summary: ArchiveSummary, *, is_archive: bool) -> Iterator[str]:
    """
    Yield sentences for the log: what was read otherwise than it was written, and what was left out.

    :param is_archive: whether the archive itself is landed, in which nothing is changed
    """
    if not summary.is_read:
        yield (
            "Only the archive itself was checked (check='archive'): its contents were not understood, and nothing is "
            "known of its rows."
        )
    if summary.unchecked:
        yield f"{summary.unchecked:,} of its members are encrypted, or packed by another method: not checked."
    if summary.unknown and (summary.yes or summary.no):
        rows = f"{summary.unknown:,} of the result's {summary.rows:,} rows"
        yield f"{rows} are unknown (answers: {summary.unknown_words})."
    if summary.repaired:
        kept = " The archive has them as they were written." if is_archive else ""
        yield (
            f"{sum(summary.repaired.values()):,} numbers were written otherwise and read all the same "
            f"({_shown(summary.repaired)}).{kept}"
        )
    if summary.beside:
        yield f"Not read as results: {summary.beside}."


def _shown(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items(), key=lambda item: -item[1]))
