"""Whole archives around what is no table of answers, and what is sent in place of an archive."""

from __future__ import annotations

import functools
import gzip
import random
from collections.abc import Callable

from dev.fuzz.damage import garble
from dev.fuzz.model import ArchiveClasses, ArchiveInput, Counts, broken
from dev.fuzz.tables import plain_readings, random_table
from dev.fuzz.values import SECRET, digits_of, fresh_digits
from dev.fuzz.zip_writer import Member, pack, zipped

_NUMBER = f"+{digits_of(7)}"
_BOM = b"\xef\xbb\xbf"
_WRONG_ROWS = (_NUMBER, f"{_NUMBER},yes,no", f"{_NUMBER[1:]},,,", f"{_NUMBER};yes", "yes", "," * 500)
_WRONG_HEADERS = ("Number\n", "Number,amazon,ws\n", "a,b\n", "yes,no\n", "\n\n\n", "Num ber,x\n", "#\n", ",\n", "")
_NO_ROWS = (b"", b"\n", b"Number,amazon", b"Number,amazon\r\n\r\n", _BOM, _BOM + b"Number,ws\n")


def _with_header(rng: random.Random, header: str) -> bytes:
    return (header + "".join(f"+{digits},yes\n" for digits in fresh_digits(rng, rng.randint(1, 20)))).encode()


def _with_row(rng: random.Random, change: Callable[[str], tuple[str, ...]]) -> bytes:
    """Write a table of which one row is changed in one of these ways."""
    rows = [f"+{digits},{rng.choice(('yes', 'no'))}" for digits in fresh_digits(rng, rng.randint(1, 40))]
    place = rng.randrange(len(rows))
    rows[place] = rng.choice(change(rows[place]))
    return "\n".join(["Number,amazon", *rows, ""]).encode()


def _not_utf8(rng: random.Random) -> bytes:
    table = random_table(rng).text
    text, tail = table.decode("utf-8-sig"), rng.choice((b"\xff", b"t\xed", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88"))
    bad = table + b"+1," + tail + b"\n"
    return rng.choice((text.encode("utf-16"), text.encode("utf-32"), bad, bad))


def _with_nul(rng: random.Random) -> bytes:
    table = random_table(rng)
    place, hole = rng.randrange(table.start, len(table.text) + 1), bytes(rng.choice((1, 2, 512, 70_000)))
    return table.text[:place] + hole + table.text[place + rng.choice((0, len(hole))) :]


def _many_cells(rng: random.Random) -> bytes:
    row = rng.choice((",x", '"x",', f"{_NUMBER},")) * rng.choice((1_000, 400_000, 900_000))
    return f"Number,amazon\n{row}\n+{digits_of(2)},yes\n".encode()


#: Tables that must be refused, or read as the plainest program reads them.
_TEXTS: dict[str, Callable[[random.Random], bytes]] = {
    "wrong number of cells": lambda rng: _with_row(rng, lambda _: _WRONG_ROWS),
    "a quote left open": lambda rng: _with_row(
        rng, lambda row: (f'"{row}', row.replace(",", ',"'), f'"{_NUMBER}"1,no')
    ),
    "an unexpected header": lambda rng: _with_header(rng, rng.choice(_WRONG_HEADERS)),
    "a doubled header": lambda rng: _with_header(
        rng, rng.choice(("Number,Number\n", "number,NUMBER\n", '"Number","Number"\n'))
    ),
    "no rows": lambda rng: rng.choice(_NO_ROWS),
    "not UTF-8": _not_utf8,
    "NUL bytes": _with_nul,
    "very many cells": _many_cells,
    "garbled text": lambda rng: garble(rng, random_table(rng).text),
}


def _archive(text_of: Callable[[random.Random], bytes], rng: random.Random) -> ArchiveInput:
    text = text_of(rng)
    return broken(zipped(text, rng.choice((b"all.csv", b"x/amazon.csv"))), *plain_readings(text))


BROKEN = ArchiveClasses({name: functools.partial(_archive, text_of) for name, text_of in _TEXTS.items()})


@BROKEN("columns swapped")
def _swapped(rng: random.Random) -> ArchiveInput:
    digits = fresh_digits(rng, rng.randint(1, 20))
    text = "\n".join(["amazon,Number", *(f"yes,+{number}" for number in digits), ""])
    return broken(zipped(text.encode()), Counts(len(digits), len(digits), 0, 0))


@BROKEN("a gigantic cell")
def _gigantic_cell(rng: random.Random) -> ArchiveInput:
    size = rng.choice((2_000, 100_000, 140_000, 900_000, 3_000_000))
    one, two, three = fresh_digits(rng, 3)
    text = f"Number,amazon\n+{one},yes\n+{two},{rng.choice(('y', ' ', '9')) * size}\n+{three},no\n"
    return broken(zipped(text.encode()), *([Counts(3, 1, 1, 1)] if size < 1_000_000 else []))


@BROKEN("a workbook")
def _workbook(rng: random.Random) -> ArchiveInput:
    names = [b"[Content_Types].xml", b"_rels/.rels", b"xl/workbook.xml", b"xl/worksheets/sheet1.xml"]
    members = [Member(name, b"<?xml version='1.0'?><x>" + _NUMBER.encode() + b"</x>") for name in names]
    if rng.random() < 0.3:
        members.append(Member(b"xl/embeddings/all.csv", random_table(rng).text))
    rng.shuffle(members)
    return broken(pack(members))


@BROKEN("a page")
def _page(rng: random.Random) -> ArchiveInput:
    texts = (
        f"<!DOCTYPE html><html><title>{SECRET}</title></html>",
        f"\n\n  <HTML><body>{SECRET}</body>",
        f"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>{SECRET}</Message></Error>",
        *(f'{{"error": "{SECRET}"}}', SECRET, f"PK\x01\x02{SECRET}" * 3),
        *(f"PK{signature}{SECRET}" for signature in ("", "\x03\x04", "\x05\x06")),
    )
    return broken(rng.choice(texts).encode())


@BROKEN("another kind of file")
def _another_kind(rng: random.Random) -> ArchiveInput:
    table, noise = random_table(rng).text, rng.randbytes(100)
    starts = (b"PK\x03\x04" + noise, b"PK\x05\x06" + bytes(18), b"PK\x05\x06" + noise[:18])
    others = (b"7z\xbc\xaf\x27\x1c" + noise, b"Rar!\x1a\x07\x00" + noise, gzip.compress(table), table)
    random_bytes = (bytes(rng.randint(1, 5_000)), rng.randbytes(rng.randint(1, 5_000)))
    many = (b"PK\x05\x06" * 20_000, b"PK\x06\x06" * 20_000)
    return broken(rng.choice((b"", b"P", b"PK", *random_bytes, *starts, *others, *many)))


@BROKEN("no table")
def _no_table(rng: random.Random) -> ArchiveInput:
    one, two = random_table(rng).text, random_table(rng).text
    contents: tuple[list[tuple[bytes, bytes]], ...] = (
        *([(b"a.csv", one), (b"b.csv", two)], [(b"a/all.csv", one), (b"b/all.csv", two)]),
        *([(b"all.csv", one), (b"all.csv", one)], [(b"all.csv/", b"")], [(_NUMBER.encode() + b".json", one)], []),
        *([(b"results.xls", one)], [(b"all.csv.gz", gzip.compress(one))]),
    )
    return broken(pack([Member(*item) for item in rng.choice(contents)]))
