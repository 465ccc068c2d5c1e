"""What is no whole archive of results is refused with one clear error, whatever is wrong with it."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.errors import DOWNLOAD_AGAIN
from airflow_provider_ekyc.spool import spool_file
from tests.results.archives import LISTS, LOCAL, TABLE, check_archive, pack, with_field

WHOLE = pack({"result/all.csv": TABLE, **{f"result/{name}": content for name, content in LISTS.items()}})
COUNTS = ArchiveSummary(3, 1, 1, 1)


def check(archive: bytes) -> ArchiveSummary:
    """Check it in a spool file, as the transfer does: some offsets upset a file and not a ``BytesIO``."""
    with spool_file(None) as file:
        file.write(archive)
        return check_archive(file)


def refusal(archive: bytes) -> str:
    with pytest.raises(EkycResultError) as caught:
        check(archive)
    assert (
        "Nothing was landed. The submission is already paid for and will not be charged again." in caught.value.message
    )
    assert "999" not in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.message


def table(text: str | bytes) -> bytes:
    return pack({"t.csv": text.encode() if isinstance(text, str) else text})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\n\n<HTML><body>", "an HTML page"),
        (TABLE, "not a zip archive"),
        (b"\x1f\x8b\x08" + bytes(50), "not a zip archive"),
        (b"PK", "a damaged zip archive"),
        (b"PK\x05\x06" + bytes(18), "no table"),
        (pack({"[Content_Types].xml": b"<x/>", "xl/worksheets/sheet1.xml": b"<x/>"}), "an Excel file"),
        (pack({"inner.zip": WHOLE}), "no table"),
        (pack({"readme.txt": TABLE}), "no table"),
        (pack({"a.csv": TABLE, "b.csv": TABLE}), "2 CSV files (a.csv, b.csv), none of them named all.csv"),
        (pack({"a/all.csv": TABLE, "b/all.csv": TABLE}), "2 CSV files"),
        (pack({"activated.txt": b"\n\n"}), "no row"),
        (pack({"t.csv": TABLE}, method=zipfile.ZIP_BZIP2), "another method"),
        (pack({"t.csv": TABLE, "x": b""}, method=zipfile.ZIP_LZMA), "another method"),
        (with_field(pack({"t.csv": TABLE}), "method", 99), "another method"),
        (with_field(pack({"t.csv": TABLE}), "flags", 1), "encrypted"),
        (with_field(WHOLE, "flags", 1, member=2), "encrypted"),
        (with_field(pack({"t.csv": TABLE}), "flags", 1 << 5), "damaged"),
        (with_field(pack({"t.csv": TABLE}), "flags", 1 << 6), "damaged"),
    ],
)
def test_what_is_no_archive_of_results_is_named(content: bytes, words: str) -> None:
    assert words in refusal(content)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not begin with a header that names one number column"),
        ("\n\n", "does not begin with a header that names one number column"),
        ("+9990000000001,yes\n", "does not begin with a header that names one number column"),
        (
            "Number,number\n+9990000000001,9990000000001\n",
            "has 2 columns that may hold the number (columns: number, number)",
        ),
        ("Number\n+9990000000001\n", "has no answer column (columns: none)"),
        ("Number,9990000000001,x\n+9990000000001,yes,1\n", "has 2 columns besides the number's (columns: x)"),
        ("Number,amazon\n+9990000000001,yes\n,yes\n", "Line 3 of the result's table has no number"),
        ("Number,amazon\n+9990000000001,yes\n,,,,\n", "Line 3 of the result's table has 5 fields"),
        ("amazon,Number\n+9990000000001,yes\n", "Line 2 of the result's table has no number"),
        ("Number,amazon\n,yes\n", "Line 2 of the result's table has no number"),
        ("Number,amazon\n+9990000000001,yes\n ,no\n", "Line 3 of the result's table has no number"),
        ("Number," + "x" * 200_000, "does not begin|not CSV|no row"),
        ("Number,amazon\n", "contains no rows"),
        ("Number,amazon\n+9990000000001,yes\n+9990000000002\n", "Line 3 of the result's table has 1 fields"),
        ("Number,amazon\r\n\r\n+9990000000001,yes,no\r\n", "Line 3 of the result's table has 3 fields"),
        ('Number,amazon\n+9990000000001,"yes\n+9990000000002,no\n', "not CSV"),
        ('Number,amazon\n"+9990000000001"0,yes\n', "not CSV"),
        ('Number,amazon\n+9990000000001,"' + "y" * 200_000 + '"\n', "not CSV"),
        ("Number,amazon\n+9990000000001;yes\n", "Line 2 of the result's table has 1 fields"),
        (TABLE + b"+9990000000004,\xff\xfe\n", "not UTF-8"),
        ("Number,amazon\n+9990000000001,yes\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_what_is_no_table_of_answers_is_named(text: str | bytes, words: str) -> None:
    message = refusal(table(text))
    assert any(word in message for word in words.split("|")), message


def test_bytes_behind_a_members_end_are_no_part_of_it() -> None:
    """Packed bytes are copied into csv.gz as they are, and these would be copied with them."""
    archive = pack({"t.csv": TABLE})
    entry = archive.index(b"PK\1\2")
    size = int.from_bytes(archive[LOCAL["packed"] : LOCAL["packed"] + 4], "little")
    longer = bytearray(with_field(archive, "packed", size + 3))
    longer[entry:entry] = b"abc"
    end = longer.index(b"PK\5\6")
    longer[end + 16 : end + 20] = (entry + 3).to_bytes(4, "little")
    assert "continues after its end" in refusal(bytes(longer))


@pytest.mark.parametrize("field", [30, 32], ids=["extra", "comment"])
def test_an_entry_of_the_list_that_swallows_the_next_one_is_noticed(field: int) -> None:
    """Every sum is right then, and half of the result would be landed as the whole."""
    archive = bytearray(pack(LISTS))
    first = archive.index(b"PK\1\2")
    second, end = archive.index(b"PK\1\2", first + 4), archive.index(b"PK\5\6")
    archive[first + field : first + field + 2] = (end - second).to_bytes(2, "little")
    assert "damaged" in refusal(bytes(archive))


@pytest.mark.parametrize("member", [0, 1, 2])
def test_a_wrong_checksum_counts_in_every_member(member: int) -> None:
    assert "Bad CRC-32" in refusal(with_field(WHOLE, "crc", 1, member=member))


def test_a_wrong_checksum_counts_in_a_folder_that_holds_bytes() -> None:
    assert "Bad CRC-32" in refusal(with_field(pack({"t.csv": TABLE, "folder/": b"content"}), "crc", 1, member=1))


@pytest.mark.parametrize("size", [0, 1, len(TABLE) - 1, len(TABLE) + 1, 2**31, 2**32 - 2])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_member_that_lies_about_its_size_is_refused(size: int, method: int) -> None:
    assert "damaged" in refusal(with_field(pack({"t.csv": TABLE}, method=method), "size", size))


@pytest.mark.parametrize("size", [0, 1, 30, 2**31, 2**32 - 2])
@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_member_that_lies_about_its_packed_size_is_refused(size: int, method: int) -> None:
    assert "damaged" in refusal(with_field(pack({"t.csv": TABLE}, method=method), "packed", size))


@pytest.mark.parametrize("offset", [1, 2**31, 2**32 - 2])
def test_a_member_that_lies_elsewhere_is_refused(offset: int) -> None:
    assert "damaged" in refusal(with_field(pack({"t.csv": TABLE}), "offset", offset))


def test_an_archive_that_becomes_shorter_while_it_is_read_is_refused() -> None:
    archive = pack({"result/all.csv": TABLE, "result/made-up.txt": b"made up"})
    with spool_file(None) as file:
        file.write(archive)
        reader = ArchiveReader(file)
        rows = reader.rows()
        assert sum(next(rows).answers.values()) == 3
        file.truncate(archive.rindex(b"PK\x03\x04") + 29)
        with pytest.raises(EkycResultError, match="the header of a member is cut off") as caught:
            next(rows)
    assert not reader.summary.is_read
    assert not caught.value.retryable


@pytest.mark.parametrize("value", [1, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize(("field", "place"), [("offset", 42), ("size", 24)])
def test_figures_of_zip64_that_no_file_has_are_refused(value: int, field: str, place: int) -> None:
    archive = pack({"t.csv": TABLE})
    start, end = archive.index(b"PK\x01\x02"), archive.index(b"PK\x05\x06")
    entry, tail = bytearray(archive[start:end]), bytearray(archive[end:])
    entry[place : place + 4] = b"\xff" * 4  # says: look into the extra field
    entry[30:32] = (12).to_bytes(2, "little")
    entry += b"\x01\x00\x08\x00" + value.to_bytes(8, "little")
    tail[12:16] = len(entry).to_bytes(4, "little")
    assert "damaged" in refusal(archive[:start] + entry + tail), field


def test_rows_that_lie_where_a_name_should_be_are_not_quoted() -> None:
    archive = bytearray(BASES["stored"])
    archive[26:28] = (80).to_bytes(2, "little")  # length of the first member's name, in its own header
    assert refusal(bytes(archive)).startswith(
        "The result is a damaged zip archive (a member has another name in the list). "
    )


def test_what_an_error_quotes_of_the_archive_is_not_shown() -> None:
    archive = pack({"\u00e9.csv": TABLE}).replace("\u00e9.csv".encode(), b"\xff\xfe.csv")
    assert refusal(archive).startswith("The result is a damaged zip archive (UnicodeDecodeError). ")


def test_what_is_no_archive_is_not_read_whole_to_say_so() -> None:
    sizes = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            block = super().read(size)
            sizes.append(len(block))
            return block

    with pytest.raises(EkycResultError, match="not a zip archive") as caught:
        check_archive(Watched(b"x" * 1_000_000))
    assert caught.value.steps == (DOWNLOAD_AGAIN,)
    assert max(sizes) < 100_000  # where zipfile looks for the list of members


@pytest.mark.parametrize("front", [b"", b"#!/bin/true\n"])
def test_an_archive_that_is_cut_behind_one_within_it_is_not_taken_for_the_inner_one(front: bytes) -> None:
    inner = pack({"t.csv": TABLE})
    outer = front + pack({"inner.zip": inner, "all.csv": TABLE * 2}, method=zipfile.ZIP_STORED)
    cut = outer[: outer.index(inner) + len(inner)]
    assert ("not a zip archive" if front else "another archive precedes its members") in refusal(cut)
    assert "not a zip archive" in refusal(bytes(70_000) + inner)


def test_every_cut_is_noticed() -> None:
    assert check(WHOLE) == COUNTS
    for size in range(len(WHOLE)):
        refusal(WHOLE[:size])


def test_every_changed_byte_is_noticed_or_is_none_of_the_content() -> None:
    for place in range(len(WHOLE)):
        for mask in (0x01, 0x80, 0xFF):
            changed = bytearray(WHOLE)
            changed[place] ^= mask
            accepted_as_it_was(bytes(changed))


def accepted_as_it_was(archive: bytes) -> None:
    """An archive that is accepted at all has the rows of the one that it was made of."""
    found, said = COUNTS, ""
    try:
        found = check(archive)
    except EkycResultError as error:
        said = error.message
    assert found == COUNTS
    assert "999" not in said


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert", "copy"]),
        st.integers(0, 2 * len(WHOLE)),
        st.integers(1, 40),
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=4,
)
BASES = {
    "deflated": WHOLE,
    "stored": pack({"result/all.csv": TABLE, **LISTS}, method=zipfile.ZIP_STORED),
    "zip64": pack({"all.csv": TABLE, **LISTS}, zip64=True),
}


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(sorted(BASES)), EDITS)
def test_a_mangled_archive_is_refused_or_unharmed(base: str, edits: list[tuple[str, int, int, bytes]]) -> None:
    changed = bytearray(BASES[base])
    for kind, place, size, content in edits:
        at = place % (len(changed) + 1)
        if kind == "set":
            changed[at : at + len(content)] = content
        elif kind == "cut":
            del changed[at : at + size]
        elif kind == "insert":
            changed[at:at] = content
        else:
            changed[at:at] = changed[place % 7 : place % 7 + size]
    accepted_as_it_was(bytes(changed))
