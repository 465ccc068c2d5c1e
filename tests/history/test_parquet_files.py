"""
``history/parquet_files.py``: a history of landed files, wherever they are, and which of them are read.

Modules: ``history/local_files.py``, ``history/s3_files.py``, ``history/stored_files.py``, ``history/in_order.py``,
``history/ranged_file.py``, ``history/files.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from airflow_provider_ekyc.history.parquet_files import ParquetFiles
from dev.stack.s3_server import S3Server
from tests.conftest import BUCKET, aws_connection
from tests.history.landed import NO, UNKNOWN, YES, landed
from tests.history.rows import DAY, NOW

A, B, C = 12025550100, 12025550101, 12025550102
KEY = "ekyc/results/dt=2026-05-{:02}/part-0.parquet"
SINCE = NOW - 30 * DAY

#: A folder of any store: writes a file, and reads the folder's history.
Write = Callable[[str, bytes], None]


@pytest.fixture
def aws(s3: Any, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(s3_server))
    return s3


@pytest.fixture(params=["s3", "local", "store"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Write]]:
    """The URI of a history, and what writes into it."""
    if request.param == "s3":
        client = request.getfixturevalue("aws")
        yield f"s3://{BUCKET}/ekyc/results", lambda key, data: client.put_object(Bucket=BUCKET, Key=key, Body=data)
        return
    (tmp_path / "ekyc/results").mkdir(parents=True)

    def write(key: str, data: bytes) -> None:
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    # "local" is the one scheme beside "file" that Airflow's object storage knows without another provider.
    yield f"{'local://' * (request.param == 'store')}{tmp_path}/ekyc/results", write


def opened(uri: object) -> ParquetFiles:
    return ParquetFiles(uri, aws_conn_id="aws_default")


def rows_of(files: ParquetFiles, since: datetime | None = SINCE, task_type: str = "amazon") -> list[tuple[Any, ...]]:
    rows = [tuple(row.values()) for batch in files.batches(since, task_type) for row in batch.to_pylist()]
    return sorted(rows, key=str)


def test_rows_of_all_files_are_read(store: tuple[str, Write]) -> None:
    uri, write = store
    write(KEY.format(1), landed([(A, YES), (B, NO)], NOW - 3 * DAY))
    write(KEY.format(2), landed([(A, UNKNOWN)], NOW - 2 * DAY))
    write(KEY.format(3), landed([(C, YES)], NOW - 2 * DAY, "ws"))
    files = opened(uri)
    assert rows_of(files) == [
        (f"+{A}", None, NOW - 2 * DAY),
        (f"+{A}", True, NOW - 3 * DAY),
        (f"+{B}", False, NOW - 3 * DAY),
    ]
    assert (files.files_read, files.files_skipped, files.is_complete) == (2, 1, True)


def test_an_old_file_is_left_out_by_its_footer(store: tuple[str, Write]) -> None:
    uri, write = store
    write(KEY.format(1), landed([(A, YES)], SINCE))
    write(KEY.format(2), landed([(B, YES)], None))
    write(KEY.format(3), landed([(C, NO)], NOW))
    files = opened(uri)
    assert rows_of(files) == [(f"+{C}", False, NOW)]
    assert (files.files_read, files.files_skipped, files.is_complete) == (1, 2, False)
    files = opened(uri)
    assert len(rows_of(files, None)) == 3
    assert (files.files_read, files.files_skipped, files.is_complete) == (3, 0, True)


def test_text_that_its_writer_had_as_views_is_read(tmp_path: Path) -> None:
    # As DataFusion compacts: the file notes the type of its columns in memory, which pyarrow restores.
    tables = [
        parquet.read_table(BytesIO(landed(rows, NOW - DAY, task_type)))
        for rows, task_type in (([(A, YES), (B, UNKNOWN)], "amazon"), ([(C, NO)], "ws"))
    ]
    table = pyarrow.concat_tables(tables)
    kinds = [pyarrow.string_view() if kind == "string" else kind for kind in table.schema.types]
    views = pyarrow.schema(list(zip(table.schema.names, kinds, strict=True)))
    parquet.write_table(table.cast(views), tmp_path / "all.parquet")
    assert parquet.read_schema(tmp_path / "all.parquet").field("number").type == pyarrow.string_view()
    expected = [(f"+{B}", None, NOW - DAY), (f"+{A}", True, NOW - DAY)]
    assert rows_of(opened(tmp_path)) == sorted(expected, key=str)


@pytest.mark.parametrize("key", ["_landed/part-0.parquet", ".landed/part-0.parquet", "dt=2026-05-01/_part-0.PARQUET"])
def test_a_file_that_the_uri_itself_names_is_read_wherever_it_is(store: tuple[str, Write], key: str) -> None:
    uri, write = store
    write(f"ekyc/results/{key}", landed([(A, YES)], NOW - DAY))
    assert rows_of(opened(f"{uri}/{key}")) == [(f"+{A}", True, NOW - DAY)]
