"""Tables of several columns, and the name of the one that is asked for: there, spelled otherwise, absent, twice."""

from __future__ import annotations

import functools
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

#: The names of a table's columns beside the number's, that of the answers, what is asked for, and whether it is there.
_Request = tuple[list[str], str, str | None, bool]


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


def _another_case(rng: random.Random, names: list[str], name: str) -> _Request:
    # Or with blanks around it; in the request, or in the header.
    changes: list[Callable[[str], str]] = [str.upper, str.lower, str.swapcase, lambda name: f" {name}\t"]
    changed = rng.choice(changes)(name)
    if rng.random() < 0.5:
        return names, name, changed, True
    in_header = changed.strip("\t")
    return [in_header if other == name else other for other in names], in_header, name, True


def _absent(rng: random.Random, names: list[str], name: str) -> _Request:
    names = ["htx" if other == "ws" else other for other in names]
    first = "htx" if name == "ws" else name
    others = (first[:-1] or "x", f"{first}x", "ws", "Number", "1", f"{first},ws", "\x00", "a" * 100_000)
    return names, first, rng.choice((*others, SECRET, "Number,amazon", '"')), False


def _twice(rng: random.Random, names: list[str], name: str) -> _Request:
    names.insert(rng.randint(0, len(names)), rng.choice((name, name.upper(), f" {name}")))
    return names, name, name, False


def _not_asked_for(rng: random.Random, names: list[str], name: str) -> _Request:
    # That will do where there is just one, or one that is named after what was verified.
    names = [name] if rng.random() < 0.5 else names
    named = [other for other in names if other]
    chosen = named if len(named) == 1 else [other for other in named if other in ("amazon", "activated")]
    return names, chosen[0] if chosen else name, None, len(chosen) == 1


def _two_of_numbers(rng: random.Random, names: list[str], name: str) -> _Request:
    both = [*names, rng.choice(NUMBER_NAMES)]
    rng.shuffle(both)
    return both, name, rng.choice((*names, None, both[0])), False


_REQUESTS: dict[str, Callable[[random.Random, list[str], str], _Request]] = {
    "a column that is there": lambda rng, names, name: (names, name, name, True),
    "a column in another case": _another_case,
    "no such column": _absent,
    "a column twice": _twice,
    "no column asked for": _not_asked_for,
    "two columns of numbers": _two_of_numbers,
}


def _names(rng: random.Random) -> tuple[list[str], str]:
    """Return two or more names of columns beside the number's, and one of them that is not empty."""
    names = rng.sample(_COLUMNS, rng.randint(2, 5))
    return names, rng.choice([name for name in names if name])


def _archive(request: Callable[[random.Random, list[str], str], _Request], rng: random.Random) -> ArchiveInput:
    names, answer, asked, is_there = request(rng, *_names(rng))
    rows = random_rows(rng)
    if is_there and rng.random() < 0.03:
        rows = tuple((digits, rng.choice(("yes", "no"))) for digits in fresh_digits(rng, rng.choice(_ROWS)))
    data = packed(rng, [Member(b"all.csv", _text(rng, names, answer, rows))])
    return whole(data, rows, names=(None, asked)) if is_there else broken(data, names=(None, asked))


COLUMNS = ArchiveClasses({name: functools.partial(_archive, request) for name, request in _REQUESTS.items()})


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
