"""The header of a result's table: where it is, its delimiter, and which columns hold the number and the answer."""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.numbers.invisible import trimmed, without_marks
from airflow_provider_ekyc.redaction import redact
from airflow_provider_ekyc.results.errors import contents_error
from airflow_provider_ekyc.results.table.number_forms import read_number

# Names of one word, and of several, which are also written as one: what the API page has (``Number``), the vendor
# elsewhere (``number``), and tables of phone numbers in the languages of the vendor and of its page. ``contact``,
# ``whatsapp``, ``id`` and ``no`` may name other columns.
_ONE_WORD: Final = (
    *("number", "numbers", "phone", "phones", "telephone", "tel", "msisdn", "mobile", "mobiles", "cell", "cellular"),
    *("numero", "numeros", "telefono", "telefonos", "movil", "moviles", "celular", "celulares"),
    *("号码", "电话", "电话号码", "手机", "手机号", "手机号码"),
)
_SEVERAL_WORDS: Final = (
    *("phone number", "phone numbers", "phone no", "telephone number", "tel number", "e 164", "e 164 number"),
    *("mobile number", "mobile phone", "mobile phone number", "mobile no", "cell phone", "cell number"),
    *("cell phone number", "numero telefono", "numero de telefono", "numero telefonico", "telefono movil"),
    *("numero movil", "numero de movil", "numero celular", "numero de celular"),
)

#: Names of the number's column, as :func:`_key` writes them: without accents, in lower case.
NUMBER_NAMES: Final = frozenset((*_ONE_WORD, *_SEVERAL_WORDS, *(name.replace(" ", "") for name in _SEVERAL_WORDS)))

#: Names of the answer's column, beside that of the task type, as :func:`_key` writes them: the vendor has
#: ``activated`` (``docs/api.md``), and ``registered`` is the opposite of its list ``unregistered``.
ANSWER_NAMES: Final = frozenset({"activated", "registered"})

#: Lines in which the header is looked for: a title, a time, ``sep=;``, blank lines may precede it.
HEADER_LINES: Final = 10

_DELIMITERS: Final = ",;\t|"
_NAMES_SHOWN: Final = 20
_LONGEST: Final = 64 * 1024  # characters of a header
_SHORT: Final = 7  # characters of a phone number at the least; fewer digits are a year, or a count
_BETWEEN_WORDS: Final = re.compile(r"[\s_.-]+")


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """
    What is known of a table's columns beforehand.

    :param number: name of the number's column, in any case; None for one of the known names
    :param answer: name of the answer's column, in any case; None for the only one, or one of the known names
    :param task_type: what was verified, which the answer's column is mostly named after
    """

    number: str | None = None
    answer: str | None = None
    task_type: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """
    How a table's rows are read.

    :param delimiter: one character
    :param count: columns
    :param number: index of the number's column
    :param answer: index of the answer's column
    :param names: of all columns, to know the header again; empty if there is none
    """

    delimiter: str
    count: int
    number: int
    answer: int
    names: tuple[str, ...] = ()

    @property
    def are_plain(self) -> bool:
        """Whether the table is a number and an answer, in this order."""
        return (self.count, self.number, self.answer) == (2, 0, 1)

    def are_header(self, cells: list[str]) -> bool:
        """Return whether a row repeats the header, as in files that were joined."""
        return bool(self.names) and self.names == tuple(_name(cell) for cell in cells)


def is_number_name(text: str) -> bool:
    """Return whether a text is a known name of the number's column."""
    return _key(text) in NUMBER_NAMES


def read_header(top: bytes, names: ColumnNames | None = None) -> tuple[Columns, int]:
    """
    Find the header among a table's first lines, and read it.

    Without a name for the answer's column there must be one column beside the number's, or one of several that is
    named after the task type, or ``activated``, or ``registered``.

    :param top: whole lines, the first with or without a byte order mark of UTF-8; the first ``HEADER_LINES`` are read
    :param names: what is known of the columns
    :return: the columns, and how many lines there are up to the header, itself included
    :raises EkycResultError: if there is no header, or it is not clear which column is which; it quotes names of
        columns, and those alone if they can't be rows
    """
    names = names or ColumnNames()
    unclear: EkycResultError | None = None
    before: list[str] = []
    for at, line in enumerate(_first_lines(top), start=1):
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise contents_error("The result's table is not UTF-8 text.", again=True) from None
        delimiter = max(_DELIMITERS, key=text.count)
        cells = _cells(text, delimiter)
        places = _number_places(cells, names)
        if len(places) == 1 and not _is_total(cells, places[0]):
            if any(_has_number(_cells(above, delimiter)) for above in before):
                raise contents_error("The result's table has rows before its header.")
            return _columns(cells, delimiter, places[0], names), at
        if len(places) > 1 and unclear is None:
            unclear = _number_column_error(cells, places)
        before.append(text)
    raise unclear or _header_error(names)


def holds_numbers(top: bytes) -> bool:
    """Return whether one of a table's first lines has what may be a phone number."""
    lines = [line.decode("utf-8", "replace") for line in _first_lines(top)]
    return any(_has_number(_cells(line, delimiter)) for line in lines for delimiter in _DELIMITERS)


def _has_number(cells: list[str]) -> bool:
    return any(read_number(cell)[0] is not None for cell in cells if len(cell) >= _SHORT)


def _first_lines(top: bytes) -> list[bytes]:
    return top.split(b"\n", HEADER_LINES)[:HEADER_LINES]


def _cells(text: str, delimiter: str) -> list[str]:
    if len(text) > _LONGEST:
        return []
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _number_places(cells: list[str], names: ColumnNames) -> list[int]:
    if names.number is not None:
        return [place for place, cell in enumerate(cells) if _name(cell) == _name(names.number)]
    return [place for place, cell in enumerate(cells) if is_number_name(cell)]


def _is_total(cells: list[str], number: int) -> bool:
    """Return whether a line is "Numbers,2049": no column is named by digits alone."""
    others = [_key(cell) for place, cell in enumerate(cells) if place != number]
    return bool(others) and all(other.isdigit() for other in others if other) and any(others)


def _columns(cells: list[str], delimiter: str, number: int, names: ColumnNames) -> Columns:
    known = [_name(cell) for cell in cells]
    others = [place for place in range(len(cells)) if place != number]
    if names.answer is not None:
        chosen = [place for place in others if known[place] == _name(names.answer)]
    elif len(others) > 1:
        # An index, or a delimiter at the end of each line, makes a column without a name.
        named = [place for place in others if known[place]]
        wanted = ANSWER_NAMES | ({_key(names.task_type)} if names.task_type else set())
        chosen = named if len(named) == 1 else [place for place in named if _key(known[place]) in wanted]
    else:
        chosen = others
    if len(chosen) != 1:
        raise _answer_column_error(known, others, names.answer)
    return Columns(delimiter, len(cells), number, chosen[0], tuple(known))


def _header_error(names: ColumnNames) -> EkycResultError:
    if names.number is not None:
        return contents_error(
            "The result's table does not have exactly one column with the name in number_column.",
            "Correct number_column, then clear this task.",
        )
    return contents_error(
        "The result's table does not begin with a header that names one number column.",
        "If the number column has another name, set number_column to it and clear this task; otherwise ask the vendor.",
    )


def _number_column_error(cells: list[str], places: list[int]) -> EkycResultError:
    shown = _shown([_name(cells[place]) for place in places])
    return contents_error(
        f"The result's table has {len(places):,} columns that may hold the number (columns: {shown}).",
        "Set number_column to one of them, then clear this task.",
    )


def _answer_column_error(known: list[str], others: list[int], asked: str | None) -> EkycResultError:
    if asked is not None:
        problem = "does not have exactly one column with the name in result_column"
        remedy = "Correct result_column, then clear this task."
    elif others:
        problem = f"has {len(others):,} columns besides the number's"
        remedy = "Set result_column to one of them, then clear this task."
    else:
        problem, remedy = "has no answer column", "Ask the vendor."
    shown = _shown([known[place] for place in others])
    return contents_error(f"The result's table {problem} (columns: {shown}).", remedy)


def _shown(names: list[str]) -> str:
    """Return names for a message. Only what looks like one is shown: the first row may stand in a header's place."""
    return redact(", ".join(name for name in names[:_NAMES_SHOWN] if name.isidentifier())) or "none"


def _name(text: str) -> str:
    """Return a name as two are compared: composed, in lower case, without what is around it."""
    return unicodedata.normalize("NFC", without_marks(trimmed(text))).lower()


def _key(text: str) -> str:
    """Return a name as a known one is looked up: without accents, with one blank between words, in lower case."""
    bare = unicodedata.normalize("NFKD", without_marks(text[:200])).casefold()
    bare = "".join(character for character in bare if not unicodedata.combining(character))
    return _BETWEEN_WORDS.sub(" ", bare).strip(" #:*")
