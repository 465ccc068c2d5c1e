"""Archives that attack their reader: they unpack to far too much, share bytes, or declare what no machine has."""

from __future__ import annotations

import random
import zlib

from dev.fuzz.model import ArchiveClasses, ArchiveInput, Counts, broken
from dev.fuzz.tables import random_table
from dev.fuzz.zip_writer import DEFLATED, STORED, Member, deflate, pack, zipped

MIB = 1024 * 1024

BOMBS = ArchiveClasses()


def _bomb(name: bytes, block: bytes, times: int, *, head: bytes = b"", tail: bytes = b"") -> Member:
    """Deflate a block many times over without unpacking it in memory, at a thousandth of the size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    packed += (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)) * times
    packed += packer.compress(tail) + packer.flush()
    crc, size = zlib.crc32(head), len(head) + len(block) * times + len(tail)
    # A CRC of hundreds of mebibytes takes longer than the reader may; only small ones are true.
    for _ in range(times if times * len(block) <= 64 * MIB else 0):
        crc = zlib.crc32(block, crc)
    sums = {"crc": zlib.crc32(tail, crc), "size": size}
    return Member(name, packed=packed, local=dict(sums), listed=dict(sums), zip64=size >= 1 << 32)


@BOMBS("a bomb beside the table")
def _padding(rng: random.Random) -> ArchiveInput:
    # It may be read, within bounds.
    table = random_table(rng)
    members = [Member(b"t.csv", table.text), _bomb(b"padding.bin", bytes(MIB), rng.choice((4, 16, 60)))]
    rng.shuffle(members)
    return broken(pack(members), table.counts)


@BOMBS("a bomb as table")
def _table_bomb(rng: random.Random) -> ArchiveInput:
    # Blank lines, one endless line, a cell without end.
    table = random_table(rng)
    block = rng.choice((b"\n", b"\r\n", b"x", b",", b'"', b"\x00", b" ", b'""'))
    head, tail = table.text[: table.start], table.text[table.start :]
    bomb = _bomb(b"all.csv", block * (MIB // len(block)), rng.choice((2, 8, 30)), head=head, tail=tail)
    return broken(pack([bomb]), *([table.counts] if block in (b"\n", b"\r\n") else []))


@BOMBS("a bomb as list")
def _list_bomb(rng: random.Random) -> ArchiveInput:
    block = rng.choice((b"\n", b" ", b"9"))
    bomb = _bomb(b"activated.txt", block * MIB, rng.choice((2, 8, 30)), tail=b"\n+99943210000001\n")
    return broken(pack([bomb]), *([Counts(1, 1, 0, 0)] if block != b"9" else []))


def beyond_every_limit(rng: random.Random) -> ArchiveInput:
    """Unpack to 20 GiB: more than any result may."""
    return broken(pack([Member(b"t.csv", random_table(rng).text), _bomb(b"padding.bin", bytes(32 * MIB), 640)]))


@BOMBS("many members")
def _many_members(rng: random.Random) -> ArchiveInput:
    table, count = random_table(rng), rng.choice((300, 900, 1_200, 5_000, 30_000))
    others = [Member(f"{number}.txt".encode(), method=STORED) for number in range(count)]
    return broken(pack([*others, Member(b"t.csv", table.text)]), table.counts)


@BOMBS("nested archives")
def _nested(rng: random.Random) -> ArchiveInput:
    # The table is at the bottom: there is none at the top.
    data = zipped(random_table(rng).text)
    for _ in range(rng.choice((1, 2, 5, 40))):
        data = pack([Member(rng.choice((b"inner.zip", b"a/result.zip", b"x")), data) for _ in range(rng.randint(1, 2))])
        if len(data) > MIB:
            break
    return broken(data)


@BOMBS("gigabytes declared")
def _declared(rng: random.Random) -> ArchiveInput:
    size = rng.choice((1 << 31, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1))
    member = Member(b"t.csv", random_table(rng).text, method=rng.choice((STORED, DEFLATED)), zip64=size >= 0xFFFFFFFF)
    fields = rng.choice((("size",), ("packed",), ("size", "packed"), ("offset",)))
    member.listed = dict.fromkeys(fields, size)
    if "offset" not in fields and rng.random() < 0.5 and size < 0xFFFFFFFF:
        member.local = dict.fromkeys(fields, size)
    return broken(pack([member]))


@BOMBS("a huge list of members")
def _huge_list(rng: random.Random) -> ArchiveInput:
    # It is declared, or there is one.
    table = random_table(rng)
    member = Member(b"t.csv", table.text)
    if rng.random() < 0.5:
        size = rng.choice((2 * MIB, 1 << 30, 0xFFFFFFF0))
        return broken(pack([member], prefix=bytes(4 * MIB), end={"size": size}), table.counts)
    filler = [Member(b"f%d" % number, listed_extra=bytes(60_000), method=STORED) for number in range(100)]
    return broken(pack([*filler, member]), table.counts)


@BOMBS("members that share bytes")
def _shared_bytes(rng: random.Random) -> ArchiveInput:
    text, same = random_table(rng).text, rng.random() < 0.5
    names = [b"t.csv", *(b"%d.txt" % number for number in range(rng.choice((1, 50, 400))))]
    members = [Member(b"t.csv", text, listed_name=None if same else name) for name in names]
    for member in members[1:]:
        member.listed = {"offset": 0}
    return broken(pack(members))


@BOMBS("members within members")
def _within(rng: random.Random) -> ArchiveInput:
    # The first one's stored block quotes the second one's header, at which the list says that the second begins.
    kernel = Member(b"t.csv", random_table(rng).text)
    plain = pack([kernel])
    inner = plain[: plain.index(b"PK\x01\x02")]
    # A deflate block that is not compressed, of the inner member's header and data.
    stored = b"\x01" + len(inner).to_bytes(2, "little") + (0xFFFF - len(inner)).to_bytes(2, "little") + inner
    members = [Member(b"padding.bin", inner, packed=stored), kernel]
    kernel.listed = {"offset": pack(members).index(inner)}
    return broken(pack(members))


@BOMBS("other methods")
def _other_methods(rng: random.Random) -> ArchiveInput:
    text = random_table(rng).text
    method = {"method": rng.choice((1, 6, 9, 12, 14, 20, 93, 95, 97, 98, 99, 0xFFFF))}
    local = method if rng.random() < 0.7 else {}
    return broken(pack([Member(b"t.csv", text, packed=deflate(text), listed=method, local=local)]))


@BOMBS("encrypted")
def _encrypted(rng: random.Random) -> ArchiveInput:
    # Or patched, or masked; by the flags.
    member = Member(b"t.csv", random_table(rng).text, flags=rng.choice((1, 1 | 0x40, 0x2001)))
    return broken(pack([member, *([Member(b"readme.txt", b"x")] if rng.random() < 0.5 else [])]))
