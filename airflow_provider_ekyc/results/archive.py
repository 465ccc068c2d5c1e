"""
Check a result archive: a real zip, every member's CRC, a table of numbers and answers.

What arrives varies (``docs/api.md``): one CSV named after the task type, or ``all.csv``, perhaps in a folder,
beside ``activated.txt`` and ``unregistered.txt``; header in any case; with or without a BOM; ``sí`` for yes.
Everything is read once, as a stream, in pieces of a known size; what a member declares of itself is not trusted.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.redaction import redact
from airflow_provider_ekyc.results.members import AGAIN, NOTHING_LANDED, Contents, opened_archive
from airflow_provider_ekyc.results.read_ahead import read_ahead
from airflow_provider_ekyc.results.rows import Rows, meaning, read_list, read_table
from airflow_provider_ekyc.results.unpack import Budget, unpacked


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """
    What a checked archive holds.

    :param rows: numbers in it, each counted once
    :param yes: numbers with an account
    :param no: numbers without
    :param unknown: numbers with another answer, or none
    :param odd: rows that have something else than digits for a number
    :param table: the member that they came from, None if it was lists
    """

    rows: int
    yes: int
    no: int
    unknown: int
    odd: int = 0
    table: zipfile.ZipInfo | None = field(default=None, repr=False, compare=False)


def check_archive(
    file: BinaryIO, *, result_column: str | None = None, take: Callable[[Rows], object] | None = None
) -> ArchiveSummary:
    """
    Read the archive to its last byte and say what it holds.

    :param file: seekable, at any position; a thread reads it until this returns
    :param result_column: name of the answer's column, if the table has several
    :param take: is given all rows, in order; they are worth nothing if this raises in the end
    :raises EkycResultError: if it is not a whole archive of results; it says what is wrong, and holds no number
    """
    try:
        with opened_archive(file) as contents:
            meanings: Counter[str] = Counter()
            odd = 0
            for rows in _rows(file, contents, result_column):
                for answer, count in rows.answers.items():
                    meanings[meaning(answer)] += count
                odd += rows.odd
                if take is not None:
                    take(rows)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _damaged(file, error) from None
    if not meanings.total():
        raise EkycResultError(f"The result holds no row. {NOTHING_LANDED} {AGAIN}")
    return ArchiveSummary(
        meanings.total(), meanings["yes"], meanings["no"], meanings["unknown"], odd, table=contents.table
    )


def _rows(file: BinaryIO, contents: Contents, result_column: str | None) -> Iterator[Rows]:
    """Yield the rows of the table, or of the lists; read whatever else there is, for its CRC."""
    budget = Budget()
    for member in contents.members:
        blocks = read_ahead(unpacked(file, member, budget))
        try:
            if member is contents.table:
                yield from read_table(blocks, result_column)
            elif member in contents.lists:
                yield from read_list(blocks, contents.lists[member])
            for _ in blocks:
                continue
        finally:
            blocks.close()


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
    return EkycResultError(f"The result is {problem}. {NOTHING_LANDED} {AGAIN}")
