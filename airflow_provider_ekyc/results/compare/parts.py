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
# Rows handed out together, if no part has more: a table for them stays in the cache.
_GROUP: Final = 48 << 10
_STARTS: Final = np.arange(PARTS, dtype=np.uint8)


def deal(rows: NDArray[np.uint64], level: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """
    Put rows in the order of their parts, 5 ns a row.

    :param rows: ``BATCH`` at the most
    :param level: 0 for the upper eight bits, 1 for the next ones
    :return: the rows, each once if a part had far more than its share; where each part begins, and the last one ends
    """
    dealt, bounds = _deal(rows, level)
    if np.diff(bounds).max() > _SKEWED:
        dealt, bounds = _deal(np.unique(rows), level)
    return dealt, bounds


def _deal(rows: NDArray[np.uint64], level: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    # A stable sort of bytes is a radix sort, one pass.
    dealt = rows.take(np.argsort(_bytes(rows, level), kind="stable"))
    bounds = np.full(PARTS + 1, len(dealt), np.int64)
    bounds[:-1] = np.searchsorted(_bytes(dealt, level), _STARTS)
    return dealt, bounds


def _bytes(rows: NDArray[np.uint64], level: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(rows.astype("<u8", copy=False).view(np.uint8)[7 - level :: 8])


class Parts:
    """
    Rows in memory.

    :param level: as in :func:`deal`
    """

    def __init__(self, level: int) -> None:
        self._level = level
        #: Upper bits that are nearly the same in all rows of a part.
        self.dealt_bits = 8 * (level + 1)
        self.batches: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []

    def add(self, rows: NDArray[np.uint64]) -> None:
        """Add up to ``BATCH`` rows; ``rows`` may be written to again."""
        self.batches.append(deal(rows, self._level))

    def groups(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of parts that have few enough rows to be counted together: the first, and behind the last."""
        sizes = sum((np.diff(bounds) for _, bounds in self.batches), start=np.zeros(PARTS, np.int64)).tolist()
        first = size = 0
        for part, more in enumerate(sizes):
            if size and size + more > _GROUP:
                yield first, part
                first, size = part, 0
            size += more
        if size:
            yield first, PARTS

    def rows(self, first: int, end: int) -> NDArray[np.uint64]:
        """Return the rows of a range of parts."""
        return np.concatenate([rows[bounds[first] : bounds[end]] for rows, bounds in self.batches])
