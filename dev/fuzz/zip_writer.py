"""
A zip writer that can also write what no correct one would: every field can be false.

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


@dataclass(slots=True)
class Member:
    """
    One member.

    :param packed: the packed bytes, if they are not what ``method`` makes of ``content``
    :param zip64: whether sizes and offset are in ZIP64 extra fields
    :param descriptor: whether the sizes follow the data: ``plain`` without the signature, ``signed`` with it
    :param listed_name: name in the list of members, if it is another one
    :param local: false fields of the member's own header: name -> value
    :param listed: false fields of the entry in the list
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

    def packed_content(self) -> bytes:
        """Return its packed bytes."""
        if self.packed is not None:
            return self.packed
        return deflate(self.content, self.level) if self.method == DEFLATED else self.content


def deflate(content: bytes, level: int = 6) -> bytes:
    """Deflate without a header, as zip has it."""
    return zlib.compress(content, level, -15)


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
    :param end: false fields of the end of the list
    """
    body, entries = bytearray(prefix), bytearray()
    base = 0 if shifted else len(prefix)
    for member in members:
        written, entry = _written(member, len(body) - base)
        body += written
        entries += entry
    start = len(body) - base
    fields = {"count": len(members), "size": len(entries), "start": start, "comment": len(comment), **(end or {})}
    large = b""
    if zip64_end:
        counts = (fields["count"], fields["count"], fields["size"], fields["start"])
        large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, *counts)
        large += struct.pack("<4sLQL", b"PK\6\7", 0, start + len(entries), 1)
        fields |= {"count": 0xFFFF, "size": _LIMIT, "start": _LIMIT}
    count = fields["count"] & 0xFFFF
    sizes = (fields["size"] & _LIMIT, fields["start"] & _LIMIT, fields["comment"])
    return bytes(body + entries) + large + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, *sizes) + comment


def zipped(content: bytes, name: bytes = b"all.csv") -> bytes:
    """Write an archive of a single member."""
    return pack([Member(name, content)])


def _written(member: Member, offset: int) -> tuple[bytes, bytes]:
    """Return a member with its header, and its entry in the list."""
    packed = member.packed_content()
    truth = {
        "version": 45 if member.zip64 else 20,
        "flags": member.flags | (8 if member.descriptor else 0),
        "method": member.method,
        "crc": zlib.crc32(member.content),
        "packed": len(packed),
        "size": len(member.content),
        "offset": offset,
    }
    local = {**truth, **({"crc": 0, "packed": 0, "size": 0} if member.descriptor else {})}
    listed = {**truth, **member.listed}
    extra, listed_extra = member.extra, member.listed_extra
    if member.zip64:
        # The header's extra field is true whatever the header says; an entry's has the entry's own values.
        extra += struct.pack("<HHQQ", 1, 16, local["size"], local["packed"])
        listed_extra += struct.pack("<HHQQQ", 1, 24, listed["size"], listed["packed"], listed["offset"])
        local |= {"size": _LIMIT, "packed": _LIMIT}
        listed |= {"size": _LIMIT, "packed": _LIMIT, "offset": _LIMIT}
    local |= member.local
    name = member.name if member.listed_name is None else member.listed_name
    head = struct.pack("<4s5H3L2H", b"PK\3\4", *_common(local), len(member.name), len(extra))
    places = (len(name), len(listed_extra), len(member.comment), 0, 0, 0, listed["offset"] & _LIMIT)
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x0314, *_common(listed), *places)
    tail = b""
    if member.descriptor:
        sizes = (truth["crc"], truth["packed"], truth["size"])
        tail = b"PK\7\x08" * (member.descriptor == "signed") + struct.pack("<LQQ" if member.zip64 else "<LLL", *sizes)
    return head + member.name + extra + packed + tail, entry + name + listed_extra + member.comment


def _common(fields: dict[str, int]) -> tuple[int, ...]:
    """Return the fields that a header and an entry have in common, with a date of 1980 in the middle."""
    words = (fields[name] & 0xFFFF for name in ("version", "flags", "method"))
    return (*words, 0, 0x21, *(fields[name] & _LIMIT for name in ("crc", "packed", "size")))
