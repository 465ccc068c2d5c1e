"""Numbers as integers: against the plainest program that does the same."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.numbers import number_keys
from airflow_provider_ekyc.numbers.number_keys import PAD, number_lines, padded, places_of, read_keys


def plainest(block: bytes, *, plus: bool, answers: bool) -> tuple[list[int], int]:
    keys, others = [], 0
    for ended in block.split(b"\n"):
        line = ended.removesuffix(b"\r")
        number, comma, _ = line.partition(b",")
        number = number.strip(b" \t")
        digits = number.removeprefix(b"+")
        only_here = not comma and len(line) <= 1024
        if not line.strip(b" \t") and (answers or only_here):
            continue
        if re.fullmatch(rb"[1-9][0-9]{1,14}", digits) and (answers or only_here) and (number != digits or not plus):
            keys.append(int(digits))
        else:
            others += 1
    return keys, others


def read(block: bytes, *, plus: bool = False, answers: bool = True) -> tuple[list[int], int]:
    keys, others = read_keys(block, plus=plus, answers=answers)
    assert keys.dtype == np.uint64
    return keys.tolist(), others


numbers = st.integers(2, 15).flatmap(lambda digits: st.integers(10 ** (digits - 1), 10**digits - 1))
texts = st.builds(lambda plus, number: plus + b"%d" % number, st.sampled_from([b"+", b"+", b""]), numbers)
# A byte that is no digit, at any place: each of the 256, as each place is checked by arithmetic.
invalid = st.builds(
    lambda text, place, byte: text[: place % len(text)] + bytes([byte]) + text[place % len(text) + 1 :],
    texts,
    st.integers(0, 15),
    st.integers(0, 255),
)
with_blanks = st.builds(
    lambda *parts: b"".join(parts), st.sampled_from([b" ", b"\t", b""]), texts, st.sampled_from([b" \t", b""])
)
words = [b"", b" ", b"\t \t", b"\r", b"somebody@mail.example", b"\xd9\xa1\xd9\xa2", b"\xff" * 20]
near_numbers = [b"+", b"+1", b"1", b"+0", b"+012", b"012", b"++12", b"1 2", b"+ 12", b"12+", b"12.0", b"-12"]
too_long = [b"9" * 16, b"9" * 17, b"+1234567890123456"]
wide = [b" " * 1024, b" " * 1025, b" " * 1012 + b"+12025550100", b" " * 1013 + b"+12025550100"]
other_lines = st.sampled_from([*words, *near_numbers, *too_long, *wide])
rests = st.sampled_from([b"", b"", b",", b",yes", b",no", b",unknown", b" ,yes", b",a,b", b',"x y"', b",12"])
line_ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])
rows = st.tuples(texts | with_blanks | invalid | other_lines, rests, line_ends).map(b"".join)
clean = st.tuples(texts, st.sampled_from([b",yes", b",no"]), st.just(b"\n")).map(b"".join)
blocks = st.tuples(
    st.lists(rows | clean, max_size=40).map(b"".join), rows.map(lambda row: row[:-1]) | st.just(b"")
).map(b"".join)


@given(block=blocks, plus=st.booleans(), answers=st.booleans())
@settings(max_examples=400, deadline=None)
def test_what_is_read_is_what_the_plainest_program_reads(block: bytes, plus: bool, answers: bool) -> None:
    assert read(block, plus=plus, answers=answers) == plainest(block, plus=plus, answers=answers)


@given(block=blocks, piece_bytes=st.integers(1, 60), plus=st.booleans())
@settings(max_examples=200, deadline=None)
def test_it_does_not_matter_where_a_block_is_cut_into_pieces(block: bytes, piece_bytes: int, plus: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_keys, "_PIECE_BYTES", piece_bytes)
        assert read(block, plus=plus) == plainest(block, plus=plus, answers=True)


@pytest.mark.parametrize("digits", [2, 7, 8, 9, 15])
def test_every_byte_that_is_no_digit_is_seen_at_every_place(digits: int) -> None:
    number = b"987654321987654"[:digits]
    for place in range(digits):
        lines = [b"+" + number[:place] + bytes([byte]) + number[place + 1 :] for byte in {*range(256)} - {*b"\n\r, \t"}]
        for line in lines:
            assert read(line) == plainest(line, plus=False, answers=True), (place, line)
        block = b"\n".join(lines)
        assert read(block) == plainest(block, plus=False, answers=True)


def test_many_lines_are_read_in_order_across_pieces() -> None:
    expected = [999 * 10**9 + number * 7919 % 10**9 for number in range(160_000)]
    block = b"".join(b"+%d,%s\n" % (number, b"yes" if number % 3 else b"no") for number in expected)
    assert len(block) > 5 * number_keys._PIECE_BYTES
    assert read(block) == (expected, 0)
    assert read(block.replace(b"\n", b"\r\n")) == (expected, 0)
    assert read(block, answers=False) == ([], 160_000)


def test_a_line_longer_than_a_piece_is_one_line() -> None:
    line = b"+12025550100," + b"x" * (3 * number_keys._PIECE_BYTES)
    assert read(line + b"\n+12025550101\n") == ([12025550100, 12025550101], 0)
    assert read(b"x" * (3 * number_keys._PIECE_BYTES)) == ([], 1)


@given(st.text("\n,1", max_size=40).map(str.encode), st.sampled_from(b"\n,"))
def test_a_byte_is_found_wherever_it_is(lines: bytes, byte: int) -> None:
    text = padded(memoryview(lines))
    assert places_of(byte, text).tolist() == [place for place, other in enumerate(text) if other == byte]
    assert text[PAD:].startswith(lines)


@given(lengths=st.lists(st.integers(9, 16), min_size=40, max_size=120), short=st.sets(st.integers(0, 119), max_size=4))
def test_few_short_lines_among_long_ones_are_found(lengths: list[int], short: set[int]) -> None:
    lines = b"".join(b"1" * (row % 3 if row in short else length) + b"\n" for row, length in enumerate(lengths))
    text = padded(lines)
    assert places_of(ord("\n"), text).tolist() == [place for place, other in enumerate(text) if other == ord("\n")]


def test_no_line_is_no_number() -> None:
    for block in (b"", b"\n", b"\r\n", b"\n \n\t\r\n"):
        assert read(block) == ([], 0)


@given(keys=st.sets(st.integers(1, 10**15 - 1), max_size=50))
def test_numbers_as_text_are_read_back(keys: set[int]) -> None:
    ascending = sorted(keys)
    text = number_lines(np.array(ascending, np.uint64))
    assert text == b"".join(b"+%d\n" % key for key in ascending)


def test_the_least_and_the_greatest_of_each_length_survive_both_ways() -> None:
    keys = [key for digits in range(2, 16) for key in (10 ** (digits - 1), 10**digits - 1)]
    assert read(number_lines(np.array(keys, np.uint64)), plus=True, answers=False) == (keys, 0)
