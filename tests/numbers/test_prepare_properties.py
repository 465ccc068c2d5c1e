"""``numbers/prepare.py`` compared with the plainest program that does the same."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.prepare import prepared_numbers


@dataclass
class Expected:
    lines: int
    blank: int
    invalid: list[int]
    valid: list[bytes]

    @property
    def left(self) -> list[bytes]:
        return list(dict.fromkeys(self.valid))


def plainest(data: bytes, *, check: bool) -> Expected:
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    expected = Expected(lines=len(lines), blank=0, invalid=[], valid=[])
    for number, line in enumerate(lines, start=1):
        trimmed = line.strip(b" \t")
        if len(line) > 1024 or (check and trimmed and not re.fullmatch(rb"\+[1-9][0-9]{1,14}", trimmed)):
            expected.invalid.append(number)
        elif trimmed:
            expected.valid.append(trimmed)
        else:
            expected.blank += 1
    return expected


class ShortReads:
    """A source that returns less than requested, as sockets do."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._file = io.BytesIO(data)
        self._sizes = sizes
        self._reads = 0

    def read(self, size: int, /) -> bytes:
        self._reads += 1
        return self._file.read(min(size, self._sizes[self._reads % len(self._sizes)]))


# Few different numbers, so that duplicates are common.
numbers = st.integers(0, 30).map(lambda number: b"+1202555%04d" % (100 + number))
other_lines = st.sampled_from(
    [b"", b" ", b"\t", b"x", b"+1", b"+12", b"+0123", b"12025550100", b"\xc3\xa9", b"\x0b", b"\xef\xbb\xbf"]
)
overlong = st.sampled_from([b"1" * 1024, b" " * 1024, b" " * 1025, b"+" + b"9" * 1024, b"a" * 3000])
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r", b" \n", b"\t\r\n"])
clean_files = st.lists(st.tuples(numbers, line_ends), max_size=60)
dirty_files = st.lists(st.tuples(numbers | other_lines | overlong, line_ends), max_size=40)
files = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    (clean_files | dirty_files).map(lambda lines: b"".join(line + end for line, end in lines)),
    numbers | other_lines | st.just(b"\r"),
).map(b"".join)
block_sizes = st.integers(1, 60) | st.sampled_from([1000, 1 << 20])
piece_sizes = st.lists(st.integers(1, 50), min_size=1, max_size=5)


@given(data=files, block_bytes=block_sizes, pieces=piece_sizes, check=st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_is_left_is_what_the_plainest_program_leaves(
    data: bytes, block_bytes: int, pieces: list[int], check: bool
) -> None:
    expected = plainest(data, check=check)
    source = ShortReads(data, pieces)
    with prepared_numbers(source, check=check, invalid="drop", min_rows=0, block_bytes=block_bytes) as prepared:
        left = prepared.file.read()
        assert left == b"".join(line + b"\n" for line in expected.left)
        assert prepared.sha256 == hashlib.sha256(left).hexdigest()
        assert prepared.input_sha256 == hashlib.sha256(data).hexdigest()
        assert prepared.size == len(left)
        assert prepared.lines_read == expected.lines
        assert prepared.blank == expected.blank
        assert prepared.invalid == len(expected.invalid)
        assert prepared.duplicates == len(expected.valid) - len(expected.left)
        assert prepared.rows == len(expected.left)


@given(data=files, block_bytes=block_sizes)
@settings(max_examples=80, deadline=None)
def test_a_file_fails_exactly_if_a_line_is_invalid_and_names_the_first_ten(data: bytes, block_bytes: int) -> None:
    expected = plainest(data, check=True)
    if not expected.invalid:
        with prepared_numbers(io.BytesIO(data), min_rows=0, block_bytes=block_bytes) as prepared:
            assert prepared.invalid == 0
        return
    with (
        pytest.raises(EkycNumbersError) as caught,
        prepared_numbers(io.BytesIO(data), min_rows=0, block_bytes=block_bytes),
    ):
        pass
    message = str(caught.value)
    assert message.startswith(f"{len(expected.invalid):,} of {expected.lines:,} lines are invalid: line ")
    places = message.partition(": line ")[2].partition(".")[0].removesuffix(", …")
    assert [int(place) for place in places.split(", ")] == expected.invalid[:10]
    assert not re.search(r"\d{5}", message), "an error shows a number"


@given(rows=st.integers(0, 20), min_rows=st.integers(0, 20), max_rows=st.integers(0, 20))
@settings(max_examples=50, deadline=None)
def test_a_file_passes_exactly_within_its_limits(rows: int, min_rows: int, max_rows: int) -> None:
    data = b"".join(b"+1202555%04d\n" % (100 + row) for row in range(rows)) * 2
    passed = True
    try:
        with prepared_numbers(io.BytesIO(data), min_rows=min_rows, max_rows=max_rows) as prepared:
            assert prepared.rows == rows
    except EkycNumbersError:
        passed = False
    assert passed == (min_rows <= rows <= max_rows)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("shift", [0, 5, 11])
def test_real_blocks_may_end_anywhere_in_a_line(end: bytes, shift: int) -> None:
    lines = [b"+999%08d" % number for number in range(90_000)]
    data = b" " * shift + end.join(lines) + end + lines[50_000] + end
    with prepared_numbers(io.BytesIO(data)) as prepared:
        assert prepared.file.read() == b"\n".join(lines) + b"\n"
        assert (prepared.lines_read, prepared.duplicates) == (90_001, 1)
