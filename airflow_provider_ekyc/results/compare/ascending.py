"""Numbers written in ascending order, however many there are: sorted in memory, in runs on disk above that."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from airflow_provider_ekyc.spool import Spool

# Numbers sorted at a time: 2 MiB.
_RUN: Final = 1 << 18
# Numbers of each run that are read at a time: 8 KiB.
_MERGED: Final = 1 << 10
_WIDTH: Final = 8


class Ascending:
    """
    Takes different numbers and gives them back in order.

    :param file: a spool file; its end is written to, nothing before it is read
    """

    def __init__(self, file: Spool) -> None:
        self._file = file
        self._waiting: list[NDArray[np.uint64]] = []
        self._count = 0
        self._runs: list[tuple[int, int]] = []  # places in the file where each begins and ends

    def add(self, numbers: NDArray[np.uint64]) -> None:
        """
        Add numbers.

        :raises EkycSpoolError: if the disk is full
        """
        self._waiting.append(numbers)
        self._count += len(numbers)
        if self._count >= _RUN:
            start = self._file.seek(0, os.SEEK_END)
            size = self._file.write(self._sorted())
            self._runs.append((start, start + size))

    def blocks(self) -> Iterator[NDArray[np.uint64]]:
        """Yield all numbers, ascending over all blocks."""
        if not self._runs:
            yield self._sorted()
            return
        held = dict(enumerate([np.empty(0, np.uint64)] * len(self._runs)))
        left = dict(enumerate(self._runs))
        held[len(left)] = self._sorted()
        while held:
            for run, (start, end) in list(left.items()):
                if len(held[run]) < _MERGED // 2:
                    stop = min(start + _MERGED * _WIDTH, end)
                    more = np.frombuffer(os.pread(self._file.fileno(), stop - start, start), np.uint64)
                    held[run] = np.concatenate((held[run], more))
                    left[run] = (stop, end)
                    if stop == end:
                        del left[run]
            # What is still on disk is greater than the last number that is held of its run.
            limit = min((held[run][-1] for run in left), default=np.uint64(2**64 - 1))
            cuts = {run: int(np.searchsorted(numbers, limit, "right")) for run, numbers in held.items()}
            yield np.sort(np.concatenate([held[run][:cut] for run, cut in cuts.items()]))
            held = {run: held[run][cut:] for run, cut in cuts.items() if cut < len(held[run]) or run in left}

    def _sorted(self) -> NDArray[np.uint64]:
        numbers = np.sort(np.concatenate([np.empty(0, np.uint64), *self._waiting]))
        self._waiting, self._count = [], 0
        return numbers
