"""
Leave out the numbers that have a landed result which is young enough.

Few rows of a history are about a candidate: a filter of bits excludes most of the others where they are read. What it
lets pass is dealt out on disk to the partitions of the candidates (``numbers/distinct_numbers.py``), where numbers are
compared partition by partition. So memory does not grow with the history.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_ekyc.history.source import HistorySource
from airflow_provider_ekyc.history.windows import Windows
from airflow_provider_ekyc.results.read_ahead import read_ahead
from airflow_provider_ekyc.spool import spool_file

if TYPE_CHECKING:
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers


@dataclass(frozen=True, slots=True)
class Freshness:
    """
    What the history knows of the numbers that were not left out before.

    :param fresh: numbers with a result that is young enough; they were left out
    :param stale: numbers with a result in the history, but none that is young enough; None if not all was read
    :param new: numbers without a result in the history; None if not all was read
    :param stale_or_new: numbers that are to be verified
    :param files_read: files of the history of which rows were read
    :param files_skipped: files of which none was read, because none can matter
    :param rows_read: rows of the history that were read
    """

    fresh: int
    stale: int | None
    new: int | None
    stale_or_new: int
    files_read: int
    files_skipped: int
    rows_read: int


def find_fresh(
    numbers: DistinctNumbers,
    source: HistorySource,
    windows: Windows,
    task_type: str,
    now: datetime,
    spool_dir: str | os.PathLike[str] | None,
    *,
    count_stale: bool = False,
) -> Freshness:
    """
    Leave out the numbers that are fresh.

    A number is fresh if its latest yes or no is younger than the window of that answer, or if its latest unknown is
    younger than the window of unknown. Where it is both yes and no at its latest time, both windows must hold. A row
    without a time, or with one more than a day ahead of ``now``, proves nothing.

    :param numbers: what may be verified; the fresh ones are left out of it
    :param source: the history, not read yet
    :param task_type: results of other task types don't count
    :param now: with a time zone
    :param spool_dir: for files without a name, which hold numbers
    :param count_stale: whether to read also what is too old to matter, so that ``stale`` and ``new`` are known
    :raises EkycHistoryError: if the history can't be read; no number was left out
    :raises EkycSignInError: if a connection can't be used, or not now
    :raises EkycSpoolError: if the disk is full
    """
    from airflow_provider_ekyc.history.compared import Compared

    rows_read = 0
    before = numbers.kept
    with ExitStack() as stack:
        compared = Compared(
            numbers,
            windows,
            now,
            stack.enter_context(spool_file(spool_dir)),
            stack.enter_context(spool_file(spool_dir)),
        )
        batches = read_ahead(source.batches(None if count_stale else windows.since(now), task_type))
        for batch in stack.enter_context(closing(batches)):
            rows_read += len(batch)
            compared.add(batch, keep_old=count_stale)
        found = compared.leave_out_fresh()
    is_exact = source.is_complete and not compared.has_left_out
    left = numbers.kept
    return Freshness(
        fresh=before - left,
        stale=found - (before - left) if is_exact else None,
        new=before - found if is_exact else None,
        stale_or_new=left,
        files_read=source.files_read,
        files_skipped=source.files_skipped,
        rows_read=rows_read,
    )
