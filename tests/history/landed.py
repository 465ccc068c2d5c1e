"""Parquet files as ``EkycResultsToS3Operator`` lands them, made by its own writer."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from airflow_provider_ekyc.results.archive.check import ArchiveReader
from airflow_provider_ekyc.results.output.convert import convert
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.output.parquet import PARQUET
from airflow_provider_ekyc.spool import spool_file

YES, NO, UNKNOWN = "yes", "no", "undetermined"


def landed(rows: Sequence[tuple[int, str]], verified_at: datetime | None, task_type: str = "amazon") -> bytes:
    """Return the Parquet file of a result."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "all.csv", "".join([f"Number,{task_type}\n", *(f"+{number},{word}\n" for number, word in rows)])
        )
    with spool_file(None) as source, spool_file(None) as target:
        source.write(packed.getvalue())
        convert(ArchiveReader(source), PARQUET, RowContext("d4g1", task_type, verified_at), target, lambda rows: None)
        target.seek(0)
        return target.read()
