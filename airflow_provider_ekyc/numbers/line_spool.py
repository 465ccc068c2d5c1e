"""Lines on disk, of which some are left out when they are read back."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.number_keys import PAD, padded, places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from airflow_provider_ekyc.spool import Spool

# Bytes read back at a time, with as many for the mask.
_BLOCK_BYTES: Final = 1 << 20
_LINE_END: Final = ord("\n")


class LineSpool:
    """
    Collects lines, and returns those that are kept.

    :param file: an empty spool file, for this alone
    """

    def __init__(self, file: Spool) -> None:
        self._file = file
        self._parts: list[bytes | memoryview] = []
        self._held = 0
        self._sizes = array("Q")

    def add(self, lines: bytes | memoryview) -> None:
        r"""
        Add the next lines.

        :param lines: each ended by ``\n``; not written to until the next :meth:`finish`
        :raises EkycSpoolError: if the disk is full
        """
        self._parts.append(lines)
        self._held += len(lines)
        if self._held >= _BLOCK_BYTES:
            self.finish()

    def finish(self) -> None:
        """
        Write what is held.

        :raises EkycSpoolError: if the disk is full
        """
        if self._held:
            self._file.write(b"".join(self._parts))
            self._sizes.append(self._held)
        self._parts, self._held = [], 0

    def blocks(self, keep: NDArray[np.bool_]) -> Iterator[bytes]:
        """
        Yield the lines that are kept, in blocks, after :meth:`finish`.

        :param keep: of each line whether it is kept
        """
        row = 0
        self._file.seek(0)
        for size in self._sizes:
            block = self._file.read(size)
            ends = places_of(_LINE_END, padded(block))
            kept = keep[row : row + len(ends)]
            row += len(ends)
            if not kept.all():
                lengths = np.diff(ends, prepend=PAD - 1)
                block = np.frombuffer(block, np.uint8)[np.repeat(kept, lengths)].tobytes()
            if block:
                yield block
