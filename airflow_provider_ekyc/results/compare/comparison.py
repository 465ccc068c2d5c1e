"""What was sent, beside what came back: for the operator that lands it."""

from __future__ import annotations

from contextlib import closing
from typing import BinaryIO

from airflow_provider_ekyc.results.compare.ledger import NumberLedger, Unmatched
from airflow_provider_ekyc.results.compare.row_keys import row_keys
from airflow_provider_ekyc.results.compare.unmatched import NotCompared, find_unmatched, spool_sent
from airflow_provider_ekyc.results.table.rows import Rows
from airflow_provider_ekyc.spool import Spool
from airflow_provider_ekyc.submission.record import Submission


class Reconciliation:
    """
    Counts what came back, and compares it with what was sent, once both sides are known.

    :param submission: of the submit operator; None if it is not known
    :param file: an empty spool file, for 8 bytes a number of each side
    """

    def __init__(self, submission: Submission | None, file: Spool) -> None:
        self._submission = submission
        self._ledger = NumberLedger(file)
        self._is_given = False
        self._not_compared: NotCompared | None = None

    def read_sent(self, source: BinaryIO) -> None:
        """
        Read the numbers that were sent.

        :param source: the input of the submit operator
        """
        self._is_given = True
        self._not_compared = spool_sent(source, self._submission, self._ledger)

    def leave_out(self, reason: str) -> None:
        """Compare nothing with what was sent."""
        self._not_compared = NotCompared(reason)

    def add_rows(self, rows: Rows) -> None:
        """Count rows that came back."""
        self._ledger.add_returned(*row_keys(rows))

    def result(self, target: Spool) -> tuple[Unmatched, NotCompared | None, bool]:
        """
        Count and compare, once.

        :param target: an empty spool file, gets the numbers that did not come back
        :return: what came back; why nothing was compared with what was sent, if it should have been; whether it was
        """
        with closing(self._ledger) as ledger:
            if self._is_given and self._not_compared is None:
                found = find_unmatched(ledger, self._submission, target)
                if isinstance(found, Unmatched):
                    return found, None, True
                self._not_compared = found
            keyed = self._submission is not None and self._submission.content_key is not None
            return ledger.unmatched(keyed=keyed), self._not_compared, False
