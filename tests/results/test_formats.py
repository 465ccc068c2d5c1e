"""
What is made of an archive: the same rows in each format, as other programs read them.

Modules: ``results/output/arrow_columns.py``, ``results/output/csv_rows.py``, ``results/output/parquet.py``.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars
import pyarrow
import pytest
from hypothesis import given, settings, strategies as st
from pyarrow import parquet

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.output import convert as convert_module
from airflow_provider_ekyc.results.output.arrow_columns import read_columns
from airflow_provider_ekyc.results.output.convert import Output, convert
from airflow_provider_ekyc.results.output.formats import FORMATS
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.table.rows import read_table
from airflow_provider_ekyc.spool import spool_file
from tests.results.archives import LISTS, pack

DONE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
CONTEXT = RowContext("d4g24nep2jvh04o9uoh0", "amazon", DONE)

ROWS = [("+12025550100", "yes"), ("+12025550101", "no"), ("+12025550102", "undetermined"), ("+12025550103", "")]
PLAIN = b"Number,amazon\n+12025550100,yes\n+12025550101,no\n+12025550104,no\n"


def table(rows: list[tuple[str, str]], header: str = "Number,amazon") -> bytes:
    return "".join(f"{line}\n" for line in [header, *(",".join(row) for row in rows)]).encode()


@contextmanager
def made(archive: bytes, output_format: str, context: RowContext = CONTEXT) -> Iterator[tuple[Output, bytes]]:
    """Convert an archive; what is to be landed, and its bytes."""
    with spool_file(None) as source, spool_file(None) as target:
        source.write(archive)
        output = convert(ArchiveReader(source), FORMATS[output_format], context, target, lambda rows: None)
        if output.file is None:
            yield output, archive
            return
        output.file.seek(0)
        content = output.file.read()
        assert (output.sums.size, output.sums.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        yield output, content


def content_of(archive: bytes, output_format: str, context: RowContext = CONTEXT) -> bytes:
    with made(archive, output_format, context) as (_, content):
        return content


def test_a_zip_is_the_archive_itself() -> None:
    archive = pack({"all.csv": table(ROWS), **LISTS})
    with made(archive, "zip") as (output, content):
        assert content == archive
        assert output.summary == ArchiveSummary(4, 1, 1, 2)
        assert output.file is None


@pytest.mark.parametrize("output_format", FORMATS)
def test_every_format_has_the_same_counts(output_format: str) -> None:
    with made(pack({"amazon.csv": table(ROWS)}), output_format) as (output, _):
        assert output.summary == ArchiveSummary(4, 1, 1, 2)


def test_csv_has_the_documented_header_and_three_answers() -> None:
    expected = b"Number,coinW\n+12025550100,yes\n+12025550101,no\n+12025550102,unknown\n+12025550103,unknown\n"
    context = RowContext("t", "coinW", None)
    assert content_of(pack({"x.csv": table(ROWS, "number,activated")}), "csv", context) == expected
    assert gzip.decompress(content_of(pack({"x.csv": table(ROWS, "number,activated")}), "csv.gz", context)) == expected


@pytest.mark.parametrize(
    "delivered",
    [
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.replace(b",", b";"),
        PLAIN.replace(b"+", b""),
        PLAIN.replace(b"yes", "SÍ".encode()).replace(b"no", b"No "),
        PLAIN.replace(b"\n", b"\n\n"),
        PLAIN.removesuffix(b"\n"),
        b"".join(b'"' + line.replace(b",", b'","') + b'"\n' for line in PLAIN.splitlines()),
        b"amazon,Number\nyes,+12025550100\nno,+12025550101\nno,+12025550104\n",
        PLAIN,
    ],
    ids=["crlf", "cr", "bom", "semicolon", "no plus", "words", "blank lines", "no end", "quotes", "order", "plain"],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_however_it_was_delivered_the_csv_is_the_same(delivered: bytes, method: int) -> None:
    archive = pack({"amazon.csv": delivered}, method=method)
    assert content_of(archive, "csv") == PLAIN
    assert gzip.decompress(content_of(archive, "csv.gz")) == PLAIN


def test_gzip_copies_what_is_packed_already_and_gzip_itself_agrees(tmp_path: Path) -> None:
    many = b"Number,amazon\n" + b"".join(
        b"+999%010d,%s\n" % (n * 7919, b"no" if n % 3 else b"yes") for n in range(20_000)
    )
    archive = pack({"folder/amazon.csv": many, "activated.txt": b"+9990000000001\n"})
    content = content_of(archive, "csv.gz")
    assert content[10:-8] in archive
    file = tmp_path / "result.csv.gz"
    file.write_bytes(content)
    subprocess.run(["gzip", "-t", str(file)], check=True)
    assert gzip.decompress(content) == many


def test_gzip_packs_anew_what_is_not_the_same(tmp_path: Path) -> None:
    archive = pack({"amazon.csv": PLAIN.replace(b"Number", b"number")})
    content = content_of(archive, "csv.gz")
    assert content[10:-8] not in archive
    file = tmp_path / "result.csv.gz"
    file.write_bytes(content)
    subprocess.run(["gzip", "-t", str(file)], check=True)


def test_lists_alone_become_a_table() -> None:
    assert content_of(pack(LISTS), "csv") == (
        b"Number,amazon\n+9990000000001,yes\n+9990000000002,no\n+9990000000003,no\n"
    )


# Parquet.


def parquet_file(tmp_path: Path, archive: bytes, context: RowContext = CONTEXT) -> Path:
    file = tmp_path / "result.parquet"
    file.write_bytes(content_of(archive, "parquet", context))
    return file


def test_parquet_has_types_that_engines_agree_on(tmp_path: Path) -> None:
    file = parquet_file(tmp_path, pack({"amazon.csv": table(ROWS)}))
    schema = parquet.read_schema(file)
    assert {field.name: str(field.type) for field in schema} == {
        "number": "string",
        "registered": "bool",
        "answer": "string",
        "task_type": "string",
        "verified_at": "timestamp[us, tz=UTC]",
        "ekyc_task_id": "string",
    }
    assert [field.name for field in schema if not field.nullable] == ["number", "answer"]
    same = {"task_type": "amazon", "verified_at": DONE, "ekyc_task_id": "d4g24nep2jvh04o9uoh0"}
    meant = {"yes": True, "no": False}
    assert parquet.read_table(file).to_pylist() == [
        {"number": number, "registered": meant.get(answer), "answer": answer, **same} for number, answer in ROWS
    ]


def test_parquet_packs_what_differs_and_has_statistics_of_what_can_exclude_a_file(tmp_path: Path) -> None:
    group = parquet.ParquetFile(parquet_file(tmp_path, pack({"amazon.csv": table(ROWS)}))).metadata.row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    assert [name for name, column in columns.items() if column.compression == "ZSTD"] == ["number", "answer"]
    bounds = {
        name: (column.statistics.min, column.statistics.max, column.statistics.null_count)
        for name, column in columns.items()
        if column.statistics is not None
    }
    assert bounds == {
        "registered": (False, True, 2),
        "task_type": ("amazon", "amazon", 0),
        "verified_at": (DONE, DONE, 0),
        "ekyc_task_id": ("d4g24nep2jvh04o9uoh0", "d4g24nep2jvh04o9uoh0", 0),
    }


def test_a_time_that_is_not_known_is_null(tmp_path: Path) -> None:
    read = parquet.read_table(parquet_file(tmp_path, pack({"t.csv": table(ROWS)}), RowContext("t", "amazon", None)))
    assert read["verified_at"].null_count == len(ROWS)


def test_pyarrow_duckdb_and_polars_count_alike(tmp_path: Path) -> None:
    rows = [(f"+999{n * 7919:010d}", ["yes", "no", "no", "undetermined"][n % 4]) for n in range(300_000)]
    file = parquet_file(tmp_path, pack({"amazon.csv": table(rows)}))
    column = parquet.read_table(file)["registered"]
    by_arrow = (len(column), column.to_pylist().count(True), column.null_count)
    asked = "SELECT count(*), count(*) FILTER (WHERE registered), count(*) FILTER (WHERE registered IS NULL)"
    by_duckdb = duckdb.sql(f"{asked} FROM read_parquet('{file}')").fetchall()[0]
    frame = polars.read_parquet(file)
    by_polars = (frame.height, frame["registered"].sum(), frame["registered"].null_count())
    assert by_arrow == by_duckdb == by_polars == (300_000, 75_000, 75_000)
    assert frame["number"].to_list() == [number for number, _ in rows]
    assert parquet.ParquetFile(file).metadata.num_row_groups == 2


def test_rows_are_in_groups_of_about_a_quarter_of_a_million(tmp_path: Path) -> None:
    block = b"".join(b"+999%010d,no\n" % n for n in range(100_000))
    archive = pack({"t.csv": b"Number,amazon\n" + block * 9})
    metadata = parquet.ParquetFile(parquet_file(tmp_path, archive)).metadata
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert sum(sizes) == 900_000
    assert all(250_000 <= size < 350_000 for size in sizes[:-1])


CELLS = st.sampled_from(["yes", "no", "sí", "NO", "undetermined", "", "n/a", "0"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(10, 10**15 - 1).map("+{}".format), CELLS), min_size=1, max_size=50))
def test_all_formats_hold_the_same_rows(rows: list[tuple[str, str]]) -> None:
    archive = pack({"t.csv": table(rows)})
    meaning = {"yes": "yes", "sí": "yes", "no": "no", "NO": "no", "0": "no"}
    expected = [(number, meaning.get(answer, "unknown")) for number, answer in rows]
    lines = content_of(archive, "csv").decode().splitlines()
    assert [tuple(row) for row in csv.reader(lines[1:])] == expected
    assert gzip.decompress(content_of(archive, "csv.gz")).decode().splitlines() == lines
    read = parquet.read_table(pyarrow.BufferReader(content_of(archive, "parquet")))
    answers = {True: "yes", False: "no", None: "unknown"}
    assert [(row["number"], answers[row["registered"]]) for row in read.to_pylist()] == expected
    assert read["answer"].to_pylist() == [answer for _, answer in rows]


# What can't be made.


@pytest.mark.parametrize("output_format", ["csv", "csv.gz", "parquet"])
def test_what_is_larger_than_one_put_is_refused(output_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert_module, "SIZE_LIMIT", 40)
    with pytest.raises(EkycResultError, match="larger than 40 bytes in this output_format"):
        content_of(pack({"amazon.csv": PLAIN}), output_format)


@pytest.mark.parametrize("output_format", FORMATS)
def test_a_row_that_is_no_row_is_refused_in_every_format(output_format: str) -> None:
    with pytest.raises(EkycResultError, match="Line 5 of the result's table has 3 fields"):
        content_of(pack({"amazon.csv": PLAIN + b"+12025550105,no,no\n"}), output_format)


def test_an_answer_that_would_need_quotes_is_written_without_what_asks_for_them(tmp_path: Path) -> None:
    archive = pack({"t.csv": b'Number,amazon\n+12025550100,"no, ""not"" yet\nknown"\n'})
    assert content_of(archive, "csv") == b"Number,amazon\n+12025550100,unknown\n"
    assert parquet.read_table(parquet_file(tmp_path, archive))["answer"].to_pylist() == ["no   not  yet known"]


def test_the_spool_is_all_that_is_written(tmp_path: Path) -> None:
    with spool_file(tmp_path) as source, spool_file(tmp_path) as target:
        source.write(pack({"amazon.csv": PLAIN}))
        convert(ArchiveReader(source), FORMATS["parquet"], CONTEXT, target, lambda rows: None)
        assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_spool_is_read_too() -> None:
    with spool_file(None) as target:
        reader = ArchiveReader(io.BytesIO(pack({"amazon.csv": PLAIN})))
        assert convert(reader, FORMATS["csv"], CONTEXT, target, lambda rows: None).summary.rows == 3


def test_a_group_of_rows_is_bounded_by_its_bytes_too() -> None:
    rows = [(f"+999{number:09d}", f"{number:04d}" * 10_000) for number in range(1_000)]
    content = content_of(pack({"amazon.csv": table(rows)}), "parquet")
    assert parquet.ParquetFile(io.BytesIO(content)).num_row_groups == 2
    assert parquet.read_table(io.BytesIO(content)).num_rows == 1_000


@pytest.mark.parametrize("output_format", FORMATS)
def test_an_answer_that_grows_when_it_is_cleaned_lands(output_format: str) -> None:
    archive = pack({"amazon.csv": table([("+12025550100", "\x01" * 900_000), ("+12025550101", "yes")])})
    with made(archive, output_format) as (output, _):
        assert (output.summary.rows, output.summary.yes) == (2, 1)


@given(
    rows=st.lists(st.tuples(st.integers(10, 10**15 - 1), st.sampled_from(["yes", "no"])), min_size=1, max_size=30)
    | st.lists(st.tuples(st.integers(10**11, 10**12 - 1), st.sampled_from(["yes", "no"])), min_size=1, max_size=30),
    plus=st.sampled_from(["+", ""]),
)
@settings(max_examples=200, deadline=None)
def test_rows_in_the_documented_form_are_columns_of_arrow(rows: list[tuple[int, str]], plus: str) -> None:
    lines = "".join(f"{plus}{number},{answer}\n" for number, answer in rows)
    (block,) = read_table([f"Number,amazon\n{lines}".encode()])
    assert block.plain is not None
    numbers, registered, answers = read_columns(block)
    for column in (numbers, registered, answers):
        column.validate(full=True)
    assert numbers.to_pylist() == [f"+{number}" for number, _ in rows]
    assert registered.to_pylist() == [answer == "yes" for _, answer in rows]
    assert answers.to_pylist() == [answer for _, answer in rows]
