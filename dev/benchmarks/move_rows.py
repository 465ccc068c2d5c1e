"""
The rows of the archives that moves are measured on: always the same, every number once. Pure.

A row is ``+999`` and nine digits with ``yes`` (35 %) or ``no``; ``+999`` belongs to no country. The digits are a
permutation of 0 to 999,999,999 (a Feistel network of three rounds over random tables), so that nothing needs to
be remembered while they are made, and no part of an archive repeats another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

HEADER = b"Number,amazon\n"
YES_SHARE = 0.35
SEED = 20251121
BLOCK_ROWS = 1_000_000
LEFT, RIGHT = 100_000, 10_000
ROUNDS = 3


class Rows:
    """The tables behind the rows; what it yields depends on nothing else."""

    def __init__(self) -> None:
        chance = np.random.Generator(np.random.PCG64(SEED))
        self._rounds = [
            (chance.integers(0, LEFT, RIGHT, dtype=np.int32), chance.integers(0, RIGHT, LEFT, dtype=np.int32))
            for _ in range(ROUNDS)
        ]
        self._left = np.array([b"+999%05d" % number for number in range(LEFT)])
        self._right = np.array([b"%04d" % number for number in range(RIGHT)])

    def table(self, rows: int) -> Iterator[bytes]:
        """Yield the rows of a table of ``rows`` numbers, in blocks and without a header."""
        for begin in range(0, rows, BLOCK_ROWS):
            yield self._block(begin, min(BLOCK_ROWS, rows - begin), np.array([b",no\n", b",yes\n"]))

    def numbers(self, rows: int) -> Iterator[bytes]:
        """Yield the same numbers alone, one a line, from the last to the first."""
        for begin in reversed(range(0, rows, BLOCK_ROWS)):
            block = self._block(begin, min(BLOCK_ROWS, rows - begin), np.array([b"\n", b"\n"]))
            yield b"".join(reversed(block.splitlines(keepends=True)))

    def _block(self, begin: int, rows: int, ends: np.ndarray[Any, np.dtype[np.bytes_]]) -> bytes:
        left, right = np.divmod(np.arange(begin, begin + rows, dtype=np.int32), np.int32(RIGHT))
        for to_left, to_right in self._rounds:
            left = (left + to_left[right]) % LEFT
            right = (right + to_right[left]) % RIGHT
        is_yes = np.random.Generator(np.random.PCG64([SEED, begin])).random(rows, dtype=np.float32) < YES_SHARE
        block = np.empty(rows, [("left", "S9"), ("right", "S4"), ("end", ends.dtype)])
        block["left"], block["right"], block["end"] = self._left[left], self._right[right], ends[is_yes.astype(int)]
        return block.tobytes().replace(b"\0", b"")  # numpy fills shorter texts up
