"""The first line of a result's table: its delimiter, and which columns hold the number and the answer."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.redaction import redact
from airflow_provider_ekyc.results.members import AGAIN, NOTHING_LANDED

#: Names of the number's column, in any case: the API page has ``Number``, the vendor elsewhere ``number``; and what
#: a vendor whose page is Spanish may come to write.
NUMBER_NAMES = frozenset(
    {"number", "numbers", "phone", "phone_number", "phone number", "phonenumber", "número", "numero"}
)

_DELIMITERS = ",;\t|"
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Columns:
    """
    How a table's rows are read.

    :param delimiter: one character
    :param count: columns
    :param number: index of the number's column
    :param answer: index of the answer's column
    """

    delimiter: str
    count: int
    number: int
    answer: int

    @property
    def are_plain(self) -> bool:
        """Whether the table is a number and an answer, in this order."""
        return (self.count, self.number, self.answer) == (2, 0, 1)


def read_header(line: bytes, result_column: str | None = None) -> Columns:
    """
    Read the header.

    Without ``result_column`` there must be one column beside the number's: it is named after the task type, or
    ``activated``, or otherwise (``docs/api.md``).

    :param line: the first line, with or without a byte order mark of UTF-8
    :param result_column: name of the answer's column, in any case
    :raises EkycResultError: if there is no number, or it is not clear which column is the answer; it quotes names
        of columns, and those alone if they can't be rows
    """
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EkycResultError(f"The result's table is not UTF-8 text. {NOTHING_LANDED} {AGAIN}") from None
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise EkycResultError(f"The result's table is not CSV ({error}). {NOTHING_LANDED} {AGAIN}") from None
    names = [name.strip().lower() for name in cells]
    numbers = [place for place, name in enumerate(names) if name in NUMBER_NAMES]
    if len(numbers) != 1:
        raise EkycResultError(
            f"The result's table does not begin with a header that names one number column. {NOTHING_LANDED} "
            f"Ask the vendor."
        )
    others = [place for place in range(len(names)) if place != numbers[0]]
    chosen = others
    if result_column is not None:
        chosen = [place for place in others if names[place] == result_column.strip().lower()]
    if len(chosen) != 1:
        raise EkycResultError(_unclear(names, others, result_column))
    return Columns(delimiter, len(names), numbers[0], chosen[0])


def _unclear(names: list[str], others: list[int], result_column: str | None) -> str:
    # Only what looks like a name is shown: a header may be missing, and the first row stand in its place.
    shown = redact(", ".join(names[place] for place in others[:_NAMES_SHOWN] if names[place].isidentifier())) or "none"
    if result_column is None:
        problem = "has no answer column" if not others else f"has {len(others):,} columns beside the number's"
        remedy = "Name one with result_column and clear this task" if others else "Ask the vendor"
    else:
        problem = "has not exactly one column with the name that result_column gives"
        remedy = "Correct result_column and clear this task"
    return f"The result's table {problem} (columns: {shown}). {NOTHING_LANDED} {remedy}."
