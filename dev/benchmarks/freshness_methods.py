"""
The ways to leave out what is fresh that are compared: from a list of candidates to a list of what is not fresh.

Each runs in a process of its own, which is new in each round: so its peak memory is its own, imports included. The
time is that of the work alone.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dev.benchmarks.submit_memory import peak_memory_kib

WINDOW_DAYS = 30
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """
    What is compared.

    :param candidates: path of the list
    :param files: path of the folder of the history
    :param now: as text in ISO 8601
    :param target: path of the list that is made
    :param spool_dir: for temporary files
    """

    candidates: str
    files: str
    now: str
    target: str
    spool_dir: str


def ours(job: Job) -> Callable[[], dict[str, Any]]:
    """``DistinctNumbers`` and ``find_fresh``: duplicates are left out too, and the order is kept."""
    from datetime import timedelta

    import pyarrow.parquet  # noqa: F401  # imported before the time begins

    from airflow_provider_ekyc.history.freshness import find_fresh
    from airflow_provider_ekyc.history.parquet_files import ParquetFiles
    from airflow_provider_ekyc.history.windows import read_windows
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers

    def refuse(row: int, line: bytes) -> int | None:
        raise ValueError(f"line {row} is no number")

    def run() -> dict[str, Any]:
        with DistinctNumbers(job.spool_dir) as numbers:
            with open(job.candidates, "rb") as file:
                for block in whole_lines(file):
                    numbers.add(block, refuse)
            numbers.find_duplicates()
            begun = time.perf_counter()
            freshness = find_fresh(
                numbers,
                ParquetFiles(job.files),
                read_windows(timedelta(days=WINDOW_DAYS)),
                "amazon",
                datetime.fromisoformat(job.now),
                job.spool_dir,
            )
            seconds = time.perf_counter() - begun
            with open(job.target, "wb") as target:
                target.writelines(numbers.kept_blocks())
        return {"find_fresh_seconds": seconds, "rows_read": freshness.rows_read}

    return run


def whole_lines(file: Any) -> Iterator[bytes]:
    """Yield a file in blocks that end with a line."""
    rest = b""
    while block := file.read(BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        yield rest + block[:end]
        rest = block[end:]


def duckdb_text(job: Job) -> Callable[[], dict[str, Any]]:
    """DuckDB's anti-join over text, with 1 GB of memory, in any order."""
    import duckdb

    def run() -> dict[str, Any]:
        with duckdb.connect() as connection:
            connection.execute("SET memory_limit = '1GB'")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET temp_directory = $folder", {"folder": f"{job.spool_dir}/duckdb"})
            # As a table its size is known, so that the join is built on it. Over the file itself DuckDB builds it on
            # the history, which takes twice as long.
            connection.execute(
                f"CREATE TEMP TABLE candidates AS SELECT number "
                f"FROM read_csv('{job.candidates}', header = false, columns = {{'number': 'VARCHAR'}})"
            )
            connection.execute(
                f"""
                COPY (
                    SELECT number FROM candidates ANTI JOIN (
                        SELECT number FROM read_parquet('{job.files}/*.parquet')
                        WHERE task_type = 'amazon'
                        AND verified_at > TIMESTAMPTZ '{job.now}' - INTERVAL {WINDOW_DAYS} DAY
                    ) AS history USING (number)
                ) TO '{job.target}' (HEADER false)
                """
            )
        return {}

    return run


def polars_text(job: Job) -> Callable[[], dict[str, Any]]:
    """Polars' anti-join over text, streaming."""
    from datetime import timedelta

    import polars

    def run() -> dict[str, Any]:
        since = datetime.fromisoformat(job.now) - timedelta(days=WINDOW_DAYS)
        history = (
            polars.scan_parquet(f"{job.files}/*.parquet")
            .filter((polars.col("task_type") == "amazon") & (polars.col("verified_at") > since))
            .select("number")
        )
        candidates = polars.scan_csv(job.candidates, has_header=False, schema={"number": polars.String})
        candidates.join(history, on="number", how="anti").sink_csv(job.target, include_header=False)
        return {}

    return run


METHODS = {"ours": ours, "duckdb": duckdb_text, "polars": polars_text}


def main() -> None:
    """Do the job on the standard input by the method that is named."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not be mixed with the answer
    run = METHODS[sys.argv[1]](Job(**json.loads(sys.stdin.readline())))
    gc.collect()
    cpu, begun = sum(os.times()[:4]), time.perf_counter()
    more = run()
    spent = {
        "wall": time.perf_counter() - begun,
        "cpu": sum(os.times()[:4]) - cpu,
        "peak_mib": peak_memory_kib() / 1024,
    }
    print(json.dumps(spent | more), file=answers, flush=True)


def question(job: Job) -> dict[str, str]:
    """Return a job as the process reads it."""
    return asdict(job)


if __name__ == "__main__":
    main()
