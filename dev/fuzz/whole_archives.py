"""Archives as the vendor is known to send them, or as any zip writer may: each must be read, with the right counts."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

from dev.fuzz.marks import fresh_digits
from dev.fuzz.model import Row
from dev.fuzz.shapes import Made, Shapes, whole, zipped
from dev.fuzz.tables import plain_list, random_table, rows_of
from dev.fuzz.zip_writer import STORED, Member, pack

_FOLDERS = ("", "", "result/", "d4g8o46p2jvh04o9uolg/", "a/b/c/d/", "/", "../../", "./", "C:\\", "folder\\", "x y/")
_NAMES = ("amazon.csv", "AMAZON.CSV", "result.csv", "d4g8o46p2jvh04o9uolg.csv", "coinw.Csv", "t.csv")
_WHOLE = ("all.csv", "ALL.CSV", "All.csv")
_OTHERS = ("readme.txt", "summary.json", "log", "picture.png", "inner.zip", "notes.md", "results.csv.bak")

#: Members and rows.
Content = tuple[list[Member], tuple[Row, ...]]


def _one_table(rng: random.Random) -> Content:
    table = random_table(rng)
    return [_member(rng, rng.choice(_FOLDERS) + rng.choice((*_NAMES, *_WHOLE)), table.text)], table.rows


def _all_beside_lists(rng: random.Random) -> Content:
    """Return ``all.csv`` beside the lists (and other tables) that hold the same numbers again."""
    table = random_table(rng)
    folder = rng.choice(_FOLDERS)
    contents = {folder + rng.choice(_WHOLE): table.text}
    for name, answer in (("activated.txt", "yes"), ("unregistered.txt", "no")):
        if rng.random() < 0.8:
            contents[folder + name] = plain_list(rng, [digits for digits, word in table.rows if word == answer])
    if rng.random() < 0.3:
        contents[f"{folder}activated.csv"] = random_table(rng, most=10).text
    if rng.random() < 0.3 and folder:
        contents[folder] = b""
    members = [_member(rng, name, content) for name, content in contents.items()]
    rng.shuffle(members)
    return members, table.rows


def lists_only(rng: random.Random) -> Content:
    """Return the lists alone: the name says what the numbers are."""
    digits = fresh_digits(rng, rng.randint(1, 60))
    cut = rng.randint(0, len(digits))
    folder = rng.choice(_FOLDERS)
    activated = folder + rng.choice(("activated.txt", "Activated.TXT"))
    members = [
        _member(rng, activated, plain_list(rng, digits[:cut])),
        _member(rng, folder + "unregistered.txt", plain_list(rng, digits[cut:])),
    ]
    return members, rows_of(digits, ["yes"] * cut + ["no"] * (len(digits) - cut))


def _in_company(rng: random.Random) -> Content:
    """Return a table among members that are no part of the result, some of them archives themselves."""
    table = random_table(rng)
    inner = zipped(random_table(rng, most=5).text)
    members = [_member(rng, rng.choice(_FOLDERS) + rng.choice(_NAMES), table.text)]
    for name in rng.sample(_OTHERS, rng.randint(1, 4)):
        members.append(_member(rng, name, inner if name.endswith(".zip") else rng.randbytes(rng.randint(0, 3000))))
    members += [_member(rng, f"pages/{page}.html", b"<p>") for page in range(rng.choice((0, 0, 5, 40)))]
    rng.shuffle(members)
    return members, table.rows


def _large_table(rng: random.Random) -> Content:
    """Return a table that spans several of any reader's blocks."""
    count = rng.choice((3_000, 20_000, 70_000)) + rng.randint(0, 5_000)
    rows = rows_of(fresh_digits(rng, count), rng.choices(("yes", "no", "unknown"), (4, 6, 1), k=count))
    return [_member(rng, rng.choice(_NAMES), random_table(rng, rows).text)], rows


CONTENTS: dict[str, Callable[[random.Random], Content]] = {
    "one table": _one_table,
    "all.csv beside lists": _all_beside_lists,
    "lists only": lists_only,
    "a table in company": _in_company,
    "a large table": _large_table,
}


def _shape(make: Callable[[random.Random], Content], rng: random.Random) -> Made:
    members, rows = make(rng)
    return whole(packed(rng, members), rows)


SHAPES = Shapes({name: functools.partial(_shape, make) for name, make in CONTENTS.items()})


def packed(rng: random.Random, members: list[Member]) -> bytes:
    """Pack members with whatever a zip may have without being another one: ZIP64, a prefix, a comment."""
    zip64_end = rng.random() < 0.15
    prefix = rng.choice((b"", b"", b"", b"#!/bin/true\n", rng.randbytes(rng.randint(1, 3000))))
    # A signature within the prefix or the comment would make it another file.
    prefix = prefix.replace(b"PK", b"pk")
    comment = rng.choice((b"", b"", b"", b"made by a fuzzer", b"c" * 65_535))
    return pack(members, comment=comment, prefix=prefix, shifted=rng.random() < 0.5, zip64_end=zip64_end)


def random_members(rng: random.Random) -> Content:
    """Return the members of a small archive of any shape, and its rows."""
    return rng.choice((_one_table, _one_table, _all_beside_lists, lists_only, _in_company))(rng)


def _member(rng: random.Random, name: str, content: bytes) -> Member:
    stamp = b"UT\x05\x00\x01\x00\x00\x00\x00"
    return Member(
        name.encode(),
        content,
        method=STORED if rng.random() < 0.2 else 8,
        level=rng.choice((1, 6, 6, 9)),
        zip64=rng.random() < 0.15,
        descriptor=rng.choice(("", "", "", "plain", "signed")),
        extra=rng.choice((b"", b"", stamp)),
        listed_extra=rng.choice((b"", b"", stamp)),
        comment=rng.choice((b"", b"", b"", b"a comment")),
        flags=rng.choice((0, 0, 0x800, 2)),
    )
