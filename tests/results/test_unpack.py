"""A member is unpacked whole, in small blocks and within a budget, or refused: ``results/archive/unpack.py``."""

from __future__ import annotations

import io
import random
import zipfile
import zlib

import pytest

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive import unpack
from airflow_provider_ekyc.results.archive.unpack import UNPACKED_RATIO, Budget, data_offset, packed, unpacked
from tests.results.archives import LOCAL, TABLE, Unseekable, pack, with_field

MIB = 1024 * 1024

#: What can't be packed, and what is packed to nearly nothing.
LARGE = random.Random(5).randbytes(MIB + MIB // 2 + 7) + bytes(3 * MIB + 5)
METHODS = pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])


def opened(archive: bytes, name: str | None = None) -> tuple[io.BytesIO, zipfile.ZipInfo]:
    """Return an archive as a file, and a member of it: of this name, or the first one."""
    file = io.BytesIO(archive)
    with zipfile.ZipFile(file) as reader:
        return file, reader.getinfo(name) if name else reader.infolist()[0]


def content_of(archive: bytes, name: str | None = None) -> bytes:
    return b"".join(unpacked(*opened(archive, name), Budget()))


@METHODS
@pytest.mark.parametrize("content", [b"", b"1", TABLE, LARGE], ids=["empty", "a byte", "a table", "large"])
def test_each_member_is_unpacked_whole_and_in_blocks_that_are_not_larger_than_one_mebibyte(
    content: bytes, method: int
) -> None:
    file, member = opened(pack({"a.csv": TABLE, "b.bin": content, "c.csv": TABLE}, method=method), "b.bin")
    blocks = list(unpacked(file, member, Budget()))
    assert b"".join(blocks) == content
    assert all(0 < len(block) <= MIB for block in blocks)


@METHODS
def test_what_is_packed_is_yielded_as_it_is_in_the_archive(method: int) -> None:
    file, member = opened(pack({"a.csv": TABLE, "b.bin": LARGE, "c.csv": TABLE}, method=method), "b.bin")
    content = b"".join(packed(file, member))
    assert len(content) == member.compress_size
    assert (zlib.decompress(content, -zlib.MAX_WBITS) if method else content) == LARGE


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("block", [1, 50])
def test_a_member_is_unpacked_whole_wherever_its_pieces_end(
    size: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_PIECE", size)
    monkeypatch.setattr(unpack, "_BLOCK", block)
    assert content_of(pack({"t.csv": TABLE * 20})) == TABLE * 20


def test_what_a_member_has_in_its_own_header_alone_is_skipped() -> None:
    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("\u00e9.csv", "w") as member:
        member.write(TABLE)
    assert content_of(target.getvalue()) == TABLE
    large = pack({"t.csv": TABLE}, zip64=True)
    file, entry = opened(large)
    assert data_offset(file, entry) > 30 + len("t.csv")
    assert content_of(large) == TABLE
    assert content_of(b"#!/bin/true\n" + large) == TABLE


def with_name(archive: bytes, name: bytes) -> bytes:
    """Return the archive with another name in the first member's own header, of the same length."""
    return archive[:30] + name + archive[30 + len(name) :]


def test_a_name_is_compared_as_zipfile_reads_it() -> None:
    plain = pack({"abcd.csv": TABLE})
    listed = plain.rindex(b"abcd.csv")
    old = with_name(plain[:listed] + b"\x82bcd.csv" + plain[listed + 8 :], b"\x82bcd.csv")  # of code page 437
    assert opened(old)[1].filename == "\u00e9bcd.csv"
    assert content_of(old) == TABLE


@pytest.mark.parametrize("name", [b"abce.csv", b"abcd\0csv", b"\xff\xfe\xfd\xfc.csv"])
@pytest.mark.parametrize("flags", [0, 1 << 11])
def test_a_member_of_another_name_is_refused(name: bytes, flags: int) -> None:
    archive = with_name(with_field(pack({"abcd.csv": TABLE}), "flags", flags), name)
    with pytest.raises(zipfile.BadZipFile, match="another name in the list"):
        content_of(archive)


@pytest.mark.parametrize(("size", "words"), [(0, "is cut off"), (29, "is cut off"), (30, "another name")])
def test_a_header_that_is_cut_off_is_refused(size: int, words: str) -> None:
    archive = pack({"t.csv": TABLE})
    with pytest.raises(zipfile.BadZipFile, match=words):
        data_offset(io.BytesIO(archive[:size]), opened(archive)[1])


def test_a_place_without_a_header_is_refused() -> None:
    archive = pack({"t.csv": TABLE})
    with pytest.raises(zipfile.BadZipFile, match="header of a member is missing"):
        content_of(b"pk" + archive[2:])


@METHODS
@pytest.mark.parametrize("change", [-1, 1])
def test_another_size_than_the_declared_one_is_refused_at_the_end(change: int, method: int) -> None:
    archive = with_field(pack({"t.csv": TABLE}, method=method), "size", len(TABLE) + change)
    blocks = unpacked(*opened(archive), Budget())
    assert next(blocks) == TABLE
    with pytest.raises(zipfile.BadZipFile, match="does not have its declared size"):
        next(blocks)


@METHODS
def test_another_checksum_than_the_declared_one_is_refused_at_the_end(method: int) -> None:
    archive = with_field(pack({"t.csv": TABLE}, method=method), "crc", zlib.crc32(TABLE) ^ 1)
    blocks = unpacked(*opened(archive), Budget())
    assert next(blocks) == TABLE
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):
        next(blocks)


@pytest.mark.parametrize(
    ("method", "words"),
    [(zipfile.ZIP_STORED, "does not have its declared size"), (zipfile.ZIP_DEFLATED, "a member is truncated")],
)
@pytest.mark.parametrize("cut", [1, MIB, MIB + 70_000])
def test_a_file_that_ends_within_a_member_is_refused(cut: int, method: int, words: str) -> None:
    file, member = opened(pack({"b.bin": LARGE[: MIB + MIB // 2]}, method=method))
    file.truncate(data_offset(file, member) + member.compress_size - cut)
    with pytest.raises(zipfile.BadZipFile, match=words):
        list(unpacked(file, member, Budget()))


def with_bytes_behind(archive: bytes, extra: bytes) -> bytes:
    """Return the archive with bytes more in its one member, which its header and the list count as packed ones."""
    size = int.from_bytes(archive[LOCAL["packed"] : LOCAL["packed"] + 4], "little")
    longer = bytearray(with_field(archive, "packed", size + len(extra)))
    entry = archive.rindex(b"PK\1\2")
    longer[entry:entry] = extra
    end = longer.rindex(b"PK\5\6")
    longer[end + 16 : end + 20] = (entry + len(extra)).to_bytes(4, "little")
    return bytes(longer)


@pytest.mark.parametrize("size", [1, 3, MIB])
def test_what_follows_the_end_of_a_deflated_member_is_refused(size: int) -> None:
    archive = pack({"t.csv": TABLE})
    assert content_of(with_bytes_behind(archive, b"")) == TABLE
    with pytest.raises(zipfile.BadZipFile, match="continues after its end"):
        content_of(with_bytes_behind(archive, bytes(size)))


def test_what_follows_the_end_where_a_piece_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack({"t.csv": TABLE})
    monkeypatch.setattr(unpack, "_PIECE", opened(archive)[1].compress_size)
    with pytest.raises(zipfile.BadZipFile, match="continues after its end"):
        content_of(with_bytes_behind(archive, b"x"))


def test_bytes_that_are_not_deflated_are_refused() -> None:
    archive = with_field(pack({"t.csv": b"\xff" * 100}, method=zipfile.ZIP_STORED), "method", zipfile.ZIP_DEFLATED)
    with pytest.raises(zipfile.BadZipFile, match="a member cannot be decompressed: "):
        content_of(archive)


@METHODS
def test_the_budget_grows_with_the_packed_bytes_and_is_used_up_by_the_unpacked_ones(method: int) -> None:
    file, member = opened(pack({"b.bin": bytes(100_000)}, method=method))
    budget = Budget(7_000_000)
    assert sum(map(len, unpacked(file, member, budget))) == 100_000
    assert budget.left == 7_000_000 + UNPACKED_RATIO * member.compress_size - 100_000


def test_a_budget_may_be_used_to_its_last_byte_and_no_further() -> None:
    file, member = opened(pack({"b.bin": bytes(100_000)}))
    least = 100_000 - UNPACKED_RATIO * member.compress_size
    assert least > 0
    assert sum(map(len, unpacked(file, member, Budget(least)))) == 100_000
    with pytest.raises(EkycResultError, match=r"unpacks to more than 17,179,869,184 bytes, and 16 times its own\."):
        list(unpacked(file, member, Budget(least - 1)))
