"""Rows of a history that may be about a candidate, on disk, dealt out to the partitions of the candidates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.dealt_rows import dealt_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from airflow_provider_ekyc.spool import Spool

# Rows dealt out at a time, and the most of a partition that are in memory at once: 2 MiB a column.
_BATCH: Final = 1 << 18


class DealtHits:
    """
    Collects rows of one or more integers, and returns them partition by partition.

    :param file: an empty spool file, for this alone
    :param columns: integers of a row
    :param partition_bits: how many of the upper bits of the first one name its partition, 8 at the most
    """

    def __init__(self, file: Spool, columns: int, partition_bits: int) -> None:
        self._file = file
        self._partition_bits = partition_bits
        self._buffer = np.empty((columns, _BATCH), "<u8")
        self._buffered = 0
        self._written = 0
        # For each batch: where it begins in the file, and where in it each partition begins and the last one ends.
        self._batches: list[tuple[int, NDArray[np.intp]]] = []

    def add(self, *columns: NDArray[np.uint64]) -> None:
        """
        Add rows.

        :raises EkycSpoolError: if the disk is full
        """
        start = 0
        while start < len(columns[0]):
            size = min(_BATCH - self._buffered, len(columns[0]) - start)
            for buffer, column in zip(self._buffer, columns, strict=True):
                buffer[self._buffered : self._buffered + size] = column[start : start + size]
            start += size
            self._buffered += size
            if self._buffered == _BATCH:
                self.finish()

    def finish(self) -> None:
        """
        Deal out the rows of the last batch; to be called before :meth:`partition`.

        :raises EkycSpoolError: if the disk is full
        """
        rows = self._buffer[:, : self._buffered]
        dealt, order, bounds = dealt_out(rows[0], self._partition_bits)
        self._file.write(dealt)
        for column in rows[1:]:
            self._file.write(column.take(order))
        self._batches.append((self._written, bounds))
        self._written += rows.size
        self._buffered = 0

    def partition(self, partition: int) -> Iterator[NDArray[np.uint64]]:
        """
        Yield the rows of a partition as arrays of columns, not more at a time than a batch has.

        :param partition: below ``1 << partition_bits``
        """
        group: list[NDArray[np.uint64]] = []
        size = 0
        for batch, bounds in self._batches:
            start, end = bounds[partition : partition + 2].tolist()
            if size + end - start > _BATCH:
                yield np.concatenate(group, axis=1)
                group, size = [], 0
            if end > start:
                group.append(self._read(batch, start, end, int(bounds[-1])))
                size += end - start
        if group:
            yield np.concatenate(group, axis=1)

    def _read(self, batch: int, start: int, end: int, rows: int) -> NDArray[np.uint64]:
        piece = np.empty((len(self._buffer), end - start), "<u8")
        for place, column in enumerate(piece):
            offset = (batch + place * rows + start) * piece.itemsize
            if os.preadv(self._file.fileno(), [column.data], offset) < column.nbytes:
                raise OSError("a spool file is shorter than what was written to it")
        return piece
