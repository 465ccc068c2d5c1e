"""What a history of landed results has to offer, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow


class HistorySource(Protocol):
    """
    Landed results, read once.

    The counts are those of what was read so far; all of it is known when ``batches`` has ended.
    """

    #: Where the history is, for messages: without a number, a query or credentials.
    shown: str
    #: Files of which rows were read.
    files_read: int
    #: Files of which no row was read, because none can matter: too old, or of other task types.
    files_skipped: int
    #: Whether no row of the task type was left out. False as soon as one may have been, because it is too old.
    is_complete: bool

    def batches(self, since: datetime | None, task_type: str) -> Iterator[pyarrow.RecordBatch]:
        """
        Yield the rows of a task type, in any order.

        :param since: with a time zone; rows that were verified at this time or before may be left out, as may those
            without a time. None: all rows are yielded
        :param task_type: rows of other task types, and of none, are always left out
        :return: batches of up to some 65,536 rows, with the columns ``number`` (text), ``registered`` (boolean, null
            for unknown) and ``verified_at`` (timestamp with a time zone, any unit, may be null), in any order and
            perhaps among others
        :raises EkycHistoryError: if the history can't be read, or not as it was when it was opened; nothing was sent
        :raises EkycSignInError: if a connection can't be used, or not now
        """
        ...
