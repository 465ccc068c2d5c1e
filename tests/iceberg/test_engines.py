"""
What engines make of the table: pyiceberg, DuckDB and Polars count alike, a date is pruned, a number can be erased.

The catalog is SQLite, the warehouse in the S3 server.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from airflow_provider_ekyc.iceberg.commit import WarehouseTable
from dev.testing.duckdb_iceberg import connect
from tests.iceberg.conftest import NOON, TABLE, Land, ekyc_task_id, number_of
from tests.iceberg.test_commit import compact

DAYS = 5
ROWS = 300

#: Rows, different numbers, yes, no, unknown, and days.
Counts = tuple[int, int, int, int, int, int]


@pytest.fixture
def table(catalog: Catalog, land: Land) -> Table:
    """Five landings, one a day; each day's numbers overlap with those of the day before by half."""
    warehouse = WarehouseTable(TABLE, "iceberg_default")
    warehouse.prepare("any", "s3://nowhere/else")
    for day in range(DAYS):
        numbers = range(day * ROWS // 2, day * ROWS // 2 + ROWS)
        key = f"results/dt=2026-02-0{day + 1}/part-0.parquet"
        warehouse.add(land(day, verified_at=NOON + timedelta(days=day), numbers=numbers, key=key))
    return catalog.load_table(TABLE)


def by_pyiceberg(table: Table) -> Counts:
    rows = table.scan().to_arrow()
    registered = rows["registered"].to_pylist()
    return (
        len(rows),
        len(set(rows["number"].to_pylist())),
        registered.count(True),
        registered.count(False),
        registered.count(None),
        len(set(rows["verified_at"].to_pylist())),
    )


def by_duckdb(table: Table, properties: dict[str, str]) -> Counts:
    with connect(properties) as connection:
        (counts,) = connection.execute(
            "SELECT count(*), count(DISTINCT number), count(*) FILTER (registered), "
            "count(*) FILTER (NOT registered), count(*) FILTER (registered IS NULL), count(DISTINCT verified_at) "
            f"FROM iceberg_scan('{table.metadata_location}')"
        ).fetchall()
    return counts


def by_polars(table: Table, properties: dict[str, str]) -> Counts:
    options = {name: value for name, value in properties.items() if name.startswith("s3.")}
    registered = polars.col("registered")
    (counts,) = (
        polars.scan_iceberg(table, storage_options=options)
        .select(
            polars.len(),
            polars.col("number").n_unique(),
            registered.eq(True).sum().alias("yes"),
            registered.eq(False).sum().alias("no"),
            registered.is_null().sum().alias("unknown"),
            polars.col("verified_at").n_unique(),
        )
        .collect()
        .rows()
    )
    return counts  # type: ignore[return-value]  # six integers, as selected


def counts_of(table: Table, properties: dict[str, str]) -> Counts:
    """Count by each engine; they must agree."""
    first = by_pyiceberg(table)
    assert by_duckdb(table, properties) == first
    assert by_polars(table, properties) == first
    return first


@pytest.mark.filterwarnings("ignore:Iceberg scan planning with the polars_iceberg plugin")
def test_engines_count_alike_after_five_landings_and_after_a_number_was_erased(
    table: Table, sql: dict[str, str], catalog: Catalog
) -> None:
    third = DAYS * ROWS // 3
    assert counts_of(table, sql) == (DAYS * ROWS, (DAYS + 1) * ROWS // 2, third, third, third, DAYS)

    # A number of two days.
    table.delete(f"number == '{number_of(ROWS // 2)}'")

    table = catalog.load_table(TABLE)
    assert counts_of(table, sql)[:2] == (DAYS * ROWS - 2, (DAYS + 1) * ROWS // 2 - 1)
    # The landing whose rows these were is still known by its other rows.
    warehouse = WarehouseTable(TABLE, "iceberg_default")
    warehouse.prepare(ekyc_task_id(0), "s3://ekyc-results/results/dt=2026-02-01/part-0.parquet")
    assert len(table.refresh().snapshots()) > DAYS

    compact(table)
    assert counts_of(catalog.load_table(TABLE), sql)[:2] == (DAYS * ROWS - 2, (DAYS + 1) * ROWS // 2 - 1)


def test_a_scan_plans_no_file_of_another_date_or_remote_task(table: Table) -> None:
    def days_of(row_filter: str) -> list[str]:
        """Name the days whose files are planned."""
        paths = [task.file.file_path for task in table.scan(row_filter=row_filter).plan_files()]
        return sorted(path.split("/")[-2].removeprefix("dt=2026-02-0") for path in paths)

    assert days_of("verified_at >= '2026-02-01T00:00:00+00:00'") == ["1", "2", "3", "4", "5"]
    assert days_of("verified_at >= '2026-02-05T00:00:00+00:00'") == ["5"]
    third = "verified_at >= '2026-02-03T12:00:00+00:00' and verified_at < '2026-02-04T00:00:00+00:00'"
    assert days_of(third) == ["3"]
    assert days_of("verified_at > '2026-02-06T00:00:00+00:00'") == []
    assert days_of(f"ekyc_task_id == '{ekyc_task_id(1)}'") == ["2"]
    assert days_of("task_type == 'whatsapp'") == []


def test_no_metadata_of_the_table_has_a_number(table: Table, catalog: Catalog, s3: Any) -> None:
    """Data files have them, also in their statistics; manifests and metadata, which others may read, have none."""
    compact(table)  # as an engine does it: with statistics of all columns that the table does not exempt
    table = catalog.load_table(TABLE)
    bucket, _, prefix = table.location().removeprefix("s3://").partition("/")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/metadata/")["Contents"]
    texts = [s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in found]

    assert len(texts) > DAYS
    assert not [key for key, text in zip(found, texts, strict=True) if b"+999" in text]
    bounds = [bound for task in table.scan().plan_files() for bound in (task.file.lower_bounds or {}).values()]
    assert bounds
    assert not [bound for bound in bounds if bound.startswith(b"+999")]


def test_manifests_are_joined_so_that_a_look_stays_short(table: Table, catalog: Catalog, land: Land) -> None:
    with table.transaction() as transaction:
        transaction.set_properties(**{"commit.manifest.min-count-to-merge": "3"})
    warehouse = WarehouseTable(TABLE, "iceberg_default")
    for task in range(DAYS, DAYS + 3):
        warehouse.add(land(task))

    table = catalog.load_table(TABLE)
    assert len(table.inspect.manifests()) < DAYS
    assert len(table.scan().to_arrow()) == DAYS * ROWS + 3 * 3
