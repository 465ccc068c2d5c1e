"""CSV and TSV: one column of a table as lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.preparation.sources.cells import cell_lines, unreadable
from airflow_provider_ekyc.preparation.sources.columns import read_first_row
from airflow_provider_ekyc.preparation.sources.options import TableOptions
from airflow_provider_ekyc.preparation.sources.plain_table import plain_column
from airflow_provider_ekyc.preparation.sources.reading import list_error

_DELIMITERS: Final = ",;\t|"
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_DECLARED: Final = re.compile(r"sep=(.)", re.IGNORECASE)  # the first line of CSV that Excel is to read
#: For a table of one column: what is in no cell. Unicode's unit separator is no part of a number.
_NONE: Final = "\x1f"
#: Lines of a first row at the most.
_HEADER_LINES: Final = 1_000
#: Cells that are handed on at a time.
_BATCH: Final = 50_000


def column_blocks(
    blocks: Iterator[bytes], options: TableOptions, name: str, *, is_tsv: bool = False
) -> tuple[int, Iterator[bytes]]:
    r"""
    Read one column of delimited text.

    :param blocks: whole lines of UTF-8, each ended by ``\n``
    :param options: which column, and how the table is written
    :param name: of the list, for messages
    :param is_tsv: whether its name says that cells are separated by tabs
    :return: which row the first line is; one line for each row, in blocks. A row with another number of cells than the
        first is a line that begins with ``cells.UNREADABLE_ROW``
    :raises EkycNumbersError: if the table can't be read for certain; the blocks raise it, too
    """
    rows = _Rows(blocks, name)
    row = 1
    for first in rows:
        if first.strip():
            break
        row += 1
    else:
        return 1, iter(())
    delimiter = options.delimiter or ("\t" if is_tsv else None)
    if match := _DECLARED.fullmatch(first.strip()):
        if delimiter not in (None, match[1]):
            raise list_error(name, "declares another delimiter in its first line than delimiter", "Correct delimiter.")
        delimiter = match[1]
        row += 1
        first = next(rows, "")
        if not first:
            return 1, iter(())
    rows.push_back(first)
    reader = _Table(rows, delimiter, name, row)
    cells = reader.first_cells
    place, has_header = read_first_row(cells, options, name)
    return row + has_header, reader.column(place, len(cells), keep_first=not has_header)


class _Rows:
    """The lines of blocks, one by one or a block at a time."""

    def __init__(self, blocks: Iterator[bytes], name: str) -> None:
        self._blocks = blocks
        self._name = name
        self._lines: list[str] = []  # in reverse
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self._lines:
            self._lines = self._split(next(self._blocks))
        return self._lines.pop()

    def push_back(self, line: str) -> None:
        """Have a line read again."""
        self._lines.append(line)

    @property
    def is_between_blocks(self) -> bool:
        """Whether the next line is the first of a block."""
        return not self._lines

    def next_block(self) -> bytes | None:
        """Return the next block as it is, at the end of one; None if there is none."""
        return next(self._blocks, None)

    def split(self, block: bytes) -> None:
        """Have a block read line by line."""
        self._lines = self._split(block)

    def decode(self, block: bytes) -> str:
        """Return text; raises EkycNumbersError if it is not UTF-8."""
        try:
            return block.decode()
        except UnicodeDecodeError:
            raise list_error(
                self._name, "is not UTF-8 text", "Set encoding to the encoding that it is written in, such as cp1252."
            ) from None

    def _split(self, block: bytes) -> list[str]:
        lines = self.decode(block).split("\n")
        lines.pop()
        lines = [f"{line}\n" for line in lines]
        lines.reverse()
        return lines


class _Table:
    """A table whose first row is parsed."""

    def __init__(self, rows: _Rows, delimiter: str | None, name: str, row: int) -> None:
        self._rows, self._name, self._row = rows, name, row
        self._delimiter = delimiter if delimiter is not None else self._found()
        self._records = csv.reader(rows, delimiter=self._delimiter, strict=True)
        self.first_cells = self._next_record()

    def _found(self) -> str:
        """Return the one delimiter of the first row, outside of quotes."""
        lines, quotes = [], 0
        for line in self._rows:
            lines.append(line)
            quotes += line.count('"')
            if quotes % 2 == 0 or len(lines) == _HEADER_LINES:
                break
        for line in reversed(lines):
            self._rows.push_back(line)
        bare = _QUOTED.sub("", "".join(lines))
        found = [each for each in _DELIMITERS if each in bare]
        if len(found) > 1:
            raise list_error(
                self._name, "has several characters in its first row that may be the delimiter", "Set delimiter."
            )
        return found[0] if found else _NONE

    def column(self, place: int, count: int, *, keep_first: bool) -> Iterator[bytes]:
        """Yield the cells of a column."""
        delimiter = self._delimiter
        if keep_first:
            yield cell_lines([_cell(self.first_cells, place, count, delimiter)])
        byte = ord(delimiter) if delimiter.isascii() else None
        while True:
            if self._rows.is_between_blocks:
                block = self._rows.next_block()
                if block is None:
                    return
                if byte is not None and b'"' not in block:
                    if not block.isascii():
                        self._rows.decode(block)
                    cells = plain_column(block, byte, place, count)
                    if cells is not None:
                        self._row += block.count(b"\n")
                        yield cells
                        continue
                self._rows.split(block)
            batch: list[str] = []
            # Up to the end of a block that is the end of a row, too.
            while len(batch) < _BATCH and not (self._rows.is_between_blocks and batch):
                record = self._next_record()
                batch.append(_cell(record, place, count, delimiter))
            yield cell_lines(batch)

    def _next_record(self) -> list[str]:
        try:
            record = next(self._records, [])
        except csv.Error as error:
            raise _quote_error(self._name, self._row, error) from None
        self._row += 1
        return record


def _cell(record: list[str], place: int, count: int, delimiter: str) -> str:
    if not record:
        return ""
    # Fewer cells can't have moved those that are there, but one too many may have.
    if len(record) <= place or any(chain(record[count:])):
        return unreadable(record, delimiter)
    return record[place]


def _quote_error(name: str, row: int, error: csv.Error) -> EkycNumbersError:
    if "field limit" in str(error):
        return list_error(
            name,
            f"has a cell in row {row:,} that is too long: more than {csv.field_size_limit():,} characters",
            "Close the quote that it begins with, if that is open; otherwise write the table without this column.",
        )
    if "unexpected end" in str(error):
        problem = f"has a quote in row {row:,} that is not closed"
    else:
        problem = f"has a cell in row {row:,} that continues after its closing quote"
    return list_error(name, problem, "Correct the row, or write the table with quotes doubled within quotes.")
