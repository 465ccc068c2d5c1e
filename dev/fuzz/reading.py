"""How archives and number files are given to the package, and the oracles of what it returns."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycResultError
from airflow_provider_ekyc.results.archive import check as archive
from airflow_provider_ekyc.results.output.convert import convert
from airflow_provider_ekyc.results.output.formats import FORMATS
from airflow_provider_ekyc.results.output.output_format import RowContext
from airflow_provider_ekyc.results.table.header import ColumnNames
from airflow_provider_ekyc.s3.file_sums import sums_of
from airflow_provider_ekyc.spool import spool_file
from dev.fuzz.model import ALONE, ArchiveInput, Counts, NumbersInput, Row
from dev.fuzz.number_files import is_text, plain_reading
from dev.fuzz.values import TASK_ID

#: Bytes of an archive above which it can take seconds to unpack as much as any limit allows.
LARGE = 8 << 20

#: The formats that are made of the rows.
MADE = tuple(output_format for output_format in FORMATS if output_format != "zip")

_CONTEXT = RowContext(TASK_ID, "amazon", datetime(2025, 11, 21, tzinfo=UTC))
_REGISTERED = {True: "yes", False: "no", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One way of giving an input to the package.

    :param read: does it, and returns a value or raises
    :param check_value: says what is wrong with a value, "" if nothing is
    :param check_error: says what is wrong with a refusal, "" if nothing is
    :param disk: bytes that it may write
    :param patience: how many times as long as others it may take
    """

    read: Callable[[], Any]
    check_value: Callable[[Any], str]
    check_error: Callable[[EkycError], str]
    disk: int = 0
    patience: float = 1.0


def disk_bound(given: ArchiveInput) -> int:
    """Return the bytes that an output may take beside its archive: rows pack to a fifth, and a block may be ahead."""
    return 8 * len(given.data) + (8 << 20)


@contextmanager
def archive_reading(given: ArchiveInput, way: str, spool_dir: Path) -> Iterator[Reading]:
    """
    Read an archive that is in a spool file, as the transfer's is.

    :param way: "" for a check of its rows, ``ALONE`` for a check of the archive alone, or a format to make of it
    """
    names = ColumnNames(*given.names, task_type="amazon")

    def check_error(error: EkycError) -> str:
        if given.rows is not None:
            return "a whole archive was refused"
        return "" if isinstance(error, EkycResultError) else f"refused as {type(error).__name__}"

    def summary() -> archive.ArchiveSummary:
        reader = archive.ArchiveReader(file, names)
        for _ in reader.rows():
            continue
        return reader.summary

    patience = 3.0 if len(given.data) > LARGE else 1.0
    with spool_file(spool_dir) as file:
        file.write(given.data)
        if way == "":
            yield Reading(summary, lambda value: _flaw_of_summary(given, value), check_error, patience=patience)
        elif way == ALONE:
            yield Reading(
                lambda: archive.check_members(file),  # looked up in its module, so that a control can replace it
                lambda value: _flaw_alone(given, value),
                check_error,
                patience=patience,
            )
        else:
            yield Reading(
                lambda: _converted(way, archive.ArchiveReader(file, names), spool_dir),
                lambda value: _flaw_of_output(given, way, *value),
                check_error,
                disk=disk_bound(given),
            )


def _converted(
    output_format: str, reader: archive.ArchiveReader, spool_dir: Path
) -> tuple[archive.ArchiveSummary, bytes, str]:
    """Make an output; return its summary, its bytes, and what is wrong with its size and digest."""
    with spool_file(spool_dir) as target:
        output = convert(reader, FORMATS[output_format], _CONTEXT, target, lambda rows: None)
        target.seek(0)
        content = target.read()
    is_right = output.sums == sums_of(io.BytesIO(content))
    return output.summary, content, "" if is_right else "size or digest is not the output's"


def _flaw_of_output(
    given: ArchiveInput, output_format: str, summary: archive.ArchiveSummary, content: bytes, words: str
) -> str:
    return words or _flaw_of_summary(given, summary) or flaw_of(content, output_format, given, summary.rows)


def _flaw_alone(given: ArchiveInput, summary: archive.ArchiveSummary) -> str:
    if summary.is_read or summary.rows:
        return "rows were counted that nobody has read"
    try:
        with zipfile.ZipFile(io.BytesIO(given.data)) as reader:
            members = reader.infolist()
            unpacked = sum(member.file_size for member in members)
            is_plain = all(not member.flag_bits & 0x61 and member.compress_type in (0, 8) for member in members)
            is_whole = not is_plain or unpacked > LARGE or reader.testzip() is None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        is_whole = False
    return "" if is_whole else "a damaged archive was let pass"


def _flaw_of_summary(given: ArchiveInput, summary: archive.ArchiveSummary) -> str:
    words = flaw_of_counts(given, summary.rows, summary.yes, summary.no, summary.unknown)
    unreadable = sum(summary.unreadable.values())
    if not words and given.rows is not None and unreadable != given.unreadable:
        return f"{unreadable} numbers that can't be read, not {given.unreadable}"
    return words


def flaw_of_counts(given: ArchiveInput, *figures: int) -> str:
    """Compare counts with what the generator knows."""
    counts = Counts(*figures)
    if counts in given.allowed:
        return ""
    return f"read as {counts}, not as {' or '.join(map(str, given.allowed)) or 'a refusal'}"


def flaw_of(content: bytes, output_format: str, given: ArchiveInput, rows: int | None = None) -> str:
    """
    Say what is wrong with an output, "" if nothing is.

    :param rows: how many there must be, if it is not known which
    """
    if output_format == "zip":
        return "" if content == given.data else "the object is not the archive as delivered"
    try:
        found = _parquet_rows(content) if output_format == "parquet" else _csv_rows(content, output_format)
    except (ValueError, OSError, EOFError) as error:
        return f"the {output_format} can't be read back: {type(error).__name__}"
    if given.rows is not None:
        return "" if found == list(given.rows) else f"the {output_format} has other rows than the archive"
    return "" if rows is None or len(found) == rows else f"the {output_format} has {len(found)} rows, not {rows}"


def _csv_rows(content: bytes, output_format: str) -> list[Row]:
    text = (gzip.decompress(content) if output_format == "csv.gz" else content).decode()
    header, *lines = text.split("\n")
    rows = [line.split(",") for line in lines[:-1]]
    if header != "Number,amazon" or lines[-1] or any(answer not in _REGISTERED.values() for _, answer in rows):
        raise ValueError("no header, no end, or not an answer")
    return [(number.removeprefix("+"), answer) for number, answer in rows]


def _parquet_rows(content: bytes) -> list[Row]:
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(content))
    names = ["number", "registered", "answer", "task_type", "verified_at", "ekyc_task_id"]
    if table.column_names != names or (table.num_rows and set(table["ekyc_task_id"].to_pylist()) != {TASK_ID}):
        raise ValueError("other columns")
    numbers, registered = table["number"].to_pylist(), table["registered"].to_pylist()
    return [(number.removeprefix("+"), _REGISTERED[flag]) for number, flag in zip(numbers, registered, strict=True)]


@contextmanager
def numbers_reading(given: NumbersInput, spool_dir: Path) -> Iterator[Reading]:
    """Prepare a file of numbers."""
    from airflow_provider_ekyc.numbers.prepare import prepared_numbers

    least, most = given.limits

    def read() -> tuple[Any, bytes]:
        with prepared_numbers(
            io.BytesIO(given.data),
            check=given.check,
            invalid=given.invalid,
            min_rows=least,
            max_rows=most,
            spool_dir=spool_dir,
            block_bytes=given.block_bytes,
        ) as prepared:
            return prepared, prepared.file.read()

    def check_error(error: EkycError) -> str:
        if not isinstance(error, EkycNumbersError):
            return f"refused as {type(error).__name__}"
        return "a healthy file was refused" if is_text(given.data) and not _why_refused(given) else ""

    # The spool, the copy, and the partitions, with four bytes beside each line: a line may be two bytes long.
    yield Reading(read, lambda value: _flaw_of_prepared(given, *value), check_error, disk=5 * len(given.data))


def _flaw_of_prepared(given: NumbersInput, prepared: Any, left: bytes) -> str:
    if not is_text(given.data):
        return "what is no text was read as text"
    plain = plain_reading(given.data, check=given.check)
    if left != b"".join(line + b"\n" for line in plain.left):
        return "what is left is not what the plainest program leaves"
    if (prepared.size, prepared.sha256) != (len(left), hashlib.sha256(left).hexdigest()):
        return "size or digest is not that of what is left"
    figures = (prepared.lines_read, prepared.blank, prepared.invalid, prepared.duplicates, prepared.rows)
    if figures != (plain.lines, plain.blank, plain.invalid, plain.duplicates, len(plain.left)):
        return f"counted {figures}, not as the plainest program"
    return _why_refused(given)


def _why_refused(given: NumbersInput) -> str:
    """Say why a text must be refused, "" if it must not."""
    plain = plain_reading(given.data, check=given.check)
    if plain.invalid and given.invalid == "fail":
        return "invalid lines were let pass"
    least, most = given.limits
    return "" if least <= len(plain.left) <= most else "too few or too many rows were let pass"
