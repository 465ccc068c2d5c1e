"""Leave out the numbers that have a landed result which is young enough."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from airflow_provider_ekyc.history.source import HistorySource
from airflow_provider_ekyc.history.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

#: How far ahead of ours the clock may be that a result's time was taken from. A time beyond proves nothing: otherwise a
#: wrong clock would keep a number from ever being verified again.
CLOCKS_DIFFER: Final = timedelta(days=1)


class Candidates(Protocol):
    """Numbers that may be verified: ``numbers.distinct_numbers.DistinctNumbers``."""

    kept: int

    def partitions(self) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Yield numbers as integers and their positions; each number once."""
        ...

    def leave_out(self, positions: NDArray[Any]) -> None:
        """Leave out the numbers at these positions."""
        ...


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
    numbers: Candidates,
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
    import numpy as np

    from airflow_provider_ekyc.results.table.number_forms import read_number

    # For each number: the latest time of a yes or no with the answers at that time, and the latest time of an unknown.
    known: dict[int, tuple[datetime, set[bool]]] = {}
    unknown: dict[int, datetime] = {}
    seen: set[int] = set()
    rows_read = 0
    for batch in source.batches(None if count_stale else windows.since(now), task_type):
        rows_read += len(batch)
        for row in batch.select(["number", "registered", "verified_at"]).to_pylist():
            digits, _ = read_number(row["number"] or "")
            if digits is None:
                continue
            number, at, answer = int(digits), row["verified_at"], row["registered"]
            seen.add(number)
            if at is None or at > now + CLOCKS_DIFFER:
                continue
            if answer is None:
                unknown[number] = max(at, unknown.get(number, at))
            elif number not in known or at > known[number][0]:
                known[number] = at, {answer}
            elif at == known[number][0]:
                known[number][1].add(answer)

    def is_young(at: datetime, window: timedelta | None) -> bool:
        return window is not None and now - at < window

    def is_fresh(number: int) -> bool:
        at, answers = known.get(number, (now, set()))
        if answers and all(is_young(at, windows.yes if answer else windows.no) for answer in answers):
            return True
        return number in unknown and is_young(unknown[number], windows.unknown)

    before = numbers.kept
    stale = 0
    for keys, positions in numbers.partitions():
        fresh = np.array([is_fresh(key) for key in keys.tolist()], np.bool_)
        stale += sum(key in seen for key in keys[~fresh].tolist())
        numbers.leave_out(positions[fresh])
    left = numbers.kept
    return Freshness(
        fresh=before - left,
        stale=stale if source.is_complete else None,
        new=left - stale if source.is_complete else None,
        stale_or_new=left,
        files_read=source.files_read,
        files_skipped=source.files_skipped,
        rows_read=rows_read,
    )
