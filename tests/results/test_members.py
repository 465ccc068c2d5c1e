"""What the names of members say, and which lists of members no result has (``results/archive/members.py``)."""

from __future__ import annotations

import io
import zipfile
from typing import BinaryIO, cast

import pytest

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive.members import (
    DIRECTORY_LIMIT,
    MEMBER_LIMIT,
    choose,
    is_readable,
    list_members,
    parts_of_one,
)
from airflow_provider_ekyc.results.errors import DOWNLOAD_AGAIN, NOTHING_LANDED
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.spool import spool_file


def member(name: str, *, flags: int = 0, method: int = zipfile.ZIP_DEFLATED) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.flag_bits, made.compress_type = flags, method
    return made


def parts(*names: str) -> list[str] | None:
    found = parts_of_one([member(name) for name in names])
    return None if found is None else [each.filename for each in found]


def chosen(*names: str) -> tuple[list[str], dict[str, str], list[str]]:
    found = choose([member(name) for name in names])
    assert [each.filename for each in found.members] == list(names)
    lists = {each.filename: word for each, word in found.lists.items()}
    return [each.filename for each in found.tables], lists, [each.filename for each in found.beside]


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (("a_2.csv", "a_1.csv"), ["a_1.csv", "a_2.csv"]),
        (("a_1.csv", "a_0.csv", "a_2.csv"), ["a_0.csv", "a_1.csv", "a_2.csv"]),
        (("a-00010.csv", *(f"a-{at:05}.csv" for at in range(10))), [f"a-{at:05}.csv" for at in range(11)]),
        (("A (2).CSV", "a (1).csv"), ["a (1).csv", "A (2).CSV"]),
        (("folder\\a_2.csv", "folder/a_1.csv"), ["folder/a_1.csv", "folder\\a_2.csv"]),
        (("1.csv", "2.csv"), ["1.csv", "2.csv"]),
        (("a_1.csv",), ["a_1.csv"]),
        (("a_1.csv", "a_3.csv"), None),
        (("a_2.csv", "a_3.csv"), None),
        (("a_1.csv", "a_1.csv"), None),
        (("a_1.csv", "b_2.csv"), None),
        (("one/a_1.csv", "two/a_2.csv"), None),
        (("a_1.csv", "a_2.csv", "other.csv"), None),
        (("a.csv", "b.csv"), None),
    ],
)
def test_parts_are_numbered_from_0_or_1_on_under_one_name(names: tuple[str, ...], ordered: list[str] | None) -> None:
    assert parts(*names) == ordered


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a.csv",), (["a.csv"], {}, [])),
        (("all.csv", "a.csv", "readme.txt"), (["all.csv"], {}, [])),
        (("folder\\ALL.CSV", "a.csv"), (["folder\\ALL.CSV"], {}, [])),
        (("one/two/three/all.csv", "one two/a.csv"), (["one/two/three/all.csv"], {}, [])),
        (("__MACOSX/._a.csv", "a.csv"), (["a.csv"], {}, [])),
        (("a.csv", "failed.csv"), (["a.csv"], {}, ["failed.csv"])),
        (("failed.csv",), (["failed.csv"], {}, [])),
        (("a_1.csv", "a_2.csv"), (["a_1.csv", "a_2.csv"], {}, [])),
        (("x/activated.txt", "Unregistered.txt"), ([], {"x/activated.txt": "yes", "Unregistered.txt": "no"}, [])),
        (
            ("activated.txt", "errors.csv", "summary-2.csv"),
            ([], {"activated.txt": "yes"}, ["errors.csv", "summary-2.csv"]),
        ),
        (("activated.txt", "a.csv"), (["a.csv"], {}, [])),
        (("activated.txt", "a.csv", "b.csv"), (["a.csv", "b.csv"], {}, [])),
    ],
)
def test_the_table_is_chosen_by_its_name(
    names: tuple[str, ...], expected: tuple[list[str], dict[str, str], list[str]]
) -> None:
    assert chosen(*names) == expected


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "has no table"),
        (("readme.txt",), "has no table"),
        (("failed.csv", "errors.csv"), "has no table"),
        (("all.csv", "folder/all.csv"), "has 2 CSV files that are named all.csv"),
        (("[Content_Types].xml", "xl/a.csv"), "is an Excel file"),
    ],
)
def test_an_archive_without_one_table_is_refused(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(EkycResultError, match=said) as failed:
        chosen(*names)
    remedy = {"has no table": DOWNLOAD_AGAIN, "is an Excel file": "Ask the vendor for CSV results."}
    assert f"{NOTHING_LANDED} {remedy.get(said, 'Ask the vendor.')} " in failed.value.message


@pytest.mark.parametrize(
    ("flags", "method", "error", "said"),
    [
        (1, zipfile.ZIP_DEFLATED, EkycResultError, "is encrypted"),
        (1 << 5, zipfile.ZIP_DEFLATED, zipfile.BadZipFile, "its flags"),
        (1 << 6, zipfile.ZIP_DEFLATED, zipfile.BadZipFile, "its flags"),
        (0, zipfile.ZIP_BZIP2, EkycResultError, "another method than deflate"),
        (0, zipfile.ZIP_LZMA, EkycResultError, "another method than deflate"),
    ],
)
def test_a_member_that_cannot_be_unpacked_is_refused(
    flags: int, method: int, error: type[Exception], said: str
) -> None:
    one = member("a.csv", flags=flags, method=method)
    assert not is_readable(one)
    with pytest.raises(error, match=said):
        choose([member("b.txt"), one])


@pytest.mark.parametrize("flags", [0, 1 << 3, 1 << 11])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_real_archives_use_is_readable(flags: int, method: int) -> None:
    one = member("a.csv", flags=flags, method=method)
    assert is_readable(one)
    assert choose([one]).tables == [one]


def archive(*names: str, front: bytes = b"", comment: bytes = b"") -> io.BytesIO:
    """Return an archive in memory, with bytes in front of it, and a comment at its first member."""
    file = io.BytesIO()
    file.write(front)
    with zipfile.ZipFile(file, "w") as writer:
        for at, name in enumerate(names):
            info = zipfile.ZipInfo(name)
            info.comment = b"" if at else comment
            writer.writestr(info, name)
    return file


def test_members_are_listed_in_the_order_of_their_bytes() -> None:
    listed = list_members(archive("b.csv", "a.csv", "c.txt"))
    assert [each.filename for each in listed] == ["b.csv", "a.csv", "c.txt"]
    assert list_members(archive()) == []


@pytest.mark.parametrize("front", [b"#!/bin/sh\n", b"x" * 64 * 1024])
def test_a_few_bytes_may_precede_an_archive(front: bytes) -> None:
    assert len(list_members(archive("a.csv", front=front))) == 1


@pytest.mark.parametrize("front", [b"x" * (64 * 1024 + 1), b"PK\x03\x04", b"x" * 30 + b"PK\x03\x04" + b"x" * 30])
def test_another_archive_or_many_bytes_may_not(front: bytes) -> None:
    with pytest.raises(zipfile.BadZipFile, match="another archive precedes its members"):
        list_members(archive("a.csv", front=front))


def test_an_entry_inside_of_another_is_refused() -> None:
    with pytest.raises(zipfile.BadZipFile, match="inside another one"):
        list_members(archive("a.csv", "b.csv", comment=b"some PK\x01\x02 bytes"))
    assert len(list_members(archive("a.csv", "b.csv", comment=b"PK\x01"))) == 2


def test_members_that_share_bytes_are_refused() -> None:
    file = archive("a.csv", "b.csv")
    # The second entry's offset becomes that of the first one.
    raw = bytearray(file.getvalue())
    second = raw.rindex(b"PK\x01\x02")
    raw[second + 42 : second + 46] = bytes(4)
    with pytest.raises(zipfile.BadZipFile, match="overlap"):
        list_members(io.BytesIO(raw))


def test_members_up_to_the_limit_are_listed() -> None:
    names = [f"{at}.txt" for at in range(MEMBER_LIMIT)]
    assert len(list_members(archive(*names))) == MEMBER_LIMIT
    with pytest.raises(EkycResultError, match="has 1,001 members"):
        list_members(archive(*names, "one more.txt"))


def test_a_list_of_members_up_to_the_limit_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        # 46 bytes and the name for each entry; the last one's comment fills the list up to the limit.
        left = DIRECTORY_LIMIT
        for at in range(18):
            info = zipfile.ZipInfo(f"{at:02}.txt")
            size = min(60_000, left - 52)
            info.comment = b"x" * size
            left -= 52 + size
            writer.writestr(info, b"")
        start = writer.fp.tell() if writer.fp is not None else 0
    assert left == 0
    assert len(list_members(file)) == 18
    assert len(file.getvalue()) - start == DIRECTORY_LIMIT + 22


def test_a_list_of_members_above_the_limit_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        for at in range(18):
            info = zipfile.ZipInfo(f"{at:02}.txt")
            info.comment = b"x" * 60_000
            writer.writestr(info, b"")
    with pytest.raises(EkycResultError) as failed:
        list_members(file)
    assert failed.value.message == (
        f"The result's list of members is larger than 1,048,576 bytes. {NOTHING_LANDED} Ask the vendor."
    )


def with_offset(file: io.BytesIO, offset: int) -> io.BytesIO:
    """Return an archive whose last entry says that its member begins there."""
    raw = bytearray(file.getvalue())
    last = raw.rindex(b"PK\x01\x02")
    raw[last + 42 : last + 46] = offset.to_bytes(4, "little")
    return io.BytesIO(raw)


def test_an_archive_whose_first_bytes_are_missing_is_refused() -> None:
    with pytest.raises(zipfile.BadZipFile, match="overlap"):
        list_members(io.BytesIO(archive("a.csv", "b.csv").getvalue()[10:]))


def test_members_of_a_file_that_was_downloaded_meanwhile_are_listed() -> None:
    content = archive("a.csv", "b.csv").getvalue()
    with spool_file(None) as spool:
        spool.write(content)
        with GrowingFile(spool) as file:
            file.complete(len(content))
            listed = list_members(cast("BinaryIO", file))
    assert [each.filename for each in listed] == ["a.csv", "b.csv"]


def test_a_member_that_ends_behind_the_members_is_refused() -> None:
    file = archive("a.csv", "b.csv")
    whole = list_members(file)
    for beyond in (1_000, len(file.getvalue()) - 30):
        with pytest.raises(zipfile.BadZipFile, match="overlap"):
            list_members(with_offset(file, whole[0].header_offset + beyond))


def test_a_member_that_begins_inside_the_bytes_of_another_is_refused() -> None:
    # 30 bytes of header and 1,000 of text: the second one says that it begins in the text.
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        writer.writestr("a.csv", b"x" * 1_000)
        writer.writestr("b.csv", b"x")
    with pytest.raises(zipfile.BadZipFile, match="overlap"):
        list_members(with_offset(file, 500))
