"""Tables as other programs write them: numbers in other writings, other headers, several members."""

from __future__ import annotations

import functools
import itertools
import random
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from dev.fuzz.model import ArchiveClasses, ArchiveInput, Row, broken, whole
from dev.fuzz.tables import random_rows, spelled, written
from dev.fuzz.values import digits_of, fresh_digits
from dev.fuzz.whole_archives import packed
from dev.fuzz.zip_writer import Member

_WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))

#: Writings in which only one number can be meant: of all its digits d, of parts of them, and of wide ones w.
READABLE = (
    *("00{d}", "+00{d}", "'{d}", "'+{d}", "\u2019+{d}", '="+{d}"', '="{d}"', "+{a} {b} {c}", "+{a}\u00a0{bc}\u202f"),
    *("+{a}-{b}-{c}", "{a}\u2011{bc}", "+{a} ({b}) {c}", "(+{a}) {bc}", "{a}.{b}.{c}", "\u202a+{d}\u202c"),
    *("\u200e{d}\u200f", "\ufeff+{d}", "{five}\u200b{rest}", "tel:+{d}", "{d}.0", "{w}"),
)

#: Writings in which digits are lost, or several numbers can be meant.
UNREADABLE = (
    *("{n:.3E}", "{n:.9e}", "{e}", "0{bc}", "+0{bc}", "000{bc}", "{d}{d}", "{d} {d}", "{five}{sixth}******"),
    *("+{a} (0) {bc}", "{d}/{d}", "-{d}", "{d}.5", "{d} ext. 2", "Total", "{first}"),
)


def in_writing(way: str, digits: str) -> str:
    """Write a number in one of the writings."""
    parts = {"a": digits[:3], "b": digits[3:7], "c": digits[7:], "bc": digits[3:], "first": digits[0]}
    parts |= {"five": digits[:5], "rest": digits[5:], "sixth": digits[5:6], "w": digits.translate(_WIDE)}
    return way.format(d=digits, n=int(digits), e=f"{int(digits):.5E}".replace(".", ","), **parts)


_NAMES = (
    *("Mobile", "msisdn", "MSISDN", "Phone Number", "PhoneNumber", "phone-number", "Phone No.", "Cell phone", "E.164"),
    *("teléfono", "Número de teléfono", "TELÉFONO", "móvil", "手机号", "\u200bNumber", "Number\u00a0", "# number"),
)
_NO_NAMES = ("Who", "Contact", "ID", "No", "Col 1", "MSIS", "数")
_BEFORE = ("Results of amazon", "sep=,", "", "Created: 2026-01-02 03:04", "# rows: 12", "Numbers;12", '"Report"', " ")
_PARTS = ("amazon_{}.csv", "amazon-{:02d}.csv", "d/part{}.csv", "Amazon ({}).CSV", "{:05d}.csv")
_BESIDE = ("failed.csv", "summary.csv", "amazon_failed.csv", "errors.csv", "Amazon-Summary.csv", "invalid_1.csv")


def _text(
    rng: random.Random,
    rows: Sequence[Row],
    cells: Sequence[str] | None = None,
    *,
    name: str = "Number",
    answer: str | None = None,
    **how: Any,
) -> bytes:
    """Write rows as a table, perhaps with other cells in place of the numbers."""
    plain = rng.random() < 0.5
    header = [name, answer or rng.choice(("amazon", "activated", "AMAZON", "coinw"))]
    cells = cells or [f"+{digits}" for digits, _ in rows]
    lines = [(cell, spelled(rng, word, plain=plain)) for cell, (_, word) in zip(cells, rows, strict=True)]
    return written(rng, header, lines, **how)


def _one(rng: random.Random, text: bytes) -> bytes:
    return packed(rng, [Member(b"amazon.csv", text)])


def _rewritten(
    rng: random.Random, rows: Sequence[Row], ways: Sequence[str], shares: Sequence[float]
) -> tuple[list[str], int]:
    """Return the numbers of some rows, or of all, in other writings, and how many."""
    share, way = rng.choice(shares), rng.choice((None, rng.choice(ways)))
    cells = [digits for digits, _ in rows]
    changed = {at for at in range(len(rows)) if rng.random() < share} or {rng.randrange(len(rows))}
    for at in changed:
        cells[at] = in_writing(way or rng.choice(ways), cells[at])
    return cells, len(changed)


def _renamed(rng: random.Random, rows: Sequence[Row]) -> bytes:
    # With accents in either form.
    return _text(rng, rows, name=unicodedata.normalize(rng.choice(("NFC", "NFD")), rng.choice(_NAMES)))


def _after_lines(rng: random.Random, rows: Sequence[Row]) -> bytes:
    lines = rng.choices(_BEFORE, k=rng.randint(1, 5))
    return "\n".join([*lines, ""]).encode() + _text(rng, rows, varied=False)


def _with_headers(rng: random.Random, rows: Sequence[Row]) -> bytes:
    # Among the rows, as joined files have them.
    head, *lines = _text(rng, rows, varied=False, delimiter=",", end="\n").splitlines(keepends=True)
    for _ in range(rng.randint(1, 3)):
        lines.insert(rng.randint(0, len(lines)), head)
    return head + b"".join(lines)


#: Tables that must be read as their rows.
_TEXTS: dict[str, Callable[[random.Random, Sequence[Row]], bytes]] = {
    "numbers in other writings": lambda rng, rows: _text(
        rng, rows, _rewritten(rng, rows, READABLE, (1.0, 1.0, 0.3))[0]
    ),
    "another name of the numbers": _renamed,
    "lines before the header": _after_lines,
    "the header again": _with_headers,
}


def _archive(text_of: Callable[[random.Random, Sequence[Row]], bytes], rng: random.Random) -> ArchiveInput:
    rows = random_rows(rng)
    return whole(_one(rng, text_of(rng, rows)), rows)


OTHER_TABLES = ArchiveClasses({name: functools.partial(_archive, text_of) for name, text_of in _TEXTS.items()})


@OTHER_TABLES("numbers that can't be read")
def _unreadable(rng: random.Random) -> ArchiveInput:
    # They must be counted, and stay as they are.
    rows = random_rows(rng)
    cells, lost = _rewritten(rng, rows, UNREADABLE, (1.0, 0.3, 0.05))
    kept = (cell.replace(",", " ").removeprefix("+") for cell in cells)
    expected = tuple((cell, word) for cell, (_, word) in zip(kept, rows, strict=True))
    return whole(_one(rng, _text(rng, rows, cells)), expected, unreadable=lost)


@OTHER_TABLES("an unknown name of the numbers")
def _unknown_name(rng: random.Random) -> ArchiveInput:
    # Refused, unless it is asked for by its name.
    rows, name = random_rows(rng), rng.choice(_NO_NAMES)
    data = _one(rng, _text(rng, rows, name=name))
    if rng.random() < 0.5:
        return whole(data, rows, names=(rng.choice((name, name.upper(), f" {name} ")), None))
    return broken(data, names=(rng.choice((None, f"{name}x", "amazon,Who")), None))


@OTHER_TABLES("a row before the header")
def _row_before(rng: random.Random) -> ArchiveInput:
    # Or too many lines: refused, as rows would be lost.
    number = rng.choice((digits_of(9), f"+{digits_of(9)}", in_writing(rng.choice(READABLE[:5]), digits_of(9))))
    before = rng.choice((f"{number},yes\n", f"title\n{number},no\n\n", "title\n" * 10))
    return broken(_one(rng, before.encode() + _text(rng, random_rows(rng), varied=False, delimiter=",")))


@OTHER_TABLES("numbers again")
def _repeated(rng: random.Random) -> ArchiveInput:
    # With the same answer or another, up to one number in all rows.
    rows = list(_enough_rows(rng))
    one, share = rng.choice(rows)[0], rng.choice((1.0, 0.5, 0.1))
    rows = [(one, word) if rng.random() < share else (digits, word) for digits, word in rows]
    rows.insert(rng.randint(0, len(rows)), (rows[0][0], rng.choice((rows[0][1], "yes", "no"))))
    return whole(_one(rng, _text(rng, rows)), tuple(rows))


@OTHER_TABLES("a table in parts")
def _in_parts(rng: random.Random) -> ArchiveInput:
    rows = _enough_rows(rng)
    members = [*_parts(rng, rows, 2), *(_beside(rng) if rng.random() < 0.5 else [])]
    rng.shuffle(members)
    return whole(packed(rng, members), rows)


@OTHER_TABLES("doubtful parts")
def _doubtful_parts(rng: random.Random) -> ArchiveInput:
    # One is missing, or has another header, or none, or another name: they may be no parts of one table.
    members = _parts(rng, _enough_rows(rng), 3)
    head, _, body = members[1].content.partition(b"\n")
    match rng.randrange(4):
        case 0:
            members.pop(rng.randrange(1, len(members) - 1))
        case 1:
            members[1].content = head.replace(b"amazon", b"activated") + b"\n" + body
        case 2:
            members[1].content = body
        case _:
            members[0].name = b"other.csv"
    rng.shuffle(members)
    return broken(packed(rng, members))


@OTHER_TABLES("files beside the table")
def _beside_the_table(rng: random.Random) -> ArchiveInput:
    rows = random_rows(rng)
    members = [Member(b"amazon.csv", _text(rng, rows)), *_beside(rng)]
    rng.shuffle(members)
    return whole(packed(rng, members), rows)


def _enough_rows(rng: random.Random) -> tuple[Row, ...]:
    more = tuple((digits, rng.choice(("yes", "no"))) for digits in fresh_digits(rng, 8))
    return tuple({digits: (digits, word) for digits, word in random_rows(rng) + more}.values())


def _parts(rng: random.Random, rows: Sequence[Row], least: int) -> list[Member]:
    count, first = rng.randint(least, 4), rng.choice((0, 1))
    cuts = [0, *sorted(rng.sample(range(1, len(rows)), count - 1)), len(rows)]
    how: dict[str, Any] = {"name": rng.choice(_NAMES), "answer": "amazon", "delimiter": rng.choice(",;")}
    texts = [_text(rng, rows[start:end], end="\n", varied=False, **how) for start, end in itertools.pairwise(cuts)]
    name = rng.choice(_PARTS)
    return [Member(name.format(number).encode(), text) for number, text in enumerate(texts, first)]


def _beside(rng: random.Random) -> list[Member]:
    """Return files that hold failed numbers, or figures."""
    failed = f"Number,reason\n+{digits_of(4)},timeout\n+{digits_of(5)},no\n"
    contents = (failed, f"+{digits_of(4)}\n", "metric,value\nrows,2\n", "", "Number,amazon\n2,1\n")
    return [Member(name.encode(), rng.choice(contents).encode()) for name in rng.sample(_BESIDE, rng.randint(1, 3))]
