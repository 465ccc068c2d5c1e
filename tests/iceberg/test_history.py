"""
An Iceberg table as a history: only files that may matter are read, and no row that was deleted.

Modules: ``iceberg/history.py``, ``iceberg/plain_files.py``, ``iceberg/file_failures.py``.
"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet
from pyiceberg.catalog import Catalog
from pyiceberg.io import pyarrow as reading
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import DataScan, FileScanTask

from airflow_provider_ekyc.exceptions import EkycHistoryError, EkycNoConnectionError, EkycSettingsError
from airflow_provider_ekyc.iceberg.commit import WarehouseTable
from airflow_provider_ekyc.iceberg.file_failures import files_explained
from airflow_provider_ekyc.iceberg.history import IcebergHistory
from dev.testing.rest_catalog import RestCatalogServer, unsent
from tests.conftest import BUCKET
from tests.iceberg.conftest import NOON, TABLE, Land, number_of

DAY = timedelta(days=1)


def fill(land: Land, *days: int | None, **more: Any) -> None:
    """Land a file of three rows for each day, and add it."""
    table = WarehouseTable(TABLE, "iceberg_default")
    for task, day in enumerate(days):
        verified_at = None if day is None else NOON + day * DAY
        table.prepare("any", "s3://nowhere/else")
        table.add(land(task, verified_at=verified_at, numbers=range(3 * task, 3 * task + 3), **more))


def rows_of(history: IcebergHistory, since: datetime | None, task_type: str = "amazon") -> list[dict[str, Any]]:
    rows = [row for batch in history.batches(since, task_type) for row in batch.to_pylist()]
    return sorted(rows, key=lambda row: str(row["number"]))


def numbers_in(rows: list[dict[str, Any]]) -> list[str]:
    return [row["number"] for row in rows]


def test_all_rows(catalog: Catalog, land: Land) -> None:
    fill(land, 0, None)
    history = IcebergHistory(TABLE)

    rows = rows_of(history, None)

    assert rows[:3] == [
        {"number": number_of(0), "registered": True, "verified_at": NOON},
        {"number": number_of(1), "registered": False, "verified_at": NOON},
        {"number": number_of(2), "registered": None, "verified_at": NOON},
    ]
    assert [row["verified_at"] for row in rows[3:]] == [None] * 3
    assert (history.files_read, history.files_skipped, history.is_complete) == (2, 0, True)


def test_files_that_are_too_old_are_not_read(catalog: Catalog, land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(land, 0, 1, 2, 3, None)
    opened: list[str] = []
    open_file = reading.PyArrowFileIO.new_input
    monkeypatch.setattr(
        reading.PyArrowFileIO, "new_input", lambda io, place: opened.append(place) or open_file(io, place)
    )
    history = IcebergHistory(TABLE)

    rows = rows_of(history, NOON + 2 * DAY)

    assert numbers_in(rows) == [number_of(number) for number in (9, 10, 11)]
    assert (history.files_read, history.files_skipped, history.is_complete) == (1, 4, False)
    assert len([place for place in opened if place.endswith(".parquet")]) == 1


def test_a_time_zone_is_heeded(catalog: Catalog, land: Land) -> None:
    fill(land, 0)
    in_tokyo = NOON.astimezone(datetime.strptime("+0900", "%z").tzinfo)

    assert len(rows_of(IcebergHistory(TABLE), in_tokyo - timedelta(microseconds=1))) == 3
    assert rows_of(IcebergHistory(TABLE), in_tokyo) == []


def test_other_task_types_are_left_out(catalog: Catalog, land: Land) -> None:
    fill(land, 0, 1)
    WarehouseTable(TABLE, "iceberg_default").add(land(9, task_type="whatsapp", numbers=range(90, 93)))

    assert numbers_in(rows_of(IcebergHistory(TABLE), None, "whatsapp")) == [number_of(n) for n in (90, 91, 92)]
    assert len(rows_of(IcebergHistory(TABLE), None)) == 6


def test_a_deleted_number_is_not_yielded(catalog: Catalog, land: Land) -> None:
    fill(land, 0, 1)
    catalog.load_table(TABLE).delete(f"number == '{number_of(1)}'")

    assert numbers_in(rows_of(IcebergHistory(TABLE), None)) == [number_of(number) for number in (0, 2, 3, 4, 5)]


def test_rows_of_a_delete_file_are_not_yielded(
    catalog: Catalog, land: Land, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Spark and Trino delete (merge on read); pyiceberg reads such files, and writes none."""
    fill(land, 0, 1)
    (first, second) = catalog.load_table(TABLE).scan().plan_files()
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table({"file_path": [first.file.file_path] * 2, "pos": [0, 2]}), sink)
    s3.put_object(Bucket=BUCKET, Key="deletes.parquet", Body=sink.getvalue().to_pybytes())
    deletes = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=f"s3://{BUCKET}/deletes.parquet",
        file_format=FileFormat.PARQUET,
    )
    tasks = [FileScanTask(first.file, delete_files={deletes}, residual=first.residual), second]
    monkeypatch.setattr(DataScan, "plan_files", lambda _: tasks)

    numbers = numbers_in(rows_of(IcebergHistory(TABLE), None))

    gone = {row["number"] for row in first_rows(s3, first.file.file_path) if row["at"] in (0, 2)}
    assert len(gone) == 2
    assert numbers == sorted({number_of(number) for number in range(6)} - gone)


def first_rows(s3: Any, path: str) -> list[dict[str, Any]]:
    bucket, _, key = path.removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    numbers = parquet.read_table(io.BytesIO(content), columns=["number"])["number"].to_pylist()
    return [{"at": at, "number": number} for at, number in enumerate(numbers)]


@pytest.mark.parametrize("how", ["landed", "rewritten", "without a column"])
def test_plain_files_are_read_as_pyiceberg_reads_them(
    how: str, catalog: Catalog, land: Land, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(land, 0, None)
    WarehouseTable(TABLE, "iceberg_default").add(land(9, task_type="whatsapp", numbers=range(90, 93)))
    table = catalog.load_table(TABLE)
    if how == "rewritten":
        table.overwrite(table.scan().to_arrow())
    elif how == "without a column":  # of another writer: it may be null
        rows_without = table.scan().to_arrow().drop_columns(["registered", "verified_at"])
        sink = pyarrow.BufferOutputStream()
        parquet.write_table(rows_without.cast(unnamed(rows_without.schema)), sink)
        s3.put_object(Bucket=BUCKET, Key="without.parquet", Body=sink.getvalue().to_pybytes())
        table.delete()
        table.add_files([f"s3://{BUCKET}/without.parquet"])
    rows = rows_of(IcebergHistory(TABLE), None)
    monkeypatch.setattr("airflow_provider_ekyc.iceberg.history.read_plain", lambda *_: None)

    assert rows == rows_of(IcebergHistory(TABLE), None)
    assert len(rows) == 6
    assert {row["registered"] for row in rows} == ({None} if how == "without a column" else {True, False, None})


def unnamed(schema: pyarrow.Schema) -> pyarrow.Schema:
    """Leave the field ids out."""
    return pyarrow.schema([pyarrow.field(field.name, field.type, field.nullable) for field in schema])


def test_a_table_that_is_not_there_is_an_empty_history(catalog: Catalog, land: Land) -> None:
    history = IcebergHistory(TABLE)

    assert rows_of(history, None) == []
    assert (history.files_read, history.files_skipped, history.is_complete) == (0, 0, True)
    WarehouseTable(TABLE, "iceberg_default").prepare("any", "s3://nowhere/else")
    assert rows_of(IcebergHistory(TABLE), None) == []


def test_a_file_is_read_in_batches(catalog: Catalog, land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by Arrow nor by pyiceberg is a whole file in memory, as it is with the public ``to_record_batches``."""
    table = WarehouseTable(TABLE, "iceberg_default")
    table.prepare("any", "s3://nowhere/else")
    table.add(land(0, numbers=range(70_000)))
    monkeypatch.delattr(reading.ArrowScan, "to_record_batches")

    batches = list(IcebergHistory(TABLE).batches(None, "amazon"))
    monkeypatch.setattr("airflow_provider_ekyc.iceberg.history.read_plain", lambda *_: None)
    assert [len(batch) for batch in IcebergHistory(TABLE).batches(None, "amazon")] == [65_536, 4_464]

    assert sum(map(len, batches)) == 70_000
    assert max(map(len, batches)) <= 65_536
    assert {name for batch in batches for name in batch.schema.names} == {"number", "registered", "verified_at"}


def test_a_release_of_pyiceberg_without_that_generator(
    catalog: Catalog, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(land, 0)
    monkeypatch.delattr(reading, "_read_all_delete_files", raising=True)
    monkeypatch.setattr("airflow_provider_ekyc.iceberg.history.read_plain", lambda *_: None)
    monkeypatch.setattr(
        reading.ArrowScan,
        "to_record_batches",
        lambda scan, tasks: scan._record_batches_from_scan_tasks_and_deletes(tasks, {}),
    )

    assert len(rows_of(IcebergHistory(TABLE), None)) == 3


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"number": pyarrow.string()}, "it has no column registered"),
        (
            {
                "number": pyarrow.int64(),
                "registered": pyarrow.bool_(),
                "verified_at": pyarrow.timestamp("us"),
                "task_type": pyarrow.string(),
            },
            "number is long, not string; verified_at is timestamp, not timestamptz",
        ),
    ],
)
def test_a_table_of_another_schema(catalog: Catalog, fields: dict[str, pyarrow.DataType], problem: str) -> None:
    catalog.create_table(TABLE, pyarrow.schema(list(fields.items())))

    with pytest.raises(EkycHistoryError, match=problem) as caught:
        rows_of(IcebergHistory(TABLE), None)

    assert not caught.value.retryable
    assert "Nothing was sent" in caught.value.message


@pytest.mark.parametrize("kind", ["sql", "rest"])
def test_a_namespace_that_is_not_there_is_an_error_and_a_table_that_is_not_there_is_none(
    kind: str, request: pytest.FixtureRequest, catalog: Catalog, caplog: pytest.LogCaptureFixture
) -> None:
    """A typo must not mean that each number is paid for again."""
    request.getfixturevalue(kind)
    with pytest.raises(EkycHistoryError, match=r"Correct history_table.*no namespace.*ekcy\.results") as caught:
        rows_of(IcebergHistory("ekcy.results"), None)
    assert not caught.value.retryable
    assert "Nothing was sent. A retry can't help." in caught.value.message

    assert rows_of(IcebergHistory("ekyc.result"), None) == []
    assert "nothing counts as verified" in caplog.text


def test_a_namespace_that_can_not_be_looked_for_is_an_error(rest: RestCatalogServer) -> None:
    rest.faults["namespace"] += [unsent] * 3

    with pytest.raises(EkycHistoryError, match=r"can't be read.*A retry may help"):
        rows_of(IcebergHistory("ekyc.not_there"), None)


@pytest.fixture(params=["by Arrow", "by pyiceberg"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of reading a data file."""
    if request.param == "by pyiceberg":
        monkeypatch.setattr("airflow_provider_ekyc.iceberg.history.read_plain", lambda *_: None)


@pytest.mark.usefixtures("reader")
def test_a_data_file_that_is_gone_is_named_and_a_retry_reads_the_table_as_it_is_then(
    catalog: Catalog, land: Land, s3: Any
) -> None:
    fill(land, 0, 1)
    path = str(next(iter(catalog.load_table(TABLE).scan().plan_files())).file.file_path)
    bucket, _, key = path.removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)

    with pytest.raises(EkycHistoryError, match=r"is missing from its store.*Nothing was sent. A retry reads") as caught:
        rows_of(IcebergHistory(TABLE), None)

    assert caught.value.retryable
    assert path in caught.value.message
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    assert len(rows_of(IcebergHistory(TABLE), None)) == 6


@pytest.mark.usefixtures("reader")
def test_a_data_file_whose_bucket_is_gone_is_named_as_one_that_is_gone(catalog: Catalog, land: Land, s3: Any) -> None:
    """Arrow says the same of both."""
    fill(land, 0)
    landed = land(1, key="part-1.parquet")
    content = s3.get_object(Bucket=BUCKET, Key="part-1.parquet")["Body"].read()
    s3.create_bucket(Bucket="ekyc-gone")
    s3.put_object(Bucket="ekyc-gone", Key="part-1.parquet", Body=content)
    path = "s3://ekyc-gone/part-1.parquet"
    WarehouseTable(TABLE, "iceberg_default").add(replace(landed, s3_uri=path))
    s3.delete_object(Bucket="ekyc-gone", Key="part-1.parquet")
    s3.delete_bucket(Bucket="ekyc-gone")

    with pytest.raises(EkycHistoryError, match=r"is missing from its store.*Nothing was sent. A retry reads") as caught:
        rows_of(IcebergHistory(TABLE), None)

    assert caught.value.retryable
    assert f"{path}, or a file that belongs to it" in caught.value.message
    assert "or the s3.* properties of the connection do not reach it" in caught.value.message


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("how", ["cut", "empty", "zeros in a page"])
def test_a_damaged_data_file_is_named_and_a_retry_can_not_help(how: str, catalog: Catalog, land: Land, s3: Any) -> None:
    fill(land, 0)
    path = str(next(iter(catalog.load_table(TABLE).scan().plan_files())).file.file_path)
    bucket, _, key = path.removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    start = parquet.read_metadata(io.BytesIO(content)).row_group(0).column(0).total_compressed_size
    damaged = {"cut": content[:-30], "empty": b"", "zeros in a page": content[:4] + bytes(start) + content[4 + start :]}
    s3.put_object(Bucket=bucket, Key=key, Body=damaged[how])

    with pytest.raises(EkycHistoryError, match=r"is damaged.*Nothing was sent. A retry can't help") as caught:
        rows_of(IcebergHistory(TABLE), None)

    assert not caught.value.retryable
    assert path in caught.value.message


def test_a_store_that_fails_while_a_file_is_read_is_no_damage() -> None:
    for error in (OSError("AWS Error NETWORK_CONNECTION during GetObject: corrupt"), OSError(5, "corrupt disk")):
        with pytest.raises(OSError, match="corrupt") as caught, files_explained("a table", "a file"):
            raise error
        assert caught.value is error


def test_a_catalog_that_does_not_answer(rest: RestCatalogServer, land: Land) -> None:
    rest.faults["load"].append(unsent)

    with pytest.raises(EkycHistoryError, match=r"can't be read.*A retry may help") as caught:
        rows_of(IcebergHistory(TABLE), None)

    assert caught.value.retryable


@pytest.mark.usefixtures("sql")
def test_a_connection_that_is_not_there() -> None:
    with pytest.raises(EkycNoConnectionError, match="no connection 'not_there'"):
        rows_of(IcebergHistory(TABLE, "not_there"), None)


@pytest.mark.parametrize("name", ["results", "", ".results", "ekyc."])
def test_a_name_without_a_namespace(name: str) -> None:
    with pytest.raises(EkycSettingsError, match="history_table"):
        IcebergHistory(name)
