"""Cells of a table as lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

#: What a line begins with if its row can't be read: another number of cells than the header. The control character
#: SUB stands for what is invalid (ISO 6429); it is neither a blank nor a part of a number.
UNREADABLE_ROW: Final = "\x1a"

_BREAKS: Final = re.compile("\r\n|\r|\n")
#: Unicode's line separator: a blank, and still no part of one number.
_BREAK: Final = "\u2028"
#: Spreadsheets keep 15 digits of a number; a larger one may have lost some.
_EXACT: Final = 10**15
_MOST: Final = 30  # digits of a decimal that are written out
_SHOWN: Final = 500  # characters of a row that can't be read


def cell_lines(cells: Sequence[str]) -> bytes:
    r"""
    Write cells as lines, each ended by ``\n``; line breaks within a cell become U+2028, those around it are removed.

    :param cells: of one column
    """
    if not cells:
        return b""
    text = "\n".join(cells)
    if "\r" in text or text.count("\n") != len(cells) - 1:
        text = "\n".join(_BREAKS.sub(_BREAK, cell.strip("\r\n")) for cell in cells)
    return f"{text}\n".encode(errors="replace")


def unreadable(cells: Sequence[str], delimiter: str) -> str:
    """Return the cell that stands for a row that can't be read; it begins with :data:`UNREADABLE_ROW`."""
    return UNREADABLE_ROW + delimiter.join(cells)[:_SHOWN]


def cell_text(value: object) -> str:
    """
    Return a value of a workbook or a database as text, if it may be a number without anything lost.

    :param value: whole numbers give their digits. Others, and those that are too large to be exact, are written as
        they are, with a point or an exponent: they are rejected with that reason. So is all else that is no text
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MOST and value == int(value):
        return str(int(value))
    if isinstance(value, bytes | bytearray | memoryview):  # mysql-connector-python's are bytearray
        return bytes(value).decode(errors="replace")
    return str(value) if isinstance(value, float | Decimal) else f"{type(value).__name__} {value}"
