"""What is landed of an archive, and who is given its rows on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.output import convert as convert_module
from airflow_provider_ekyc.results.output.convert import Output, convert
from airflow_provider_ekyc.results.output.formats import FORMATS
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.table.rows import Rows
from airflow_provider_ekyc.spool import Spool, spool_file
from tests.results.archives import TABLE, pack

CONTEXT = RowContext("made-up-id", "amazon", None)
LINES = [b"+9990000000001,yes\n", b"+9990000000002,no\n", b"+9990000000003,undetermined\n"]
CSV = TABLE.replace(b"undetermined", b"unknown")


@pytest.fixture
def source() -> Iterator[Spool]:
    """Two files of one table, so that its rows come in two blocks."""
    with spool_file(None) as file:
        header = b"Number,amazon\n"
        file.write(pack({"part1.csv": header + LINES[0] + LINES[1], "part2.csv": header + LINES[2]}))
        yield file


@pytest.fixture
def target() -> Iterator[Spool]:
    with spool_file(None) as file:
        yield file


@pytest.mark.parametrize("output_format", FORMATS)
def test_all_rows_are_given_on_in_their_order(output_format: str, source: Spool, target: Spool) -> None:
    given: list[Rows] = []
    output = convert(ArchiveReader(source), FORMATS[output_format], CONTEXT, target, given.append)
    # To write gzip, the rows are read once more if the archive's own bytes are not what is to be written.
    assert [rows.lines for rows in given] == [LINES[0] + LINES[1], LINES[2]]
    assert output.summary == ArchiveSummary(3, 1, 1, 1)


def test_an_archive_that_is_landed_as_it_is_needs_no_file(source: Spool, target: Spool) -> None:
    output = convert(ArchiveReader(source), FORMATS["zip"], CONTEXT, target, lambda rows: None)
    assert output == Output(ArchiveSummary(3, 1, 1, 1))
    assert target.tell() == 0


def test_what_is_made_is_in_the_file_with_its_size_and_its_sha256(source: Spool, target: Spool) -> None:
    output = convert(ArchiveReader(source), FORMATS["csv"], CONTEXT, target, lambda rows: None)
    assert output.file is target
    assert output.sums is not None
    assert (output.sums.size, output.sums.sha256) == (len(CSV), hashlib.sha256(CSV).hexdigest())
    target.seek(0)
    assert target.read() == CSV


def test_what_is_as_large_as_one_put_takes_is_made_and_one_byte_more_is_refused(
    source: Spool, target: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert_module, "SIZE_LIMIT", len(CSV))
    output = convert(ArchiveReader(source), FORMATS["csv"], CONTEXT, target, lambda rows: None)
    assert output.sums is not None
    assert output.sums.size == len(CSV)
    monkeypatch.setattr(convert_module, "SIZE_LIMIT", len(CSV) - 1)
    with pytest.raises(EkycResultError, match=f"larger than {len(CSV) - 1} bytes in this output_format"):
        convert(ArchiveReader(source), FORMATS["csv"], CONTEXT, target, lambda rows: None)


def test_whoever_is_given_the_rows_may_end_it(source: Spool, target: Spool) -> None:
    def stops(rows: Rows) -> None:
        raise ConnectionError("made up")

    for output_format in FORMATS.values():
        with pytest.raises(ConnectionError, match="made up"):
            convert(ArchiveReader(source), output_format, CONTEXT, target, stops)
