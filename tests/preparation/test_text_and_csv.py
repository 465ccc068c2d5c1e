"""
Text in any encoding, CSV and TSV.

Modules: ``preparation/sources/encodings.py``, ``preparation/sources/delimited.py``, ``preparation/sources/columns.py``,
``preparation/sources/plain_table.py``, ``preparation/sources/kinds.py``, ``preparation/sources/reading.py``,
``preparation/sources/opened_file.py``.
"""

from __future__ import annotations

import codecs
import csv
import encodings
import io
import pkgutil
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycSettingsError
from airflow_provider_ekyc.preparation.sources.delimited import column_blocks
from airflow_provider_ekyc.preparation.sources.options import TableOptions, read_options
from tests.preparation.reading import FIRST, SECOND, THIRD, read_file

LINES = f"{FIRST}\r\n{SECOND}\n"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16", None),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "UTF-16BE"),
        ("cp1252", "cp1252"),
        ("cp500", "cp500"),  # EBCDIC, in which no byte is the one of ASCII
    ],
)
def test_text_is_read_in_its_encoding(tmp_path: Path, encoding: str, declared: str | None) -> None:
    content = LINES.encode(encoding)
    assert read_file(tmp_path, "list.txt", content, encoding=declared) == (1, [FIRST, SECOND])


@pytest.mark.parametrize(
    ("content", "declared", "message"),
    [
        (LINES.encode("utf-16-le"), None, "NUL byte"),
        (LINES.encode("utf-16-le"), "utf-16", "no byte order mark"),
        (LINES.encode("utf-16"), "utf-8", "begins with the byte order mark of utf-16-le"),
        (LINES.encode("utf-8-sig"), "cp1252", "begins with the byte order mark of utf-8"),
        (LINES.encode("utf-16")[:-1], None, "is not utf-16-le text"),
        ("\u00e9".encode("cp1252"), "ascii", ""),
        (b"\x81", "cp1252", "is not cp1252 text"),
    ],
)
def test_text_in_another_encoding_is_an_error(
    tmp_path: Path, content: bytes, declared: str | None, message: str
) -> None:
    if not message:  # ASCII is read as UTF-8; the line is rejected where it is tidied
        assert read_file(tmp_path, "list.txt", content, encoding=declared) == (1, ["\udce9"])
        return
    with pytest.raises(EkycNumbersError, match=message):
        read_file(tmp_path, "list.txt", content, encoding=declared)


@pytest.mark.parametrize(
    "encoding",
    [
        *("base64", "rot13", "hex", "zlib", "nothing", "a\0b", "idna", "punycode", "unicode_escape", "UNICODE-ESCAPE"),
        *(
            "raw_unicode_escape",
            "undefined",
            "charmap",
            "utf-7",
            "U7",
            "hz",
            "iso2022_jp",
            "csISO2022KR",
            "iso2022_jp_2",
        ),
    ],
)
def test_an_encoding_must_be_one_of_text_whose_lines_are_read_one_by_one(encoding: str) -> None:
    with pytest.raises(EkycSettingsError, match="not one that a list can be read in"):
        read_options(column=None, delimiter=None, header=None, encoding=encoding, sheet=None)


@pytest.mark.parametrize(
    ("name", "text", "arguments", "first_row"),
    [
        ("a.csv", f"{FIRST}\n{SECOND}\n", {}, 1),
        ("a.csv", f"phone\n{FIRST}\n{SECOND}", {}, 2),
        ("a.csv", f"mobile 2\n{FIRST}\n{SECOND}", {}, 2),
        ("a.csv", f"name,phone\nAnna,{FIRST}\nBen,{SECOND}\n", {"column": "Phone"}, 2),
        ("a.csv", f"name,phone\nAnna,{FIRST}\nBen,{SECOND}\n", {"column": 2}, 2),
        ("a.csv", f"name,phone\nAnna,{FIRST}\nBen,{SECOND}\n", {"column": "2", "header": "true"}, 2),
        ("a.csv", f"Anna,{FIRST}\nBen,{SECOND}\n", {"column": 2}, 1),
        ("a.csv", f"Anna;{FIRST};x\nBen;{SECOND};y\n", {"column": 2, "header": False}, 1),
        ("a.csv", f"sep=;\nname;phone\na,b;{FIRST}\n;{SECOND}\n", {"column": "phone"}, 3),
        ("a.csv", f'"name; first",phone\n"x, y",{FIRST}\n"a ""b""",{SECOND}\n', {"column": "phone"}, 2),
        ("a.csv", f'phone\tname\n"{FIRST}"\t"a\nb"\n{SECOND}\tb\n', {"column": 1}, 2),
        ("a.csv", f"\n\nphone|name\n{FIRST}|\n{SECOND}||\n", {"column": "phone"}, 4),
        ("a.tsv", f"name\tphone, mobile\nAnna\t{FIRST}\nBen\t{SECOND}\n", {"column": 2}, 2),
        ("a.txt", f"name^phone\nAnna^{FIRST}\nBen^{SECOND}\n", {"column": 2, "delimiter": "^"}, 2),
        ("a.txt", f"phone\n{FIRST}\n{SECOND}\n", {"header": True}, 2),
        ("a", f"name~phone\nAnna~{FIRST}\nBen~{SECOND}\n", {"column": "phone", "delimiter": "~"}, 2),
        (
            "a.csv",
            f"n\u00e5me\u20acphone\nAnna\u20ac{FIRST}\nBen\u20ac{SECOND}\n",
            {"column": 2, "delimiter": "\u20ac"},
            2,
        ),
    ],
)
def test_one_column_of_a_table_is_read(
    tmp_path: Path, name: str, text: str, arguments: dict[str, object], first_row: int
) -> None:
    assert read_file(tmp_path, name, text.encode(), **arguments) == (first_row, [FIRST, SECOND])


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (f"name,phone\nAnna,{FIRST}\n", {}, "has 2 columns"),
        (f"name,phone\nAnna,{FIRST}\n", {"column": 3}, "fewer than column says"),
        (f"name,phone\nAnna,{FIRST}\n", {"column": "mobile"}, "has no column of the name"),
        (f"phone,Phone\n1,{FIRST}\n", {"column": "phone"}, "has 2 columns of the name"),
        (f"a,b\n1,{FIRST}\n", {"column": "b", "header": False}, "header is False"),
        (f"name;phone, mobile\nAnna;{FIRST}\n", {"column": 2}, "may be the delimiter"),
        (f"name,12\nAnna,{FIRST}\n", {"column": 2}, "may be a header or not"),
        (f"sep=;\na;b\n;{FIRST}\n", {"column": 2, "delimiter": ","}, "declares another delimiter"),
        (f'name,phone\n"Anna,{FIRST}\n', {"column": 2}, "quote in row 2 that is not closed"),
        (f'name,phone\n"Anna" B,{FIRST}\n', {"column": 2}, "row 2 that continues after its closing quote"),
    ],
)
def test_a_table_that_is_not_certain_is_an_error(
    tmp_path: Path, text: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        read_file(tmp_path, "a.csv", text.encode(), **arguments)


def test_an_encoding_of_python_that_is_accepted_reads_a_line_alike_wherever_it_is() -> None:
    """Each of them, also those of later releases."""
    lines = [f"{FIRST}\t;x\n", "+(999) 555-0100\n", '"~a b",.|\n']
    accepted = 0
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            name = read_options(column=None, delimiter=None, header=None, encoding=module.name, sheet=None).encoding
        except EkycSettingsError:
            continue
        assert name is not None
        if name in ("utf-8-sig", "utf-16", "utf-32"):  # with a byte order mark
            continue
        accepted += 1
        encoded = [line.encode(name) for line in lines]
        assert b"".join(encoded).decode(name) == "".join(lines) == "".join(each.decode(name) for each in encoded)
        assert len({len(character.encode(name)) for character in "+0123456789\n"}) == 1, name
    assert accepted > 90


def test_a_codec_that_another_package_has_registered_is_refused() -> None:
    def search(name: str) -> codecs.CodecInfo | None:
        latin = codecs.lookup("latin-1")
        return codecs.CodecInfo(latin.encode, latin.decode, name=name) if name == "made_up" else None

    codecs.register(search)
    try:
        with pytest.raises(EkycSettingsError, match="encoding is not one"):
            read_options(column=None, delimiter=None, header=None, encoding="made_up", sheet=None)
    finally:
        codecs.unregister(search)


@pytest.mark.parametrize("end", ['"', ""])
def test_a_cell_that_is_too_long_is_said_to_be_so(tmp_path: Path, end: str) -> None:
    text = f'name,phone\nBen,{FIRST}\n"{"a" * csv.field_size_limit()}a{end},{SECOND}\n'
    with pytest.raises(
        EkycNumbersError, match=r"cell in row 3 that is too long: more than 131,072 characters"
    ) as caught:
        read_file(tmp_path, "a.csv", text.encode(), column="phone")
    assert "not closed" not in caught.value.message


def test_a_table_in_another_encoding_is_an_error_and_is_read_once_it_is_declared(tmp_path: Path) -> None:
    content = f"name,phone\nRen\u00e9e,{FIRST}\n".encode("cp1252")
    with pytest.raises(EkycNumbersError, match="not UTF-8 text"):
        read_file(tmp_path, "a.csv", content, column="phone")
    assert read_file(tmp_path, "a.csv", content, column="phone", encoding="cp1252") == (2, [FIRST])


def test_a_row_with_other_columns_is_marked_and_the_others_are_read(tmp_path: Path) -> None:
    text = f"name,phone\nSmith, John,{FIRST}\nAnna\nBen,{SECOND}\n\nEve,{THIRD},,\n"
    row, lines = read_file(tmp_path, "a.csv", text.encode(), column="phone")
    assert row == 2
    assert lines == [f"\x1aSmith, John,{FIRST}", "\x1aAnna", SECOND, "", THIRD]


def test_a_break_within_a_cell_is_no_row(tmp_path: Path) -> None:
    text = f'phone\r\n"{FIRST}\r\n{SECOND}"\r\n"{THIRD}\n"\r\n'
    assert read_file(tmp_path, "a.csv", text.encode()) == (2, [f"{FIRST}\u2028{SECOND}", THIRD])


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str) -> None:
    assert read_file(tmp_path, name, b"") == (1, [])
    assert read_file(tmp_path, name, b"\xef\xbb\xbf") == (1, [])


def test_a_row_without_end_is_an_error_in_bounded_memory(tmp_path: Path) -> None:
    with pytest.raises(EkycNumbersError, match="has a row of more than"):
        read_file(tmp_path, "a.csv", b"a,b\n" + b"x" * (9 << 20), column="b")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"\x1f\x8b" + b"\0" * 20, "is gzip by its content, but .csv by its name"),
        ("a.parquet", b"phone\n", "is text by its content, but .parquet by its name"),
        ("a.xlsx", b"", "is text by its content, but .xlsx by its name"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1", "old .* Excel workbook, which is not read"),
        ("a", b"BZh91AY&SY", "is bzip2, which is not read"),
    ],
)
def test_another_format_and_a_name_that_contradicts_are_errors(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        read_file(tmp_path, name, content)


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "1", "+", "\n"])
def test_a_delimiter_is_one_character_that_can_separate(delimiter: str) -> None:
    with pytest.raises(EkycSettingsError, match="delimiter must be one character"):
        read_options(column=None, delimiter=delimiter, header=None, encoding=None, sheet=None)


@pytest.mark.parametrize("column", [0, -1, "0", True, 1.5, ""])
def test_a_column_is_a_name_or_a_place(column: object) -> None:
    with pytest.raises(EkycSettingsError, match="column"):
        read_options(column=column, delimiter=None, header=None, encoding=None, sheet=None)


_CELL = st.text(st.sampled_from('+12 a\u00e9,;"\n\t'), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(_CELL, min_size=1, max_size=4), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t"),
    block=st.integers(1, 40),
    place=st.integers(1, 3),
)
def test_any_table_is_read_as_the_csv_module_reads_it(
    rows: list[list[str]], delimiter: str, block: int, place: int
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([["a", "b", "c"], *rows])
    lines = [line + b"\n" for line in text.getvalue().encode().split(b"\n")[:-1]]
    blocks = [b"".join(lines[start : start + block]) for start in range(0, len(lines), block)]
    first_row, found = column_blocks(
        iter(blocks), TableOptions(column=place, delimiter=delimiter, header=True), "the list"
    )
    expected = []
    for row in csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter):
        if (len(row) < place and row) or any(row[3:]):
            expected.append(f"\x1a{delimiter.join(row)}".strip("\n").replace("\n", "\u2028"))
        else:
            expected.append(row[place - 1].strip("\n").replace("\n", "\u2028") if row else "")
    assert (first_row, b"".join(found).decode().split("\n")[:-1]) == (2, expected[1:])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["a.txt", "a.csv", "a.gz", "a"]), st.sampled_from([None, "phone", 2]))
def test_any_bytes_are_rows_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str, column: object
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-bytes"
    folder.mkdir(exist_ok=True)
    try:
        read_file(folder, name, content, column=column)
    except EkycNumbersError as error:
        message = str(error)
    else:
        return
    assert "Nothing was sent." in message
