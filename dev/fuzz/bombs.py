"""Archives that are made to hurt: they unpack to far too much, share bytes, or declare what no machine has."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

from dev.fuzz.damage import Damaged
from dev.fuzz.inputs import Counts
from dev.fuzz.tables import random_table
from dev.fuzz.zip_writer import DEFLATED, STORED, Member, deflate, pack

MIB = 1024 * 1024


def repeated(block: bytes, times: int, *, head: bytes = b"", tail: bytes = b"") -> tuple[bytes, int, int]:
    """
    Deflate a block many times over without unpacking it in memory, at a thousandth of the size.

    :return: the packed bytes, the size that they unpack to, and the CRC
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(tail) + packer.flush()
    # A CRC of hundreds of mebibytes takes longer than the reader may; only small ones are true.
    crc = zlib.crc32(head)
    for _ in range(times if times * len(block) <= 64 * MIB else 0):
        crc = zlib.crc32(block, crc)
    return first + piece * times + last, len(head) + len(block) * times + len(tail), zlib.crc32(tail, crc)


def _bomb(name: bytes, packed: tuple[bytes, int, int]) -> Member:
    content, size, crc = packed
    lies = {"crc": crc, "size": size}
    return Member(name, packed=content, local=dict(lies), listed=dict(lies), zip64=size >= 1 << 32)


def padding_bomb(rng: random.Random) -> Damaged:
    """Put a thousand times its size beside the table; it may be read, within bounds."""
    table = random_table(rng)
    bomb = _bomb(b"padding.bin", repeated(bytes(MIB), rng.choice((4, 16, 60))))
    return pack(_shuffled(rng, [Member(b"t.csv", table.text), bomb])), frozenset({table.counts})


def table_bomb(rng: random.Random) -> Damaged:
    """Make the table itself the bomb: blank lines, one endless line, a cell without end."""
    table = random_table(rng)
    block = rng.choice((b"\n", b"\r\n", b"x", b",", b'"', b"\x00", b" ", b'""'))
    head = table.text[: table.start]
    bomb = repeated(block * (MIB // len(block)), rng.choice((2, 8, 30)), head=head, tail=table.text[table.start :])
    allowed = {table.counts} if block in (b"\n", b"\r\n") else set()
    return pack([_bomb(b"all.csv", bomb)]), frozenset(allowed)


def list_bomb(rng: random.Random) -> Damaged:
    """Make a list the bomb."""
    block = rng.choice((b"\n", b" ", b"9"))
    bomb = repeated(block * MIB, rng.choice((2, 8, 30)), tail=b"\n+99943210000001\n")
    allowed = {Counts(1, 1, 0, 0)} if block != b"9" else set()
    return pack([_bomb(b"activated.txt", bomb)]), frozenset(allowed)


def beyond_every_limit(rng: random.Random) -> Damaged:
    """Unpack to 20 GiB: more than any result may."""
    table = random_table(rng)
    bomb = _bomb(b"padding.bin", repeated(bytes(32 * MIB), 640))
    return pack([Member(b"t.csv", table.text), bomb]), frozenset()


def many_members(rng: random.Random) -> Damaged:
    """Put hundreds or thousands of members around the table."""
    table = random_table(rng)
    count = rng.choice((300, 900, 1_200, 5_000, 30_000))
    others = [Member(f"{number}.txt".encode(), method=STORED) for number in range(count)]
    return pack([*others, Member(b"t.csv", table.text)]), frozenset({table.counts})


def nested(rng: random.Random) -> Damaged:
    """Put archives into archives into archives, with the table at the bottom: there is none at the top."""
    data = pack([Member(b"all.csv", random_table(rng).text)])
    for _ in range(rng.choice((1, 2, 5, 40))):
        data = pack([Member(rng.choice((b"inner.zip", b"a/result.zip", b"x")), data) for _ in range(rng.randint(1, 2))])
        if len(data) > MIB:
            break
    return data, frozenset()


def declared(rng: random.Random) -> Damaged:
    """Declare gigabytes, or more, for a table of a few bytes."""
    table = random_table(rng)
    size = rng.choice((1 << 31, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1))
    member = Member(b"t.csv", table.text, method=rng.choice((STORED, DEFLATED)), zip64=size >= 0xFFFFFFFF)
    fields = rng.choice((("size",), ("packed",), ("size", "packed"), ("offset",)))
    member.listed = dict.fromkeys(fields, size)
    if "offset" not in fields and rng.random() < 0.5 and size < 0xFFFFFFFF:
        member.local = dict.fromkeys(fields, size)
    return pack([member]), frozenset()


def huge_directory(rng: random.Random) -> Damaged:
    """Declare, or have, a list of members of many mebibytes."""
    table = random_table(rng)
    if rng.random() < 0.5:
        size = rng.choice((2 * MIB, 1 << 30, 0xFFFFFFF0))
        return pack([Member(b"t.csv", table.text)], prefix=bytes(4 * MIB), end={"size": size}), frozenset(
            {table.counts}
        )
    filler = [Member(b"f%d" % number, listed_extra=bytes(60_000), method=STORED) for number in range(100)]
    return pack([*filler, Member(b"t.csv", table.text)]), frozenset({table.counts})


def shared_bytes(rng: random.Random) -> Damaged:
    """List one member many times over: all of the entries share its bytes."""
    table = random_table(rng)
    names = [b"t.csv", *(b"%d.txt" % number for number in range(rng.choice((1, 50, 400))))]
    same = rng.random() < 0.5
    members = [Member(b"t.csv", table.text, listed_name=None if same else name) for name in names]
    for member in members[1:]:
        member.listed = {"offset": 0}
    return pack(members), frozenset()


def quoted_headers(rng: random.Random) -> Damaged:
    """Let each member begin in the one before it, whose stored block quotes the header: members that overlap."""
    kernel = Member(b"t.csv", random_table(rng).text)
    plain = pack([kernel])
    inner = plain[: plain.index(b"PK\x01\x02")]
    # A deflate block that is not compressed, of the inner member's header and data.
    stored = b"\x01" + len(inner).to_bytes(2, "little") + (0xFFFF - len(inner)).to_bytes(2, "little") + inner
    outer = Member(b"padding.bin", inner, packed=stored)
    data = pack([outer, kernel])
    at = data.index(inner)
    kernel.listed = {"offset": at}
    return pack([outer, kernel]), frozenset()


def other_methods(rng: random.Random) -> Damaged:
    """Pack by a method that is not read, or say so of plain bytes."""
    table = random_table(rng)
    method = rng.choice((1, 6, 9, 12, 14, 20, 93, 95, 97, 98, 99, 0xFFFF))
    member = Member(b"t.csv", table.text, packed=deflate(table.text))
    member.listed = {"method": method}
    if rng.random() < 0.7:
        member.local = {"method": method}
    return pack([member]), frozenset()


def encrypted(rng: random.Random) -> Damaged:
    """Say that it is encrypted, or patched, or masked."""
    table = random_table(rng)
    member = Member(b"t.csv", table.text, flags=rng.choice((1, 1 | 0x40, 0x2001)))
    other = Member(b"readme.txt", b"x")
    return pack([member, other] if rng.random() < 0.5 else [member]), frozenset()


def _shuffled(rng: random.Random, members: list[Member]) -> list[Member]:
    rng.shuffle(members)
    return members


BOMBS: dict[str, Callable[[random.Random], Damaged]] = {
    "a bomb beside the table": padding_bomb,
    "a bomb as table": table_bomb,
    "a bomb as list": list_bomb,
    "many members": many_members,
    "nested archives": nested,
    "gigabytes declared": declared,
    "a huge list of members": huge_directory,
    "members that share bytes": shared_bytes,
    "members within members": quoted_headers,
    "other methods": other_methods,
    "encrypted": encrypted,
}
