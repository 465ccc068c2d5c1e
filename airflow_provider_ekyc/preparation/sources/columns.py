"""Which column of a table holds the numbers, and whether its first row is a header. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from airflow_provider_ekyc.numbers.invisible import trimmed, without_marks
from airflow_provider_ekyc.preparation.sources.options import TableOptions
from airflow_provider_ekyc.preparation.sources.reading import list_error

#: Digits of a cell from which on it may hold a phone number; "mobile 2" has fewer.
_NUMBER_DIGITS: Final = 5


def column_of(names: Sequence[str], options: TableOptions, name: str) -> int:
    """
    Return the index of the numbers' column in a table whose columns are named.

    :param names: of all columns
    :param options: which column
    :param name: of the list, for messages
    :raises EkycNumbersError: if there is no such column, or it is not said which of several
    """
    wanted = options.column
    if not isinstance(wanted, str):
        return _place(len(names), wanted, name)
    found = [place for place, each in enumerate(names) if _key(each) == _key(wanted)]
    if len(found) == 1:
        return found[0]
    how_many = f"{len(found):,} columns" if found else "no column"
    raise list_error(
        name,
        f"has {how_many} of the name in column among its {len(names):,}",
        "Correct column, or set it to a place from 1 on.",
    )


def read_first_row(cells: Sequence[str], options: TableOptions, name: str) -> tuple[int, bool]:
    """
    Return the index of the numbers' column, and whether the first row is a header.

    A first row is a header for certain if its cell in that column can't be a number: it has a letter, and fewer than
    five digits.

    :param cells: of the first row
    :param options: which column; whether there is a header
    :param name: of the list, for messages
    :raises EkycNumbersError: if one of the two is not certain
    """
    if isinstance(options.column, str):
        if options.header is False:
            raise list_error(
                name, "can't have a column of a name, as header is False", "Set column to a place from 1 on."
            )
        return column_of(cells, options, name), True
    place = _place(len(cells), options.column, name)
    if options.header is not None:
        return place, options.header
    cell = trimmed(cells[place])
    digits = sum(map(str.isdecimal, cell))
    if digits >= _NUMBER_DIGITS:
        return place, False
    if any(map(str.isalpha, cell)):
        return place, True
    raise list_error(
        name, "has a first row that may be a header or not", "Set header to True if it is one, otherwise to False."
    )


def _place(count: int, wanted: int | str | None, name: str) -> int:
    if wanted is None and count == 1:
        return 0
    if wanted is None:
        raise list_error(
            name, f"has {count:,} columns", "Set column to the name of the one with the numbers, or to its place."
        )
    if isinstance(wanted, int) and wanted <= count:
        return wanted - 1
    raise list_error(name, f"has {count:,} columns, fewer than column says", "Correct column.")


def _key(column: str) -> str:
    return trimmed(without_marks(column)).casefold()
