"""Tables as other programs write them: numbers in other writings, other headers, several members."""

from __future__ import annotations

import csv
import dataclasses
import io
import random
import unicodedata
from collections.abc import Callable, Sequence

from dev.fuzz.marks import digits_of, fresh_digits
from dev.fuzz.named_columns import Asked
from dev.fuzz.tables import Row, counts_of, random_rows, spelled
from dev.fuzz.whole_archives import packed
from dev.fuzz.zip_writer import Member

_WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))

#: Writings in which only one number can be meant.
READABLE: tuple[Callable[[str], str], ...] = (
    lambda digits: f"00{digits}",
    lambda digits: f"+00{digits}",
    lambda digits: f"'{digits}",
    lambda digits: f"'+{digits}",
    lambda digits: f"\u2019+{digits}",
    lambda digits: f'="+{digits}"',
    lambda digits: f'="{digits}"',
    lambda digits: f"+{digits[:3]} {digits[3:7]} {digits[7:]}",
    lambda digits: f"+{digits[:3]}\u00a0{digits[3:]}\u202f",
    lambda digits: f"+{digits[:3]}-{digits[3:7]}-{digits[7:]}",
    lambda digits: f"{digits[:3]}\u2011{digits[3:]}",
    lambda digits: f"+{digits[:3]} ({digits[3:7]}) {digits[7:]}",
    lambda digits: f"(+{digits[:3]}) {digits[3:]}",
    lambda digits: f"{digits[:3]}.{digits[3:7]}.{digits[7:]}",
    lambda digits: f"\u202a+{digits}\u202c",
    lambda digits: f"\u200e{digits}\u200f",
    lambda digits: f"\ufeff+{digits}",
    lambda digits: f"{digits[:5]}\u200b{digits[5:]}",
    lambda digits: f"tel:+{digits}",
    lambda digits: f"{digits}.0",
    lambda digits: digits.translate(_WIDE),
)

#: Writings in which digits are lost, or several numbers can be meant.
UNREADABLE: tuple[Callable[[str], str], ...] = (
    lambda digits: f"{int(digits):.3E}",
    lambda digits: f"{int(digits):.9e}",
    lambda digits: f"{int(digits):.5E}".replace(".", ","),
    lambda digits: f"0{digits[3:]}",
    lambda digits: f"+0{digits[3:]}",
    lambda digits: f"000{digits[3:]}",
    lambda digits: digits + digits,
    lambda digits: f"{digits} {digits}",
    lambda digits: f"{digits[:6]}******",
    lambda digits: f"+{digits[:3]} (0) {digits[3:]}",
    lambda digits: f"{digits}/{digits}",
    lambda digits: f"-{digits}",
    lambda digits: f"{digits}.5",
    lambda digits: f"{digits} ext. 2",
    lambda digits: "Total",
    lambda digits: digits[0],
)

_NAMES = (
    *("Mobile", "msisdn", "MSISDN", "Phone Number", "PhoneNumber", "phone-number", "Phone No.", "Cell phone", "E.164"),
    *("teléfono", "Número de teléfono", "TELÉFONO", "móvil", "手机号", "\u200bNumber", "Number\u00a0", "# number"),
)
_NO_NAMES = ("Who", "Contact", "ID", "No", "Col 1", "MSIS", "数")
_BEFORE = ("Results of amazon", "sep=,", "", "Created: 2026-01-02 03:04", "# rows: 12", "Numbers;12", '"Report"', " ")
_PARTS = ("amazon_{}.csv", "amazon-{:02d}.csv", "d/part{}.csv", "Amazon ({}).CSV", "{:05d}.csv")
_BESIDE = ("failed.csv", "summary.csv", "amazon_failed.csv", "errors.csv", "Amazon-Summary.csv", "invalid_1.csv")


def written_otherwise(rng: random.Random) -> Asked:
    """Write some numbers, or all, otherwise than documented: each can mean one number alone."""
    rows = random_rows(rng)
    share = rng.choice((1.0, 1.0, 0.3))
    way = rng.choice((None, rng.choice(READABLE)))
    cells = [digits for digits, _ in rows]
    for at in {at for at in range(len(rows)) if rng.random() < share} or {rng.randrange(len(rows))}:
        cells[at] = (way or rng.choice(READABLE))(cells[at])
    return _whole(rng, rows, _text(rng, rows, cells))


def unreadable(rng: random.Random) -> Asked:
    """Write some numbers, or all, so that they can't be read: they must be counted, and stay as they are."""
    rows = random_rows(rng)
    share = rng.choice((1.0, 0.3, 0.05))
    way = rng.choice((None, rng.choice(UNREADABLE)))
    cells = [digits for digits, _ in rows]
    lost = {at for at in range(len(rows)) if rng.random() < share} or {rng.randrange(len(rows))}
    for at in lost:
        cells[at] = (way or rng.choice(UNREADABLE))(cells[at])
    left = [cell.replace(",", " ").removeprefix("+") for cell in cells]
    expected = tuple((cell, word) for cell, (_, word) in zip(left, rows, strict=True))
    return dataclasses.replace(_whole(rng, expected, _text(rng, rows, cells)), unreadable=len(lost))


def other_name(rng: random.Random) -> Asked:
    """Name the number's column otherwise, with accents in either form."""
    rows = random_rows(rng)
    name = unicodedata.normalize(rng.choice(("NFC", "NFD")), rng.choice(_NAMES))
    return _whole(rng, rows, _text(rng, rows, name=name))


def unknown_name(rng: random.Random) -> Asked:
    """Name the number's column as nobody does: refused, unless it is asked for by its name."""
    rows = random_rows(rng)
    name = rng.choice(_NO_NAMES)
    text = _text(rng, rows, name=name)
    if rng.random() < 0.5:
        return dataclasses.replace(_whole(rng, rows, text), number_column=rng.choice((name, name.upper(), f" {name} ")))
    return dataclasses.replace(_refused(rng, text), number_column=rng.choice((None, f"{name}x", "amazon,Who")))


def below_a_title(rng: random.Random) -> Asked:
    """Put lines before the header, as reports have them."""
    rows = random_rows(rng)
    lines = rng.choices(_BEFORE, k=rng.randint(1, 5))
    return _whole(rng, rows, "\n".join([*lines, ""]).encode() + _text(rng, rows, bom=False))


def row_before_the_header(rng: random.Random) -> Asked:
    """Put a row before the header, or too many lines: refused, as rows would be lost."""
    rows = random_rows(rng)
    number = rng.choice((digits_of(9), f"+{digits_of(9)}", rng.choice(READABLE[:5])(digits_of(9))))
    before = rng.choice((f"{number},yes\n", f"title\n{number},no\n\n", "title\n" * 10))
    return _refused(rng, before.encode() + _text(rng, rows, bom=False, delimiter=","))


def header_again(rng: random.Random) -> Asked:
    """Repeat the header among the rows, as joined files have it."""
    rows = random_rows(rng)
    head, _, body = _text(rng, rows, bom=False, delimiter=",", end="\n").partition(b"\n")
    lines = body.splitlines(keepends=True)
    for _ in range(rng.randint(1, 3)):
        lines.insert(rng.randint(0, len(lines)), head + b"\n")
    return _whole(rng, rows, head + b"\n" + b"".join(lines))


def repeated(rng: random.Random) -> Asked:
    """Repeat numbers, with the same answer or another, up to one number in all rows."""
    rows = list(_enough_rows(rng))
    one = rng.choice(rows)[0]
    share = rng.choice((1.0, 0.5, 0.1))
    rows = [(one, word) if rng.random() < share else (digits, word) for digits, word in rows]
    rows.insert(rng.randint(0, len(rows)), (rows[0][0], rng.choice((rows[0][1], "yes", "no"))))
    return _whole(rng, tuple(rows), _text(rng, rows))


def in_parts(rng: random.Random) -> Asked:
    """Deliver a table in numbered parts, perhaps with files beside them."""
    rows = _enough_rows(rng)
    members = _parts(rng, rows)
    if rng.random() < 0.5:
        members += _beside(rng)
    rng.shuffle(members)
    return Asked(packed(rng, members), None, rows, frozenset({counts_of(rows)}))


def in_doubtful_parts(rng: random.Random) -> Asked:
    """Deliver what may be no parts of one table: one is missing, or has another header, or none; refused."""
    members = _parts(rng, _enough_rows(rng), names=rng.choice(_PARTS), least=3)
    which = rng.randrange(4)
    if which == 0:
        members.pop(rng.randrange(1, len(members) - 1))
    elif which == 1:
        head, _, body = members[1].content.partition(b"\n")
        members[1] = Member(members[1].name, head.replace(b"amazon", b"activated") + b"\n" + body)
    elif which == 2:
        members[1] = Member(members[1].name, members[1].content.partition(b"\n")[2])
    else:
        members[0] = Member(b"other.csv", members[0].content)
    rng.shuffle(members)
    return Asked(packed(rng, members), None)


def beside_the_table(rng: random.Random) -> Asked:
    """Put files beside the table that hold failed numbers, or figures."""
    rows = random_rows(rng)
    members = [Member(b"amazon.csv", _text(rng, rows)), *_beside(rng)]
    rng.shuffle(members)
    return Asked(packed(rng, members), None, rows, frozenset({counts_of(rows)}))


def _enough_rows(rng: random.Random) -> tuple[Row, ...]:
    rows = random_rows(rng)
    while len(rows) < 8:
        rows += tuple((digits, rng.choice(("yes", "no"))) for digits in fresh_digits(rng, 8))
    return tuple({digits: (digits, word) for digits, word in rows}.values())


def _parts(rng: random.Random, rows: Sequence[Row], *, names: str | None = None, least: int = 2) -> list[Member]:
    count, first = rng.randint(least, 4), rng.choice((0, 1))
    cuts = sorted(rng.sample(range(1, len(rows)), count - 1))
    pieces = [rows[start:end] for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    name, number, delimiter = names or rng.choice(_PARTS), rng.choice(_NAMES), rng.choice(",;")
    return [
        Member(
            name.format(first + at).encode(),
            _text(rng, piece, name=number, delimiter=delimiter, bom=False, end="\n", answer="amazon"),
        )
        for at, piece in enumerate(pieces)
    ]


def _beside(rng: random.Random) -> list[Member]:
    failed = f"Number,reason\n+{digits_of(4)},timeout\n+{digits_of(5)},no\n"
    contents = (failed, f"+{digits_of(4)}\n", "metric,value\nrows,2\n", "", "Number,amazon\n2,1\n")
    return [Member(name.encode(), rng.choice(contents).encode()) for name in rng.sample(_BESIDE, rng.randint(1, 3))]


def _text(
    rng: random.Random,
    rows: Sequence[Row],
    cells: Sequence[str] | None = None,
    *,
    name: str = "Number",
    answer: str | None = None,
    delimiter: str | None = None,
    end: str | None = None,
    bom: bool = True,
) -> bytes:
    """Write rows as a table."""
    written = io.StringIO(newline="")
    writer = csv.writer(
        written,
        delimiter=delimiter or rng.choice(",,,;\t|"),
        quoting=rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL)) if bom else csv.QUOTE_MINIMAL,
        lineterminator=end or rng.choice(("\n", "\n", "\r\n")),
    )
    writer.writerow([name, answer or rng.choice(("amazon", "activated", "AMAZON", "coinw"))])
    plain = rng.random() < 0.5
    for at, (digits, word) in enumerate(rows):
        writer.writerow([cells[at] if cells else f"+{digits}", spelled(rng, word, plain=plain)])
    return (rng.choice(("", "", "\ufeff")) * bom + written.getvalue()).encode()


def _whole(rng: random.Random, rows: tuple[Row, ...], text: bytes) -> Asked:
    return Asked(packed(rng, [Member(b"amazon.csv", text)]), None, rows, frozenset({counts_of(rows)}))


def _refused(rng: random.Random, text: bytes) -> Asked:
    return Asked(packed(rng, [Member(b"amazon.csv", text)]), None)


OTHER_TABLES: dict[str, Callable[[random.Random], Asked]] = {
    "numbers in other writings": written_otherwise,
    "numbers that can't be read": unreadable,
    "another name of the numbers": other_name,
    "an unknown name of the numbers": unknown_name,
    "lines before the header": below_a_title,
    "a row before the header": row_before_the_header,
    "the header again": header_again,
    "numbers again": repeated,
    "a table in parts": in_parts,
    "doubtful parts": in_doubtful_parts,
    "files beside the table": beside_the_table,
}
