"""
Rows of numbers on disk, dealt out to partitions: equal numbers are in the same one.

A number times a random odd constant, modulo 2**50, is another number below 2**50, one for each. Its upper bits name the
partition, 8 bits one of 256; the others and the place of the row in its batch are one integer, all that a row takes on
disk. As the constant is random, no list can be made that fills one partition with different numbers.

A partition costs some 0.1 ms, however few rows it has. So a list of one batch is dealt out to fewer: one for up to
16,384 rows, 16 for 262,144.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.one_behind import OneBehind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from airflow_provider_ekyc.spool import Spool

#: Bits of a row on disk that hold its place in its batch. No more rows of a partition than these count are in memory at
#: once, 512 Ki; a list of 100,000,000 has fewer in each, unless it has one number again and again.
ROW_BITS: Final = 19

# Rows dealt out at a time: 2 MiB.
_BATCH: Final = 1 << 18
# E.164 has 15 digits at the most, which is below 2**50.
_KEY_BITS: Final = 50
_SHIFT: Final = 64 - _KEY_BITS
_KEYS: Final = 1 << _KEY_BITS
# Of a list of more than one batch.
_PARTITION_BITS: Final = 8
# Bits that are free for the place of a row where there is one partition. Each bit of a partition frees one more.
_PLACE_BITS: Final = _SHIFT
_U: Final = np.uint64


@dataclass(frozen=True, slots=True)
class Scatter:
    """
    Scatters numbers evenly over the integers of 64 bits, and back.

    Two numbers share one of 256 partitions with a probability of at most 2/256, over the multipliers (Dietzfelbinger et
    al., A Reliable Randomized Algorithm for the Closest-Pair Problem, 1997).

    :param multiplier: odd; drawn at random for each list
    """

    multiplier: int

    def scattered(self, keys: NDArray[np.uint64], out: NDArray[np.uint64] | None = None) -> NDArray[np.uint64]:
        """
        Return another integer for each number, whose upper bits are its partition and whose lower 14 bits are 0.

        :param keys: below 2**50
        """
        return np.multiply(keys, _U((self.multiplier << _SHIFT) % (1 << 64)), out=out)

    def gathered(self, scattered: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the numbers: the way back."""
        keys: NDArray[np.uint64] = scattered >> _U(_SHIFT)
        keys *= _U(pow(self.multiplier, -1, _KEYS))
        keys &= _U(_KEYS - 1)
        return keys


def partitions_of(scattered: NDArray[np.uint64], partition_bits: int) -> NDArray[np.uint8]:
    """Return the partition of each number that was scattered: its upper bits, 8 at the most."""
    return scattered.view(np.uint8)[7::8] >> np.uint8(8 - partition_bits)


def dealt_out(
    scattered: NDArray[np.uint64], partition_bits: int
) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.intp]]:
    """Return rows by partition; the place of each before; where each partition begins, and the last one ends."""
    # A stable sort of bytes is a radix sort, one pass.
    order = np.argsort(partitions_of(scattered, partition_bits), kind="stable")
    dealt = scattered.take(order)
    starts = np.searchsorted(partitions_of(dealt, partition_bits), np.arange(1 << partition_bits, dtype=np.uint8))
    return dealt, order, np.append(starts, len(dealt))


@dataclass(frozen=True, slots=True)
class PartitionRows:
    """
    Rows of one partition, in the order in which they were added.

    :param heads: the part of each scattered number below its partition, in the upper bits; the lower ``row_bits`` are 0
    :param positions: of each row among all rows, from 0
    :param is_last: whether these are all rows of the partition, or the last ones
    """

    heads: NDArray[np.uint64]
    positions: NDArray[np.int64]
    is_last: bool


class DealtRows:
    """
    Collects numbers, and returns them partition by partition.

    They are dealt out in a thread of their own, until :meth:`close`: 6 ns a row.

    :param file: an empty spool file, for this alone, open until this is closed
    :param scatter: chooses the partitions
    :param row_bits: bits for the place of a row, 22 at the most; of a partition no more rows than they can count are in
        memory at once
    """

    def __init__(self, file: Spool, scatter: Scatter, row_bits: int = ROW_BITS) -> None:
        self._file = file
        self._scatter = scatter
        #: Upper bits of a scattered number that name its partition; known after :meth:`finish`.
        self.partition_bits = _PARTITION_BITS
        #: Lower bits of a row on disk that hold its place; known after :meth:`finish`.
        self.row_bits = row_bits
        self._batch = min(_BATCH, 1 << row_bits)
        self._buffer, self._spare = np.empty((2, self._batch), "<u8")
        self._buffered = 0
        self._dealing = OneBehind("ekyc-deal")
        #: How many rows were added.
        self.rows = 0
        # For each batch: where each part begins in the file, and the last one ends; in rows.
        self._bounds: list[NDArray[np.int64]] = []

    def add(self, keys: NDArray[np.uint64]) -> None:
        """
        Add the next rows.

        :param keys: below 2**50
        :raises EkycSpoolError: if the disk is full
        """
        start = 0
        while start < len(keys):
            if self._buffered == self._batch:
                self._deal_out()
            end = min(start + self._batch - self._buffered, len(keys))
            rows = self._buffer[self._buffered : self._buffered + end - start]
            self._scatter.scattered(keys[start:end], out=rows)
            self._buffered += len(rows)
            start = end
        self.rows += len(keys)

    def finish(self) -> None:
        """
        Deal out the rows of the last batch, after all were added.

        :raises EkycSpoolError: if the disk is full
        """
        if self.rows <= self._batch:
            self.partition_bits = max((self.rows - 1).bit_length() - _PLACE_BITS, 0)
            self.row_bits = min(self.row_bits, _SHIFT + self.partition_bits)
        self._deal_out()
        self._dealing.wait()

    def close(self) -> None:
        """End the thread."""
        self._dealing.close()

    def _deal_out(self) -> None:
        self._dealing.run(self._deal, self._buffer[: self._buffered])
        self._buffer, self._spare, self._buffered = self._spare, self._buffer, 0

    def _deal(self, rows: NDArray[np.uint64]) -> None:
        dealt, order, bounds = dealt_out(rows, self.partition_bits)
        dealt <<= _U(self.partition_bits)
        dealt |= order.view(np.uint64)
        self._bounds.append(bounds + (self._bounds[-1][-1] if self._bounds else 0))
        self._file.write(dealt)

    def partition(self, partition: int) -> Iterator[PartitionRows]:
        """
        Yield the rows of a partition, as many at a time as ``row_bits`` can count, after :meth:`finish`.

        :param partition: below ``1 << partition_bits``
        """
        mask = _U((1 << self.row_bits) - 1)
        groups = self._groups(partition)
        for group, pieces in enumerate(groups, start=1):
            rows = np.empty(sum(end - start for _, start, end in pieces), "<u8")
            bases = np.empty(len(rows), np.int64)
            filled = 0
            for first_row, start, end in pieces:
                piece = rows[filled : filled + end - start]
                if os.preadv(self._file.fileno(), [piece.data], start * rows.itemsize) < piece.nbytes:
                    raise OSError("a spool file is shorter than what was written to it")
                bases[filled : filled + len(piece)] = first_row
                filled += len(piece)
            bases += (rows & mask).view(np.int64)
            rows &= ~mask
            yield PartitionRows(rows, bases, is_last=group == len(groups))

    def keys_of(self, partition: int, heads: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the numbers of rows of a partition."""
        scattered = heads >> _U(self.partition_bits)
        scattered |= _U(partition << 64 - self.partition_bits)
        return self._scatter.gathered(scattered)

    def _groups(self, partition: int) -> list[list[tuple[int, int, int]]]:
        """Return pieces that are read together: the first row of the batch of each, where it begins and ends."""
        groups: list[list[tuple[int, int, int]]] = [[]]
        size = 0
        for batch, bounds in enumerate(self._bounds):
            start, end = bounds[partition : partition + 2].tolist()
            if size + end - start > 1 << self.row_bits:
                groups.append([])
                size = 0
            if end > start:
                groups[-1].append((batch * self._batch, start, end))
                size += end - start
        return groups
