"""Compare a result with the counts of the API and of the submission, and with the numbers that were sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ekyc.results.compare.expected_counts import expected_counts
from airflow_provider_ekyc.results.compare.findings import Findings, findings_of, remarks
from airflow_provider_ekyc.results.compare.ledger import NumberLedger, Unmatched
from airflow_provider_ekyc.results.compare.row_keys import row_keys
from airflow_provider_ekyc.results.compare.submitted_input import SubmittedInput, UnreadableInput
from airflow_provider_ekyc.results.compare.unmatched import NotCompared, find_unmatched, spool_sent

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.results.archive.check import ArchiveSummary
    from airflow_provider_ekyc.results.table.rows import Rows
    from airflow_provider_ekyc.spool import Spool
    from airflow_provider_ekyc.submission.record import Submission


@dataclass(frozen=True, slots=True)
class Compared:
    """
    What the comparison found.

    :param distinct: different numbers in the result; None, as the other counts, if that is not known
    :param contradictions: numbers that are both yes and no
    :param missing: how many numbers fewer there are than were accepted or sent, by count alone
    :param unmatched: numbers that were sent and are not in the result
    """

    findings: Findings
    distinct: int | None = None
    contradictions: int | None = None
    missing: int | None = None
    unmatched: int | None = None


class Comparison:
    """
    Counts the rows of a result, and compares it with what is known of it.

    :param task: the API's answer about it
    :param submission: of the submit operator; None if it is not known
    :param submitted: the input of the submit operator; None if it is not to be compared number by number
    :param file: an empty spool file, for 8 bytes a number of each side, open until :meth:`close`
    :param held: numbers in memory at the most
    """

    def __init__(
        self,
        task: Task,
        submission: Submission | None,
        submitted: SubmittedInput | None,
        file: Spool,
        held: int | None = None,
    ) -> None:
        self.expected = expected_counts(task, submission)
        self._submission = submission
        self._submitted = submitted
        self._ledger = NumberLedger(file, held=held)
        self._not_compared: NotCompared | None = None

    @contextmanager
    def reading_input(self, is_invalid: Callable[[], bool]) -> Iterator[None]:
        """
        Read the numbers that were sent in a thread beside the block, which both have ended when this has.

        :param is_invalid: whether the result that is read meanwhile is void
        :raises EkycSpoolError: if the disk is full
        """
        if self._submitted is None:
            yield
            return
        failed = threading.Event()
        with ThreadPoolExecutor(1, "ekyc-input") as pool:
            try:
                done = pool.submit(self._read_input, self._submitted, lambda: failed.is_set() or is_invalid())
                yield
                done.result()
            except BaseException:
                failed.set()
                raise

    def close(self) -> None:
        """End the thread of the ledger, and free its memory."""
        self._ledger.close()

    def add_rows(self, rows: Rows) -> None:
        """Count rows of the result."""
        self._ledger.add_returned(*row_keys(rows))

    def likely(self, summary: ArchiveSummary) -> Compared:
        """
        Return what :meth:`finish` most likely finds, after all rows were added: each number is there once.

        :param summary: of the archive
        """
        if not summary.is_read:
            return Compared(Findings())
        missing = None if self.expected.total is None else max(self.expected.total - summary.rows, 0)
        is_compared = self._submitted is not None and self._not_compared is None
        return Compared(Findings(), summary.rows, 0, missing, (missing or 0) if is_compared else None)

    def finish(self, summary: ArchiveSummary, target: Spool, *, is_archive: bool) -> Compared:
        """
        Compare, after all rows were added.

        :param summary: of the archive
        :param target: an empty spool file, gets the numbers that were sent and are not in the result
        :param is_archive: whether the archive itself is landed
        :raises EkycSpoolError: if the disk is full
        """
        warnings = list(remarks(summary, is_archive=is_archive))
        if not summary.is_read:
            if self._submitted is not None:
                warnings.append("Not compared with what was sent: check='archive' reads no number.")
            return Compared(Findings(warnings=warnings))
        found, is_compared = self._found(target)
        if self._not_compared is not None:
            warnings.append(f"Not compared with what was sent, number by number: {self._not_compared.reason}")
        findings = findings_of(summary, found, self.expected, self._submission, is_compared=is_compared)
        findings.warnings[:0] = warnings
        total = self.expected.total
        return Compared(
            findings,
            distinct=found.returned,
            contradictions=found.contradictions,
            missing=None if total is None else max(total - found.returned, 0),
            unmatched=found.count if is_compared else None,
        )

    def _read_input(self, submitted: SubmittedInput, is_stopped: Callable[[], bool]) -> None:
        try:
            with submitted.opened(is_stopped) as source:
                self._not_compared = spool_sent(source, self._submission, self._ledger)
        except UnreadableInput as error:
            self._not_compared = NotCompared(str(error))

    def _found(self, target: Spool) -> tuple[Unmatched, bool]:
        """Return what the ledger counted, and whether it was compared with what was sent."""
        with closing(self._ledger) as ledger:
            if self._submitted is not None and self._not_compared is None:
                found = find_unmatched(ledger, self._submission, target)
                if isinstance(found, Unmatched):
                    return found, True
                self._not_compared = found
            is_keyed = self._submission is not None and self._submission.content_key is not None
            return ledger.unmatched(keyed=is_keyed), False
