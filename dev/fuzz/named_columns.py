"""Tables of several columns, and the name of the one that is asked for: there, spelled otherwise, absent, twice."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dev.fuzz.inputs import Counts
from dev.fuzz.marks import fresh_digits
from dev.fuzz.oddities import SECRET
from dev.fuzz.tables import Row, counts_of, meant, random_rows, spelled
from dev.fuzz.whole_archives import lists_only, packed
from dev.fuzz.zip_writer import Member, pack

_NUMBERS = ("Number", "number", " NUMBER ", "phone", "Phone_Number", "numbers", "phone number")
_COLUMNS = ("amazon", "ws", "activated", "coinW", "htx", "checked_at", "País", "Amazon Business", "status", "note", "")
_CELLS = (
    "",
    "x",
    "yes",
    "no",
    "sí",
    "2025-11-21T08:27:09Z",
    "a,b",
    "a;b|c",
    'she said "no"',
    "1\t2",
    "1\n2",
    "是",
    "0",
)
_ROWS = (3_000, 5_000)  # more than the package takes at a time out of the csv module


@dataclass(frozen=True, slots=True)
class Asked:
    """
    An archive, and the column that its reader is asked for.

    :param rows: what must be read, if it must; else None
    :param allowed: counts that may be read; none if it must be refused
    :param number_column: name of the number's column that its reader is asked for
    :param unreadable: rows whose number can't be read
    """

    data: bytes
    result_column: str | None
    rows: tuple[Row, ...] | None = None
    allowed: frozenset[Counts] = frozenset()
    number_column: str | None = None
    unreadable: int = 0


def there(rng: random.Random) -> Asked:
    """Ask for a column by its name."""
    names = _names(rng)
    name = rng.choice([name for name in names if name])
    return _read(rng, names, name, name)


def another_case(rng: random.Random) -> Asked:
    """Ask for a column in another case, or with blanks around it; or so it stands in the header."""
    names = _names(rng)
    place = rng.choice([place for place, name in enumerate(names) if name])
    changes: list[Callable[[str], str]] = [str.upper, str.lower, str.swapcase, lambda name: f" {name}\t"]
    name = rng.choice(changes)(names[place])
    if rng.random() < 0.5:
        name, names[place] = names[place], name.strip("\t")
    return _read(rng, names, names[place], name)


def absent(rng: random.Random) -> Asked:
    """Ask for what is no column of answers, or no name of one at all."""
    names = [name for name in _names(rng) if name != "ws"]
    others = (names[0][:-1] or "x", f"{names[0]}x", "ws", "Number", "1", f"{names[0]},ws", "\x00", "a" * 100_000)
    return Asked(_archive(rng, names, names[0], random_rows(rng)), rng.choice((*others, SECRET, "Number,amazon", '"')))


def twice(rng: random.Random) -> Asked:
    """Ask for a column that is there twice, perhaps in two cases."""
    names = _names(rng)
    name = rng.choice([name for name in names if name])
    names.insert(rng.randint(0, len(names)), rng.choice((name, name.upper(), f" {name}")))
    return Asked(_archive(rng, names, name, random_rows(rng)), name)


def not_asked_for(rng: random.Random) -> Asked:
    """Ask for none: that will do where there is just one, or one that is named after what was verified."""
    names = _names(rng)
    if rng.random() < 0.5:
        return _read(rng, names[:1], names[0], None)
    named = [name for name in names if name]
    chosen = named if len(named) == 1 else [name for name in named if name in ("amazon", "activated")]
    if len(chosen) == 1:
        return _read(rng, names, chosen[0], None)
    return Asked(_archive(rng, names, names[0], random_rows(rng)), None)


def two_of_numbers(rng: random.Random) -> Asked:
    """Name two columns like the number's."""
    names = [*_names(rng), rng.choice(_NUMBERS)]
    rng.shuffle(names)
    answers = [name for name in names if name not in _NUMBERS]
    return Asked(_archive(rng, names, answers[0], random_rows(rng)), rng.choice((*answers, None, names[0])))


def no_header(rng: random.Random) -> Asked:
    """Begin with a row in place of the header: none of it may be shown."""
    names = _names(rng)
    text = _text(rng, names, names[0], random_rows(rng))
    return Asked(_zipped(text.partition(b"\n")[2] or b"\n"), rng.choice((*names, "yes", "ws")) or "ws")


def lists(rng: random.Random) -> Asked:
    """Ask for a column of lists, which have none: their names say what the numbers are."""
    members, rows = lists_only(rng)
    name = rng.choice([name for name in _COLUMNS if name])
    return Asked(packed(rng, members), name, rows, frozenset({counts_of(rows)}))


def garbled(rng: random.Random) -> Asked:
    """Change a few characters before the table is packed: sums are true, so only its form tells."""
    names = _names(rng)
    name = rng.choice([name for name in names if name])
    changed = bytearray(_text(rng, names, name, random_rows(rng)))
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] = rng.choice(b'\x00\n\r",;\t|+yno \xff\xc3(9')
    text = bytes(changed)
    allowed = plain_reading(text, name) | plain_reading(text.replace(b"\x00", b" "), name)
    return Asked(_zipped(text), name, allowed=allowed)


def plain_reading(text: bytes, asked: str) -> frozenset[Counts]:
    """Count a table of several columns by the plainest program; nothing if it must be refused."""
    try:
        lines = io.StringIO(text.decode("utf-8-sig"), newline="")
        head = lines.readline()
        delimiter = max(",;\t|", key=head.count)
        columns = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
        rows = [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if any(row)]
    except (UnicodeDecodeError, csv.Error):
        return frozenset()
    numbers = [name for name in columns if name in {known.strip().lower() for known in _NUMBERS}]
    if len(numbers) != 1 or columns.count(asked.lower()) != 1 or asked.lower() in numbers or not rows:
        return frozenset()
    if any(len(row) != len(columns) for row in rows):
        return frozenset()
    place = columns.index(asked.lower())
    return frozenset({counts_of([("", meant(row[place])) for row in rows])})


def _read(rng: random.Random, names: list[str], answer: str, asked: str | None) -> Asked:
    rows = random_rows(rng)
    if rng.random() < 0.03:
        digits = fresh_digits(rng, rng.choice(_ROWS))
        rows = tuple((number, rng.choice(("yes", "no", "unknown"))) for number in digits)
    return Asked(_archive(rng, names, answer, rows), asked, rows, frozenset({counts_of(rows)}))


def _names(rng: random.Random) -> list[str]:
    """Return two or more names of columns beside the number's; the first is no empty one."""
    names = rng.sample(_COLUMNS, rng.randint(2, 5))
    return names if names[0] else names[::-1]


def _archive(rng: random.Random, names: Sequence[str], answer: str, rows: Sequence[Row]) -> bytes:
    return packed(rng, [Member(b"all.csv", _text(rng, names, answer, rows))])


def _zipped(text: bytes) -> bytes:
    return pack([Member(b"all.csv", text)])


def _text(rng: random.Random, names: Sequence[str], answer: str, rows: Sequence[Row]) -> bytes:
    """Write a table whose number stands anywhere, with anything in its other columns, numbers too."""
    place = rng.randint(0, len(names))
    header = [*names[:place], rng.choice(_NUMBERS), *names[place:]]
    at = header.index(answer)
    written = io.StringIO(newline="")
    writer = csv.writer(
        written,
        delimiter=rng.choice(",,,;\t|"),
        quoting=rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
        lineterminator=rng.choice(("\n", "\n", "\r\n")),
    )
    writer.writerow(header)
    plus = rng.choice((1.0, 1.0, 0.0, 0.5))
    for digits, word in rows:
        cells = [rng.choice((*_CELLS, f"+{digits}")) for _ in header]
        cells[place] = "+" * (rng.random() < plus) + digits
        cells[at] = spelled(rng, word, plain=False)
        writer.writerow(cells)
    return (rng.choice(("", "", "\ufeff")) + written.getvalue()).encode()


COLUMNS: dict[str, Callable[[random.Random], Asked]] = {
    "a column that is there": there,
    "a column in another case": another_case,
    "no such column": absent,
    "a column twice": twice,
    "no column asked for": not_asked_for,
    "two columns of numbers": two_of_numbers,
    "several columns, no header": no_header,
    "lists and a column": lists,
    "garbled text in several columns": garbled,
}
