"""
A zip writer that also writes what no proper one would: every field can be a lie.

By the zip specification (PKWARE's APPNOTE, 4.3 and 4.5). ``zipfile`` corrects what it is given, and so can't make
most of what is wanted here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

STORED, DEFLATED = 0, 8

_LIMIT = 0xFFFFFFFF
_END = struct.Struct("<4s4H2LH")


@dataclass(slots=True)
class Member:
    """
    One member. ``None`` stands for the truth.

    :param packed: the packed bytes, if they are not what ``method`` makes of ``content``
    :param zip64: whether sizes and offset are in ZIP64 extra fields
    :param descriptor: whether the sizes follow the data: ``plain`` without the signature, ``signed`` with it
    :param listed_name: name in the list of members
    :param local: fields of the member's own header that lie: name -> value
    :param listed: fields of the entry in the list that lie
    """

    name: bytes
    content: bytes = b""
    method: int = DEFLATED
    level: int = 6
    packed: bytes | None = None
    flags: int = 0
    zip64: bool = False
    descriptor: str = ""
    extra: bytes = b""
    listed_extra: bytes = b""
    comment: bytes = b""
    listed_name: bytes | None = None
    local: dict[str, int] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)


def pack(
    members: Sequence[Member],
    *,
    comment: bytes = b"",
    prefix: bytes = b"",
    shifted: bool = False,
    zip64_end: bool = False,
    end: dict[str, int] | None = None,
) -> bytes:
    """
    Write an archive.

    :param prefix: bytes in front of it
    :param shifted: whether its offsets count from the start of the prefix
    :param zip64_end: whether it has the ZIP64 end of the list
    :param end: fields of the end of the list that lie
    """
    body = bytearray(prefix)
    base = 0 if shifted else len(prefix)
    entries = bytearray()
    for member in members:
        offset = len(body) - base
        head, tail, entry = _written(member, offset)
        body += head + tail
        entries += entry
    return bytes(body) + bytes(entries) + _end(members, entries, len(body) - base, comment, zip64_end, end or {})


def _written(member: Member, offset: int) -> tuple[bytes, bytes, bytes]:
    packed = packed_of(member)
    truth = {
        "version": 45 if member.zip64 else 20,
        "flags": member.flags | (8 if member.descriptor else 0),
        "method": member.method,
        "crc": zlib.crc32(member.content),
        "packed": len(packed),
        "size": len(member.content),
        "offset": offset,
    }
    own = {**truth, **({"crc": 0, "packed": 0, "size": 0} if member.descriptor else {})}
    extra = member.extra
    if member.zip64:
        extra += struct.pack("<HHQQ", 1, 16, own["size"], own["packed"])
        own |= {"size": _LIMIT, "packed": _LIMIT}
    own |= member.local
    # An entry names its own values, where the extra field is honest about them.
    entry_extra = member.listed_extra
    named = {**truth, **member.listed}
    if member.zip64:
        entry_extra += struct.pack("<HHQQQ", 1, 24, named["size"], named["packed"], named["offset"])
        named |= {"size": _LIMIT, "packed": _LIMIT, "offset": _LIMIT}
    head = struct.pack(
        "<4s5H3L2H",
        b"PK\x03\x04",
        *(own[name] & 0xFFFF for name in ("version", "flags", "method")),
        0,
        0x21,
        *(own[name] & _LIMIT for name in ("crc", "packed", "size")),
        len(member.name),
        len(extra),
    )
    tail = packed + _descriptor(member, truth)
    name = member.name if member.listed_name is None else member.listed_name
    entry = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        0x0314,
        *(named[name_] & 0xFFFF for name_ in ("version", "flags", "method")),
        0,
        0x21,
        *(named[name_] & _LIMIT for name_ in ("crc", "packed", "size")),
        len(name),
        len(entry_extra),
        len(member.comment),
        0,
        0,
        0,
        named["offset"] & _LIMIT,
    )
    return head + member.name + extra, tail, entry + name + entry_extra + member.comment


def packed_of(member: Member) -> bytes:
    """Return a member's packed bytes."""
    if member.packed is not None:
        return member.packed
    return deflate(member.content, member.level) if member.method == DEFLATED else member.content


def deflate(content: bytes, level: int = 6) -> bytes:
    """Deflate without a header, as zip has it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def _descriptor(member: Member, truth: dict[str, int]) -> bytes:
    if not member.descriptor:
        return b""
    sizes = struct.pack("<LQQ" if member.zip64 else "<LLL", *(truth[name] for name in ("crc", "packed", "size")))
    return (b"PK\x07\x08" if member.descriptor == "signed" else b"") + sizes


def _end(
    members: Sequence[Member], entries: bytearray, start: int, comment: bytes, zip64: bool, lies: dict[str, int]
) -> bytes:
    fields = {"count": len(members), "size": len(entries), "start": start, "comment": len(comment), **lies}
    large = b""
    if zip64:
        large = struct.pack(
            "<4sQ2H2L4Q",
            b"PK\x06\x06",
            44,
            45,
            45,
            0,
            0,
            fields["count"],
            fields["count"],
            fields["size"],
            fields["start"],
        )
        large += struct.pack("<4sLQL", b"PK\x06\x07", 0, start + len(entries), 1)
        fields |= {"count": 0xFFFF, "size": _LIMIT, "start": _LIMIT}
    count = fields["count"] & 0xFFFF
    return (
        large
        + _END.pack(
            b"PK\x05\x06", 0, 0, count, count, fields["size"] & _LIMIT, fields["start"] & _LIMIT, fields["comment"]
        )
        + comment
    )
