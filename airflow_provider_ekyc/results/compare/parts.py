"""Rows dealt out to 256 parts by eight of their bits: equal rows are in the same part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

#: One for each value of a byte.
PARTS: Final = 256

#: Rows dealt out at a time: 2 MiB.
BATCH: Final = 1 << 18

# So many rows of a batch in one part, eight times its share, and it must hold the same rows again and again.
_SKEWED: Final = 8 * BATCH // PARTS
#: Rows handed out together, if no part has more: a table for them stays in the cache.
GROUP: Final = 48 << 10
_STARTS: Final = np.arange(PARTS, dtype=np.uint8)
# 33 MiB of rows. malloc maps a larger block by itself, and learns nothing from it.
_MAPPED: Final = 33 << 17


class Parts:
    """
    Rows in memory.

    :param level: 0 to go by the upper eight bits, 1 by the next ones
    :param most: rows at the most
    """

    def __init__(self, level: int, most: int) -> None:
        self._byte = 7 - level
        # Above a batch in memory of its own. Otherwise glibc would keep twice as much, of what is freed later, in the
        # arena of each thread (mallopt(3), M_MMAP_THRESHOLD); and numpy asks for large pages from 4 MiB on: memory
        # that is new to the process in small pages takes as long as dealing the rows out. Pages that are not written
        # to take none.
        self._rows = np.empty(max(most, _MAPPED) if most > BATCH else most, "<u8")[:most]
        #: For each batch: where each part begins, and the last one ends.
        self.bounds: list[NDArray[np.int64]] = []

    @property
    def size(self) -> int:
        """How many rows it holds."""
        return int(self.bounds[-1][-1]) if self.bounds else 0

    @property
    def room(self) -> int:
        """How many more it can hold."""
        return len(self._rows) - self.size

    def add(self, rows: NDArray[np.uint64]) -> None:
        """
        Add rows, each once if a part would get far more than its share. Takes 4 ns a row.

        :param rows: up to ``BATCH``, and as many as there is room for; they may be written to afterwards
        """
        bounds = self._deal(rows)
        if np.diff(bounds).max() > _SKEWED:
            bounds = self._deal(np.unique(rows))
        self.bounds.append(bounds)

    def groups(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of parts that have few enough rows to be counted together: the first, and behind the last."""
        sizes = sum(map(np.diff, self.bounds), start=np.zeros(PARTS, np.int64)).tolist()
        first = size = 0
        for part, more in enumerate(sizes):
            if size and size + more > GROUP:
                yield first, part
                first, size = part, 0
            size += more
        if size:
            yield first, PARTS

    def rows(self, first: int = 0, end: int = PARTS) -> NDArray[np.uint64]:
        """Return the rows of a range of parts."""
        return np.concatenate([self._rows[bounds[first] : bounds[end]] for bounds in self.bounds])

    def drained(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
        """Yield each batch, and where its parts begin and the last one ends; afterwards there is none."""
        for bounds in self.bounds:
            yield self._rows[bounds[0] : bounds[-1]], bounds - bounds[0]
        self.bounds = []

    def _deal(self, rows: NDArray[np.uint64]) -> NDArray[np.int64]:
        start = self.size
        dealt = self._rows[start : start + len(rows)]
        # A stable sort of bytes is a radix sort, one pass.
        rows.take(np.argsort(self._bytes(rows), kind="stable"), out=dealt, mode="clip")
        bounds = np.full(PARTS + 1, start + len(rows), np.int64)
        bounds[:-1] = np.searchsorted(self._bytes(dealt), _STARTS) + start
        return bounds

    def _bytes(self, rows: NDArray[np.uint64]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(rows.view(np.uint8)[self._byte :: 8])
