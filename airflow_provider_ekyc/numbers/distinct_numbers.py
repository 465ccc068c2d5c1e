"""
The different numbers of a list of any size, in their order: memory is bounded, the rest is on disk.

Lines that are numbers already are read and written back as they are, many at a time; only the others cost a call each.
Equal numbers meet in one of up to 256 partitions (``numbers/dealt_rows.py``), where one sort of integers finds them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from airflow_provider_ekyc.numbers.dealt_rows import ROW_BITS, DealtRows, Scatter
from airflow_provider_ekyc.numbers.line_spool import LineSpool
from airflow_provider_ekyc.numbers.number_keys import PAD, LineKeys, line_keys, pieces_of
from airflow_provider_ekyc.numbers.repeated_rows import repeated_rows
from airflow_provider_ekyc.spool import spool_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The least number, and the first one that is too great: E.164 has 2 to 15 digits.
_LEAST, _TOO_GREAT = 10, 10**15
#: Partitions that are looked through side by side.
_THREADS: Final = 2

#: Is given the row (1-based, over all rows of the list) and the line, without its end; returns the number to take in
#: its place, or None to leave the row out.
OtherLine = Callable[[int, bytes], int | None]


class DistinctNumbers:
    r"""
    Collects the lines of a list, then leaves out what is there twice.

    A context manager; afterwards its files are gone. In order: :meth:`add` for all lines, :meth:`find_duplicates` once,
    then the others. The disk holds the numbers as text and 8 bytes for each.

    >>> with DistinctNumbers() as numbers:
    ...     numbers.add(b"+12025550100\n12025550101\n+12025550100\n", lambda row, line: int(line))
    ...     numbers.find_duplicates()
    ...     b"".join(numbers.kept_blocks())
    1
    b'+12025550100\n+12025550101\n'

    :param spool_dir: directory for the temporary files, default the system's
    :param multiplier: odd, below 2**50: chooses the partitions; at random by default, so that no list can be made
        that fills one of them
    :param row_bits: of a partition no more rows than these bits, 22 at the most, can count are in memory at once
    """

    def __init__(
        self,
        spool_dir: str | os.PathLike[str] | None = None,
        multiplier: int | None = None,
        row_bits: int = ROW_BITS,
    ) -> None:
        self._spool_dir = spool_dir
        #: How its numbers are scattered over the partitions, for others that are to be compared with them.
        self.scatter = Scatter(secrets.randbits(50) | 1 if multiplier is None else multiplier)
        self._row_bits = row_bits
        #: Lines added until now, whatever was in them.
        self.lines_read = 0
        self._keep: NDArray[np.bool_] = np.empty(0, np.bool_)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            lines, rows = (stack.enter_context(spool_file(self._spool_dir)) for _ in range(2))
            self._lines = stack.enter_context(closing(LineSpool(lines)))
            self._rows = stack.enter_context(closing(DealtRows(rows, self.scatter, self._row_bits)))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, block: bytes, other_line: OtherLine) -> None:
        r"""
        Add the next lines.

        :param block: whole lines, each ended by ``\n``; of any size, none included
        :param other_line: is called for each line that is not ``+`` and 2 to 15 digits, the first not 0: in order,
            blank lines included
        :raises EkycSpoolError: if the disk is full
        :raises ValueError: if the block does not end with a line end, or ``other_line`` returns what is no number
        """
        if block and not block.endswith(b"\n"):
            raise ValueError("a block must end with a line end")
        for piece in pieces_of(block):
            lines = line_keys(piece)
            plain = lines.plain & lines.has_plus
            if plain.all():
                self._lines.add(piece, len(plain))
                self._rows.add(lines.keys)
            else:
                self._add_others(lines, plain, other_line)
            self.lines_read += len(plain)

    def find_duplicates(self) -> int:
        """
        Leave out each row with the number of an earlier row; to be called once, after the last :meth:`add`.

        :return: how many rows these are
        :raises EkycSpoolError: if the disk is full
        """
        self._lines.finish()
        self._rows.finish()
        self._keep = np.ones(self._rows.rows, np.bool_)
        with ThreadPoolExecutor(_THREADS, "ekyc-repeats") as pool:
            for _ in pool.map(self._leave_out_repeats, range(1 << self.partition_bits)):
                pass
        return len(self._keep) - self.kept

    @property
    def kept(self) -> int:
        """Rows that are still kept, each with another number."""
        return int(np.count_nonzero(self._keep))

    @property
    def partition_bits(self) -> int:
        """How many bits name a partition, 8 at the most; known after :meth:`find_duplicates`."""
        return self._rows.partition_bits

    def partitions(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
        """
        Yield the numbers that are kept and their positions, of each partition in turn.

        A number is in the partition that the upper :attr:`partition_bits` of what :attr:`scatter` makes of it name.
        Within a partition the order is that of the rows.
        """
        for partition in range(1 << self.partition_bits):
            keys, positions = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
            for rows in self._rows.partition(partition):
                kept = self._keep[rows.positions]
                keys.append(self._rows.keys_of(partition, rows.heads[kept]))
                positions.append(rows.positions[kept])
            yield np.concatenate(keys), np.concatenate(positions)

    def leave_out(self, positions: NDArray[np.int64]) -> None:
        """
        Keep some rows no longer.

        :param positions: as :meth:`partitions` yields them; one that was left out before changes nothing
        """
        self._keep[positions] = False

    def kept_blocks(self) -> Iterator[bytes]:
        r"""Yield the numbers that are kept, ``+`` and the digits, ``\n`` after each, in the order of the list."""
        return self._lines.blocks(self._keep)

    def _add_others(self, lines: LineKeys, plain: NDArray[np.bool_], other_line: OtherLine) -> None:
        """Add lines of which some are not plain."""
        others = np.flatnonzero(~plain)
        text, number_at = memoryview(lines.text), {}
        parts: list[bytes | memoryview] = []
        copied, before = PAD, self.lines_read + 1
        for row, start, end in zip(
            others.tolist(), lines.starts.take(others).tolist(), lines.ends.take(others).tolist(), strict=True
        ):
            if start > copied:
                parts.append(text[copied:start])
            copied = end + 1
            number = other_line(before + row, lines.text[start:end])
            if number is not None:
                if not _LEAST <= number < _TOO_GREAT:
                    raise ValueError("a number has 2 to 15 digits")
                parts.append(b"+%d\n" % number)
                number_at[row] = number
        parts.append(text[copied : int(lines.ends[-1]) + 1])
        rows = np.fromiter(number_at, np.intp, len(number_at))
        lines.keys[rows] = np.fromiter(number_at.values(), np.uint64, len(number_at))
        plain[rows] = True
        keys = lines.keys[plain]
        self._lines.add(b"".join(parts), len(keys))
        self._rows.add(keys)

    def _leave_out_repeats(self, partition: int) -> None:
        known = np.empty(0, np.uint64)
        for rows in self._rows.partition(partition):
            self.leave_out(rows.positions[repeated_rows(rows.heads, self._rows.row_bits)])
            if len(known):
                places = np.searchsorted(known, rows.heads)
                self.leave_out(rows.positions[known.take(places, mode="clip") == rows.heads])
            if not rows.is_last:
                known = np.union1d(known, rows.heads)
