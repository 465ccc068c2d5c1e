"""Which lines of an input are numbers, blank, duplicates or invalid: ``numbers/lines.py``."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers import lines
from tests.numbers.inputs import FIRST, SECOND, THIRD, prepare

OFF = {"check": False}
DROP = {"invalid": "drop"}


ADDRESSES = b" a@a.example \n\nb@a.example\na@a.example\n"
#: Text that starts like an archive.
LIKE_ARCHIVES = [b"BZh9@a.example", b"PK@a.example", b"7z@a.example"]


@pytest.mark.parametrize(
    ("data", "settings", "left", "counts"),
    [
        (b"\n".join([FIRST, SECOND, THIRD]), {}, [FIRST, SECOND, THIRD], (3, 0, 0, 0)),
        (b"\r\n".join([FIRST, SECOND, THIRD]), {}, [FIRST, SECOND, THIRD], (3, 0, 0, 0)),
        (b"\r".join([FIRST, SECOND, THIRD]), {}, [FIRST, SECOND, THIRD], (3, 0, 0, 0)),
        (FIRST + b"\r\n" + SECOND + b"\r" + THIRD + b"\n\r\n\r", {}, [FIRST, SECOND, THIRD], (5, 2, 0, 0)),
        (FIRST + b"\n" + SECOND, {}, [FIRST, SECOND], (2, 0, 0, 0)),
        (codecs.BOM_UTF8 + FIRST + b"\n", {}, [FIRST], (1, 0, 0, 0)),
        (codecs.BOM_UTF8 + FIRST, {"block_bytes": 1}, [FIRST], (1, 0, 0, 0)),
        (b" \t" + FIRST + b"\t \n" + SECOND + b"\n", {}, [FIRST, SECOND], (2, 0, 0, 0)),
        (b"\n" + FIRST + b"\n \t\n\n" + SECOND + b"\n", {}, [FIRST, SECOND], (5, 3, 0, 0)),
        (b"\n".join([SECOND, FIRST, SECOND, THIRD, b" " + FIRST]), {}, [SECOND, FIRST, THIRD], (5, 0, 2, 0)),
        (b"+12", {}, [b"+12"], (1, 0, 0, 0)),
        (b"+999123456789012", {}, [b"+999123456789012"], (1, 0, 0, 0)),
        (b"Number\n" + FIRST + b"\nx\n" + SECOND, DROP, [FIRST, SECOND], (4, 0, 0, 2)),
        (ADDRESSES, OFF, [b"a@a.example", b"b@a.example"], (4, 1, 1, 0)),
        (b"\n".join(LIKE_ARCHIVES), OFF, LIKE_ARCHIVES, (3, 0, 0, 0)),
    ],
)
def test_what_is_left_of_the_lines(
    data: bytes, settings: dict[str, Any], left: list[bytes], counts: tuple[int, ...]
) -> None:
    file, prepared = prepare(data, **settings)
    assert file == b"".join(line + b"\n" for line in left)
    assert (prepared.lines_read, prepared.blank, prepared.duplicates, prepared.invalid) == counts
    assert prepared.rows == len(left)


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
def test_anything_else_is_invalid_and_named_only_by_its_line_number(wrong: bytes) -> None:
    with pytest.raises(EkycNumbersError, match="1 of 3 lines are invalid: line 2"):
        prepare(FIRST + b"\n" + wrong + b"\n" + SECOND + b"\n")


def test_all_invalid_lines_are_counted_and_the_first_ten_named() -> None:
    rows = [FIRST if line % 2 else b"no number" for line in range(1, 51)]
    with pytest.raises(EkycNumbersError) as caught:
        prepare(b"\n".join(rows), block_bytes=64)
    assert "25 of 50 lines are invalid: line 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, …" in str(caught.value)


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
    data = b"a" * length + b"\r\nb@mail.example\n"
    prepared = prepare(data, check=False, invalid="drop", block_bytes=block_bytes)[1]
    assert prepared.rows == (2 if length == 1024 else 1)


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 1000])
@pytest.mark.parametrize("data", [b"a\r\nb\r\n\r\nc\r\n", b"a\rb\r\n\rc\r\r\n\n", b"a\r\nb\rc", b"\r", b"\r\n"])
def test_it_does_not_matter_where_pieces_end_between_the_two_of_a_line_end(
    data: bytes, piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_PIECE_BYTES", piece_bytes)
    expected = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert b"".join(lines.with_line_feeds([data])) == expected
    assert b"".join(lines.with_line_feeds(data[place : place + 1] for place in range(len(data)))) == expected
