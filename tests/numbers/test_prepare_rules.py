"""
Which lines of an input are numbers, blank, duplicates or invalid.

Modules: ``numbers/lines.py``.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zipfile
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.prepare import PreparedNumbers, prepared_numbers

FIRST = b"+12025550100"
SECOND = b"+12025550101"
THIRD = b"+12025550102"


def prepare(data: bytes, **settings: Any) -> tuple[bytes, PreparedNumbers]:
    """Return what was left, and the counts; an error that shows a number is turned into a failed test."""
    settings = {"min_rows": 1, **settings}
    try:
        with prepared_numbers(io.BytesIO(data), **settings) as prepared:
            return prepared.file.read(), prepared
    except EkycNumbersError as error:
        if re.search(r"\d{5}", str(error)):
            pytest.fail(f"an error shows a number: {error}")
        raise


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_any_line_end_is_taken_and_written_as_newline(end: bytes) -> None:
    left, prepared = prepare(end.join([FIRST, SECOND, THIRD]))
    assert left == FIRST + b"\n" + SECOND + b"\n" + THIRD + b"\n"
    assert prepared.lines_read == prepared.rows == 3


def test_mixed_line_ends_count_each_line_once() -> None:
    left, prepared = prepare(FIRST + b"\r\n" + SECOND + b"\r" + THIRD + b"\n\r\n\r")
    assert left.split() == [FIRST, SECOND, THIRD]
    assert (prepared.lines_read, prepared.blank) == (5, 2)


def test_a_last_line_without_line_end_counts() -> None:
    assert prepare(FIRST + b"\n" + SECOND)[1].rows == 2


def test_a_byte_order_mark_is_taken_off_the_first_line() -> None:
    left, prepared = prepare(codecs.BOM_UTF8 + FIRST + b"\n")
    assert left == FIRST + b"\n"
    assert prepared.invalid == 0


def test_a_byte_order_mark_is_taken_off_however_small_the_blocks_are() -> None:
    assert prepare(codecs.BOM_UTF8 + FIRST, block_bytes=1)[0] == FIRST + b"\n"


def test_blanks_and_tabs_around_a_number_are_trimmed() -> None:
    assert prepare(b" \t" + FIRST + b"\t \n" + SECOND + b"\n")[0].split() == [FIRST, SECOND]


def test_blank_lines_are_dropped_and_counted() -> None:
    left, prepared = prepare(b"\n" + FIRST + b"\n \t\n\n" + SECOND + b"\n")
    assert left.split() == [FIRST, SECOND]
    assert (prepared.lines_read, prepared.blank, prepared.rows) == (5, 3, 2)


def test_a_later_duplicate_is_dropped_and_the_order_stays() -> None:
    left, prepared = prepare(b"\n".join([SECOND, FIRST, SECOND, THIRD, b" " + FIRST]))
    assert left.split() == [SECOND, FIRST, THIRD]
    assert (prepared.lines_read, prepared.duplicates, prepared.rows) == (5, 2, 3)


@pytest.mark.parametrize("data", [FIRST + b"\n" + SECOND, FIRST + b"\n" + SECOND + b"\n" + FIRST])
def test_size_and_digest_are_those_of_the_file(data: bytes) -> None:
    left, prepared = prepare(data)
    assert prepared.size == len(left)
    assert prepared.sha256 == hashlib.sha256(left).hexdigest()


@pytest.mark.parametrize("valid", [b"+12", b"+999123456789012", FIRST])
def test_two_to_fifteen_digits_are_valid(valid: bytes) -> None:
    assert prepare(valid)[0] == valid + b"\n"


@pytest.mark.parametrize(
    "wrong",
    [
        b"12025550100",
        b"0012025550100",
        b"+02025550100",
        b"+1",
        b"+",
        b"+9991234567890123",
        b"+1 202 555 0100",
        b"+1-202-555-0100",
        b"(202) 555-0100",
        b"++12025550100",
        b"+12025550100;",
        b"+12025550100,yes",
        b"Number",
        "+١٢٠٢٥٥٥٠١٠٠".encode(),
        "+12025550100\u00a0".encode(),
        b"+12025550100\x0b",
        b"+12025550100\x0c+12025550101",
        codecs.BOM_UTF8 + FIRST,
    ],
)
def test_anything_else_is_invalid_and_named_by_its_line_number_alone(wrong: bytes) -> None:
    with pytest.raises(EkycNumbersError, match="1 of 3 lines are invalid: line 2"):
        prepare(FIRST + b"\n" + wrong + b"\n" + SECOND + b"\n")


def test_all_invalid_lines_are_counted_and_the_first_ten_named() -> None:
    lines = [FIRST if line % 2 else b"no number" for line in range(1, 51)]
    with pytest.raises(EkycNumbersError) as caught:
        prepare(b"\n".join(lines), block_bytes=64)
    assert "25 of 50 lines are invalid: line 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, …" in str(caught.value)


def test_invalid_lines_are_dropped_and_counted_if_asked_for() -> None:
    left, prepared = prepare(b"Number\n" + FIRST + b"\nx\n" + SECOND, invalid="drop")
    assert left.split() == [FIRST, SECOND]
    assert (prepared.lines_read, prepared.invalid, prepared.rows) == (4, 2, 2)


def test_without_the_check_any_line_that_is_not_blank_is_taken() -> None:
    left, prepared = prepare(b" a@example.com \n\nb@example.com\na@example.com\n", check=False)
    assert left == b"a@example.com\nb@example.com\n"
    assert (prepared.blank, prepared.duplicates, prepared.rows) == (1, 1, 2)


def test_without_the_check_text_that_starts_like_an_archive_is_text() -> None:
    assert prepare(b"BZh9@example.com\nPK@example.com\n7z@example.com", check=False)[1].rows == 3


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("block_bytes", [7, 1000, 1 << 20])
@pytest.mark.parametrize("filler", [b"a", b" ", b"1"])
def test_an_overlong_line_is_one_invalid_line_wherever_the_blocks_end(
    check: bool, block_bytes: int, filler: bytes
) -> None:
    data = FIRST + b"\n" + filler * 5000 + b"\r\n" + SECOND
    left, prepared = prepare(data, check=check, invalid="drop", block_bytes=block_bytes)
    assert left.split() == [FIRST, SECOND]
    assert (prepared.lines_read, prepared.invalid, prepared.blank) == (3, 1, 0)


@pytest.mark.parametrize("length", [1024, 1025])
@pytest.mark.parametrize("block_bytes", [100, 1024, 1 << 20])
def test_the_longest_line_has_1024_bytes(length: int, block_bytes: int) -> None:
    data = b"a" * length + b"\r\nb@example.com\n"
    prepared = prepare(data, check=False, invalid="drop", block_bytes=block_bytes)[1]
    assert prepared.rows == (2 if length == 1024 else 1)


def test_an_empty_file_says_that_it_is_empty() -> None:
    with pytest.raises(EkycNumbersError, match="input is empty"):
        prepare(b"", min_rows=100)


def test_a_file_of_blank_lines_alone_says_what_was_dropped() -> None:
    with pytest.raises(EkycNumbersError, match=r"0 numbers are left of 3 lines \(3 blank"):
        prepare(b"\n\n\n", min_rows=100)


def test_too_few_numbers_say_how_many_and_the_limit() -> None:
    with pytest.raises(EkycNumbersError, match=r"2 numbers are left of 4 lines.*minimum of 3.*row_limits"):
        prepare(b"\n".join([FIRST, FIRST, SECOND, b""]) + b"\n", min_rows=3)


def test_too_many_numbers_say_how_many_the_limit_and_to_split() -> None:
    with pytest.raises(EkycNumbersError, match=r"3 numbers are left.*maximum of 2.*Split the file"):
        prepare(b"\n".join([FIRST, SECOND, THIRD]), max_rows=2)


def test_the_limits_count_what_is_left_after_duplicates() -> None:
    assert prepare(b"\n".join([FIRST, FIRST, SECOND]), min_rows=2, max_rows=2)[1].rows == 2


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("numbers.txt", data)
    return target.getvalue()


@pytest.mark.parametrize("settings", [{}, {"invalid": "drop"}, {"check": False}])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped(FIRST), "zip archive or an Excel workbook"),
        (gzip.compress(FIRST), "gzip, which is not supported"),
        ((FIRST + b"\n").decode().encode("utf-16"), "UTF-16 text: save it as UTF-8"),
        (codecs.BOM_UTF16_BE + FIRST.decode().encode("utf-16-be"), "UTF-16 text: save it as UTF-8"),
        (FIRST.decode().encode("utf-16-le"), "not a text file: byte 1 "),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old Excel workbook"),
    ],
)
def test_another_kind_of_file_is_named_instead_of_its_invalid_lines(
    data: bytes, message: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(EkycNumbersError, match=message):
        prepare(data, **settings)


def test_a_hole_of_nul_bytes_further_on_is_a_damaged_file_even_if_invalid_lines_are_dropped() -> None:
    with pytest.raises(EkycNumbersError, match=r"byte 39 .*damaged"):
        prepare((FIRST + b"\n") * 3 + bytes(100), invalid="drop", block_bytes=16)


def test_the_file_can_be_read_line_by_line_and_again() -> None:
    with prepared_numbers(io.BytesIO(FIRST + b"\n" + SECOND), min_rows=1) as prepared:
        assert list(prepared.file) == [FIRST + b"\n", SECOND + b"\n"]
        prepared.file.seek(0)
        assert prepared.file.readline() == FIRST + b"\n"


def test_the_source_is_left_open() -> None:
    source = io.BytesIO(FIRST)
    with prepared_numbers(source, min_rows=1):
        pass
    assert not source.closed
