"""Whole archives around what is no table of answers, and what is sent in place of an archive."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

from dev.fuzz.damage import garble
from dev.fuzz.marks import SECRET, digits_of, fresh_digits
from dev.fuzz.model import Counts
from dev.fuzz.shapes import Made, Shapes, broken, zipped
from dev.fuzz.tables import plain_reading, plain_readings, random_table
from dev.fuzz.zip_writer import Member, pack

_NUMBER = f"+{digits_of(7)}"

BROKEN = Shapes()


def _changed_row(rng: random.Random, change: Callable[[str], tuple[str, ...]]) -> bytes:
    """Write a table of which one row is changed in one of these ways."""
    rows = [f"+{digits},{rng.choice(('yes', 'no'))}" for digits in fresh_digits(rng, rng.randint(1, 40))]
    place = rng.randrange(len(rows))
    rows[place] = rng.choice(change(rows[place]))
    return "\n".join(["Number,amazon", *rows, ""]).encode()


@BROKEN("wrong number of cells")
def _wrong_cells(rng: random.Random) -> Made:
    digits = digits_of(3)
    text = _changed_row(
        rng, lambda _: (f"+{digits}", f"+{digits},yes,no", f"{digits},,,", f"+{digits};yes", "yes", "," * 500)
    )
    return broken(zipped(text), *plain_reading(text))


@BROKEN("a quote left open")
def _open_quote(rng: random.Random) -> Made:
    """Leave a quote open: what follows must not be swallowed."""
    ways: Callable[[str], tuple[str, ...]] = lambda row: (f'"{row}', row.replace(",", ',"'), f'"+{digits_of(5)}"1,no')  # noqa: E731
    return broken(zipped(_changed_row(rng, ways)))


@BROKEN("an odd header")
def _odd_header(rng: random.Random) -> Made:
    """Begin with no header, or one of other columns."""
    body = "".join(f"+{digits},yes\n" for digits in fresh_digits(rng, rng.randint(1, 20)))
    headers = ("", "Number\n", "Number,amazon,ws\n", "a,b\n", "yes,no\n", "\n\n\n", "Num ber,x\n", "#\n", ",\n")
    return broken(zipped((rng.choice(headers) + body).encode()))


@BROKEN("columns swapped")
def _swapped(rng: random.Random) -> Made:
    """Put the answer first, as the header says: refused, or read by the header."""
    digits = fresh_digits(rng, rng.randint(1, 20))
    text = "\n".join(["amazon,Number", *(f"yes,+{number}" for number in digits), ""])
    return broken(zipped(text.encode()), Counts(len(digits), len(digits), 0, 0))


@BROKEN("a doubled header")
def _doubled_header(rng: random.Random) -> Made:
    """Name both columns alike."""
    digits = fresh_digits(rng, rng.randint(1, 20))
    header = rng.choice(("Number,Number", "number,NUMBER", '"Number","Number"'))
    text = "\n".join([header, *(f"+{number},no" for number in digits), ""])
    return broken(zipped(text.encode()), Counts(len(digits), 0, len(digits), 0))


@BROKEN("no rows")
def _no_rows(rng: random.Random) -> Made:
    bom = b"\xef\xbb\xbf"
    texts = (b"", b"\n", b"Number,amazon", b"Number,amazon\r\n\r\n", bom, bom + b"Number,ws\n")
    return broken(zipped(rng.choice(texts), rng.choice((b"all.csv", b"x/amazon.csv"))))


@BROKEN("not UTF-8")
def _not_utf8(rng: random.Random) -> Made:
    """Write the table in another encoding, or break one character."""
    table = random_table(rng).text
    text, tail = table.decode("utf-8-sig"), rng.choice((b"\xff", b"t\xed", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88"))
    bad = table + b"+1," + tail + b"\n"
    return broken(zipped(rng.choice((text.encode("utf-16"), text.encode("utf-32"), bad, bad))))


@BROKEN("NUL bytes")
def _nul_bytes(rng: random.Random) -> Made:
    """Leave NUL bytes in the table: in a word, in a number, or a hole of them."""
    table = random_table(rng)
    place = rng.randrange(table.start, len(table.text) + 1)
    hole = bytes(rng.choice((1, 2, 512, 70_000)))
    text = table.text[:place] + hole + table.text[place + rng.choice((0, len(hole))) :]
    return broken(zipped(text), *plain_readings(text))


@BROKEN("a gigantic cell")
def _gigantic_cell(rng: random.Random) -> Made:
    """Give one row a word, or a number, of kilobytes to mebibytes."""
    size = rng.choice((2_000, 100_000, 140_000, 900_000, 3_000_000))
    one, two, three = fresh_digits(rng, 3)
    text = f"Number,amazon\n+{one},yes\n+{two},{rng.choice(('y', ' ', '9')) * size}\n+{three},no\n"
    return broken(zipped(text.encode()), *([Counts(3, 1, 1, 1)] if size < 1_000_000 else []))


@BROKEN("very many cells")
def _many_cells(rng: random.Random) -> Made:
    """Give one row hundreds of thousands of cells."""
    count = rng.choice((1_000, 400_000, 900_000))
    row = rng.choice((",x", '"x",', f"+{digits_of(1)},")) * count
    return broken(zipped(f"Number,amazon\n{row}\n+{digits_of(2)},yes\n".encode()))


@BROKEN("a workbook")
def _workbook(rng: random.Random) -> Made:
    """Send an Excel file, which is a zip too."""
    names = [b"[Content_Types].xml", b"_rels/.rels", b"xl/workbook.xml", b"xl/worksheets/sheet1.xml"]
    members = [Member(name, b"<?xml version='1.0'?><x>" + _NUMBER.encode() + b"</x>") for name in names]
    if rng.random() < 0.3:
        members.append(Member(b"xl/embeddings/all.csv", random_table(rng).text))
    rng.shuffle(members)
    return broken(pack(members))


@BROKEN("a page")
def _page(rng: random.Random) -> Made:
    """Send a page of a proxy: HTML, XML, JSON, text; with a number, a key and a query in it."""
    texts = (
        f"<!DOCTYPE html><html><title>{SECRET}</title></html>",
        f"\n\n  <HTML><body>{SECRET}</body>",
        f"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>{SECRET}</Message></Error>",
        f'{{"error": "{SECRET}"}}',
        SECRET,
        *(f"PK{signature}{SECRET}" for signature in ("", "\x03\x04", "\x05\x06")),
        f"PK\x01\x02{SECRET}" * 3,
    )
    return broken(rng.choice(texts).encode())


@BROKEN("another kind of file")
def _another_kind(rng: random.Random) -> Made:
    """Send another kind of file, or nothing."""
    table = random_table(rng).text
    starts = (b"PK\x03\x04" + rng.randbytes(200), b"PK\x05\x06" + bytes(18), b"PK\x05\x06" + rng.randbytes(18))
    others = (b"7z\xbc\xaf\x27\x1c" + rng.randbytes(100), b"Rar!\x1a\x07\x00" + rng.randbytes(100))
    random_bytes = (bytes(rng.randint(1, 5_000)), rng.randbytes(rng.randint(1, 5_000)))
    many = (b"PK\x05\x06" * 20_000, b"PK\x06\x06" * 20_000)
    return broken(rng.choice((b"", b"P", b"PK", gzip.compress(table), table, *random_bytes, *starts, *others, *many)))


@BROKEN("no table")
def _no_table(rng: random.Random) -> Made:
    """Name the table otherwise, or send two."""
    one, two = random_table(rng).text, random_table(rng).text
    contents: tuple[dict[bytes, bytes], ...] = (
        {b"results.xls": one},
        {b"all.csv.gz": gzip.compress(one)},
        {b"a.csv": one, b"b.csv": two},
        {b"a/all.csv": one, b"b/all.csv": two},
        {b"all.csv/": b""},
        {_NUMBER.encode() + b".json": one},
        {},
    )
    members = [[Member(*item) for item in content.items()] for content in contents]
    return broken(pack(rng.choice((*members, [Member(b"all.csv", one), Member(b"all.csv", one)]))))


@BROKEN("garbled text")
def _garbled_text(rng: random.Random) -> Made:
    text = garble(rng, random_table(rng).text)
    return broken(zipped(text), *plain_readings(text))
