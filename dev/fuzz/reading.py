"""How each kind of input is given to the package, and what the oracle says of what comes back."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycResultError
from airflow_provider_ekyc.results.archive import check as archive
from airflow_provider_ekyc.results.table.header import ColumnNames
from airflow_provider_ekyc.spool import spool_file
from dev.fuzz.inputs import ArchiveInput, Counts, NumbersInput
from dev.fuzz.number_files import is_text, plain_reading

#: Bytes of an archive above which it can take seconds to unpack as much as any limit allows.
LARGE = 8 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """
    One way of giving an input to the package.

    :param read: does it, and returns a value or raises
    :param judge_value: says what is wrong with a value, "" if nothing is
    :param judge_error: says what is wrong with a refusal, "" if nothing is
    :param disk: bytes that it may write
    :param patience: how many times as long as others it may take
    """

    read: Callable[[], Any]
    judge_value: Callable[[Any], str]
    judge_error: Callable[[EkycError], str]
    disk: int = 0
    patience: float = 1.0


@contextmanager
def archive_reading(given: ArchiveInput, spool_dir: Path) -> Iterator[Reading]:
    """Read an archive that lies in a spool file, as the transfer's does."""
    with spool_file(spool_dir) as file:
        file.write(given.data)
        # Looked up in its module each time, as the transfer does, so that a control can put another in its place.
        yield Reading(
            read=lambda: _summary_of(archive.ArchiveReader(file, ColumnNames(*given.names, task_type="amazon"))),
            judge_value=lambda summary: judge_summary(given, summary),
            judge_error=lambda error: judge_refusal(given, error),
            patience=3.0 if len(given.data) > LARGE else 1.0,
        )


def _summary_of(reader: archive.ArchiveReader) -> archive.ArchiveSummary:
    for _ in reader.rows():
        continue
    return reader.summary


@contextmanager
def archive_alone_reading(given: ArchiveInput, spool_dir: Path) -> Iterator[Reading]:
    """Check an archive that is to be landed as it was delivered."""
    with spool_file(spool_dir) as file:
        file.write(given.data)
        yield Reading(
            read=lambda: archive.check_members(file),
            judge_value=lambda summary: _judge_alone(given, summary),
            judge_error=lambda error: judge_refusal(given, error),
            patience=3.0 if len(given.data) > LARGE else 1.0,
        )


def _judge_alone(given: ArchiveInput, summary: archive.ArchiveSummary) -> str:
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


def judge_summary(given: ArchiveInput, summary: archive.ArchiveSummary) -> str:
    """Hold what is said of an archive against what the generator knows."""
    words = judge_counts(given, summary.rows, summary.yes, summary.no, summary.unknown)
    said = sum(summary.unreadable.values())
    if not words and given.rows is not None and said != given.unreadable:
        return f"{said} numbers that can't be read, not {given.unreadable}"
    return words


def judge_counts(given: ArchiveInput, *figures: int) -> str:
    """Hold counts against what the generator knows."""
    counts = Counts(*figures)
    if counts in given.allowed:
        return ""
    allowed = " or ".join(map(str, given.allowed)) or "a refusal"
    return f"read as {counts}, not as {allowed}"


def judge_refusal(given: ArchiveInput, error: EkycError) -> str:
    """Say whether it may be refused, and by this error."""
    if not given.may_refuse:
        return "a whole archive was refused"
    return "" if isinstance(error, EkycResultError) else f"refused as {type(error).__name__}"


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

    yield Reading(
        read=read,
        judge_value=lambda value: _judge_prepared(given, *value),
        judge_error=lambda error: _judge_unprepared(given, error),
        # The spool, the copy, and the partitions, with four bytes beside each line: a line may be two bytes long.
        disk=5 * len(given.data),
    )


def _judge_prepared(given: NumbersInput, prepared: Any, left: bytes) -> str:
    if not is_text(given.data):
        return "what is no text was taken for it"
    plain = plain_reading(given.data, check=given.check)
    expected = b"".join(line + b"\n" for line in plain.left)
    if left != expected:
        return "what is left is not what the plainest program leaves"
    if (prepared.size, prepared.sha256) != (len(left), hashlib.sha256(left).hexdigest()):
        return "size or digest is not that of what is left"
    figures = (prepared.lines_read, prepared.blank, prepared.invalid, prepared.duplicates, prepared.rows)
    if figures != (plain.lines, plain.blank, plain.invalid, plain.duplicates, len(plain.left)):
        return f"counted {figures}, not as the plainest program"
    if plain.invalid and given.invalid == "fail":
        return "invalid lines were let pass"
    least, most = given.limits
    return "" if least <= len(plain.left) <= most else "too few or too many rows were let pass"


def _judge_unprepared(given: NumbersInput, error: EkycError) -> str:
    if not isinstance(error, EkycNumbersError):
        return f"refused as {type(error).__name__}"
    if not is_text(given.data):
        return ""
    plain = plain_reading(given.data, check=given.check)
    least, most = given.limits
    healthy = not (plain.invalid and given.invalid == "fail") and least <= len(plain.left) <= most
    return "a healthy file was refused" if healthy else ""
