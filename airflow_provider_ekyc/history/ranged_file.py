"""A file of a history as pyarrow reads it: from parts that were fetched before, and the rest range by range."""

from __future__ import annotations

import io
from collections.abc import Sequence

from airflow_provider_ekyc.history.files import HistoryFile


class RangedFile:
    """
    A file that pyarrow can read.

    :param file: where it is read from
    :param parts: where each part begins, and its bytes
    """

    closed = False

    def __init__(self, file: HistoryFile, parts: Sequence[tuple[int, bytes]]) -> None:
        self._file = file
        self._parts = parts
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        """
        Return the next bytes, fewer only at the end.

        :raises EkycHistoryError: as the file's own ``read``
        """
        start = self._position
        size = self._file.size - start if size < 0 else min(size, self._file.size - start)
        if size <= 0:
            return b""
        self._position += size
        for part_start, part in self._parts:
            if part_start <= start and start + size <= part_start + len(part):
                return part[start - part_start : start - part_start + size]
        return self._file.read(start, size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, and return the new position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def seekable(self) -> bool:
        """Return that it can be moved in."""
        return True

    def writable(self) -> bool:
        """Return that it can't be written."""
        return False

    def flush(self) -> None:
        """Do nothing: nothing is written."""

    def close(self) -> None:
        """Do nothing: the file is open only while a range is read."""
