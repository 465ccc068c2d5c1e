"""Damage to bytes and to whole archives, as networks and disks do it: refused, or read with the right counts."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence

from dev.fuzz.model import Counts, counts_of
from dev.fuzz.shapes import Made, Shapes, broken
from dev.fuzz.whole_archives import Content, packed, random_members
from dev.fuzz.zip_writer import Member, pack, packed_of

_SIGNATURES = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08")
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)

#: Shapes that must be refused, or read with the counts of the archive before the damage.
DAMAGES = Shapes()


def anywhere(rng: random.Random, data: bytes) -> int:
    """Return any place."""
    return rng.randrange(len(data))


def _in_structure(rng: random.Random, data: bytes) -> int:
    """Return a place in the headers or the end."""
    places = (
        [place for signature in _SIGNATURES for place in range(len(data)) if data.startswith(signature, place)]
        if len(data) < 4096
        else [place for signature in _SIGNATURES if (place := data.rfind(signature)) >= 0]
    )
    return min(rng.choice(places) + rng.randrange(48), len(data) - 1)


def flip(
    rng: random.Random,
    data: bytes,
    times: Sequence[int] = (1, 2, 8),
    place_in: Callable[[random.Random, bytes], int] = anywhere,
) -> bytes:
    """Change single bits, so many times."""
    changed = bytearray(data)
    for _ in range(rng.choice(times)):
        changed[place_in(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def garble(rng: random.Random, text: bytes) -> bytes:
    """Change a few characters of a table, before it is packed: sums are true, so only its form shows it."""
    changed = bytearray(text)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] = rng.choice(b'\x00\n\r",;\t|+yno \xff\xc3(9')
    return bytes(changed)


def _set_extremes(rng: random.Random, data: bytes) -> bytes:
    """Set two or four bytes of a header to a number that programs fail at."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2))):
        place, width = _in_structure(rng, data), rng.choice((2, 4))
        value = rng.choice(_EXTREMES) & ((1 << 8 * width) - 1)
        if place + width <= len(changed):
            changed[place : place + width] = value.to_bytes(width, "little")
    return bytes(changed)


def _replace_piece(rng: random.Random, data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    start = anywhere(rng, data)
    end = start + rng.randint(1, max(1, min(4096, len(data) - start)))
    return data[:start] + change(data[start:end]) + data[end:]


_OPERATORS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "bit flips": lambda rng, data: flip(rng, data, (1, 1, 1, 2, 4, 16, 256)),
    "bit flips in the structure": lambda rng, data: flip(rng, data, (1, 1, 2, 3), _in_structure),
    "odd numbers in the structure": _set_extremes,
    "a piece missing or repeated": lambda rng, data: _replace_piece(
        rng, data, lambda piece: piece * rng.choice((0, 0, 2, 3))
    ),
    "a hole of zeros": lambda rng, data: _replace_piece(rng, data, lambda piece: bytes(len(piece))),
}


def _operated(operator: Callable[[random.Random, bytes], bytes]) -> Callable[[random.Random], Made]:
    def make(rng: random.Random) -> Made:
        data, counts = _whole(rng)
        return broken(operator(rng, data), counts)

    return make


DAMAGES |= {name: _operated(operator) for name, operator in _OPERATORS.items()}


def _whole(rng: random.Random) -> tuple[bytes, Counts]:
    members, rows = random_members(rng)
    return packed(rng, members), counts_of(rows)


@DAMAGES("truncation")
def _truncated(rng: random.Random) -> Made:
    # Without the comment and other tails: whatever is cut off then was needed.
    data = pack(random_members(rng)[0])
    return broken(data[: rng.choice((rng.randrange(len(data)), len(data) - rng.randint(1, min(64, len(data)))))])


@DAMAGES("two archives spliced")
def _spliced(rng: random.Random) -> Made:
    """Join the start of one archive with the end of another: at most one of the two can be read."""
    (one, counts), (two, others) = _whole(rng), _whole(rng)
    left, right = rng.choice((len(one), anywhere(rng, one))), rng.choice((0, anywhere(rng, two)))
    return broken(one[:left] + two[right:], counts, others)


@DAMAGES("wrong sums")
def _wrong_sums(rng: random.Random) -> Made:
    """Say another CRC or size than the bytes have: in the list, where it must be refused, or in the header alone."""
    members, rows = random_members(rng)
    member = rng.choice(members)
    truth = {"crc": zlib.crc32(member.content), "size": len(member.content), "packed": len(packed_of(member))}
    name, lie = rng.choice(list(truth)), rng.choice((0, 1, 0x12345678, 0xFFFFFFFE))
    in_list = rng.random() < 0.6
    if in_list:
        member.listed[name] = lie
    if not in_list or rng.random() < 0.5:
        member.local[name] = lie
    return broken(pack(members), *([counts_of(rows)] if lie == truth[name] or not in_list else []))


@DAMAGES("a wrong end")
def _wrong_end(rng: random.Random) -> Made:
    """Say something false of the list of members itself: how many, how large, where."""
    members, rows = random_members(rng)
    name = rng.choice(("count", "size", "start", "comment"))
    value = rng.choice((0, 1, 46, 0xFFFF, rng.randrange(0x10000), rng.choice(_EXTREMES) & 0xFFFF))
    if name in ("size", "start"):
        value = rng.choice((value, 0x7FFFFFFF, 0xFFFFFFFE))
    return broken(pack(members, zip64_end=rng.random() < 0.3, end={name: value}), counts_of(rows))


@DAMAGES("garbled extra fields")
def _garbled_extra(rng: random.Random) -> Made:
    members, rows = random_members(rng)
    for member in members:
        garbage = rng.choice(
            (
                rng.randbytes(rng.randint(1, 40)),
                struct.pack("<HH", 1, 0xFFFF),
                struct.pack("<HHQ", 1, 8, 1 << 63),
                struct.pack("<HH", 0x7075, 5) + b"\x01abcd",
                struct.pack("<HH", 0x9901, 7) + b"\x02\x00AE\x03\x08\x00",
                bytes(60_000),
            )
        )
        member.extra += garbage * rng.randint(0, 1)
        member.listed_extra += garbage * rng.randint(0, 1)
    return broken(pack(members), counts_of(rows))


@DAMAGES("odd names")
def _odd_names(rng: random.Random) -> Made:
    """Name members as nobody should: NULs, other encodings, very deep, absolute, upwards, other in the list."""
    members, rows = _with_one_table(rng)
    member = rng.choice(members)
    name = member.name
    names = (name + b"\x00.exe", b"\x00" + name, b"caf\xe9/" + name, b"\xff\xfe/" + name, b"/etc/" + name)
    deep = (b"a/" * rng.choice((200, 5_000, 30_000)) + name, b"..\\..\\" + name, b"../" * 2_000 + name)
    others = (name + b"/", b"x" * 65_000, b"", "всё/".encode() + name, b"\x1b[31m" + name)
    member.name = rng.choice((*names, *deep, *others))[:65_535]
    member.flags = rng.choice((0, 0x800))
    if rng.random() < 0.3:
        member.listed_name = rng.choice((b"all.csv", b"activated.txt", b"other.csv", b""))
    # Another name may make another archive of it, which is then refused, or the lists alone are left.
    return broken(pack(members), counts_of(rows), *_without(member, members))


def _with_one_table(rng: random.Random) -> Content:
    while True:
        members, rows = random_members(rng)
        if sum(member.name.lower().endswith(b".csv") for member in members) < 2:
            return members, rows


def _without(member: Member, members: Sequence[Member]) -> list[Counts]:
    """Return what the lists say if this member is none of the known ones any more."""
    lines: dict[bytes, int] = {}
    for other in members:
        base = other.name.replace(b"\\", b"/").rsplit(b"/", 1)[-1].lower()
        if other is not member and base in (b"activated.txt", b"unregistered.txt"):
            lines[base] = lines.get(base, 0) + sum(bool(line.strip()) for line in other.content.splitlines())
    yes, no = lines.get(b"activated.txt", 0), lines.get(b"unregistered.txt", 0)
    return [Counts(yes + no, yes, no, 0)] if lines else []
