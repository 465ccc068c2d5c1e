"""What a result is landed as: the archive itself, or its rows as CSV, gzipped CSV or Parquet."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO

from isal import isal_zlib

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveSummary, check_archive
from airflow_provider_ekyc.results.archive.unpack import data_offset
from airflow_provider_ekyc.results.download import SIZE_LIMIT, Download
from airflow_provider_ekyc.results.errors import NOTHING_LANDED
from airflow_provider_ekyc.results.output.format_names import FORMATS as FORMATS
from airflow_provider_ekyc.results.output.parquet import ParquetFile
from airflow_provider_ekyc.results.table.answers import meaning
from airflow_provider_ekyc.results.table.header import ColumnNames
from airflow_provider_ekyc.results.table.rows import Rows
from airflow_provider_ekyc.s3.result_object import Landed
from airflow_provider_ekyc.spool import Spool

_CONTENT_TYPES = {
    "zip": "application/zip",
    "csv": "text/csv; charset=utf-8",
    "csv.gz": "application/gzip",
    "parquet": "application/vnd.apache.parquet",
}
_KNOWN = frozenset({"yes", "no", "unknown"})
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # RFC 1952: deflate, no name, no time, unknown system
_GZIP_LEVEL = 2  # of ISA-L's 0 to 3; 10,000,000 rows take 1.6 s and are 10 % larger than by zlib
_COPY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """
    What is known of all rows alike.

    :param task_type: what was verified
    :param verified_at: when the remote task was done, aware; or None if the API does not say
    """

    ekyc_task_id: str
    task_type: str
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Output:
    """
    A checked result, ready to be landed.

    :param file: seekable; its first byte to its last is the object
    :param sha256: hex digest of it
    """

    file: BinaryIO
    size: int
    sha256: str
    output_format: str
    summary: ArchiveSummary

    @property
    def content_type(self) -> str:
        """Its media type."""
        return _CONTENT_TYPES[self.output_format]


def describe(uri: str, ekyc_task_id: str, output: Output) -> Landed:
    """Put together what there is to say of a result, before anything is said of unmatched numbers."""
    summary = output.summary
    return Landed(
        ekyc_task_id=ekyc_task_id,
        s3_uri=uri,
        output_format=output.output_format,
        rows=summary.rows if summary.is_read else None,
        yes=summary.yes if summary.is_read else None,
        no=summary.no if summary.is_read else None,
        unknown=summary.unknown if summary.is_read else None,
        size=output.size,
        sha256=output.sha256,
    )


@dataclass(frozen=True, slots=True)
class Converted:
    """
    An archive that was checked, and what was made of it.

    :param made: None if the archive itself is what is landed
    """

    summary: ArchiveSummary
    output_format: str
    made: HashedSpool | None

    def output(self, archive: BinaryIO, download: Download) -> Output:
        """
        Return what is to be landed.

        :param archive: as it came
        :param download: what is known of it
        """
        if self.made is None:
            return Output(archive, download.size, download.sha256, self.output_format, self.summary)
        return Output(self.made.spool, self.made.size, self.made.sha256, self.output_format, self.summary)


def convert(
    archive: BinaryIO,
    output_format: str,
    told: Told,
    target: Spool,
    *,
    names: ColumnNames | None = None,
    take: Callable[[Rows], object] | None = None,
    may_be_empty: bool = False,
) -> Converted:
    """
    Check an archive to its last byte, and make of it what is to be landed.

    :param archive: seekable
    :param output_format: one of ``FORMATS``
    :param told: for Parquet's columns and CSV's header
    :param target: an empty spool for what is made; the archive itself needs none
    :param names: what is known of the table's columns
    :param take: is given all rows, too
    :param may_be_empty: whether a table without a row is a result
    :raises EkycResultError: if it is not a whole archive of results, or the output is too large for S3
    :raises EkycSpoolError: if the disk is full
    """
    read = partial(check_archive, archive, names=names, may_be_empty=may_be_empty)

    def check(write: Callable[[Rows], object]) -> ArchiveSummary:
        def both(rows: Rows) -> None:
            write(rows)
            if take is not None:
                take(rows)

        return read(take=both)

    if output_format == "zip":
        return Converted(read(take=take), output_format, None)
    made = HashedSpool(target)
    if output_format == "parquet":
        with ParquetFile(
            made, task_type=told.task_type, verified_at=told.verified_at, ekyc_task_id=told.ekyc_task_id
        ) as parquet:
            summary = check(parquet.take)
    elif output_format == "csv":
        made.write(_header(told))
        summary = check(lambda rows: made.write(_csv_lines(rows)))
    else:
        summary = _write_gzip(archive, made, _header(told), check, read)
    return Converted(summary, output_format, made)


class HashedSpool:
    """A spool that knows what was written to it, and that S3 takes no more than so much in one put."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hex digest of what was written."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> int:
        """
        Write.

        :raises EkycResultError: if it becomes more than S3 takes
        """
        self.size += len(data)
        if self.size > SIZE_LIMIT:
            raise EkycResultError(
                f"The result is larger than {SIZE_LIMIT:,} bytes in this output_format, more than S3 takes in one "
                f"put. {NOTHING_LANDED} Land it as parquet or zip, and split the input the next time."
            )
        self._digest.update(data)
        return self.spool.write(data)

    def tell(self) -> int:
        """Return how much was written."""
        return self.size


def _header(told: Told) -> bytes:
    """Return the header that the API page shows: the number, and a column named after the task type."""
    return f"Number,{told.task_type}\n".encode()


def _csv_lines(rows: Rows) -> bytes:
    """Return the rows with yes, no and unknown as their answers."""
    if _KNOWN.issuperset(rows.answers):
        return rows.lines
    ends = {f",{answer}".encode(): f",{meaning(answer)}".encode() for answer in rows.answers}
    lines = rows.lines[:-1].split(b"\n")
    return b"".join(
        [number + ends[comma + answer] + b"\n" for number, comma, answer in (line.partition(b",") for line in lines)]
    )


def _write_gzip(
    archive: BinaryIO,
    made: HashedSpool,
    header: bytes,
    check: Callable[[Callable[[Rows], object]], ArchiveSummary],
    read: Callable[..., ArchiveSummary],
) -> ArchiveSummary:
    """
    Write the rows as gzip.

    A member's deflate stream is the body of a gzip file. If the member unpacks to just what is to be written, as
    its size and CRC show, its packed bytes are copied as they are.
    """
    size, crc = len(header), isal_zlib.crc32(header)

    def measure(rows: Rows) -> None:
        nonlocal size, crc
        lines = _csv_lines(rows)
        size, crc = size + len(lines), isal_zlib.crc32(lines, crc)

    summary = check(measure)
    table = summary.table
    if table is not None and table.compress_type and (table.file_size, table.CRC) == (size, crc):
        made.write(_GZIP_HEADER)
        archive.seek(data_offset(archive, table))
        left = table.compress_size
        while left and (block := archive.read(min(_COPY, left))):
            made.write(block)
            left -= len(block)
        made.write(struct.pack("<II", crc, size & 0xFFFFFFFF))
    else:
        pack = isal_zlib.compressobj(_GZIP_LEVEL, wbits=31)
        made.write(pack.compress(header))
        read(take=lambda rows: made.write(pack.compress(_csv_lines(rows))))
        made.write(pack.flush())
    return summary
