"""Write the kept numbers to a destination, as files of given sizes that are named by their content."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

import numpy as np

from airflow_provider_ekyc.exceptions import Charge, EkycError
from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.numbers.one_behind import OneBehind
from airflow_provider_ekyc.preparation.destination import Destination
from airflow_provider_ekyc.preparation.manifest import OutputFile
from airflow_provider_ekyc.s3.file_sums import Summing
from airflow_provider_ekyc.spool import spool_file

_LINE_FEED = 10


def write_files(
    blocks: Iterable[bytes],
    sizes: Sequence[int],
    destination: Destination,
    *,
    spool_dir: str | os.PathLike[str] | None,
    before_file: Callable[[], None] = lambda: None,
) -> Iterator[OutputFile]:
    r"""
    Write files, one after the other; the next one is begun when the one before was taken from the iterator.

    :param blocks: the numbers in order, each once, ended by ``\n``; a block has whole lines
    :param sizes: rows of each file; in all as many as there are
    :param destination: where to
    :param spool_dir: directory for one temporary file at a time, as large as a file
    :param before_file: called before each file; what it raises ends the writing
    :raises EkycDestinationError: if a file can't be written
    :raises EkycSpoolError: if the temporary file can't be written
    """
    cutter = _Cutter(blocks)
    for rows in sizes:
        before_file()
        key, summing = ContentKey(), Summing()
        with spool_file(spool_dir) as spool, closing(OneBehind("ekyc-content")) as keying:
            for block in cutter.take(rows):
                keying.run(key.add_lines, block)
                spool.write(block)
                summing.add(block)
            keying.wait()
            sums = summing.sums()
            name = f"{key.hexdigest()}.txt"
            destination.write(name, spool, sums, "text/plain")
        yield OutputFile(name, rows, sums.size, sums.sha256)


class _Cutter:
    """Takes a number of lines at a time from blocks of whole lines."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = b""

    def take(self, rows: int) -> Iterator[bytes]:
        """Yield the next lines, in blocks."""
        while rows:
            block = self._rest or next(self._blocks, b"")
            if not block:
                raise EkycError(
                    f"{rows:,} rows fewer than were counted could be read back from the temporary files. Nothing was "
                    f"submitted or charged. Check the disk of spool_dir; a retry prepares the list again.",
                    retryable=True,
                    charge=Charge.NONE,
                )
            lines = block.count(b"\n")
            end = len(block) if lines <= rows else _end_of_line(block, rows)
            yield block[:end]
            self._rest = block[end:]
            rows -= min(lines, rows)


def _end_of_line(block: bytes, line: int) -> int:
    """Return the position after a line, counted from 1."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _LINE_FEED)
    return int(ends[line - 1]) + 1
