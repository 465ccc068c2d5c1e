"""
The different lines of more lines than fit in memory, in their order, where they need not be numbers.

Lines are distributed over partitions by a keyed hash, on disk, each with its row number. Equal lines are in the same
partition, so one small set at a time finds them. The key is random: for a known hash (CRC-32 was used before), 4.7
million numbers can be chosen that all belong to one partition; its set needed 360 MiB.

Measured on 2 M random numbers, as seconds per 10 M, one core: 4.0 to distribute and 1.9 to search. One set over all
lines needs 5.1, but 750 MiB. What is known to be numbers takes a tenth of it (``numbers/distinct_numbers.py``).
"""

from __future__ import annotations

import os
import secrets
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from operator import itemgetter
from typing import Final, Self

import numpy as np

from airflow_provider_ekyc.numbers.line_spool import LineSpool
from airflow_provider_ekyc.spool import Spool, spool_file

#: A power of two. 10 M lines make sets of some 80,000 (8 MiB each), 50 M of some 400,000 (40 MiB).
PARTITIONS: Final = 128

_ROW: Final = "I"  # row numbers within a block: 4 bytes each
_ROW_BYTES: Final = array(_ROW).itemsize


class DistinctTexts:
    """
    Collects lines, then leaves out what is there twice: a context manager; afterwards its files are gone.

    :param spool_dir: directory for the temporary files, default the system's
    """

    def __init__(self, spool_dir: str | os.PathLike[str] | None) -> None:
        self._spool_dir = spool_dir
        #: Lines added until now, whatever was in them.
        self.lines_read = 0
        self._keep = np.empty(0, np.bool_)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            lines, partitions = (stack.enter_context(spool_file(self._spool_dir)) for _ in range(2))
            self._lines = stack.enter_context(closing(LineSpool(lines)))
            self._finder = DuplicateFinder(partitions, secrets.token_bytes(16))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, block: bytes, read_line: Callable[[int, bytes], bytes | None]) -> None:
        r"""
        Add the next lines.

        :param block: whole lines, each ended by ``\n``
        :param read_line: is given the row (1-based, over all calls) and each line, without its end; returns the text to
            take in its place, or None to leave the row out
        :raises EkycSpoolError: if the disk is full
        """
        lines = block.split(b"\n")
        lines.pop()
        read = (read_line(row, line) for row, line in enumerate(lines, start=self.lines_read + 1))
        texts = [text for text in read if text is not None]
        if texts:
            self._finder.add(texts)
            self._lines.add(b"\n".join(texts) + b"\n", len(texts))
        self.lines_read += len(lines)

    def find_duplicates(self) -> int:
        """
        Leave out each line that is the same as an earlier one; to be called once, after the last :meth:`add`.

        :return: how many lines these are
        :raises EkycSpoolError: if the disk is full
        """
        self._lines.finish()
        keep, duplicates = self._finder.first_occurrences()
        self._keep = np.frombuffer(keep, np.bool_)
        return duplicates

    @property
    def kept(self) -> int:
        """Lines that are kept."""
        return int(np.count_nonzero(self._keep))

    def kept_blocks(self) -> Iterator[bytes]:
        r"""Yield the lines that are kept, ``\n`` after each, in their order."""
        return self._lines.blocks(self._keep)


class DuplicateFinder:
    """
    Collects lines block by block, then finds the rows that repeat an earlier one.

    All partitions share one file, as pieces: 128 files would come near the limit on open files (1,024 by
    default on Linux) when several tasks share a process.

    :param file: an empty spool file
    :param key: 16 random bytes, which determine the partition of a line
    """

    def __init__(self, file: Spool, key: bytes) -> None:
        self._file = file
        self._key = key
        self._rows = 0
        self._block_rows = array("Q")  # number of each block's first row
        # For block b and partition p, at b * PARTITIONS + p: where the piece ends, and how many lines it has.
        self._piece_ends = array("Q")
        self._piece_lines = array("I")

    def add(self, lines: Sequence[bytes]) -> None:
        r"""
        Add the next rows.

        :param lines: lines without ``\n`` in them
        :raises EkycSpoolError: if the disk is full
        """
        members: list[list[int]] = [[] for _ in range(PARTITIONS)]
        append_to = [rows.append for rows in members]
        # SipHash (PEP 456) of the key and the line: its state after the key is unknown even where PYTHONHASHSEED is
        # not. 25 ns a line more than CRC-32, 260 ns less than a keyed BLAKE2s.
        key = self._key
        for row, line in enumerate(lines):
            append_to[hash(key + line) & (PARTITIONS - 1)](row)
        end = self._piece_ends[-1] if self._piece_ends else 0
        pieces: list[bytes] = []
        for rows in members:
            piece = _piece(rows, lines)
            end += len(piece)
            pieces.append(piece)
            self._piece_ends.append(end)
            self._piece_lines.append(len(rows))
        self._file.write(b"".join(pieces))
        self._block_rows.append(self._rows)
        self._rows += len(lines)

    @property
    def partition_lines(self) -> list[int]:
        """Number of lines of each partition; the largest determines how much memory is needed."""
        return [sum(self._piece_lines[partition::PARTITIONS]) for partition in range(PARTITIONS)]

    def first_occurrences(self) -> tuple[bytearray, int]:
        """
        Search all rows added so far.

        :return: one byte per row, 1 for the first row with its line and 0 for a later one; how many are 0
        """
        keep = bytearray(b"\x01") * self._rows
        duplicates = 0
        for partition in range(PARTITIONS):
            seen: set[bytes] = set()
            add = seen.add
            for first_row, rows, lines in self._pieces_of(partition):
                for row, line in zip(rows, lines, strict=True):
                    if line in seen:
                        keep[first_row + row] = 0
                        duplicates += 1
                    else:
                        add(line)
        return keep, duplicates

    def _pieces_of(self, partition: int) -> Iterator[tuple[int, array[int], list[bytes]]]:
        for block, first_row in enumerate(self._block_rows):
            index = block * PARTITIONS + partition
            count = self._piece_lines[index]
            if not count:
                continue
            start = self._piece_ends[index - 1] if index else 0
            self._file.seek(start)
            piece = self._file.read(self._piece_ends[index] - start)
            rows = array(_ROW, piece[: count * _ROW_BYTES])
            yield first_row, rows, piece[count * _ROW_BYTES :].split(b"\n")


def _piece(rows: list[int], lines: Sequence[bytes]) -> bytes:
    if not rows:
        return b""
    chosen = [lines[rows[0]]] if len(rows) == 1 else itemgetter(*rows)(lines)
    return array(_ROW, rows).tobytes() + b"\n".join(chosen)
