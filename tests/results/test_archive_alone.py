"""An archive that is landed as it was delivered: it must be whole, whatever it holds."""

from __future__ import annotations

import io
import zipfile

import pytest

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive import unpack
from airflow_provider_ekyc.results.archive.check import ArchiveSummary, check_members
from tests.results.archives import LISTS, TABLE, pack, repeat_entry, with_field

UNREAD = ArchiveSummary(0, 0, 0, 0, is_read=False)


def refusal(archive: bytes) -> str:
    with pytest.raises(EkycResultError) as caught:
        check_members(io.BytesIO(archive))
    assert "999" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    "members",
    [
        {"amazon.csv": TABLE},
        {"a.csv": TABLE, "b.csv": TABLE},
        {"amazon.csv": b"nobody,knows\n1,2\n", **LISTS},
        {"[Content_Types].xml": b"<x/>", "xl/worksheets/sheet1.xml": b"<x/>"},
        {"inner.zip": pack({"t.csv": TABLE})},
        {"folder/": b"", "folder/result.bin": b"\xff\xfe\0" * 1_000},
        {"amazon.csv": b"x" * 3_000_000},
    ],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_whole_archive_is_enough_whatever_it_holds(members: dict[str, bytes], method: int) -> None:
    assert check_members(io.BytesIO(pack(members, method=method))) == UNREAD


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (TABLE, "not a zip archive"),
        (pack({"t.csv": TABLE})[:-30], "a damaged zip archive"),
        (with_field(pack({"t.csv": TABLE}), "crc", 7), "Bad CRC-32"),
        (with_field(pack({"t.csv": TABLE, "x": TABLE}), "size", 7, member=1), "not have its declared size"),
        (repeat_entry(pack({"t.csv": TABLE}), 3), "its members overlap"),
        (pack({f"{number}.txt": b"" for number in range(1_001)}), "has 1,001 members"),
    ],
)
def test_an_archive_that_is_not_whole_is_refused(archive: bytes, words: str) -> None:
    assert words in refusal(archive)


def test_what_unpacks_to_more_than_any_result_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "UNPACKED_LIMIT", 2_000_000)
    assert "unpacks to more than 2,000,000 bytes" in refusal(pack({"a": bytes(1_500_000), "b": bytes(1_500_000)}))


@pytest.mark.parametrize(("field", "value"), [("flags", 1), ("method", zipfile.ZIP_LZMA), ("method", 99)])
def test_members_that_can_not_be_unpacked_are_counted_as_not_checked(field: str, value: int) -> None:
    archive = with_field(pack({"amazon.csv": TABLE, "b.csv": TABLE}), field, value, member=1)
    assert check_members(io.BytesIO(archive)) == ArchiveSummary(0, 0, 0, 0, is_read=False, unchecked=1)


def test_each_member_that_can_not_be_unpacked_is_counted_and_what_follows_is_checked() -> None:
    archive = pack({"a.csv": TABLE, "b.csv": TABLE, "c.csv": TABLE})
    for member in (0, 1):
        archive = with_field(archive, "method", 99, member=member)
    assert check_members(io.BytesIO(archive)).unchecked == 2
    assert "Bad CRC-32" in refusal(with_field(archive, "crc", 1, member=2))
