"""
Parquet, Excel, and packed lists.

Modules: ``preparation/sources/parquet.py``, ``preparation/sources/workbook.py``, ``preparation/sources/compressed.py``.
"""

from __future__ import annotations

import datetime
import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.preparation.sources import compressed, workbook
from airflow_provider_ekyc.preparation.tidy import Reject, Tidier
from airflow_provider_ekyc.results.archive import unpack
from tests.preparation.reading import FIRST, SECOND, THIRD, read_file

TEXT = f"{FIRST}\n{SECOND}\n".encode()
DIGITS = int(FIRST)


def parquet(columns: dict[str, Any], **settings: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **settings)
    return file.getvalue()


def excel(*rows: list[Any], sheets: tuple[str, ...] = ("Sheet",)) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheets[0]
    for row in rows:
        book.active.append(row)
    for name in sheets[1:]:
        book.create_sheet(name)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return packed


# Parquet


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (pa.array([FIRST, None, SECOND]), [FIRST, "", SECOND]),
        (pa.array([FIRST, None, SECOND], pa.large_string()), [FIRST, "", SECOND]),
        (pa.array([FIRST, FIRST]).dictionary_encode(), [FIRST, FIRST]),
        (pa.array([DIGITS, None]), [str(DIGITS), ""]),
        (pa.array([DIGITS], pa.uint64()), [str(DIGITS)]),
        (pa.array([Decimal(DIGITS)], pa.decimal128(20, 0)), [str(DIGITS)]),
        (pa.array([f"{FIRST}\n{SECOND}"]), [f"{FIRST}\u2028{SECOND}"]),
    ],
)
def test_a_column_of_parquet_is_read(tmp_path: Path, values: Any, lines: list[str]) -> None:
    content = parquet({"id": list(range(len(values))), "phone": values})
    assert read_file(tmp_path, "a.parquet", content, column="phone") == (1, lines)
    assert read_file(tmp_path, "a", content, column=2) == (1, lines)


def test_the_only_column_of_parquet_needs_no_name_and_many_rows_keep_their_order(tmp_path: Path) -> None:
    numbers = [f"+999{number:010d}" for number in range(200_000)]
    content = parquet({"phone": numbers}, row_group_size=70_000)
    assert read_file(tmp_path, "a.parquet", content) == (1, numbers)


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        (parquet({"a": [1.5]}), "a", "has numbers of the type double"),
        (parquet({"a": [[FIRST]]}), "a", "has numbers of the type list"),
        (parquet({"a": [FIRST], "b": [FIRST]}), None, "has 2 columns"),
        (parquet({"a": [FIRST]}), "b", "has no column of the name"),
        (parquet({"a": [FIRST] * 1000})[:-20], "a", "damaged Parquet"),
        (parquet({"a": [FIRST] * 1000})[:400] + b"PAR1", "a", "damaged Parquet"),
    ],
)
def test_parquet_that_has_no_such_numbers_is_an_error(
    tmp_path: Path, content: bytes, column: object, message: str
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        read_file(tmp_path, "a.parquet", content, column=column)


def test_parquet_with_two_columns_of_one_name_is_an_error_since_a_column_is_read_by_its_name(tmp_path: Path) -> None:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array([FIRST]), pa.array([SECOND])], ["phone", "phone"]), file)
    for column, message in ((2, "has several columns of one name"), ("phone", "has 2 columns of the name")):
        with pytest.raises(EkycNumbersError, match=rf"a\.parquet {message}.* Nothing was sent\."):
            read_file(tmp_path, "a.parquet", file.getvalue(), column=column)


def test_too_little_memory_for_parquet_is_not_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    monkeypatch.setattr(pq, "ParquetFile", fail)
    with pytest.raises(MemoryError):
        read_file(tmp_path, "a.parquet", WHOLE["a.parquet"])


# Excel


def test_a_column_of_a_sheet_is_read_and_whole_numbers_give_their_digits(tmp_path: Path) -> None:
    content = excel(["name", "phone"], ["Anna", FIRST], ["Ben", DIGITS], ["Eve", None], ["Zoe", f"{SECOND}\n"], ["Al"])
    expected = (2, [FIRST, str(DIGITS), "", SECOND, ""])
    assert read_file(tmp_path, "a.xlsx", content, column="phone") == expected
    assert read_file(tmp_path, "a", content, column=2, sheet="Sheet") == expected


def test_a_sheet_is_found_by_its_name_without_the_blanks_around_it(tmp_path: Path) -> None:
    for wanted in ("Customers", "Customers "):
        assert read_file(tmp_path, "a.xlsx", excel([FIRST], sheets=("Customers ", "b")), sheet=wanted) == (1, [FIRST])
    # One of just that name comes first; of two with other blanks none is certain.
    assert read_file(tmp_path, "a.xlsx", excel([FIRST], sheets=("a", "a ")), sheet="a") == (1, [FIRST])
    with pytest.raises(EkycNumbersError, match="has 2 sheets"):
        read_file(tmp_path, "a.xlsx", excel([FIRST], sheets=("a ", " a")), sheet="a")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1.20255E+10", Reject.SCIENTIFIC),
        ("12025550100.0", Reject.DECIMAL),
        (12025550100.5, Reject.DECIMAL),
        (12025550100123456.0, Reject.SCIENTIFIC),
        ("=B1", Reject.FORMULA),
        (datetime.datetime(2026, 1, 1), Reject.TEXT),
        (True, Reject.TEXT),
        (DIGITS, Reject.NO_COUNTRY),
    ],
)
def test_a_cell_that_a_spreadsheet_has_changed_is_rejected_with_that_reason(
    tmp_path: Path, value: object, reason: Reject
) -> None:
    row, (line,) = read_file(tmp_path, "a.xlsx", excel(["phone"], [value]))
    assert row == 2
    assert Tidier(True, None).read(line.encode()) is reason


def test_a_whole_number_with_an_exponent_gives_its_digits(tmp_path: Path) -> None:
    # As programs in Java write all large numbers.
    content = io.BytesIO(excel(["phone"], [DIGITS]))
    with zipfile.ZipFile(content) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    changed = [(name, data.replace(b"<v>12025550100</v>", b"<v>1.20255501E10</v>")) for name, data in members]
    assert changed != members
    assert read_file(tmp_path, "a.xlsx", zipped(*changed)) == (2, [str(DIGITS)])


def test_a_stored_value_of_a_formula_is_read(tmp_path: Path) -> None:
    content = io.BytesIO(excel(["phone"], ["=A3"], [FIRST]))
    with zipfile.ZipFile(content) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    stored = f'<c r="A2" t="str"><f>A3</f><v>{FIRST}</v></c>'.encode()
    changed = [(name, data.replace(b'<c r="A2"><f>A3</f><v></v></c>', stored)) for name, data in members]
    changed = [(name, data.replace(b'<c r="A2"><f>A3</f><v /></c>', stored)) for name, data in changed]
    assert changed != members
    assert read_file(tmp_path, "a.xlsx", zipped(*changed)) == (2, [FIRST, FIRST])


def renumbered(*rows: tuple[bytes, bytes]) -> bytes:
    """A workbook of five rows with other row numbers."""
    content = io.BytesIO(excel(["phone"], *([f"+1202555010{last}"] for last in range(4))))
    with zipfile.ZipFile(content) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    for old, new in rows:
        changed = (
            members[sheet].replace(b'r="A%s"' % old, b'r="A%s"' % new).replace(b'row r="%s"' % old, b'row r="%s"' % new)
        )
        assert changed != members[sheet]
        members[sheet] = changed
    return zipped(*members.items())


@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_a_row_behind_one_with_a_larger_number_is_an_error_since_it_would_be_left_out(
    tmp_path: Path, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "_PIECE", piece)
    for number in (b"2", b"4"):
        with pytest.raises(EkycNumbersError, match=rf"a row {number.decode()} that stands behind row 4"):
            read_file(tmp_path, "a.xlsx", renumbered((b"5", number)))
    _, lines = read_file(tmp_path, "a.xlsx", renumbered((b"5", b"7")))
    assert lines == ["+12025550100", "+12025550101", "+12025550102", "", "", "+12025550103"]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (excel([FIRST], sheets=("a", "b")), {}, "has 2 sheets"),
        (excel([FIRST]), {"sheet": "b"}, "has no sheet of the name"),
        (excel([FIRST, SECOND]), {}, "has 2 columns"),
        (excel(["12"]), {}, "may be a header or not"),
        (excel([FIRST])[:-30], {}, "damaged zip archive"),
        (zipped(("[Content_Types].xml", b"<"), ("xl/workbook.xml", b"<a>")), {}, "damaged workbook"),
    ],
)
def test_a_workbook_that_is_not_certain_is_an_error(
    tmp_path: Path, content: bytes, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        read_file(tmp_path, "a.xlsx", content, **arguments)


def test_an_empty_sheet_has_no_rows(tmp_path: Path) -> None:
    assert read_file(tmp_path, "a.xlsx", excel()) == (1, [])


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "UNPACKED_LIMIT", 1000)
    with pytest.raises(EkycNumbersError, match="too large"):
        read_file(tmp_path, "a.xlsx", excel([FIRST]))


def test_a_workbook_whose_texts_expand_without_bound_is_an_error(tmp_path: Path) -> None:
    content = io.BytesIO(excel(["phone"], [FIRST]))
    with zipfile.ZipFile(content) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE sst [<!ENTITY a0 "{"1" * 10}">{laughs}]>'.encode()
    changed = [
        (name, data.replace(b"<sst", bomb + b"<sst", 1).replace(FIRST.encode(), b"&a9;")) for name, data in members
    ]
    assert changed != members
    with pytest.raises(EkycNumbersError, match="damaged workbook"):
        read_file(tmp_path, "a.xlsx", zipped(*changed))


# Packed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt.gz", gzip.compress(TEXT)),
        ("a.gz", gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:])),
        ("a.csv.gz", gzip.compress(b"phone\n" + TEXT)),
        ("a.txt.zst", zstd(TEXT)),
        ("a.zst", zstd(TEXT[:5]) + zstd(TEXT[5:])),
        ("a", zstd(TEXT)),
        ("a.zip", zipped(("b.txt", TEXT))),
        ("a.zip", zipped(("b/", b""), ("b/c.csv", TEXT), ("__MACOSX/b/._c.csv", b"\0\5"))),
        ("a.zip", zipped(("b.parquet", parquet({"phone": [FIRST, SECOND]})))),
        ("a.zip", zipped(("b.xlsx", excel([FIRST], [SECOND])), method=zipfile.ZIP_STORED)),
        ("a.parquet.gz", gzip.compress(parquet({"phone": [FIRST, SECOND]}))),
    ],
)
def test_a_packed_list_is_read(tmp_path: Path, name: str, content: bytes) -> None:
    assert read_file(tmp_path, name, content)[1] == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gz", gzip.compress(TEXT)[:-3], "gzip can't unpack it"),
        ("a.gz", gzip.compress(TEXT)[:-8] + b"\0" * 8, "gzip can't unpack it"),
        ("a.gz", gzip.compress(TEXT) + b"more", "gzip can't unpack it"),
        ("a.zst", zstd(TEXT)[:-3], "zstd can't unpack it"),
        ("a.zst", zstd(TEXT) + b"more", "zstd can't unpack it"),
        ("a.gz", gzip.compress(gzip.compress(TEXT)), "packed twice"),
        ("a.zip", zipped(("b.gz", gzip.compress(TEXT))), "packed twice"),
        ("a.zip", zipped(("b.txt", TEXT), ("c.txt", TEXT)), "zip archive of 2 files"),
        ("a.zip", zipped(), "zip archive of 0 files"),
        ("a.zip", zipped(("b.txt", TEXT), method=zipfile.ZIP_BZIP2), "another method than deflate"),
        ("a.zip", zipped(("b.txt", TEXT))[:-30], "damaged zip archive"),
        ("a.zip", zipped(("b.txt", TEXT), method=zipfile.ZIP_STORED).replace(b"+120", b"+121", 1), "damaged zip"),
        ("a.zip", zipped(*((f"{number}.txt", b"") for number in range(1_001))), "zip archive with too many members"),
        ("a.zip", zipped(("b.csv", gzip.compress(TEXT))), "is gzip by its content, but .csv by its name"),
    ],
)
def test_a_packed_list_that_is_damaged_or_not_one_list_is_an_error(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        read_file(tmp_path, name, content)


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_stream_that_unpacks_to_too_much_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any
) -> None:
    monkeypatch.setattr(compressed, "UNPACKED_LIMIT", 1 << 20)
    with pytest.raises(EkycNumbersError, match="unpacks to more than"):
        read_file(tmp_path, "a", pack(f"{THIRD}\n".encode() * 1_000_000))


def test_a_zip_archive_that_unpacks_to_too_much_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "UNPACKED_LIMIT", 1 << 20)
    with pytest.raises(EkycNumbersError, match=r"a\.zip unpacks to more than .*\. Nothing was sent\. Check that it is"):
        read_file(tmp_path, "a.zip", zipped(("b.txt", f"{THIRD}\n".encode() * 1_000_000)))


WHOLE = {
    "a.parquet": parquet({"phone": [FIRST, SECOND] * 20}),
    "a.xlsx": excel(["phone"], [FIRST], ["=A2"], [DIGITS]),
    "a.csv.gz": gzip.compress(b"phone\n" + TEXT),
    "a.txt.zst": zstd(TEXT),
    "a.zip": zipped(("b.csv", b"phone\n" + TEXT)),
}


@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from(sorted(WHOLE)),
    place=st.integers(0, 6000),
    instead=st.binary(max_size=8),
    cut=st.integers(0, 8),
)
def test_a_damaged_file_is_rows_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: int, instead: bytes, cut: int
) -> None:
    whole = WHOLE[name]
    place %= len(whole)
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    try:
        read_file(folder, name, whole[:place] + instead + whole[place + cut :])
    except EkycNumbersError as error:
        message = str(error)
    else:
        return
    assert "Nothing was sent." in message
