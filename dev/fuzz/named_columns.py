"""Tables of several columns, and the name of the one that is asked for: there, spelled otherwise, absent, twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from dev.fuzz.damage import garble
from dev.fuzz.marks import SECRET, fresh_digits
from dev.fuzz.model import Row
from dev.fuzz.shapes import Made, Shapes, whole, zipped
from dev.fuzz.tables import NUMBER_NAMES, plain_readings, random_rows, spelled, written
from dev.fuzz.whole_archives import lists_only, packed
from dev.fuzz.zip_writer import Member

_COLUMNS = ("amazon", "ws", "activated", "coinW", "htx", "checked_at", "País", "Amazon Business", "status", "note", "")
_CELLS = (
    *("", "x", "yes", "no", "sí", "2025-11-21T08:27:09Z", "a,b", "a;b|c"),
    *('she said "no"', "1\t2", "1\n2", "是", "0"),
)
_ROWS = (3_000, 5_000)  # more than the package takes at a time out of the csv module

COLUMNS = Shapes()


def _names(rng: random.Random) -> list[str]:
    """Return two or more names of columns beside the number's; the first is no empty one."""
    names = rng.sample(_COLUMNS, rng.randint(2, 5))
    return names if names[0] else names[::-1]


def _text(rng: random.Random, names: Sequence[str], answer: str, rows: Sequence[Row]) -> bytes:
    """Write a table whose number stands anywhere, with anything in its other columns, numbers too."""
    place = rng.randint(0, len(names))
    header = [*names[:place], rng.choice(NUMBER_NAMES), *names[place:]]
    plus = rng.choice((1.0, 1.0, 0.0, 0.5))
    lines = []
    for digits, word in rows:
        cells = [rng.choice((*_CELLS, f"+{digits}")) for _ in header]
        cells[place] = "+" * (rng.random() < plus) + digits
        cells[header.index(answer)] = spelled(rng, word)
        lines.append(cells)
    return written(rng, header, lines)


def _read(rng: random.Random, names: list[str], answer: str, asked: str | None) -> Made:
    """Ask for a column that is there."""
    rows = random_rows(rng)
    if rng.random() < 0.03:
        digits = fresh_digits(rng, rng.choice(_ROWS))
        rows = tuple((number, rng.choice(("yes", "no", "unknown"))) for number in digits)
    return whole(_archive(rng, names, answer, rows), rows, names=(None, asked))


def _refused(rng: random.Random, names: Sequence[str], answer: str, asked: str | None) -> Made:
    """Ask for a column that must not be found."""
    return Made(_archive(rng, names, answer, random_rows(rng)), names=(None, asked))


def _archive(rng: random.Random, names: Sequence[str], answer: str, rows: Sequence[Row]) -> bytes:
    return packed(rng, [Member(b"all.csv", _text(rng, names, answer, rows))])


@COLUMNS("a column that is there")
def _there(rng: random.Random) -> Made:
    names = _names(rng)
    name = rng.choice([name for name in names if name])
    return _read(rng, names, name, name)


@COLUMNS("a column in another case")
def _another_case(rng: random.Random) -> Made:
    """Ask for a column in another case, or with blanks around it; or so it stands in the header."""
    names = _names(rng)
    place = rng.choice([place for place, name in enumerate(names) if name])
    changes: list[Callable[[str], str]] = [str.upper, str.lower, str.swapcase, lambda name: f" {name}\t"]
    name = rng.choice(changes)(names[place])
    if rng.random() < 0.5:
        name, names[place] = names[place], name.strip("\t")
    return _read(rng, names, names[place], name)


@COLUMNS("no such column")
def _absent(rng: random.Random) -> Made:
    """Ask for what is no column of answers, or no name of one at all."""
    names = [name for name in _names(rng) if name != "ws"]
    others = (names[0][:-1] or "x", f"{names[0]}x", "ws", "Number", "1", f"{names[0]},ws", "\x00", "a" * 100_000)
    return _refused(rng, names, names[0], rng.choice((*others, SECRET, "Number,amazon", '"')))


@COLUMNS("a column twice")
def _twice(rng: random.Random) -> Made:
    """Ask for a column that is there twice, perhaps in two cases."""
    names = _names(rng)
    name = rng.choice([name for name in names if name])
    names.insert(rng.randint(0, len(names)), rng.choice((name, name.upper(), f" {name}")))
    return _refused(rng, names, name, name)


@COLUMNS("no column asked for")
def _not_asked_for(rng: random.Random) -> Made:
    """Ask for none: that will do where there is just one, or one that is named after what was verified."""
    names = _names(rng)
    if rng.random() < 0.5:
        return _read(rng, names[:1], names[0], None)
    named = [name for name in names if name]
    chosen = named if len(named) == 1 else [name for name in named if name in ("amazon", "activated")]
    if len(chosen) == 1:
        return _read(rng, names, chosen[0], None)
    return _refused(rng, names, names[0], None)


@COLUMNS("two columns of numbers")
def _two_of_numbers(rng: random.Random) -> Made:
    names = [*_names(rng), rng.choice(NUMBER_NAMES)]
    rng.shuffle(names)
    answers = [name for name in names if name not in NUMBER_NAMES]
    return _refused(rng, names, answers[0], rng.choice((*answers, None, names[0])))


@COLUMNS("several columns, no header")
def _no_header(rng: random.Random) -> Made:
    """Begin with a row in place of the header: none of it may be shown."""
    names = _names(rng)
    text = _text(rng, names, names[0], random_rows(rng)).partition(b"\n")[2] or b"\n"
    return Made(zipped(text), names=(None, rng.choice((*names, "yes", "ws")) or "ws"))


@COLUMNS("lists and a column")
def _lists(rng: random.Random) -> Made:
    """Ask for a column of lists, which have none: their names say what the numbers are."""
    members, rows = lists_only(rng)
    return whole(packed(rng, members), rows, names=(None, rng.choice([name for name in _COLUMNS if name])))


@COLUMNS("garbled text in several columns")
def _garbled(rng: random.Random) -> Made:
    names = _names(rng)
    name = rng.choice([name for name in names if name])
    text = garble(rng, _text(rng, names, name, random_rows(rng)))
    return Made(zipped(text), plain_readings(text, name), names=(None, name))
