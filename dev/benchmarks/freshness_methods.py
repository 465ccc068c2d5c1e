"""
The ways to leave out what is fresh that are compared: from a list of candidates to a list of what is not fresh.

Each function returns how many numbers are left, and a sum over them. All imports are inside (``dev.benchmarks.alone``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

#: All of the history is younger.
WINDOW: Final = timedelta(days=30)

_BLOCK_BYTES: Final = 1 << 20
_LINE_BYTES: Final = 14


def ours(candidates: str, files: str, now: str, target: str, spool_dir: str) -> list[int]:
    """``DistinctNumbers`` and ``find_fresh``: duplicates are left out too, and the order is kept."""
    from airflow_provider_ekyc.history.freshness import find_fresh
    from airflow_provider_ekyc.history.parquet_files import ParquetFiles
    from airflow_provider_ekyc.history.windows import read_windows
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers

    def refuse(row: int, line: bytes) -> int | None:
        raise ValueError(f"line {row} is no number")

    with DistinctNumbers(spool_dir) as numbers:
        with open(candidates, "rb") as file:
            while block := file.read(_BLOCK_BYTES // _LINE_BYTES * _LINE_BYTES):
                numbers.add(block, refuse)
        numbers.find_duplicates()
        find_fresh(numbers, ParquetFiles(files), read_windows(WINDOW), "amazon", datetime.fromisoformat(now), spool_dir)
        with open(target, "wb") as left:
            left.writelines(numbers.kept_blocks())
    return _what_is_in(target)


def duckdb_text(candidates: str, files: str, now: str, target: str, spool_dir: str) -> list[int]:
    """DuckDB's anti-join over text, with 1 GB of memory, in any order."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = '{spool_dir}/duckdb'")
        # As a table its size is known, so that the join is built on it. Over the file itself DuckDB builds it on the
        # history, which takes twice as long.
        connection.execute(
            f"CREATE TEMP TABLE candidates AS SELECT number "
            f"FROM read_csv('{candidates}', header = false, columns = {{'number': 'VARCHAR'}})"
        )
        connection.execute(
            f"""
            COPY (
                SELECT number FROM candidates ANTI JOIN (
                    SELECT number FROM read_parquet('{files}/*.parquet')
                    WHERE task_type = 'amazon'
                    AND verified_at > TIMESTAMPTZ '{now}' - INTERVAL {WINDOW.days} DAY
                ) AS history USING (number)
            ) TO '{target}' (HEADER false)
            """
        )
    return _what_is_in(target)


def polars_text(candidates: str, files: str, now: str, target: str, spool_dir: str) -> list[int]:
    """Polars' anti-join over text, streaming."""
    import polars

    history: Any = (
        polars.scan_parquet(f"{files}/*.parquet")
        .filter(
            (polars.col("task_type") == "amazon") & (polars.col("verified_at") > datetime.fromisoformat(now) - WINDOW)
        )
        .select("number")
    )
    numbers = polars.scan_csv(candidates, has_header=False, schema={"number": polars.String})
    numbers.join(history, on="number", how="anti").sink_csv(target, include_header=False)
    return _what_is_in(target)


def _what_is_in(target: str) -> list[int]:
    """Return how many numbers a list has, and their sum: the same in any order."""
    from airflow_provider_ekyc.numbers.number_keys import read_keys

    count = total = 0
    with open(target, "rb") as file:
        while block := file.read(_BLOCK_BYTES // _LINE_BYTES * _LINE_BYTES):
            keys, others = read_keys(block)
            if others:
                raise ValueError(f"{others} lines are no numbers")
            count += len(keys)
            total += int(keys.sum())
    return [count, total]
