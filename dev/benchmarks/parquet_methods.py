"""
The ways to land a result as Parquet that are compared, and the conversions alone, from file to file.

As in ``dev.benchmarks.move_methods``, each function is one whole piece of work and imports inside.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from dev.benchmarks.move_methods import Job, land

MEMBER = "amazon.csv"


def checked(job: Job) -> None:
    """Ours: status query, download, check of every row, Parquet, landing."""
    result = land(job, output_format="parquet")
    if result["rows"] != job.rows:
        raise ValueError(f"{result['rows']:,} rows instead of {job.rows:,}")


def reconciled(job: Job) -> None:
    """The same, and every number that was sent is looked up in the result, and the other way round."""
    result = land(job, output_format="parquet", numbers=job.numbers_path, submission=submission(job))
    if (result["rows"], result["unmatched"]) != (job.rows, 0):
        raise ValueError(f"{result['rows']:,} rows instead of {job.rows:,}, {result['unmatched']} without a match")


def submission(job: Job) -> dict[str, Any]:
    """Return what ``EkycSubmitOperator`` would have pushed as its XCom ``submission``."""
    from airflow_provider_ekyc.submission.record import Submission

    return Submission(
        ekyc_task_id=job.ekyc_task_id,
        task_type="amazon",
        fingerprint="0" * 64,
        lines_read=job.rows,
        blank=0,
        duplicates=0,
        invalid=0,
        rows=job.rows,
        total=job.rows,
        submitted_at="2025-11-21T00:00:00+00:00",
        input_sha256=job.numbers_sha256,
    ).as_dict()


def convert_ours(job: Job) -> None:
    """Our check and conversion alone, from file to file."""
    from airflow_provider_ekyc.results.archive.check import ArchiveReader
    from airflow_provider_ekyc.results.output.convert import convert
    from airflow_provider_ekyc.results.output.output_format import RowContext
    from airflow_provider_ekyc.results.output.parquet import PARQUET
    from airflow_provider_ekyc.spool import spool_file

    context = RowContext(job.ekyc_task_id, "amazon", datetime(2025, 11, 21, 1, tzinfo=UTC))
    with open(job.zip_path, "rb") as source, spool_file(job.spool_dir) as target:
        rows = convert(ArchiveReader(source), PARQUET, context, target, lambda rows: None).summary.rows
    if rows != job.rows:
        raise ValueError(f"{rows:,} rows instead of {job.rows:,}")


def peer_snappy(job: Job) -> None:
    """``zipfile`` and pyarrow, with pyarrow's own compression; no number is matched and no row counted."""
    _peer(job, "snappy")


def peer_zstd(job: Job) -> None:
    """``zipfile`` and pyarrow, with the compression that ours has."""
    _peer(job, "zstd")


def convert_peer_snappy(job: Job) -> None:
    """The peer's conversion alone, from file to file."""
    with open(job.zip_path, "rb") as source, tempfile.NamedTemporaryFile(dir=job.spool_dir) as target:
        _convert(source, Path(target.name), "snappy")


def convert_peer_zstd(job: Job) -> None:
    """The peer's conversion alone, from file to file."""
    with open(job.zip_path, "rb") as source, tempfile.NamedTemporaryFile(dir=job.spool_dir) as target:
        _convert(source, Path(target.name), "zstd")


def _peer(job: Job, compression: str) -> None:
    import requests
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    with tempfile.TemporaryFile(dir=job.spool_dir) as source, tempfile.NamedTemporaryFile(dir=job.spool_dir) as target:
        with requests.get(os.environ["BENCH_SOURCE"] + job.endpoint, stream=True, timeout=60) as response:
            response.raise_for_status()
            shutil.copyfileobj(response.raw, source, 1024 * 1024)
        _convert(source, Path(target.name), compression)
        S3Hook().get_conn().upload_file(target.name, job.bucket, job.key)


def _convert(source: BinaryIO, target: Path, compression: str) -> None:
    import zipfile

    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    # Numbers stay text, as ours do; by itself pyarrow would read them as integers and drop the plus sign.
    as_text = pyarrow.csv.ConvertOptions(column_types={"Number": pyarrow.string()})
    with zipfile.ZipFile(source) as archive, archive.open(MEMBER) as member:
        reader = pyarrow.csv.open_csv(member, convert_options=as_text)
        with pyarrow.parquet.ParquetWriter(target, reader.schema, compression=compression) as writer:
            for batch in reader:
                writer.write_batch(batch)
