"""The candidates, compared with the rows of a history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.history.answers import NO_TIME, UNIT, Limits, converted, proofs, times_of
from airflow_provider_ekyc.history.bit_filter import BitFilter
from airflow_provider_ekyc.history.dealt_hits import DealtHits
from airflow_provider_ekyc.history.in_order import in_order
from airflow_provider_ekyc.history.number_column import column_keys

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray

    from airflow_provider_ekyc.history.windows import Windows
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers
    from airflow_provider_ekyc.spool import Spool

_U: Final = np.uint64
# Partitions that are compared side by side: numpy leaves the GIL to the other thread.
_THREADS: Final = 2
# The lower 14 bits of a scattered number are 0. They say of a row:
_FRESH: Final = _U(1)  # it proves that its number is fresh
_NO: Final = _U(2)  # its answer is no
_NUMBER: Final = ~_U((1 << 14) - 1)


class Compared:
    """
    Collects the rows of a history that are about a candidate, then leaves out the candidates that are fresh.

    :param numbers: the candidates
    :param decided_file: an empty spool file: 8 bytes for each row
    :param undecided_file: an empty spool file: 16 bytes for each row that has to be compared with others
    """

    def __init__(
        self,
        numbers: DistinctNumbers,
        windows: Windows,
        now: datetime,
        decided_file: Spool,
        undecided_file: Spool,
    ) -> None:
        self._numbers = numbers
        self._windows, self._now = windows, now
        self._filter = BitFilter(numbers.kept, numbers.partition_bits)
        for partition, (keys, _) in enumerate(numbers.partitions()):
            self._filter.add(partition, numbers.scatter.scattered(keys))
        self._decided = DealtHits(decided_file, 1, numbers.partition_bits)
        self._undecided = DealtHits(undecided_file, 2, numbers.partition_bits)
        self._limits: dict[str, Limits] = {}
        #: Whether rows were left out because they prove nothing.
        self.has_left_out = False

    def add(self, batch: pyarrow.RecordBatch, *, keep_old: bool) -> None:
        """
        Add rows.

        :param batch: with ``number``, ``registered`` and ``verified_at``
        :param keep_old: whether to keep rows that prove nothing: they show that a number is not new
        :raises EkycSpoolError: if the disk is full
        """
        times = batch.column("verified_at")
        unit = times.type.unit
        limits = self._limits.setdefault(unit, Limits.of(self._windows, self._now, unit))
        ticks, registered = times_of(times), batch.column("registered")
        fresh, undecided = proofs(ticks, registered, limits)
        keys = column_keys(batch.column("number"))
        rows = self._numbers.scatter.scattered(keys)
        is_hit = self._filter.may_have(rows)
        if undecided.any():
            chosen = is_hit & undecided
            is_no = ~registered.fill_null(True).to_numpy(zero_copy_only=False)[chosen]
            flags = is_no.astype(np.uint64) * _NO
            self._undecided.add(rows[chosen] | flags, converted(ticks[chosen], unit).view(np.uint64))
            is_hit &= ~undecided
        if not keep_old:
            is_hit &= fresh
            self.has_left_out = self.has_left_out or not (fresh | undecided).all()
        hits = rows[is_hit]
        hits |= fresh[is_hit].astype(np.uint64) * _FRESH
        self._decided.add(hits)

    def leave_out_fresh(self) -> int:
        """
        Leave the fresh candidates out.

        :return: how many candidates had a row that was kept
        """
        self._decided.finish()
        self._undecided.finish()
        with ThreadPoolExecutor(_THREADS, "ekyc-compare") as pool:
            return sum(in_order(pool, self._leave_out_in, enumerate(self._numbers.partitions()), _THREADS))

    def _leave_out_in(self, of_partition: tuple[int, tuple[NDArray[np.uint64], NDArray[np.int64]]]) -> int:
        """Do it for one partition, in a thread."""
        partition, (keys, positions) = of_partition
        if not len(keys):
            return 0
        scattered = self._numbers.scatter.scattered(keys)
        order = np.argsort(scattered)
        candidates = scattered[order]
        is_found, is_fresh = self._found_in(partition, candidates)
        latest = self._latest_in(partition, candidates)
        is_found |= (latest > NO_TIME).any(axis=0)
        is_fresh |= Limits.of(self._windows, self._now, UNIT).decide(*latest)
        self._numbers.leave_out(positions[order[is_fresh]])
        return int(np.count_nonzero(is_found))

    def _found_in(self, partition: int, candidates: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which candidates have a row, and which of them are proven fresh."""
        found = np.zeros((2, len(candidates)), np.bool_)
        for (rows,) in self._decided.partition(partition):
            rows.sort()  # the place of a row is near that of the row before
            places, is_candidate = _places(candidates, rows)
            found[0, places[is_candidate]] = True
            found[1, places[is_candidate & ((rows & _FRESH) != 0)]] = True
        return found

    def _latest_in(self, partition: int, candidates: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the times of the latest yes and no of each candidate, of those that have to be compared."""
        latest = np.full((2, len(candidates)), NO_TIME, np.int64)
        for rows, times in self._undecided.partition(partition):
            places, is_candidate = _places(candidates, rows)
            is_no = (rows & _NO) != 0
            for of_answer, has_answer in zip(latest, (~is_no, is_no), strict=True):
                chosen = is_candidate & has_answer
                np.maximum.at(of_answer, places[chosen], times[chosen].view(np.int64))
        return latest


def _places(candidates: NDArray[np.uint64], rows: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the place of each row's number among candidates that are ascending, and whether it is there."""
    numbers = rows & _NUMBER
    places = np.searchsorted(candidates, numbers)
    return places, candidates.take(places, mode="clip") == numbers
