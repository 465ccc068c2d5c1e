"""Each output format of an archive: written by the package, read back by others, compared row by row."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.output.convert import convert
from airflow_provider_ekyc.results.output.formats import FORMATS
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.table.header import ColumnNames
from airflow_provider_ekyc.spool import spool_file
from dev.fuzz.inputs import ArchiveInput
from dev.fuzz.oddities import TASK_ID
from dev.fuzz.reading import Reading, judge_refusal, judge_summary
from dev.fuzz.tables import Row

#: The formats that are made of the rows.
MADE = tuple(output_format for output_format in FORMATS if output_format != "zip")

_CONTEXT = RowContext(TASK_ID, "amazon", datetime(2025, 11, 21, tzinfo=UTC))
_HEADER = "Number,amazon"
_REGISTERED = {True: "yes", False: "no", None: "unknown"}


def disk_bound(given: ArchiveInput) -> int:
    """Return the bytes that an output may take beside its archive: rows pack to a fifth, and a block may be ahead."""
    return 8 * len(given.data) + (8 << 20)


@contextmanager
def output_reading(given: ArchiveInput, output_format: str, spool_dir: Path) -> Iterator[Reading]:
    """Make an output of an archive that lies in a spool file."""
    with spool_file(spool_dir) as archive:
        archive.write(given.data)

        def read() -> tuple[ArchiveSummary, bytes, str]:
            with spool_file(spool_dir) as target:
                reader = ArchiveReader(archive, ColumnNames(*given.names, task_type="amazon"))
                output = convert(reader, FORMATS[output_format], _CONTEXT, target, lambda rows: None)
                if output.file is None:
                    return output.summary, given.data, ""
                output.file.seek(0)
                content = output.file.read()
            is_as_told = (output.size, output.sha256) == (len(content), hashlib.sha256(content).hexdigest())
            return output.summary, content, "" if is_as_told else "size or digest is not the output's"

        def judge_value(value: tuple[ArchiveSummary, bytes, str]) -> str:
            summary, content, words = value
            counted = judge_summary(given, summary)
            return words or counted or flaw_of(content, output_format, given, summary.rows)

        yield Reading(
            read=read,
            judge_value=judge_value,
            judge_error=lambda error: judge_refusal(given, error),
            disk=disk_bound(given),
        )


def flaw_of(content: bytes, output_format: str, given: ArchiveInput, rows: int | None = None) -> str:
    """
    Say what is wrong with an output, "" if nothing is.

    :param rows: how many there must be, if it is not known which
    """
    if output_format == "zip":
        return "" if content == given.data else "the object is not the archive as delivered"
    try:
        found = _rows_of(content, output_format)
    except (ValueError, OSError, EOFError) as error:
        return f"the {output_format} can't be read back: {type(error).__name__}"
    if given.rows is not None:
        return "" if found == list(given.rows) else f"the {output_format} has other rows than the archive"
    return "" if rows is None or len(found) == rows else f"the {output_format} has {len(found)} rows, not {rows}"


def _rows_of(content: bytes, output_format: str) -> list[Row]:
    if output_format == "parquet":
        return _parquet_rows(content)
    text = (gzip.decompress(content) if output_format == "csv.gz" else content).decode()
    header, *lines = text.split("\n")
    if header != _HEADER or lines.pop():
        raise ValueError("no header, or no end")
    return [_row(line) for line in lines]


def _row(line: str) -> Row:
    number, answer = line.split(",")
    if answer not in _REGISTERED.values():
        raise ValueError("not an answer")
    return number.removeprefix("+"), answer


def _parquet_rows(content: bytes) -> list[Row]:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(content))
    names = ["number", "registered", "answer", "task_type", "verified_at", "ekyc_task_id"]
    if table.column_names != names or (table.num_rows and set(table["ekyc_task_id"].to_pylist()) != {TASK_ID}):
        raise ValueError("other columns")
    numbers, registered = table["number"].to_pylist(), table["registered"].to_pylist()
    return [(number.removeprefix("+"), _REGISTERED[flag]) for number, flag in zip(numbers, registered, strict=True)]
