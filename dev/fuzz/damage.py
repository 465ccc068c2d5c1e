"""Damage to bytes and to whole archives, as networks and disks do it: refused, or read with the right counts."""

from __future__ import annotations

import functools
import random
import struct
import zlib
from collections.abc import Callable, Sequence

from dev.fuzz.model import ArchiveClasses, ArchiveInput, Counts, broken, counts_of
from dev.fuzz.whole_archives import packed, random_members
from dev.fuzz.zip_writer import Member, pack

_SIGNATURES = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08")
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def _anywhere(rng: random.Random, data: bytes) -> int:
    return rng.randrange(len(data))


def _in_structure(rng: random.Random, data: bytes) -> int:
    """Return a place in the headers or the end."""
    if len(data) < 4096:
        places = [place for place in range(len(data)) if data.startswith(_SIGNATURES, place)]
    else:
        places = [place for signature in _SIGNATURES if (place := data.rfind(signature)) >= 0]
    return min(rng.choice(places) + rng.randrange(48), len(data) - 1)


def flip(
    rng: random.Random,
    data: bytes,
    times: Sequence[int] = (1, 2, 8),
    place_in: Callable[[random.Random, bytes], int] = _anywhere,
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
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2))):
        place, width = _in_structure(rng, data), rng.choice((2, 4))
        value = rng.choice(_EXTREMES) & ((1 << 8 * width) - 1)
        if place + width <= len(changed):
            changed[place : place + width] = value.to_bytes(width, "little")
    return bytes(changed)


def _replace_piece(rng: random.Random, data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    start = _anywhere(rng, data)
    end = start + rng.randint(1, max(1, min(4096, len(data) - start)))
    return data[:start] + change(data[start:end]) + data[end:]


def _whole(rng: random.Random) -> tuple[bytes, Counts]:
    members, rows = random_members(rng)
    return packed(rng, members), counts_of(rows)


def _damaged(operator: Callable[[random.Random, bytes], bytes], rng: random.Random) -> ArchiveInput:
    data, counts = _whole(rng)
    return broken(operator(rng, data), counts)


_OPERATORS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "bit flips": lambda rng, data: flip(rng, data, (1, 1, 1, 2, 4, 16, 256)),
    "bit flips in the structure": lambda rng, data: flip(rng, data, (1, 1, 2, 3), _in_structure),
    "extreme numbers in the structure": _set_extremes,
    "a piece missing or repeated": lambda rng, data: _replace_piece(
        rng, data, lambda piece: piece * rng.choice((0, 0, 2, 3))
    ),
    "a hole of zeros": lambda rng, data: _replace_piece(rng, data, lambda piece: bytes(len(piece))),
}

#: They must be refused, or read with the counts of the archive before the damage.
DAMAGES = ArchiveClasses({name: functools.partial(_damaged, operator) for name, operator in _OPERATORS.items()})


@DAMAGES("truncation")
def _truncated(rng: random.Random) -> ArchiveInput:
    # Without the comment and other tails: whatever is cut off then was needed.
    data = pack(random_members(rng)[0])
    return broken(data[: rng.choice((rng.randrange(len(data)), len(data) - rng.randint(1, min(64, len(data)))))])


@DAMAGES("two archives spliced")
def _spliced(rng: random.Random) -> ArchiveInput:
    # The start of one and the end of another: at most one of the two can be read.
    (one, counts), (two, others) = _whole(rng), _whole(rng)
    left, right = rng.choice((len(one), _anywhere(rng, one))), rng.choice((0, _anywhere(rng, two)))
    return broken(one[:left] + two[right:], counts, others)


@DAMAGES("wrong sums")
def _wrong_sums(rng: random.Random) -> ArchiveInput:
    # In the list, where it must be refused, or in the member's header alone.
    members, rows = random_members(rng)
    member = rng.choice(members)
    truth = {"crc": zlib.crc32(member.content), "size": len(member.content), "packed": len(member.packed_content())}
    name, wrong = rng.choice(list(truth)), rng.choice((0, 1, 0x12345678, 0xFFFFFFFE))
    in_list = rng.random() < 0.6
    if in_list:
        member.listed[name] = wrong
    if not in_list or rng.random() < 0.5:
        member.local[name] = wrong
    return broken(pack(members), *([counts_of(rows)] if wrong == truth[name] or not in_list else []))


@DAMAGES("a wrong end")
def _wrong_end(rng: random.Random) -> ArchiveInput:
    # False values of the list of members itself: how many, how large, where.
    members, rows = random_members(rng)
    name = rng.choice(("count", "size", "start", "comment"))
    value = rng.choice((0, 1, 46, 0xFFFF, rng.randrange(0x10000), rng.choice(_EXTREMES) & 0xFFFF))
    if name in ("size", "start"):
        value = rng.choice((value, 0x7FFFFFFF, 0xFFFFFFFE))
    return broken(pack(members, zip64_end=rng.random() < 0.3, end={name: value}), counts_of(rows))


@DAMAGES("garbled extra fields")
def _garbled_extra(rng: random.Random) -> ArchiveInput:
    members, rows = random_members(rng)
    garbage = (
        *(rng.randbytes(rng.randint(1, 40)), struct.pack("<HH", 1, 0xFFFF), struct.pack("<HHQ", 1, 8, 1 << 63)),
        *(struct.pack("<HH", 0x7075, 5) + b"\x01abcd", struct.pack("<HH", 0x9901, 7) + b"\x02\x00AE\x03\x08\x00"),
        bytes(60_000),
    )
    for member in members:
        piece = rng.choice(garbage)
        member.extra += piece * rng.randint(0, 1)
        member.listed_extra += piece * rng.randint(0, 1)
    return broken(pack(members), counts_of(rows))


@DAMAGES("unusual names")
def _unusual_names(rng: random.Random) -> ArchiveInput:
    # NULs, other encodings, very deep, absolute, upwards, another one in the list.
    members, rows = random_members(rng)
    while sum(member.name.lower().endswith(b".csv") for member in members) > 1:
        members, rows = random_members(rng)
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


def _without(member: Member, members: Sequence[Member]) -> list[Counts]:
    """Count the lists if this member is none of the known ones any more."""
    lines: dict[bytes, int] = {}
    for other in members:
        base = other.name.replace(b"\\", b"/").rsplit(b"/", 1)[-1].lower()
        if other is not member and base in (b"activated.txt", b"unregistered.txt"):
            lines[base] = lines.get(base, 0) + sum(bool(line.strip()) for line in other.content.splitlines())
    yes, no = lines.get(b"activated.txt", 0), lines.get(b"unregistered.txt", 0)
    return [Counts(yes + no, yes, no, 0)] if lines else []
