"""Result tables: rows, words, spellings, one writer of tables, and the plainest program that reads them."""

from __future__ import annotations

import csv
import io
import random
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dev.fuzz.model import Counts, Row, counts_of
from dev.fuzz.values import fresh_digits

#: What the words mean; anything else is unknown.
YES = (
    *("yes", "Yes", "YES", "sí", "Sí", "SÍ", "si", "SI", " yes ", "yes ", "y", "Y"),
    *("TRUE", "true", "1", "1.0", "active", "Activated", "REGISTERED", "registered", "verdadero", "activo"),
    *("yes\u200b", "\ufeffyes", "\u00a0YES\u00a0", "\u200eyes\u200f", "s\u0069\u0301", "\u2060true"),
)
NO = (
    *("no", "No", "NO", " no", "no ", "n", "N", "FALSE", "False", "0", "0.0", "inactive", "unregistered"),
    *("not activated", "not_registered", "NOT-ACTIVE", "no registrado", "falso", "Inactivo"),
    *("no\u200b", "\ufeffno", "\u00a0no", "\u200eno\u200f", "not\u00a0activated"),
)
UNKNOWN = (
    *("undetermined", "Undetermined", "unknown", "", " ", "?", "2", "-1", "t", "f", "s", "ok", "n/a", "null"),
    *("yes!", "nope", "+12", "是", "valid", "deactivated", "10", "01", "not", "\u200b", "y\u200bes no"),
)
_WORDS = {"yes": YES, "no": NO, "unknown": UNKNOWN}

_MEANING = {
    **dict.fromkeys(("yes", "y", "sí", "si", "true", "verdadero", "1", "1.0", "active", "activated"), "yes"),
    **dict.fromkeys(("registered", "activo", "activado", "registrado"), "yes"),
    **dict.fromkeys(("no", "n", "false", "falso", "0", "0.0", "inactive", "not active", "not activated"), "no"),
    **dict.fromkeys(("unactivated", "inactivated", "unregistered", "not registered"), "no"),
    **dict.fromkeys(("inactivo", "no activo", "no activado", "no registrado"), "no"),
}
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_HEADERS = ("Number", "number", "NUMBER", " Number ", "Number ")
_COLUMNS = ("amazon", "Amazon", "activated", "coinw", "AMAZON", "ws", "phoneCheck", "amazon_email")

#: Names of the number's column beside others.
NUMBER_NAMES = ("Number", "number", " NUMBER ", "phone", "Phone_Number", "numbers", "phone number")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of results: its rows, and the file."""

    rows: tuple[Row, ...]
    text: bytes

    @property
    def counts(self) -> Counts:
        """What a plain reading counts."""
        return counts_of(self.rows)

    @property
    def start(self) -> int:
        """Bytes of its byte order mark and header line."""
        return self.text.index(b"\n") + 1


def random_rows(rng: random.Random, *, most: int = 60) -> tuple[Row, ...]:
    """Return rows with different numbers, at least one."""
    count = rng.choice((1, 2, rng.randint(1, most), rng.randint(1, most)))
    weights = rng.choice(((4, 6, 1), (1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)))
    return tuple(zip(fresh_digits(rng, count), rng.choices(tuple(_WORDS), weights, k=count), strict=True))


def random_table(rng: random.Random, rows: tuple[Row, ...] | None = None, *, most: int = 60) -> Table:
    """Write rows as a table in one of the ways in which they are known to be sent."""
    rows = random_rows(rng, most=most) if rows is None else rows
    plain, plus = rng.random() < 0.5, rng.choice((1.0, 1.0, 0.0, 0.5))
    lines = [("+" * (rng.random() < plus) + digits, spelled(rng, answer, plain=plain)) for digits, answer in rows]
    header = (rng.choice(_HEADERS), rng.choice(_COLUMNS))
    return Table(rows, written(rng, header, lines, delimiter="," if plain else ""))


def written(
    rng: random.Random,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str = "",
    end: str = "",
    varied: bool = True,
) -> bytes:
    """
    Write a table.

    :param delimiter: any of the known ones by default, as ``end``, of a line
    :param varied: whether quotes, blank lines, the byte order mark and the end of the file vary
    """
    delimiter = delimiter or rng.choice(",,,;\t|")
    end = end or rng.choice(("\n", "\n", "\r\n"))
    quoted = rng.choice((0.0, 0.0, 1.0, 0.3)) if varied else 0.0

    def cell(text: str) -> str:
        needs_quotes = any(mark in text for mark in (delimiter, '"', "\n", "\r"))
        return '"' + text.replace('"', '""') + '"' if needs_quotes or rng.random() < quoted else text

    lines = [delimiter.join(map(cell, header))]
    for row in rows:
        lines.append(delimiter.join(map(cell, row)))
        if varied and rng.random() < 0.02:
            lines.append("")
    text = end.join(lines) + (rng.choice((end, end, end * 2, "")) if varied else end)
    if text.endswith(delimiter):
        text += end  # a last answer that is blank needs its line end to be one row of two cells
    return (rng.choice(("", "", "\ufeff")) * varied + text).encode()


_LINES_BEFORE = 4


def plain_reading(text: bytes, asked: str | None = None) -> frozenset[Counts]:
    """
    Count a table by the plainest program that reads it; nothing if it can't be read, and must be refused.

    :param asked: the column that is asked for; by default the table must have two columns
    """
    try:
        first, _, rest = text.decode("utf-8-sig").partition("\n")
        lines = io.StringIO(rest, newline="")
        # A CR within it ends no line of these tables: it is part of a column's name, in the place of a blank.
        head = first.removesuffix("\r").replace("\r", " ")
        delimiter = max(",;\t|", key=head.count)
        columns = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
        # A row of empty cells is a blank line, as spreadsheets write it.
        rows = [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if any(row)]
    except (UnicodeDecodeError, csv.Error):
        return frozenset()
    if asked is None:
        place, is_table = 1, len(columns) == 2 and columns[0].startswith("number")
    else:
        known = {name.strip().lower() for name in NUMBER_NAMES}
        is_table = sum(name in known for name in columns) == 1 and columns.count(asked.lower()) == 1
        is_table = is_table and asked.lower() not in known
        place = columns.index(asked.lower()) if is_table else 0
    if not is_table or not rows or any(len(row) != len(columns) for row in rows):
        return frozenset()
    return frozenset({counts_of([("", meant(row[place])) for row in rows])})


def plain_readings(text: bytes, asked: str | None = None) -> frozenset[Counts]:
    """
    Count a table in each way that is as good as another one.

    NULs may be blanks, and lines without a digit may stand before the header.
    """
    readings: frozenset[Counts] = frozenset()
    for rest in {text, text.replace(b"\x00", b" ")}:
        for _ in range(_LINES_BEFORE):
            readings |= plain_reading(rest, asked)
            first, end, rest = rest.partition(b"\n")
            if not end or re.search(rb"\d", first):
                break
    return readings


def meant(word: str) -> str:
    """Return what a word means: ``yes``, ``no`` or ``unknown``."""
    # What a cell would need quotes for counts as a blank; what is not seen does not count.
    bare = unicodedata.normalize("NFC", word.replace(",", " ").replace('"', " ").translate(_UNSEEN)).lower()
    return _MEANING.get(re.sub(r"[\s_-]+", " ", bare.strip()), "unknown")


def spelled(rng: random.Random, answer: str, *, plain: bool = False) -> str:
    """Write an answer in one of its spellings."""
    return _WORDS[answer][0] if plain else rng.choice(_WORDS[answer])


def plain_list(rng: random.Random, digits: Sequence[str]) -> bytes:
    """Write numbers as ``activated.txt`` and ``unregistered.txt`` have them: one a line, no header."""
    end = rng.choice(("\n", "\r\n"))
    plus = "+" * rng.randint(0, 1)
    return (end.join(plus + number for number in digits) + end * rng.randint(0, 2)).encode()
