"""Damage to whole archives, as lines, disks and strangers do it: refused, or read with the right counts."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

from dev.fuzz.inputs import Counts
from dev.fuzz.tables import Row, counts_of
from dev.fuzz.whole_archives import packed, random_members
from dev.fuzz.zip_writer import Member, pack, packed_of

#: What a damaged archive may still be read as, and its bytes.
Damaged = tuple[bytes, frozenset[Counts]]

_SIGNATURES = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08")
_ODD = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def _whole(rng: random.Random) -> tuple[bytes, Counts]:
    members, rows = random_members(rng)
    return packed(rng, members), counts_of(rows)


def bit_flips(rng: random.Random) -> Damaged:
    """Turn bits around, from one to many."""
    data, counts = _whole(rng)
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16, 256))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed), frozenset({counts})


def structure_flips(rng: random.Random) -> Damaged:
    """Turn bits around where the structure is: in the headers and the end."""
    data, counts = _whole(rng)
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        changed[_structure_place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed), frozenset({counts})


def odd_fields(rng: random.Random) -> Damaged:
    """Set two or four bytes of a header to a number that programs stumble over."""
    data, counts = _whole(rng)
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2))):
        place = _structure_place(rng, data)
        width = rng.choice((2, 4))
        value = rng.choice(_ODD) & ((1 << 8 * width) - 1)
        if place + width <= len(changed):
            changed[place : place + width] = value.to_bytes(width, "little")
    return bytes(changed), frozenset({counts})


def truncation(rng: random.Random) -> Damaged:
    """Cut it off; nothing that was cut off may be taken for whole."""
    members, _ = random_members(rng)
    # Without the comment and other tails: whatever is cut off then was needed.
    data = pack(members)
    keep = rng.choice((rng.randrange(len(data)), len(data) - rng.randint(1, min(64, len(data)))))
    return data[:keep], frozenset()


def missing_middle(rng: random.Random) -> Damaged:
    """Leave a piece out, or repeat one."""
    data, counts = _whole(rng)
    start = rng.randrange(len(data))
    length = rng.randint(1, max(1, min(4096, len(data) - start)))
    piece = data[start : start + length] * rng.choice((0, 0, 2, 3))
    return data[:start] + piece + data[start + length :], frozenset({counts})


def zeroed(rng: random.Random) -> Damaged:
    """Leave a hole of zeros, as an interrupted copy does."""
    data, counts = _whole(rng)
    start = rng.randrange(len(data))
    length = rng.randint(1, max(1, min(4096, len(data) - start)))
    return data[:start] + bytes(length) + data[start + length :], frozenset({counts})


def spliced(rng: random.Random) -> Damaged:
    """Join the start of one archive with the end of another: at most one of the two can be read."""
    (one, counts), (two, others) = _whole(rng), _whole(rng)
    left = rng.choice((len(one), rng.randrange(len(one))))
    right = rng.choice((0, rng.randrange(len(two))))
    return one[:left] + two[right:], frozenset({counts, others})


def wrong_sums(rng: random.Random) -> Damaged:
    """Say another CRC or size than the bytes have: in the list, where it must be refused, or in the header alone."""
    members, rows = random_members(rng)
    member = rng.choice(members)
    name = rng.choice(("crc", "size", "packed"))
    lie = rng.choice((0, 1, 0x12345678, 0xFFFFFFFE))
    in_list = rng.random() < 0.6
    if in_list:
        member.listed[name] = lie
    if not in_list or rng.random() < 0.5:
        member.local[name] = lie
    is_true = (
        lie == {"crc": zlib.crc32(member.content), "size": len(member.content), "packed": len(packed_of(member))}[name]
    )
    return pack(members), frozenset({counts_of(rows)} if is_true or not in_list else ())


def wrong_end(rng: random.Random) -> Damaged:
    """Lie about the list of members itself: how many, how large, where."""
    members, rows = random_members(rng)
    name = rng.choice(("count", "size", "start", "comment"))
    end = {name: rng.choice((0, 1, 46, 0xFFFF, rng.randrange(0x10000), rng.choice(_ODD) & 0xFFFF))}
    if name in ("size", "start"):
        end[name] = rng.choice((end[name], 0x7FFFFFFF, 0xFFFFFFFE))
    data = pack(members, zip64_end=rng.random() < 0.3, end=end)
    return data, frozenset({counts_of(rows)})


def garbled_extra(rng: random.Random) -> Damaged:
    """Put garbage where extra fields belong."""
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
    return pack(members), frozenset({counts_of(rows)})


def odd_names(rng: random.Random) -> Damaged:
    """Name members as nobody should: NULs, other encodings, very deep, absolute, upwards, other in the list."""
    members, rows = _with_one_table(rng)
    member = rng.choice(members)
    member.name = rng.choice(
        (
            member.name + b"\x00.exe",
            b"\x00" + member.name,
            b"caf\xe9/" + member.name,
            b"\xff\xfe/" + member.name,
            b"a/" * rng.choice((200, 5_000, 30_000)) + member.name,
            b"/etc/" + member.name,
            b"..\\..\\" + member.name,
            b"../" * 2_000 + member.name,
            member.name + b"/",
            b"x" * 65_000,
            b"",
            "всё/".encode() + member.name,
            b"\x1b[31m" + member.name,
        )
    )[:65_535]
    member.flags = rng.choice((0, 0x800))
    if rng.random() < 0.3:
        member.listed_name = rng.choice((b"all.csv", b"activated.txt", b"other.csv", b""))
    # Another name may make another archive of it, which is then refused, or the lists alone are left.
    return pack(members), frozenset({counts_of(rows), *_without(member, members)})


def _with_one_table(rng: random.Random) -> tuple[list[Member], tuple[Row, ...]]:
    while True:
        members, rows = random_members(rng)
        if sum(member.name.lower().endswith(b".csv") for member in members) < 2:
            return members, rows


def _without(member: Member, members: list[Member]) -> set[Counts]:
    """Return what the lists say if this member is none of the known ones any more."""
    lines = {b"activated.txt": 0, b"unregistered.txt": 0}
    found = False
    for other in members:
        base = other.name.replace(b"\\", b"/").rsplit(b"/", 1)[-1].lower()
        if other is not member and base in lines:
            found = True
            lines[base] += sum(bool(line.strip()) for line in other.content.splitlines())
    yes, no = lines[b"activated.txt"], lines[b"unregistered.txt"]
    return {Counts(yes + no, yes, no, 0)} if found else set()


def _structure_place(rng: random.Random, data: bytes) -> int:
    places = (
        [place for signature in _SIGNATURES for place in range(len(data)) if data.startswith(signature, place)]
        if len(data) < 4096
        else [place for signature in _SIGNATURES if (place := data.rfind(signature)) >= 0]
    )
    return min(rng.choice(places) + rng.randrange(48), len(data) - 1)


DAMAGES: dict[str, Callable[[random.Random], Damaged]] = {
    "bit flips": bit_flips,
    "bit flips in the structure": structure_flips,
    "odd numbers in the structure": odd_fields,
    "truncation": truncation,
    "a piece missing or repeated": missing_middle,
    "a hole of zeros": zeroed,
    "two archives spliced": spliced,
    "wrong sums": wrong_sums,
    "a wrong end": wrong_end,
    "garbled extra fields": garbled_extra,
    "odd names": odd_names,
}
