"""Archives as the vendor is known to send them, or as any zip writer may: each must be read, with the right counts."""

from __future__ import annotations

import random

from dev.fuzz.marks import fresh_digits
from dev.fuzz.tables import Row, Table, plain_list, random_rows, random_table
from dev.fuzz.zip_writer import STORED, Member, pack

_FOLDERS = ("", "", "result/", "d4g8o46p2jvh04o9uolg/", "a/b/c/d/", "/", "../../", "./", "C:\\", "folder\\", "x y/")
_NAMES = ("amazon.csv", "AMAZON.CSV", "result.csv", "d4g8o46p2jvh04o9uolg.csv", "coinw.Csv", "t.csv")
_WHOLE = ("all.csv", "ALL.CSV", "All.csv")
_OTHERS = ("readme.txt", "summary.json", "log", "picture.png", "inner.zip", "notes.md", "results.csv.bak")


def one_table(rng: random.Random) -> tuple[list[Member], tuple[Row, ...]]:
    """Return a single table, named in one of the known ways."""
    table = random_table(rng)
    return [_member(rng, rng.choice(_FOLDERS) + rng.choice((*_NAMES, *_WHOLE)), table.text)], table.rows


def whole_beside_lists(rng: random.Random) -> tuple[list[Member], tuple[Row, ...]]:
    """Return ``all.csv`` beside the lists (and other tables) that hold the same numbers again."""
    table = random_table(rng)
    folder = rng.choice(_FOLDERS)
    contents = {folder + rng.choice(_WHOLE): table.text, **_lists(rng, folder, table)}
    if rng.random() < 0.3:
        contents[f"{folder}activated.csv"] = random_table(rng, most=10).text
    if rng.random() < 0.3 and folder:
        contents[folder] = b""
    members = [_member(rng, name, content) for name, content in contents.items()]
    rng.shuffle(members)
    return members, table.rows


def lists_only(rng: random.Random) -> tuple[list[Member], tuple[Row, ...]]:
    """Return the lists alone: the name says what the numbers are."""
    digits = fresh_digits(rng, rng.randint(1, 60))
    cut = rng.randint(0, len(digits))
    folder = rng.choice(_FOLDERS)
    activated, unregistered = plain_list(rng, digits[:cut]), plain_list(rng, digits[cut:])
    members = [
        _member(rng, folder + rng.choice(("activated.txt", "Activated.TXT")), activated),
        _member(rng, folder + "unregistered.txt", unregistered),
    ]
    return members, (*((number, "yes") for number in digits[:cut]), *((number, "no") for number in digits[cut:]))


def with_company(rng: random.Random) -> tuple[list[Member], tuple[Row, ...]]:
    """Return a table among members that are nobody's business, some of them archives themselves."""
    table = random_table(rng)
    inner = pack([Member(b"all.csv", random_table(rng, most=5).text)])
    members = [_member(rng, rng.choice(_FOLDERS) + rng.choice(_NAMES), table.text)]
    for name in rng.sample(_OTHERS, rng.randint(1, 4)):
        members.append(_member(rng, name, inner if name.endswith(".zip") else rng.randbytes(rng.randint(0, 3000))))
    members += [_member(rng, f"pages/{page}.html", b"<p>") for page in range(rng.choice((0, 0, 5, 200)))]
    rng.shuffle(members)
    return members, table.rows


def large_table(rng: random.Random) -> tuple[list[Member], tuple[Row, ...]]:
    """Return a table that spans several of any reader's blocks."""
    rows = random_rows(rng, most=2)
    count = rng.choice((3_000, 20_000, 70_000)) + rng.randint(0, 5_000)
    answers = rng.choices(("yes", "no", "unknown"), (4, 6, 1), k=count)
    rows = tuple(zip(fresh_digits(rng, count), answers, strict=True))
    table = random_table(rng, rows)
    return [_member(rng, rng.choice(_NAMES), table.text)], rows


SHAPES = {
    "one table": one_table,
    "all.csv beside lists": whole_beside_lists,
    "lists only": lists_only,
    "a table in company": with_company,
    "a large table": large_table,
}


def packed(rng: random.Random, members: list[Member], *, plain: bool = False) -> bytes:
    """Pack members with whatever a zip may have without being another one: ZIP64, a prefix, a comment."""
    if plain:
        return pack(members)
    zip64_end = rng.random() < 0.15
    prefix = rng.choice((b"", b"", b"", b"#!/bin/true\n", rng.randbytes(rng.randint(1, 3000))))
    # A signature within the prefix or the comment would make it another file.
    prefix = prefix.replace(b"PK", b"pk")
    comment = rng.choice((b"", b"", b"", b"made by a fuzzer", b"c" * 65_535))
    return pack(members, comment=comment, prefix=prefix, shifted=rng.random() < 0.5, zip64_end=zip64_end)


def random_members(rng: random.Random) -> tuple[list[Member], tuple[Row, ...]]:
    """Return the members of a small archive of any shape, and its rows."""
    return rng.choice((one_table, one_table, whole_beside_lists, lists_only, with_company))(rng)


def _lists(rng: random.Random, folder: str, table: Table) -> dict[str, bytes]:
    chosen = {}
    for name, answer in (("activated.txt", "yes"), ("unregistered.txt", "no")):
        if rng.random() < 0.8:
            chosen[folder + name] = plain_list(rng, [digits for digits, word in table.rows if word == answer])
    return chosen


def _member(rng: random.Random, name: str, content: bytes) -> Member:
    return Member(
        name.encode(),
        content,
        method=STORED if rng.random() < 0.2 else 8,
        level=rng.choice((1, 6, 6, 9)),
        zip64=rng.random() < 0.15,
        descriptor=rng.choice(("", "", "", "plain", "signed")),
        extra=rng.choice((b"", b"", b"UT\x05\x00\x01\x00\x00\x00\x00")),
        listed_extra=rng.choice((b"", b"", b"UT\x05\x00\x01\x00\x00\x00\x00")),
        comment=rng.choice((b"", b"", b"", b"a comment")),
        flags=rng.choice((0, 0, 0x800, 2)),
    )
