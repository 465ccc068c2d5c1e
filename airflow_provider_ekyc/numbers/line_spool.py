"""Lines on disk, of which some are left out when they are read back."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.number_keys import PAD, padded, pieces_of, places_of
from airflow_provider_ekyc.numbers.one_behind import OneBehind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from airflow_provider_ekyc.spool import Spool

# Bytes written, and read back, at a time.
_BLOCK_BYTES: Final = 1 << 20
# Up to one line in so many is few.
_FEW: Final = 8
_LINE_END: Final = ord("\n")


class LineSpool:
    """
    Collects lines, and returns those that are kept.

    Writing goes on in a thread of its own, until :meth:`close`; so does reading back, one block ahead.

    :param file: an empty spool file, for this alone, open until this is closed
    """

    def __init__(self, file: Spool) -> None:
        self._file = file
        self._writing = OneBehind("ekyc-lines")
        self._parts: list[bytes | memoryview] = []
        self._held_bytes = self._held_lines = 0
        # Of each block.
        self._sizes = array("Q")
        self._lines = array("Q")

    def add(self, text: bytes | memoryview, lines: int) -> None:
        r"""
        Add the next lines.

        :param text: of the lines, each ended by ``\n``
        :param lines: how many these are
        :raises EkycSpoolError: if the disk is full
        """
        self._parts.append(text)
        self._held_bytes += len(text)
        self._held_lines += lines
        if self._held_bytes >= _BLOCK_BYTES:
            self._write_held()

    def finish(self) -> None:
        """
        Write what is held, after all lines were added.

        :raises EkycSpoolError: if the disk is full
        """
        self._write_held()
        self._writing.wait()

    def close(self) -> None:
        """End the thread."""
        self._writing.close()

    def blocks(self, keep: NDArray[np.bool_]) -> Iterator[bytes]:
        """
        Yield the lines that are kept, in blocks that are not empty, after :meth:`finish`.

        :param keep: of each line whether it is kept
        """
        offset = row = 0
        ahead: Future[bytes] | None = None
        with ThreadPoolExecutor(1, "ekyc-kept") as pool:
            for size, lines in zip(self._sizes, self._lines, strict=True):
                following = pool.submit(self._kept, offset, size, keep[row : row + lines])
                offset, row = offset + size, row + lines
                if ahead is not None and (block := ahead.result()):
                    yield block
                ahead = following
            if ahead is not None and (block := ahead.result()):
                yield block

    def _write_held(self) -> None:
        parts, self._parts = self._parts, []
        self._writing.run(lambda: self._file.write(b"".join(parts)))
        self._sizes.append(self._held_bytes)
        self._lines.append(self._held_lines)
        self._held_bytes = self._held_lines = 0

    def _kept(self, offset: int, size: int, keep: NDArray[np.bool_]) -> bytes:
        block = os.pread(self._file.fileno(), size, offset)
        if len(block) < size:
            raise OSError("a spool file is shorter than what was written to it")
        if keep.all():
            return block
        if not keep.any():
            return b""
        kept, row = [], 0
        for piece in pieces_of(block):
            ends = places_of(_LINE_END, padded(piece))
            mask = _byte_mask(keep[row : row + len(ends)], ends)
            kept.append(np.frombuffer(piece, np.uint8)[mask].data)
            row += len(ends)
        return b"".join(kept)


def _byte_mask(keep: NDArray[np.bool_], ends: NDArray[np.intp]) -> NDArray[np.bool_]:
    """
    Return of each byte of some lines whether its line is kept.

    :param ends: where each line ends in the padded text
    """
    lengths = np.diff(ends, prepend=PAD - 1)
    left_out = np.flatnonzero(~keep)
    if len(left_out) > len(keep) // _FEW:
        return np.repeat(keep, lengths)
    # Twice as fast: only what is left out is spread over its bytes, which are counted from 0 on here.
    lengths = lengths.take(left_out)
    before = np.cumsum(lengths)
    mask = np.ones(int(ends[-1]) + 1 - PAD, np.bool_)
    mask[np.arange(lengths.sum()) + np.repeat(ends.take(left_out) + 1 - PAD - before, lengths)] = False
    return mask
