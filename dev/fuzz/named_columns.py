"""Tables of several columns, and the name of the one that is asked for: there, spelled otherwise, absent, twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from dev.fuzz.damage import garble
from dev.fuzz.model import ArchiveClasses, ArchiveInput, Row, broken, whole
from dev.fuzz.tables import NUMBER_NAMES, plain_readings, random_rows, spelled, written
from dev.fuzz.values import SECRET, fresh_digits
from dev.fuzz.whole_archives import lists_only, packed
from dev.fuzz.zip_writer import Member, zipped

_COLUMNS = ("amazon", "ws", "activated", "coinW", "htx", "checked_at", "País", "Amazon Business", "status", "note", "")
_CELLS = (
    *("", "x", "yes", "no", "sí", "2025-11-21T08:27:09Z", "a,b", "a;b|c"),
    *('she said "no"', "1\t2", "1\n2", "是", "0"),
)
_ROWS = (3_000, 5_000)  # more than the package takes at a time out of the csv module

COLUMNS = ArchiveClasses()


def _names(rng: random.Random) -> tuple[list[str], str]:
    """Return two or more names of columns beside the number's, the first no empty one; and one of them."""
    names = rng.sample(_COLUMNS, rng.randint(2, 5))
    names = names if names[0] else names[::-1]
    return names, rng.choice([name for name in names if name])


def _text(rng: random.Random, names: Sequence[str], answer: str, rows: Sequence[Row]) -> bytes:
    """Write a table whose number is in any column, with anything in its other columns, numbers too."""
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


def _archive(rng: random.Random, names: Sequence[str], answer: str, rows: Sequence[Row]) -> bytes:
    return packed(rng, [Member(b"all.csv", _text(rng, names, answer, rows))])


def _read(rng: random.Random, names: list[str], answer: str, asked: str | None) -> ArchiveInput:
    """Ask for a column that is there."""
    rows = random_rows(rng)
    if rng.random() < 0.03:
        rows = tuple((digits, rng.choice(("yes", "no"))) for digits in fresh_digits(rng, rng.choice(_ROWS)))
    return whole(_archive(rng, names, answer, rows), rows, names=(None, asked))


def _refused(rng: random.Random, names: Sequence[str], answer: str, asked: str | None) -> ArchiveInput:
    """Ask for a column that must not be found."""
    return broken(_archive(rng, names, answer, random_rows(rng)), names=(None, asked))


@COLUMNS("a column that is there")
def _there(rng: random.Random) -> ArchiveInput:
    names, name = _names(rng)
    return _read(rng, names, name, name)


@COLUMNS("a column in another case")
def _another_case(rng: random.Random) -> ArchiveInput:
    # Or with blanks around it; in the request, or in the header.
    names, name = _names(rng)
    changes: list[Callable[[str], str]] = [str.upper, str.lower, str.swapcase, lambda name: f" {name}\t"]
    changed = rng.choice(changes)(name)
    if rng.random() < 0.5:
        return _read(rng, names, name, changed)
    in_header = changed.strip("\t")
    return _read(rng, [in_header if other == name else other for other in names], in_header, name)


@COLUMNS("no such column")
def _absent(rng: random.Random) -> ArchiveInput:
    names = [name for name in _names(rng)[0] if name != "ws"]
    others = (names[0][:-1] or "x", f"{names[0]}x", "ws", "Number", "1", f"{names[0]},ws", "\x00", "a" * 100_000)
    return _refused(rng, names, names[0], rng.choice((*others, SECRET, "Number,amazon", '"')))


@COLUMNS("a column twice")
def _twice(rng: random.Random) -> ArchiveInput:
    names, name = _names(rng)
    names.insert(rng.randint(0, len(names)), rng.choice((name, name.upper(), f" {name}")))
    return _refused(rng, names, name, name)


@COLUMNS("no column asked for")
def _not_asked_for(rng: random.Random) -> ArchiveInput:
    # That will do where there is just one, or one that is named after what was verified.
    names, _ = _names(rng)
    if rng.random() < 0.5:
        names = names[:1]
    named = [name for name in names if name]
    chosen = named if len(named) == 1 else [name for name in named if name in ("amazon", "activated")]
    return _read(rng, names, chosen[0], None) if len(chosen) == 1 else _refused(rng, names, names[0], None)


@COLUMNS("two columns of numbers")
def _two_of_numbers(rng: random.Random) -> ArchiveInput:
    answers, name = _names(rng)
    names = [*answers, rng.choice(NUMBER_NAMES)]
    rng.shuffle(names)
    return _refused(rng, names, name, rng.choice((*answers, None, names[0])))


@COLUMNS("several columns, no header")
def _no_header(rng: random.Random) -> ArchiveInput:
    # A row is in place of the header: none of it may be shown.
    names, name = _names(rng)
    text = _text(rng, names, name, random_rows(rng)).partition(b"\n")[2] or b"\n"
    return broken(zipped(text), names=(None, rng.choice((*names, "yes", "ws")) or "ws"))


@COLUMNS("lists and a column")
def _lists(rng: random.Random) -> ArchiveInput:
    # Lists have no columns: their names say what the numbers are.
    members, rows = lists_only(rng)
    return whole(packed(rng, members), rows, names=(None, rng.choice(_COLUMNS[:-1])))


@COLUMNS("garbled text in several columns")
def _garbled(rng: random.Random) -> ArchiveInput:
    names, name = _names(rng)
    text = garble(rng, _text(rng, names, name, random_rows(rng)))
    return broken(zipped(text), *plain_readings(text, name), names=(None, name))
