"""
What a result archive may look like, and how it is counted.

Modules: ``results/archive/members.py``.
"""

from __future__ import annotations

import io
import zipfile
import zlib

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.results.archive import unpack
from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from tests.results.archives import LISTS, LOCAL, TABLE, Unseekable, check_archive, pack


def summary(members: dict[str, bytes]) -> ArchiveSummary:
    return check_archive(io.BytesIO(pack(members)))


def answers(words: list[str]) -> ArchiveSummary:
    return summary({"amazon.csv": b"Number,amazon\n" + "".join(f"+9991234567,{word}\n" for word in words).encode()})


def test_one_table_is_counted() -> None:
    assert summary({"amazon.csv": TABLE}) == ArchiveSummary(rows=3, yes=1, no=1, unknown=1)


@pytest.mark.parametrize(
    "folder", ["", "result/", "/", "../../", "C:\\", "folder\\", "a/" * 200, "été/"], ids=lambda name: name[:8]
)
def test_all_csv_is_the_whole_beside_its_parts_wherever_it_lies(folder: str) -> None:
    members = {f"{folder}{name}": content for name, content in LISTS.items()} | {f"{folder}all.csv": TABLE}
    assert summary(members) == ArchiveSummary(3, 1, 1, 1)
    assert summary(dict(reversed(members.items()))) == ArchiveSummary(3, 1, 1, 1)


def test_all_csv_is_the_whole_beside_other_tables() -> None:
    assert summary({"yes.csv": TABLE, "ALL.CSV": TABLE, "d/": b""}) == ArchiveSummary(3, 1, 1, 1)


def test_lists_alone_are_counted_as_what_their_names_say() -> None:
    assert summary(LISTS) == ArchiveSummary(rows=3, yes=1, no=2, unknown=0)
    assert summary({"Activated.TXT": b"9990000000001\r\n\r\n9990000000002"}) == ArchiveSummary(2, 2, 0, 0)


@pytest.mark.parametrize("head", ["Number\n", "\ufeffnumber\r\n", "N\u00famero\n"])
def test_a_list_may_have_a_header(head: str) -> None:
    assert summary({"activated.txt": head.encode() + b"+9990000000001\n"}) == ArchiveSummary(1, 1, 0, 0)


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_spanish_table_may_be_latin_1(quote: str) -> None:
    rows = f"Number,amazon\n+9990000000001,{quote}s\u00ed{quote}\n+9990000000002,S\u00cd\n+9990000000003,no\n"
    assert summary({"t.csv": rows.encode("latin-1")}) == ArchiveSummary(3, 2, 1, 0)


@pytest.mark.parametrize("end", [" \n", "\t\n", "\x1a"])
def test_lines_of_blanks_are_none(end: str) -> None:
    assert summary({"t.csv": TABLE + end.encode()}) == ArchiveSummary(3, 1, 1, 1)


def test_what_a_mac_puts_beside_a_table_is_none() -> None:
    assert summary({"amazon.csv": TABLE, "__MACOSX/._amazon.csv": b"\0\5\x16\7"}) == ArchiveSummary(3, 1, 1, 1)


def test_a_name_is_read_as_the_list_says_whatever_its_own_header_says() -> None:
    archive = pack({"\u00e9t\u00e9/t.csv": TABLE})
    flags = archive.index(b"PK\3\4") + LOCAL["flags"]
    archive = archive[:flags] + bytes(2) + archive[flags + 2 :]
    assert check_archive(io.BytesIO(archive)) == ArchiveSummary(3, 1, 1, 1)


@pytest.mark.parametrize("packed", [1, 2, 3, 50])
def test_what_is_unpacked_does_not_depend_on_where_pieces_end(packed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "_PIECE", packed)
    table = b"Number,amazon\n" + b"".join(b"+999%07d,no\n" % number for number in range(300))
    for size in range(80, 140):
        monkeypatch.setattr(unpack, "_BLOCK", size)
        assert summary({"t.csv": table}) == ArchiveSummary(300, 0, 300, 0)


@pytest.mark.parametrize(
    "header", ["Number,amazon", "number,activated", "NUMBER,coinw", " Number , x ", '"Number","a"']
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_header_bom_and_line_ends_vary(header: str, end: str, bom: str) -> None:
    table = bom + end.join([header, "9990000000001,yes", '"+9990000000002","no"', "", "+9990000000003,"])
    assert summary({"t.csv": table.encode()}) == ArchiveSummary(3, 1, 1, 1)
    assert summary({"t.csv": f"{table}{end}{end}".encode()}) == ArchiveSummary(3, 1, 1, 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_read_off_the_header(delimiter: str) -> None:
    assert summary({"t.csv": TABLE.replace(b",", delimiter.encode())}) == ArchiveSummary(3, 1, 1, 1)


def test_answers_are_yes_and_no_in_two_languages_and_all_else_is_unknown() -> None:
    assert answers(["yes", "YES", " Yes ", "sí", "SÍ", "si", "Si"]) == ArchiveSummary(7, 7, 0, 0)
    assert answers(["no", "NO", " No"]) == ArchiveSummary(3, 0, 3, 0)
    assert answers(["si\u0301", "Si\u0301"]) == ArchiveSummary(2, 2, 0, 0)
    assert answers(['"yes,"', '"yes"""', '" no"', '"no\t"']) == ArchiveSummary(4, 2, 2, 0)
    assert answers(["undetermined", "Unknown", "", " ", "2", "none"]) == ArchiveSummary(6, 0, 0, 6)


def test_stored_members_zip64_and_data_descriptors_are_read() -> None:
    members = {"all.csv": TABLE, **LISTS}
    assert check_archive(io.BytesIO(pack(members, method=zipfile.ZIP_STORED))) == ArchiveSummary(3, 1, 1, 1)
    large = pack(members, zip64=True)
    assert b"PK\x06\x06" in large
    assert check_archive(io.BytesIO(large)) == ArchiveSummary(3, 1, 1, 1)
    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert b"PK\x07\x08" in target.getvalue()
    assert check_archive(io.BytesIO(target.getvalue())) == ArchiveSummary(3, 1, 1, 1)


def test_a_comment_and_bytes_in_front_are_no_harm() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("t.csv", TABLE)
        archive.comment = b"made by a test"
    assert check_archive(target) == ArchiveSummary(3, 1, 1, 1)
    assert check_archive(io.BytesIO(b"#!/bin/true\n" + pack({"t.csv": TABLE}))) == ArchiveSummary(3, 1, 1, 1)


def test_the_file_may_stand_anywhere() -> None:
    file = io.BytesIO(pack({"t.csv": TABLE}))
    file.seek(7)
    assert check_archive(file).rows == 3


def packed_table(archive: bytes, size: int, crc: int) -> bytes | None:
    reader = ArchiveReader(io.BytesIO(archive))
    assert list(reader.rows())
    blocks = reader.packed_table(size, crc)
    return None if blocks is None else b"".join(blocks)


def test_the_packed_bytes_of_a_table_are_those_of_the_archive() -> None:
    size, crc = len(TABLE), zlib.crc32(TABLE)
    archive = pack({"amazon.csv": TABLE, "activated.txt": b"+9990000000001\n"})
    packed = packed_table(archive, size, crc)
    assert packed is not None
    assert packed in archive
    assert zlib.decompress(packed, -zlib.MAX_WBITS) == TABLE
    assert packed_table(archive, size + 1, crc) is None
    assert packed_table(archive, size, crc + 1) is None


def test_there_are_packed_bytes_of_one_deflated_table_alone() -> None:
    size, crc = len(TABLE), zlib.crc32(TABLE)
    assert packed_table(pack({"amazon.csv": TABLE}, method=zipfile.ZIP_STORED), size, crc) is None
    assert packed_table(pack({"amazon_1.csv": TABLE, "amazon_2.csv": TABLE}), size, crc) is None
    assert packed_table(pack(LISTS), size, crc) is None


ROWS = st.lists(
    st.tuples(
        st.integers(0, 10**12 - 1).map("999{:012d}".format),
        st.sampled_from(["yes", "no", "sí", "SI", "Yes", "undetermined", "", "?"]),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=120, deadline=None)
@given(ROWS, st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_counts_are_those_of_a_plain_reading(
    rows: list[tuple[str, str, bool, bool]], delimiter: str, end: str, bom: bool, last_end: bool
) -> None:
    lines = [f"Number{delimiter}amazon"]
    for number, answer, plus, quoted in rows:
        cells = ["+" * plus + number, answer]
        lines.append(delimiter.join(f'"{cell}"' for cell in cells) if quoted else delimiter.join(cells))
    text = "\ufeff" * bom + end.join(lines) + end * last_end
    words = [answer.lower().replace("í", "i") for _, answer, *_ in rows]
    yes, no = sum(word in ("yes", "si") for word in words), words.count("no")
    assert summary({"t.csv": text.encode()}) == ArchiveSummary(len(rows), yes, no, len(rows) - yes - no)
