"""Check an archive and make of it what is to be landed: the archive itself, or its rows in another format."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.download import SIZE_LIMIT
from airflow_provider_ekyc.results.errors import NOTHING_LANDED
from airflow_provider_ekyc.results.output.output_format import OutputFormat, RowContext
from airflow_provider_ekyc.results.table.rows import Rows
from airflow_provider_ekyc.s3.file_sums import FileSums, Summing
from airflow_provider_ekyc.spool import Spool


@dataclass(frozen=True, slots=True)
class Output:
    """
    A checked result, ready to be landed.

    :param summary: what the archive holds
    :param file: seekable; its first byte to its last is the object; None if the archive itself is the object
    :param sums: of the file
    """

    summary: ArchiveSummary
    file: Spool | None = None
    sums: FileSums | None = None


def convert(
    reader: ArchiveReader,
    output_format: OutputFormat,
    context: RowContext,
    spool: Spool,
    add_rows: Callable[[Rows], object],
) -> Output:
    """
    Check an archive to its last byte, and make of it what is to be landed.

    :param spool: an empty file for what is made; the archive itself needs none
    :param add_rows: is given all rows, in order; they are worth nothing if this raises in the end
    :raises EkycResultError: if it is not a whole archive of results, or the output is too large for S3
    :raises EkycSpoolError: if the disk is full
    """
    # Closed here, so that its thread has ended before the file is closed, also if it is not read to its end.
    with closing(_rows_given_to(add_rows, reader)) as rows:
        if output_format.writer is None:
            for _ in rows:
                continue
            return Output(reader.summary)
        summing = Summing()
        with closing(output_format.writer(reader, rows, context)) as blocks:
            for block in blocks:
                summing.add(block)
                if summing.size > SIZE_LIMIT:
                    raise EkycResultError(
                        f"The result is larger than {SIZE_LIMIT:,} bytes in this output_format. {NOTHING_LANDED} Use "
                        f"output_format='parquet' or 'zip', and split the input the next time."
                    )
                spool.write(block)
    return Output(reader.summary, spool, summing.sums())


def _rows_given_to(add_rows: Callable[[Rows], object], reader: ArchiveReader) -> Generator[Rows, None, None]:
    for rows in reader.rows():
        add_rows(rows)
        yield rows
