"""
Check a result archive: a real zip, every member's CRC, a table of numbers and answers.

What arrives varies (``docs/api.md``): one CSV named after the task type, or ``all.csv``, perhaps in a folder,
beside ``activated.txt`` and ``unregistered.txt``; header in any case; with or without a BOM; ``sí`` for yes.
Everything is read as a stream, in pieces of a known size; what a member declares of itself is not trusted.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, TYPE_CHECKING, BinaryIO

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.redaction import redact

if TYPE_CHECKING:
    from _csv import Reader

#: Members at the most. Real archives have up to three.
MEMBER_LIMIT = 1_000

#: Bytes of the list of members at the most; a member takes about 60.
DIRECTORY_LIMIT = 1024 * 1024

#: Bytes that all members together may unpack to: 25 times the API's maximum, 10,000,000 rows in 160 MB.
UNPACKED_LIMIT = 4 * 1024**3

#: What the API's words mean; anything else is unknown ("undetermined is not a negative").
ANSWERS = {"yes": "yes", "sí": "yes", "si": "yes", "no": "no"}

_BLOCK = 1024 * 1024
_HEADER = 30  # bytes of a member's own header, before its name
_NOTHING_LANDED = "Nothing was landed; the submission stays paid."
_AGAIN = "Clear this task to download it again; if it stays so, ask the vendor about this task id."


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """
    What a checked archive holds.

    :param rows: numbers in it, each counted once
    :param yes: numbers with an account
    :param no: numbers without
    :param unknown: numbers with another answer, or none
    """

    rows: int
    yes: int
    no: int
    unknown: int


def check_archive(file: BinaryIO) -> ArchiveSummary:
    """
    Read the archive to its last byte and say what it holds.

    :param file: seekable, at any position
    :raises EkycResultError: if it is not a whole archive of results; it says what is wrong, and holds no number
    """
    counts: Counter[str] = Counter()
    try:
        with zipfile.ZipFile(_Pieces(file)) as archive:
            members = archive.infolist()
            _check_offsets(members, archive.start_dir)
            table, lists = _choose(members)
            budget = _Budget(UNPACKED_LIMIT)
            for member in members:
                with archive.open(member) as stream:
                    whole = _Whole(stream, budget, is_text=member is table or member in lists)
                    if member is table:
                        counts += _count_table(whole)
                    elif member in lists:
                        counts[lists[member]] += _count_list(whole)
                    whole.drain()
                    if whole.size != member.file_size:
                        raise zipfile.BadZipFile("a member is shorter than it says")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _damaged(file, error) from None
    rows = sum(counts.values())
    if not rows:
        raise EkycResultError(f"The result holds no row. {_NOTHING_LANDED} {_AGAIN}")
    return ArchiveSummary(rows, counts["yes"], counts["no"], counts["unknown"])


class _Pieces:
    """The file as zipfile reads it: the list of members in one piece, however large it says that it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > DIRECTORY_LIMIT:
            raise EkycResultError(
                f"The result's list of members is larger than {DIRECTORY_LIMIT:,} bytes. {_NOTHING_LANDED} Ask the "
                f"vendor."
            )
        return self._file.read(size)


@dataclass(slots=True)
class _Budget:
    left: int


class _Whole(io.RawIOBase):
    """A member's stream that knows when it is too much, and is read to its end, where zipfile checks the CRC."""

    def __init__(self, stream: IO[bytes], budget: _Budget, *, is_text: bool) -> None:
        self._stream, self._budget, self._is_text = stream, budget, is_text
        self.size = self._line = 0

    def readable(self) -> bool:
        return True

    # typeshed asks for any buffer; io's own readers, the only callers, pass these.
    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        self.size += len(block)
        self._budget.left -= len(block)
        if self._budget.left < 0:
            raise EkycResultError(
                f"The result unpacks to more than {UNPACKED_LIMIT:,} bytes. {_NOTHING_LANDED} Ask the vendor."
            )
        # Who reads lines keeps a whole one in memory.
        self._line = 0 if b"\n" in block or b"\r" in block else self._line + len(block)
        if self._is_text and self._line > _BLOCK:
            raise EkycResultError(f"The result has a line of more than {_BLOCK:,} bytes. {_NOTHING_LANDED} {_AGAIN}")
        buffer[: len(block)] = block
        return len(block)

    def drain(self) -> None:
        buffer = memoryview(bytearray(_BLOCK))
        while self.readinto(buffer):
            continue


def _choose(members: list[zipfile.ZipInfo]) -> tuple[zipfile.ZipInfo | None, dict[zipfile.ZipInfo, str]]:
    """Return the member that is the table; or, if there is none, the lists and what each list's numbers are."""
    if len(members) > MEMBER_LIMIT:
        raise EkycResultError(f"The result has {len(members):,} members. {_NOTHING_LANDED} Ask the vendor.")
    if any(member.flag_bits & 1 for member in members):
        raise EkycResultError(f"The result is encrypted. {_NOTHING_LANDED} Ask the vendor.")
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        # zipfile knows more methods, but unpacks those without a limit.
        raise EkycResultError(
            f"The result is packed by another method than deflate, which this package does not read. "
            f"{_NOTHING_LANDED} Ask the vendor."
        )
    names = {member: member.filename.replace("\\", "/").rsplit("/", 1)[-1].lower() for member in members}
    if "[content_types].xml" in names.values():
        raise EkycResultError(
            f"The result is an Excel file (.xlsx), which this package does not read. {_NOTHING_LANDED} Ask the "
            f"vendor for CSV results."
        )
    tables = [member for member in members if names[member].endswith(".csv")]
    whole = [member for member in tables if names[member] == "all.csv"]
    chosen = whole or tables
    if len(chosen) == 1:
        return chosen[0], {}
    if chosen:
        raise EkycResultError(
            f"The result has {len(chosen)} tables and none that is the whole. {_NOTHING_LANDED} Ask the vendor."
        )
    kinds = {"activated.txt": "yes", "unregistered.txt": "no"}
    lists = {member: kinds[name] for member, name in names.items() if name in kinds}
    if not lists:
        raise EkycResultError(f"The result has no table (.csv) among its members. {_NOTHING_LANDED} {_AGAIN}")
    return None, lists


def _check_offsets(members: list[zipfile.ZipInfo], end: int) -> None:
    """Check that members lie one behind another, as no bomb of shared bytes does, and none outside of the file."""
    spans = sorted((member.header_offset, member.header_offset + _HEADER + member.compress_size) for member in members)
    if spans and (spans[0][0] < 0 or spans[-1][1] > end or any(a[1] > b[0] for a, b in pairwise(spans))):
        raise zipfile.BadZipFile("its members overlap")


def _count_table(stream: io.RawIOBase) -> Counter[str]:
    text = io.TextIOWrapper(io.BufferedReader(stream, _BLOCK), encoding="utf-8-sig", newline="")
    try:
        head = text.readline(64 * 1024)
        delimiter = max(",;\t|", key=head.count)
        columns = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
        if len(columns) != 2 or not columns[0].startswith("number"):
            raise EkycResultError(
                f"The result's table does not begin with a number column and one answer column. {_NOTHING_LANDED} "
                f"Ask the vendor."
            )
        # Strict, so that a quote that is never closed does not swallow rows.
        return Counter(_answers(csv.reader(text, delimiter=delimiter, strict=True)))
    except UnicodeDecodeError:
        raise EkycResultError(f"The result's table is not UTF-8 text. {_NOTHING_LANDED} {_AGAIN}") from None
    except csv.Error as error:
        raise EkycResultError(f"The result's table is not CSV ({error}). {_NOTHING_LANDED} {_AGAIN}") from None


def _answers(rows: Reader) -> Iterator[str]:
    for row in rows:
        if len(row) == 2:
            yield ANSWERS.get(row[1].strip().lower(), "unknown")
        elif row:
            raise EkycResultError(
                f"Line {rows.line_num + 1:,} of the result's table has {len(row)} fields instead of 2. "
                f"{_NOTHING_LANDED} {_AGAIN}"
            )


def _count_list(stream: io.RawIOBase) -> int:
    return sum(1 for line in io.BufferedReader(stream, _BLOCK) if line.strip())


def _damaged(file: BinaryIO, error: Exception) -> EkycResultError:
    file.seek(0)
    start = file.read(512).lstrip().lower()
    if not start:
        problem = "empty"
    elif start.startswith((b"<!doctype", b"<html")):
        problem = "an HTML page, not a zip archive: something between here and the store answered instead"
    elif not start.startswith(b"pk"):
        problem = "not a zip archive"
    else:
        # What zipfile quotes comes out of the archive: a name, or rows that lie where a name should be.
        words = re.split("['\"]", str(error), maxsplit=1)[0].strip()
        problem = f"a damaged zip archive ({redact(words) or type(error).__name__})"
    return EkycResultError(f"The result is {problem}. {_NOTHING_LANDED} {_AGAIN}")
