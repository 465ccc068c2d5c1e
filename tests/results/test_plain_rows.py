"""Rows in the documented form: what is read of a block is what a regular expression reads, and nothing else is read."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from airflow_provider_ekyc.results.table.plain_rows import read_plain

PLAIN = re.compile(rb"(?:\+[1-9][0-9]{1,14},(?:yes|no)\n)+|(?:[1-9][0-9]{1,14},(?:yes|no)\n)+")

Found = tuple[list[int], list[bool], bool]


def read(block: bytes) -> Found | None:
    found = read_plain(block)
    if found is None:
        return None
    assert found.numbers.dtype == np.uint64
    assert found.is_yes.dtype == np.bool_
    assert found.digits.dtype == np.uint8
    assert found.digits.tolist() == [len(str(number)) for number in found.numbers.tolist()]
    return found.numbers.tolist(), found.is_yes.tolist(), found.have_plus


def by_hand(block: bytes) -> Found | None:
    if not PLAIN.fullmatch(block):
        return None
    rows = [line.split(b",") for line in block.splitlines()]
    return [int(number) for number, _ in rows], [answer == b"yes" for _, answer in rows], block.startswith(b"+")


@pytest.mark.parametrize("plus", [b"+", b""])
def test_plain_rows_are_read(plus: bytes) -> None:
    rows = [plus + b"%d,%s\n" % (n**5 + 10, b"no" if n % 3 else b"yes") for n in range(1000)]
    for count in (1, 2, 3, 1000):
        block = b"".join(rows[:count])
        assert read(block) == by_hand(block) is not None


@pytest.mark.parametrize("plus", [b"+", b""])
@pytest.mark.parametrize("digits", range(1, 18))
def test_a_number_has_2_to_15_digits(plus: bytes, digits: int) -> None:
    block = plus + b"1" * digits + b",yes\n"
    assert read(block) == by_hand(block)
    assert (read(block) is None) == (digits not in range(2, 16))


@pytest.mark.parametrize(
    "block",
    [
        b"\n", b",\n", b",yes\n", b"+,yes\n", b"1,yes\n,no\n", b"+1,yes\n+,no\n", b"+,yes\n+1,no\n", b"1,yes\n\n",
        b"\n1,yes\n", b"1,yes\n2\n", b"1,yes,no\n", b"1,no,no\n", b"1,ye1s\n", b"1,yes1\n", b"11,yes\n2,noo\n",
        b"1,yes\n+2,no\n", b"+1,yes\n2,no\n", b"1+,yes\n", b"+1+,no\n", b"++1,no\n", b"1,Yes\n", b"1,yes \n",
        b"1 ,yes\n", b"a,yes\n", b"1,\n", b"1;yes\n", b"1,yes\x00\n", b"12345678,no,1\n", b"12345678\n1234,no\n",
        b"12,yes\n34\n", b"+12,yes\n+34\n", b"12,no\n34", b"12,no\n" + b"3" * 256 + b"45,no\n", b"3" * 256 + b"45,no\n",
        b"1,yes\n1,yes\n1\n,no\n", b"x" * 40 + b"\n",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_others(block: bytes) -> None:
    assert read(block) is None


def test_a_block_of_commas_takes_no_more_memory_than_one_of_short_rows() -> None:
    peaks = []
    for block in (b"," * ((1 << 18) - 1) + b"\n", b"12,no\n" * ((1 << 18) // 6)):
        tracemalloc.start()
        read_plain(block)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 1.2 * peaks[1]


EDITS = st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(b'+,\nyesno019 ;"\x00\xff')), max_size=3)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**15), st.booleans()), min_size=1, max_size=12), st.booleans(), EDITS)
@example([(1, True), (2, False)], True, [(0, ord("1"))])
@example([(12, True), (34, False)], True, [(8, ord("1"))])
def test_what_is_read_is_what_a_regular_expression_reads(
    rows: list[tuple[int, bool]], plus: bool, edits: list[tuple[int, int]]
) -> None:
    block = bytearray(b"".join(b"%s%d,%s\n" % (b"+" * plus, n, b"yes" if yes else b"no") for n, yes in rows))
    for place, byte in edits:
        block[place % (len(block) - 1)] = byte
    assert read(bytes(block)) == by_hand(bytes(block))
