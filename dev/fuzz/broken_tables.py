"""Whole archives around what is no table of answers, and what arrives in place of an archive."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

from dev.fuzz.damage import Damaged
from dev.fuzz.inputs import Counts
from dev.fuzz.marks import API_KEY, QUERY, digits_of, fresh_digits
from dev.fuzz.tables import plain_reading, random_table
from dev.fuzz.zip_writer import Member, pack

_NUMBER = f"+{digits_of(7)}"


def _zipped(text: bytes, name: bytes = b"all.csv") -> bytes:
    return pack([Member(name, text)])


def wrong_fields(rng: random.Random) -> Damaged:
    """Give one row too few or too many cells."""
    rows = [f"+{digits},{rng.choice(('yes', 'no'))}" for digits in fresh_digits(rng, rng.randint(1, 40))]
    place = rng.randrange(len(rows))
    digits = digits_of(3)
    rows[place] = rng.choice((f"+{digits}", f"+{digits},yes,no", f"{digits},,,", f"+{digits};yes", "yes", "," * 500))
    text = "\n".join(["Number,amazon", *rows, ""]).encode()
    return _zipped(text), plain_reading(text)


def unclosed_quote(rng: random.Random) -> Damaged:
    """Leave a quote open: what follows must not be swallowed."""
    rows = [f"+{digits},yes" for digits in fresh_digits(rng, rng.randint(1, 40))]
    place = rng.randrange(len(rows))
    rows[place] = rng.choice((f'"{rows[place]}', rows[place].replace(",", ',"'), f'"+{digits_of(5)}"1,no'))
    return _zipped("\n".join(["Number,amazon", *rows, ""]).encode()), frozenset()


def odd_header(rng: random.Random) -> Damaged:
    """Begin with no header, or one of other columns."""
    body = "".join(f"+{digits},yes\n" for digits in fresh_digits(rng, rng.randint(1, 20)))
    header = rng.choice(
        (
            "",
            "Number\n",
            "Number,amazon,ws\n",
            "a,b\n",
            "yes,no\n",
            "\n\n\n",
            "Num ber,x\n",
            "#\n",
            ",\n",
        )
    )
    return _zipped((header + body).encode()), frozenset()


def swapped_columns(rng: random.Random) -> Damaged:
    """Put the answer first, as the header says: refused, or read by the header."""
    digits = fresh_digits(rng, rng.randint(1, 20))
    text = "\n".join(["amazon,Number", *(f"yes,+{number}" for number in digits), ""])
    return _zipped(text.encode()), frozenset({Counts(len(digits), len(digits), 0, 0)})


def doubled_header(rng: random.Random) -> Damaged:
    """Name both columns alike, or repeat the header as a row."""
    digits = fresh_digits(rng, rng.randint(1, 20))
    header = rng.choice(("Number,Number", "number,NUMBER", '"Number","Number"'))
    text = "\n".join([header, *(f"+{number},no" for number in digits), ""])
    return _zipped(text.encode()), frozenset({Counts(len(digits), 0, len(digits), 0)})


def no_rows(rng: random.Random) -> Damaged:
    """Leave the table without a row."""
    text = rng.choice(
        (b"", b"\n", b"Number,amazon", b"Number,amazon\r\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbfNumber,ws\n")
    )
    return pack([Member(rng.choice((b"all.csv", b"x/amazon.csv")), text)]), frozenset()


def not_utf8(rng: random.Random) -> Damaged:
    """Write the table in another encoding, or break one character."""
    table = random_table(rng)
    text = table.text.decode("utf-8-sig")
    spoilt = table.text + rng.choice(
        (b"+1,\xff\n", b"+1,t\xed\n", b"+1,\xc3\x28\n", b"+1,\xed\xa0\x80\n", b"+1,\xf8\x88\n")
    )
    return _zipped(rng.choice((text.encode("utf-16"), text.encode("utf-32"), spoilt, spoilt))), frozenset()


def nul_bytes(rng: random.Random) -> Damaged:
    """Leave NUL bytes in the table: in a word, in a number, or a hole of them."""
    table = random_table(rng)
    place = rng.randrange(table.start, len(table.text) + 1)
    hole = bytes(rng.choice((1, 2, 512, 70_000)))
    text = table.text[:place] + hole + table.text[place + rng.choice((0, len(hole))) :]
    return _zipped(text), plain_reading(text) | _with_blanks(text)


def _with_blanks(text: bytes) -> frozenset[Counts]:
    """Read a table with blanks in the place of NULs, which is as good as any other way."""
    return plain_reading(text.replace(b"\x00", b" "))


def gigantic_cell(rng: random.Random) -> Damaged:
    """Give one row a word, or a number, of kilobytes to mebibytes."""
    size = rng.choice((2_000, 100_000, 140_000, 900_000, 3_000_000))
    digits = fresh_digits(rng, 3)
    word = rng.choice(("y", " ", "9")) * size
    text = f"Number,amazon\n+{digits[0]},yes\n+{digits[1]},{word}\n+{digits[2]},no\n"
    return _zipped(text.encode()), frozenset({Counts(3, 1, 1, 1)} if size < 1_000_000 else ())


def many_fields(rng: random.Random) -> Damaged:
    """Give one row hundreds of thousands of cells."""
    count = rng.choice((1_000, 400_000, 900_000))
    row = rng.choice((",x", '"x",', f"+{digits_of(1)},")) * count
    return _zipped(f"Number,amazon\n{row}\n+{digits_of(2)},yes\n".encode()), frozenset()


def workbook(rng: random.Random) -> Damaged:
    """Send an Excel file, which is a zip too."""
    names = [b"[Content_Types].xml", b"_rels/.rels", b"xl/workbook.xml", b"xl/worksheets/sheet1.xml"]
    members = [Member(name, b"<?xml version='1.0'?><x>" + _NUMBER.encode() + b"</x>") for name in names]
    if rng.random() < 0.3:
        members.append(Member(b"xl/embeddings/all.csv", random_table(rng).text))
    rng.shuffle(members)
    return pack(members), frozenset()


def page(rng: random.Random) -> Damaged:
    """Send a page of somebody in between: HTML, XML, JSON, text; with a number, a key and a query in it."""
    secret = f"{_NUMBER} {API_KEY} https://x.s3.amazonaws.com/t.zip?{QUERY}"
    text = rng.choice(
        (
            f"<!DOCTYPE html><html><title>{secret}</title></html>",
            f"\n\n  <HTML><body>{secret}</body>",
            f"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>{secret}</Message></Error>",
            f'{{"error": "{secret}"}}',
            secret,
            f"PK{secret}",
            f"PK\x03\x04{secret}",
            f"PK\x05\x06{secret}",
            f"PK\x01\x02{secret}" * 3,
        )
    )
    return text.encode(), frozenset()


def another_kind(rng: random.Random) -> Damaged:
    """Send another kind of file, or nothing."""
    table = random_table(rng)
    return (
        rng.choice(
            (
                b"",
                b"P",
                b"PK",
                bytes(rng.randint(1, 5_000)),
                gzip.compress(table.text),
                table.text,
                rng.randbytes(rng.randint(1, 5_000)),
                b"PK\x03\x04" + rng.randbytes(200),
                b"PK\x05\x06" + bytes(18),
                b"PK\x05\x06" + rng.randbytes(18),
                b"7z\xbc\xaf\x27\x1c" + rng.randbytes(100),
                b"Rar!\x1a\x07\x00" + rng.randbytes(100),
                b"PK\x05\x06" * 20_000,
                b"PK\x06\x06" * 20_000,
            )
        ),
        frozenset(),
    )


def no_table(rng: random.Random) -> Damaged:
    """Name the table otherwise, or send two."""
    one, two = random_table(rng), random_table(rng)
    members = rng.choice(
        (
            [Member(b"results.xls", one.text)],
            [Member(b"all.csv.gz", gzip.compress(one.text))],
            [Member(b"a.csv", one.text), Member(b"b.csv", two.text)],
            [Member(b"a/all.csv", one.text), Member(b"b/all.csv", two.text)],
            [Member(b"all.csv", one.text), Member(b"all.csv", one.text)],
            [Member(b"all.csv/", b"")],
            [Member(_NUMBER.encode() + b".json", one.text)],
            [],
        )
    )
    return pack(members), frozenset()


def garbled_text(rng: random.Random) -> Damaged:
    """Change a few characters of the table before it is packed: sums are true, so only its form tells."""
    table = random_table(rng)
    changed = bytearray(table.text)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] = rng.choice(b'\x00\n\r",;\t|+yno \xff\xc3(9')
    return _zipped(bytes(changed)), plain_reading(bytes(changed)) | _with_blanks(bytes(changed))


BROKEN: dict[str, Callable[[random.Random], Damaged]] = {
    "wrong number of cells": wrong_fields,
    "a quote left open": unclosed_quote,
    "an odd header": odd_header,
    "columns swapped": swapped_columns,
    "a doubled header": doubled_header,
    "no rows": no_rows,
    "not UTF-8": not_utf8,
    "NUL bytes": nul_bytes,
    "a gigantic cell": gigantic_cell,
    "very many cells": many_fields,
    "a workbook": workbook,
    "a page": page,
    "another kind of file": another_kind,
    "no table": no_table,
    "garbled text": garbled_text,
}
