"""Rows as CSV and as CSV in gzip, byte by byte."""

from __future__ import annotations

import gzip
import io
import zlib

import pytest

from airflow_provider_ekyc.results.archive.check import ArchiveReader
from airflow_provider_ekyc.results.output.csv_rows import CSV, CSV_GZ
from airflow_provider_ekyc.results.output.output_format import Column, OutputFormat, RowContext
from tests.results.archives import pack

CONTEXT = RowContext("made-up-id", "amazon", None)
PLAIN = b"Number,amazon\n+12025550100,yes\n+12025550101,no\n"


def written(archive: bytes, output_format: OutputFormat) -> bytes:
    reader = ArchiveReader(io.BytesIO(archive))
    assert output_format.writer is not None
    return b"".join(output_format.writer(reader, reader.rows(), CONTEXT))


def with_high_crc(table: bytes) -> bytes:
    """Add a row, so that the CRC-32 of the table is no signed number of 32 bits."""
    tables = (table + b"+12025550%03d,no\n" % number for number in range(102, 200))
    return next(each for each in tables if zlib.crc32(each) >= 1 << 31)


@pytest.mark.parametrize("output_format", [CSV, CSV_GZ])
def test_its_columns_are_those_of_its_header(output_format: OutputFormat) -> None:
    assert output_format.columns("amazon") == (
        Column("Number", "string", "the number, with its plus; personal data"),
        Column("amazon", "string", "yes, no or unknown"),
    )
    assert written(pack({"amazon.csv": PLAIN}), CSV).partition(b"\n")[0] == b"Number,amazon"


def test_each_answer_is_yes_no_or_unknown() -> None:
    table = b"Number,amazon\n+12025550100,S\xc3\xad\n+12025550101,not yet known\n+12025550102,NO\n+12025550103,\n"
    made = b"Number,amazon\n+12025550100,yes\n+12025550101,unknown\n+12025550102,no\n+12025550103,unknown\n"
    assert written(pack({"amazon.csv": table}), CSV) == made
    assert gzip.decompress(written(pack({"amazon.csv": table}), CSV_GZ)) == made


def test_what_the_archive_has_packed_is_copied_and_ends_with_its_crc_and_its_size() -> None:
    table = with_high_crc(PLAIN)
    archive = pack({"amazon.csv": table})
    made = written(archive, CSV_GZ)
    assert made[10:-8] in archive
    assert gzip.decompress(made) == table


def test_a_gzip_names_no_file_no_time_and_no_system() -> None:
    for table in (PLAIN, PLAIN.replace(b"Number", b"number")):
        made = written(pack({"amazon.csv": table}), CSV_GZ)
        assert (made[:4], made[4:8], made[9]) == (b"\x1f\x8b\x08\x00", b"\x00" * 4, 255)
        assert gzip.decompress(made) == PLAIN


@pytest.mark.parametrize("name", ["Number", "number"])
def test_the_same_archive_gives_the_same_gzip(name: str) -> None:
    archive = pack({"amazon.csv": PLAIN.replace(b"Number", name.encode())})
    assert written(archive, CSV_GZ) == written(archive, CSV_GZ)
