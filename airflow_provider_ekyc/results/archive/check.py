"""
Check a result archive: a real zip, every member's CRC, a table of numbers and answers.

What arrives varies (``docs/results.md``): one CSV named after the task type, or ``all.csv``, perhaps in a folder,
beside ``activated.txt`` and ``unregistered.txt``; or a table in several numbered parts, beside ``failed.csv``.
Everything is read once, as a stream, in pieces of a known size; what a member declares of itself is not trusted.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.redaction import redact
from airflow_provider_ekyc.results.archive.members import (
    Contents,
    choose,
    is_readable,
    list_members,
    parts_of_one,
)
from airflow_provider_ekyc.results.archive.unpack import Budget, packed, unpacked
from airflow_provider_ekyc.results.errors import DOWNLOAD_AGAIN, NOTHING_LANDED, contents_error
from airflow_provider_ekyc.results.read_ahead import read_ahead
from airflow_provider_ekyc.results.table.answers import UnknownWords, meaning
from airflow_provider_ekyc.results.table.header import ColumnNames, Columns, holds_numbers, read_header
from airflow_provider_ekyc.results.table.rows import Rows, read_list, read_table, read_top
from airflow_provider_ekyc.results.table.whole_lines import whole_lines

_NAMES_SHOWN = 5
_NAME_SHOWN = 60  # characters


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """
    What a checked archive holds.

    :param rows: rows of its table, or lines of its lists
    :param yes: rows with an account
    :param no: rows without
    :param unknown: rows with another answer, or none
    :param unreadable: rows whose number can't be read, by the reason (a word of ``number_forms``)
    :param repaired: rows whose number was written in another form than documented, by the form
    :param unknown_words: the most frequent unknown answers with their counts, safe to show
    :param beside: names of CSV files that were not read as results, safe to show
    :param is_read: False if only the archive itself was checked, and nothing is known of its rows
    :param unchecked: members without a checked CRC: encrypted, or packed by another method
    """

    rows: int
    yes: int
    no: int
    unknown: int
    unreadable: Mapping[str, int] = field(default_factory=dict)
    repaired: Mapping[str, int] = field(default_factory=dict, compare=False)
    unknown_words: str = field(default="", compare=False)
    beside: str = field(default="", compare=False)
    is_read: bool = True
    unchecked: int = 0


class ArchiveReader:
    """
    Reads an archive of results to its last byte: first its rows, then there is a summary.

    :param file: seekable, at any position; a thread reads it while the rows are iterated
    :param names: what is known of the table's columns
    :param may_be_empty: whether a table without a row is a result: all numbers may have failed
    """

    def __init__(self, file: BinaryIO, names: ColumnNames | None = None, *, may_be_empty: bool = False) -> None:
        self.file = file
        self._names, self._may_be_empty = names, may_be_empty
        #: What the archive holds, once all rows have been read.
        self.summary = ArchiveSummary(0, 0, 0, 0, is_read=False)
        self._table: zipfile.ZipInfo | None = None

    def rows(self) -> Generator[Rows, None, None]:
        """
        Yield all rows, in order; they are worth nothing if this raises in the end.

        :raises EkycResultError: if it is not a whole archive of results; the message says what is wrong, without a
            number
        """
        meanings: Counter[str] = Counter()
        unreadable: Counter[str] = Counter()
        repaired: Counter[str] = Counter()
        words = UnknownWords()
        with _damage_reported(self.file):
            contents = choose(list_members(self.file))
            tables, beside = _tables(self.file, contents, self._names)
            for rows in _rows(self.file, contents, tables, self._names):
                for answer, count in rows.answers.items():
                    meant = meaning(answer)
                    meanings[meant] += count
                    if meant == "unknown":
                        words.add_rows({answer: count})
                unreadable.update(rows.unreadable)
                repaired.update(rows.repaired)
                yield rows
        if not meanings.total() and not self._may_be_empty:
            raise contents_error("The result contains no rows.", again=True)
        self._table = tables[0] if len(tables) == 1 else None
        self.summary = ArchiveSummary(
            meanings.total(),
            meanings["yes"],
            meanings["no"],
            meanings["unknown"],
            dict(unreadable),
            dict(repaired),
            words.shown(),
            _shown(beside),
        )

    def packed_table(self, size: int, crc: int) -> Iterator[bytes] | None:
        """
        Return the deflated bytes of the table's one member, after all rows have been read.

        :param size: bytes that it must unpack to
        :param crc: CRC-32 of these
        :return: None if there is no such member
        """
        table = self._table
        if table is None or not table.compress_type or (table.file_size, table.CRC) != (size, crc):
            return None
        return packed(self.file, table)


def check_members(file: BinaryIO) -> ArchiveSummary:
    """
    Read the archive to its last byte without looking for a table: only the archive itself is checked.

    :param file: seekable, at any position
    :return: a summary without rows; ``unchecked`` counts members that can't be unpacked here
    :raises EkycResultError: if it is not a whole zip archive, or beyond the bounds of any result
    """
    budget, unchecked = Budget(), 0
    with _damage_reported(file):
        for member in list_members(file):
            if not is_readable(member):
                unchecked += 1
                continue
            for _ in unpacked(file, member, budget):
                continue
    return ArchiveSummary(0, 0, 0, 0, is_read=False, unchecked=unchecked)


@contextmanager
def _damage_reported(file: BinaryIO) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _damage_error(file, error) from None


def _tables(
    file: BinaryIO, contents: Contents, names: ColumnNames | None
) -> tuple[list[zipfile.ZipInfo], list[zipfile.ZipInfo]]:
    """Return the table, or its parts; and the CSV files that are not the table."""
    if len(contents.tables) < 2:
        return contents.tables, contents.beside
    headers = {member: _header(file, member, names) for member in contents.tables}
    found = {member: columns for member, columns in headers.items() if columns is not None}
    tables = list(found)
    others = [member for member in contents.tables if member not in found]
    parts = parts_of_one(contents.tables)
    if len(tables) == 1 and parts is None:
        return tables, [*contents.beside, *others]
    if not others and parts is not None:
        if len({(columns.names, columns.delimiter) for columns in found.values()}) > 1:
            raise contents_error(f"The result's table is in {len(tables):,} parts, which have different headers.")
        return parts, contents.beside
    raise contents_error(
        f"The result has {len(contents.tables):,} CSV files ({_shown(contents.tables)}), none of them named all.csv, "
        f"and they are not numbered parts of one table."
    )


def _header(file: BinaryIO, member: zipfile.ZipInfo, names: ColumnNames | None) -> Columns | None:
    """Read a member's header; None if it has none, and no number either that would be lost with it."""
    top = read_top(whole_lines(unpacked(file, member, Budget())))
    try:
        return read_header(top, names)[0]
    except EkycResultError:
        if holds_numbers(top):
            raise
        return None


def _rows(
    file: BinaryIO, contents: Contents, tables: list[zipfile.ZipInfo], names: ColumnNames | None
) -> Iterator[Rows]:
    """Yield the rows of the table, or of the lists; read whatever else there is, for its CRC."""
    budget = Budget()
    # As they follow one another, so that the first can be read while the last are still being downloaded; but the
    # parts of a table in the order of their numbers.
    parts = tables if len(tables) > 1 else []
    for member in [*parts, *(member for member in contents.members if member not in parts)]:
        blocks = unpacked(file, member, budget)
        if member in tables or member in contents.lists:
            with closing(read_ahead(blocks)) as ready:
                if member in tables:
                    yield from read_table(ready, names)
                else:
                    yield from read_list(ready, contents.lists[member])
        for _ in blocks:
            continue


def _shown(members: list[zipfile.ZipInfo]) -> str:
    """Return the names of members for a message."""
    names = [redact(member.filename, limit=_NAME_SHOWN) for member in members[:_NAMES_SHOWN]]
    return ", ".join([*names, "…"] if len(members) > _NAMES_SHOWN else names)


def _damage_error(file: BinaryIO, error: Exception) -> EkycResultError:
    file.seek(0)
    start = file.read(512).lstrip().lower()
    if not start:
        problem = "empty"
    elif start.startswith((b"<!doctype", b"<html")):
        problem = "an HTML page, not a zip archive: something between the worker and the store answered instead"
    elif not start.startswith(b"pk"):
        problem = "not a zip archive"
    else:
        # What zipfile quotes is from the archive: a name, or rows where a name should be.
        words = re.split("['\"]", str(error), maxsplit=1)[0].strip()
        problem = f"a damaged zip archive ({redact(words) or type(error).__name__})"
    return EkycResultError(f"The result is {problem}. {NOTHING_LANDED} {DOWNLOAD_AGAIN}").with_steps(DOWNLOAD_AGAIN)
