"""What ``docs/privacy.md`` tells a person to run does erase a number; what it refers to is there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.fs
import pyarrow.parquet as pq
import pytest

from airflow_provider_ekyc.history.parquet_files import ParquetFiles
from tests.history.landed import NO, UNKNOWN, YES, landed

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "privacy.md").read_text()
BLOCKS = [re.sub(r"^   ", "", code, flags=re.MULTILINE) for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)]
ERASED = 12025550100
DAYS = {
    "2026-01-01": [(ERASED, YES), (12025550101, NO)],
    "2026-02-01": [(12025550101, NO), (12025550102, UNKNOWN)],
    "2026-03-01": [(12025550102, YES), (ERASED, UNKNOWN)],
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Landed files of three days."""
    for day, rows in DAYS.items():
        path = tmp_path / f"dt={day}" / "d4g1.parquet"
        path.parent.mkdir()
        path.write_bytes(landed(rows, datetime.fromisoformat(day).replace(tzinfo=UTC)))
    return tmp_path


def history(folder: Path) -> list[tuple[str, Any, Any]]:
    return [
        (row["number"], row["registered"], row["verified_at"])
        for batch in ParquetFiles(folder).batches(None, "amazon")
        for row in batch.to_pylist()
    ]


def test_a_number_is_erased_from_landed_files_and_freshness_reads_the_rest(results: Path) -> None:
    names: dict[str, Any] = {}
    exec(BLOCKS[0], names)  # the page's own lines
    before = history(results)
    schemas = [pq.read_schema(path) for path in sorted(results.rglob("*.parquet"))]
    untouched = (results / "dt=2026-02-01" / "d4g1.parquet").read_bytes()
    assert names["erase"](f"+{ERASED}", str(results), pyarrow.fs.LocalFileSystem()) == 2
    assert history(results) == [row for row in before if row[0] != f"+{ERASED}"]
    assert len(history(results)) == len(before) - 2
    assert [pq.read_schema(path) for path in sorted(results.rglob("*.parquet"))] == schemas
    assert (results / "dt=2026-02-01" / "d4g1.parquet").read_bytes() == untouched
    assert all(str(ERASED).encode() not in path.read_bytes() for path in results.rglob("*.parquet"))
    assert names["erase"](f"+{ERASED}", str(results), pyarrow.fs.LocalFileSystem()) == 0


def test_what_is_there_of_a_person_is_one_query(results: Path) -> None:
    (query,) = re.findall(r"```sql duckdb\n(.*?)```", PAGE, re.DOTALL)
    rows = duckdb.sql(query.replace("s3://my-bucket/results", str(results))).fetchall()
    assert [(time.month, task_type) for time, task_type, _, _ in rows] == [(1, "amazon"), (3, "amazon")]
    assert {remote_id for *_, remote_id in rows} == {
        row[0]
        for row in duckdb.sql(f"SELECT DISTINCT ekyc_task_id FROM read_parquet('{results}/**/*.parquet')").fetchall()
    }


def test_what_the_page_refers_to_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 8
    missing = [
        (file, test)
        for file, test in named
        if not (ROOT / file).exists() or f"def {test}" not in (ROOT / file).read_text()
    ]
    assert missing == []
