"""Rows as a Parquet file: its groups, and how its columns are stored."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from pyarrow import parquet as arrow_parquet

from airflow_provider_ekyc.results.archive.check import ArchiveReader
from airflow_provider_ekyc.results.output import parquet as parquet_module
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.output.parquet import PARQUET
from tests.results.archives import pack

DONE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
HEADER = b"Number,amazon\n"


def rows_of(part: int, count: int) -> bytes:
    return b"".join(b"+1202555%04d,%s\n" % (100 + at, (b"yes", b"no")[(part + at) % 2]) for at in range(count))


def written(*counts: int, done: datetime | None = DONE) -> tuple[arrow_parquet.ParquetFile, list[bytes]]:
    """Write an archive of files with so many rows, each of which is a block; return the file, and the writes."""
    archive = pack({f"part{at}.csv": HEADER + rows_of(at, count) for at, count in enumerate(counts, 1)})
    reader = ArchiveReader(io.BytesIO(archive))
    assert PARQUET.writer is not None
    blocks = list(PARQUET.writer(reader, reader.rows(), RowContext("made-up-id", "amazon", done)))
    return arrow_parquet.ParquetFile(io.BytesIO(b"".join(blocks))), blocks


def group_sizes(file: arrow_parquet.ParquetFile) -> list[int]:
    return [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        ((4, 4, 4, 4), [8, 8]),
        ((4, 4, 4), [8, 4]),
        ((7, 1, 7, 1, 7), [8, 8, 7]),
        ((7, 2, 9, 1), [9, 9, 1]),
        ((3,), [3]),
    ],
)
def test_a_group_ends_with_the_block_that_fills_it(
    counts: tuple[int, ...], sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_module, "_GROUP_ROWS", 8)
    file, _ = written(*counts)
    assert group_sizes(file) == sizes
    assert file.read().to_pylist() == [
        {
            "number": number,
            "registered": answer == "yes",
            "answer": answer,
            "task_type": "amazon",
            "verified_at": DONE,
            "ekyc_task_id": "made-up-id",
        }
        for part, count in enumerate(counts, 1)
        for number, answer in (line.split(",") for line in rows_of(part, count).decode().splitlines())
    ]


def test_a_group_ends_where_its_columns_take_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_module, "_GROUP_BYTES", 1_500)
    file, _ = written(50, 50, 50, 50)
    assert group_sizes(file) == [100, 100]


def test_what_is_written_of_a_group_is_passed_on_before_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_module, "_GROUP_ROWS", 4)
    monkeypatch.setattr(parquet_module, "_WRITE_BYTES", 1)
    _, one = written(4)
    _, blocks = written(4, 4, 4)
    assert len(blocks) > len(one)
    assert blocks[0] == b"PAR1"


def test_each_column_is_stored_as_it_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = written(4)
    group = file.metadata.row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    stored = {
        name: (column.compression, "RLE_DICTIONARY" in column.encodings, column.statistics is not None)
        for name, column in columns.items()
    }
    assert stored == {
        "number": ("ZSTD", False, False),
        "registered": ("UNCOMPRESSED", False, True),
        "answer": ("ZSTD", True, False),
        "task_type": ("UNCOMPRESSED", True, True),
        "verified_at": ("UNCOMPRESSED", True, True),
        "ekyc_task_id": ("UNCOMPRESSED", True, True),
    }


@pytest.mark.parametrize("done", [DONE, None])
def test_engines_read_text_booleans_and_times_in_utc(done: datetime | None) -> None:
    file, _ = written(4, done=done)
    assert {field.name: (str(field.type), field.nullable) for field in file.schema_arrow} == {
        "number": ("string", False),
        "registered": ("bool", True),
        "answer": ("string", False),
        "task_type": ("string", True),
        "verified_at": ("timestamp[us, tz=UTC]", True),
        "ekyc_task_id": ("string", True),
    }
    assert file.schema_arrow.metadata is None, "no schema of Arrow is stored beside Parquet's own"
    assert file.read()["verified_at"].to_pylist() == [done] * 4
