"""What all readers of lists share: bytes that were looked at, spools of them, errors that name the list."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.address import NOTHING_SENT
from airflow_provider_ekyc.numbers.opened_source import ByteReader
from airflow_provider_ekyc.spool import spool_file

#: How much of a source is read at a time.
BLOCK_BYTES: Final = 4 << 20

_SPOOL_PIECE: Final = 1 << 20


def list_error(name: str, problem: str, remedy: str) -> EkycNumbersError:
    """
    Make the error of a list that can't be read, whatever retries.

    :param name: of the list, as messages show it
    :param problem: what is wrong, after the name: ``has no header``
    :param remedy: what to do, as sentences
    """
    return EkycNumbersError(f"{name} {problem}. {NOTHING_SENT} {remedy}")


class Peeked:
    """
    A source whose first bytes can be looked at before it is read.

    :param source: read from its start; not closed
    :param size: of :attr:`head`
    """

    def __init__(self, source: ByteReader, size: int) -> None:
        pieces, missing = [], size
        while missing and (piece := source.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        #: The first bytes; all of them if there are fewer.
        self.head = b"".join(pieces)
        self._first = io.BytesIO(self.head)
        self._source = source

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes; none only at the end."""
        return self._first.read(size) or self._source.read(size)


class Blocks:
    """
    Reads blocks as a source.

    :param blocks: none of them empty
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._ready = io.BytesIO()

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes; none only at the end."""
        data = self._ready.read(size)
        if not data:
            self._ready = io.BytesIO(next(self._blocks, b""))
            data = self._ready.read(size)
        return data


class RawFile(io.RawIOBase):
    """
    A source as a file, for libraries that read files; it can't seek.

    :param source: not closed
    """

    def __init__(self, source: ByteReader) -> None:
        self._source = source

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # typeshed: any buffer
        """Read into a buffer; return how many bytes."""
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def spooled(source: ByteReader, spool_dir: str | os.PathLike[str] | None) -> Iterator[BinaryIO]:
    """
    Copy a source to a file without a name, for formats that are read out of order.

    :param source: read to its end
    :raises EkycSpoolError: if the disk is full
    """
    with spool_file(spool_dir) as spool:
        while block := source.read(_SPOOL_PIECE):
            spool.write(block)
        spool.seek(0)
        with io.BufferedReader(spool) as file:
            yield cast("BinaryIO", file)
