"""Archives as the vendor is known to send them, or as any zip writer may: each must be read, with the right counts."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

from dev.fuzz.model import ArchiveClasses, ArchiveInput, Row, whole
from dev.fuzz.tables import plain_list, random_table
from dev.fuzz.values import TASK_ID, fresh_digits
from dev.fuzz.zip_writer import STORED, Member, pack, zipped

_FOLDERS = ("", "", "result/", f"{TASK_ID}/", "a/b/c/d/", "/", "../../", "./", "C:\\", "folder\\", "x y/")
_NAMES = ("amazon.csv", "AMAZON.CSV", "result.csv", f"{TASK_ID}.csv", "coinw.Csv", "t.csv")
_WHOLE = ("all.csv", "ALL.CSV", "All.csv")
_OTHERS = ("readme.txt", "summary.json", "log", "picture.png", "inner.zip", "notes.md", "results.csv.bak")

#: Members and rows.
Content = tuple[list[Member], tuple[Row, ...]]


def _one_table(rng: random.Random) -> Content:
    table = random_table(rng)
    return [_member(rng, rng.choice(_FOLDERS) + rng.choice((*_NAMES, *_WHOLE)), table.text)], table.rows


def _all_beside_lists(rng: random.Random) -> Content:
    # The lists, and other tables, hold the same numbers again.
    table, folder = random_table(rng), rng.choice(_FOLDERS)
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
    digits, folder = fresh_digits(rng, rng.randint(1, 60)), rng.choice(_FOLDERS)
    cut = rng.randint(0, len(digits))
    activated = folder + rng.choice(("activated.txt", "Activated.TXT"))
    parts = {activated: digits[:cut], folder + "unregistered.txt": digits[cut:]}
    members = [_member(rng, name, plain_list(rng, part)) for name, part in parts.items()]
    return members, tuple((number, "yes" if place < cut else "no") for place, number in enumerate(digits))


def _in_company(rng: random.Random) -> Content:
    table = random_table(rng)
    inner = zipped(random_table(rng, most=5).text)
    members = [_member(rng, rng.choice(_FOLDERS) + rng.choice(_NAMES), table.text)]
    for name in rng.sample(_OTHERS, rng.randint(1, 4)):
        members.append(_member(rng, name, inner if name.endswith(".zip") else rng.randbytes(rng.randint(0, 3000))))
    members += [_member(rng, f"pages/{page}.html", b"<p>") for page in range(rng.choice((0, 0, 5, 40)))]
    rng.shuffle(members)
    return members, table.rows


def _large_table(rng: random.Random) -> Content:
    # It spans several of any reader's blocks.
    count = rng.choice((3_000, 20_000, 70_000)) + rng.randint(0, 5_000)
    answers = rng.choices(("yes", "no", "unknown"), (4, 6, 1), k=count)
    rows = tuple(zip(fresh_digits(rng, count), answers, strict=True))
    return [_member(rng, rng.choice(_NAMES), random_table(rng, rows).text)], rows


CONTENTS: dict[str, Callable[[random.Random], Content]] = {
    "one table": _one_table,
    "all.csv beside lists": _all_beside_lists,
    "lists only": lists_only,
    "a table in company": _in_company,
    "a large table": _large_table,
}


def _archive(make: Callable[[random.Random], Content], rng: random.Random) -> ArchiveInput:
    members, rows = make(rng)
    return whole(packed(rng, members), rows)


WHOLE = ArchiveClasses({name: functools.partial(_archive, make) for name, make in CONTENTS.items()})


def packed(rng: random.Random, members: list[Member]) -> bytes:
    """Pack members with whatever a zip may have without being another one: ZIP64, a prefix, a comment."""
    prefix = rng.choice((b"", b"", b"", b"#!/bin/true\n", rng.randbytes(rng.randint(1, 3000))))
    return pack(
        members,
        comment=rng.choice((b"", b"", b"", b"made by a fuzzer", b"c" * 65_535)),
        prefix=prefix.replace(b"PK", b"pk"),  # a signature within it would make it another file
        shifted=rng.random() < 0.5,
        zip64_end=rng.random() < 0.15,
    )


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
