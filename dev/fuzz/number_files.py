"""Number files as people upload them, clean, dirty and wrong; the oracle is the plainest program that reads them."""

from __future__ import annotations

import functools
import gzip
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from dev.fuzz.damage import flip
from dev.fuzz.model import NumbersInput
from dev.fuzz.values import API_KEY, digits_of, fresh_digits
from dev.fuzz.zip_writer import pack, zipped

_BOM = b"\xef\xbb\xbf"
_ENDS = (b"\n", b"\r\n", b"\r")
_UNUSUAL = (
    *(b"", b" ", b"\t", b"x", b"+1", b"+12", b"+0123", b"\xc3\xa9", b"\x0b", b"\x0c", b"\x1c", _BOM, b"\xe2\x80\xa8"),
    *(b"00999432100", b"+999 432 1000 000", b"tel:+99943210000001", b"\xff", b"+" + b"9" * 16, b"+9\x00", b"number"),
    *("+٩٩٩٤٣٢١".encode(), b"'+99943210000002", b'"+99943210000003"', b"+99943210000004,", b"1" * 1024, b"1" * 1025),
    *(b"#", b" " * 1024, b" " * 1025, b"a" * 5000, b"-", b"+", b"++99943210000005", API_KEY.encode()),
)
#: What files begin with that are no text.
_STARTS = (
    *(b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"),
    *(b"7z\xbc\xaf\x27\x1c", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff"),
)


@dataclass(frozen=True, slots=True)
class PlainReading:
    """
    What a plain reading of a file finds.

    :param lines: physical lines
    :param left: what is left, in order
    """

    lines: int
    blank: int
    invalid: int
    duplicates: int
    left: tuple[bytes, ...]


@functools.lru_cache(1)  # a file is checked in several steps
def plain_reading(data: bytes, *, check: bool) -> PlainReading:
    """Read a file in the plainest way; it holds no NUL and is of no other kind."""
    lines = data.removeprefix(_BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if not lines[-1]:
        lines.pop()
    blank = invalid = 0
    valid = []
    for line in lines:
        trimmed = line.strip(b" \t")
        if len(line) > 1024 or (check and trimmed and not re.fullmatch(rb"\+[1-9][0-9]{1,14}", trimmed)):
            invalid += 1
        elif trimmed:
            valid.append(trimmed)
        else:
            blank += 1
    left = tuple(dict.fromkeys(valid))
    return PlainReading(len(lines), blank, invalid, len(valid) - len(left), left)


def is_text(data: bytes) -> bool:
    """Tell whether a file is text by what it begins with and holds, as the documentation has it."""
    return b"\x00" not in data and not data.startswith(_STARTS)


def _clean(rng: random.Random) -> bytes:
    lines = [b"+" + digits.encode() for digits in fresh_digits(rng, rng.choice((1, 100, rng.randint(1, 400))))]
    lines += rng.choices(lines, k=rng.choice((0, 0, 1, 50)))
    end = rng.choice(_ENDS)
    return rng.choice((b"", b"", _BOM)) + end.join(lines) + end * rng.randint(0, 2)


def _dirty(rng: random.Random) -> bytes:
    pool = [b"+" + digits.encode() for digits in fresh_digits(rng, 20)]
    lines = [rng.choice(pool if rng.random() < 0.7 else _UNUSUAL) for _ in range(rng.randint(0, 80))]
    blanks = (b"", b"", b" ", b"\t ")
    return b"".join(rng.choice(blanks) + line + rng.choice(blanks) + rng.choice(_ENDS) for line in lines)


def _large(rng: random.Random) -> bytes:
    count, times = rng.choice((20_000, 20_000, 100_000)), rng.choice((1, 1, 2))
    start, end = rng.randrange(5_000_000), rng.choice((b"\n", b"\r\n"))
    return b"".join(b"+%s%s" % (digits_of(start + row // times).encode(), end) for row in range(count))


def _encoded(rng: random.Random) -> bytes:
    codec = rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037"))
    return _clean(rng).decode("utf-8-sig").encode(codec)


def _nul(rng: random.Random) -> bytes:
    data = _clean(rng)
    place = rng.randrange(len(data) + 1)
    return data[:place] + bytes(rng.choice((1, 4096, 2_000_000))) + data[place:]


def _long(rng: random.Random) -> bytes:
    filler = rng.choice((b"9", b" ", b"\t", b"+", b"\xff", b"\r", b"\n", b"\r\n", b"\r\r\n", b"+1\r"))
    # Three million lines take seconds to read; as many bytes of one line do not.
    times = rng.choice((2_000, 70_000, 300_000 if filler.splitlines()[0] != filler else 3_000_000))
    return _clean(rng) + filler * times + rng.choice((b"", b"\n")) + _clean(rng)


def _other_kinds(rng: random.Random) -> bytes:
    data = _clean(rng)
    start = rng.choice((b"P", b"PK", b"PK\x03", b"\x1f", b"\xff", b"\xfe", b"\xef", b"\xef\xbb")) + b"\n"
    begun = (begin + data for begin in (*_STARTS[4:8], b"<!DOCTYPE html><html>", start))
    archives = (gzip.compress(data), zipped(data, b"numbers.txt"), zipped(data, b"[Content_Types].xml"), pack([]))
    texts = (b'{"numbers": ["' + data + b'"]}', b"BZh9@example.com\n", b"", _BOM, _BOM * 2 + data)
    noise = (b"BZh91AY&SY" + rng.randbytes(300), rng.randbytes(rng.randint(0, 3_000)))
    return rng.choice((*begun, *archives, *texts, *noise))


#: Class -> how it is made, and its weight.
CLASSES: dict[str, tuple[Callable[[random.Random], bytes], int]] = {
    "clean": (_clean, 6),
    "dirty": (_dirty, 8),
    "large": (_large, 1),
    "bit flips": (lambda rng: flip(rng, _clean(rng), (1, 2, 16, 200)), 6),
    "other encodings": (_encoded, 3),
    "NUL bytes": (_nul, 3),
    "endless lines": (_long, 2),
    "other kinds": (_other_kinds, 5),
}


def make(rng: random.Random, name: str) -> NumbersInput:
    """Make a file of numbers of a class."""
    data = CLASSES[name][0](rng)
    blocks = (rng.randint(1, 100), 1_000, 1 << 20) if len(data) < 50_000 else (1 << 16, 1 << 20)
    return NumbersInput(
        data,
        name,
        check=rng.random() < 0.75,
        invalid="fail" if rng.random() * 3 < 1 else "drop",
        limits=rng.choice(((0, 10_000_000), (0, 10_000_000), (100, 10_000_000), (1, rng.randint(1, 200)))),
        block_bytes=rng.choice(blocks),
    )
