"""The rows that were left out, with the reason, as CSV: it holds what they hold, so it is as private as the list."""

from __future__ import annotations

import csv
import io
from typing import Final

from airflow_provider_ekyc.preparation.sources.cells import UNREADABLE_ROW
from airflow_provider_ekyc.s3.file_sums import FileSums, Summing
from airflow_provider_ekyc.spool import Spool

COLUMNS: Final = ("file", "row", "reason", "value")
#: Characters of a value that are written: an E.164 number has at most 16.
LONGEST_VALUE: Final = 1024
_BUFFER: Final = 1 << 18


class Rejects:
    """
    Writes rejected rows to a spool, in the order in which they are found.

    :param spool: an empty spool file
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._summing = Summing()
        self._text = io.StringIO()
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def add(self, file: str, row: int, reason: str, value: bytes) -> None:
        """
        Add a row.

        :param file: the source, as messages name it
        :param row: 1-based number of the row in the source
        :param reason: plain words
        :param value: the row, or its cell
        :raises EkycSpoolError: if the disk is full
        """
        text = value.rstrip(b"\r\n").decode("utf-8", "replace").removeprefix(UNREADABLE_ROW)[:LONGEST_VALUE]
        self._writer.writerow((file, row, reason, text))
        if self._text.tell() > _BUFFER:
            self._flush()

    def finish(self) -> FileSums:
        """
        Write what is still in memory.

        :return: size and sums of the file
        :raises EkycSpoolError: if the disk is full
        """
        self._flush()
        return self._summing.sums()

    def _flush(self) -> None:
        block = self._text.getvalue().encode()
        self._spool.write(block)
        self._summing.add(block)
        self._text.seek(0)
        self._text.truncate()
