"""What is in rows of one part: against sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.results.compare.tally import (
    NO,
    SENT,
    SIDE_BITS,
    UNKNOWN,
    YES,
    Tally,
    tally,
    tally_returned,
)

MULTIPLIER = 0x9E3779B97F4A7C15
Pairs = list[tuple[int, int]]


def rows_of(pairs: Pairs) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Rows as a ledger makes them: a product that tells the number, and below it the side."""
    rows = [(number * MULTIPLIER << SIDE_BITS) % 2**64 | side for number, side in pairs]
    return np.array(rows, np.uint64)


def counts(found: Tally) -> tuple[int, int, int, int]:
    return found.sent, found.returned, found.unexpected, found.contradictions


def numbers(rows: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> list[int]:
    """Return what tells the numbers of rows, as :func:`rows_of` has it."""
    return sorted((rows >> np.uint64(SIDE_BITS)).tolist())


def products(found: set[int]) -> list[int]:
    return sorted(int(row) >> SIDE_BITS for row in rows_of([(number, 0) for number in found]))


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([SENT], (1, 0, 0, 0)),
        ([SENT, SENT], (1, 0, 0, 0)),
        ([SENT, YES], (1, 1, 0, 0)),
        ([SENT, YES, NO, UNKNOWN], (1, 1, 0, 1)),
        ([YES], (0, 1, 1, 0)),
        ([NO, YES], (0, 1, 1, 1)),
        ([YES, UNKNOWN], (0, 1, 1, 0)),
        ([NO, UNKNOWN], (0, 1, 1, 0)),
        ([UNKNOWN, UNKNOWN], (0, 1, 1, 0)),
        ([], (0, 0, 0, 0)),
    ],
)
def test_a_number_is_counted_once_on_each_side(sides: list[int], expected: tuple[int, int, int, int]) -> None:
    assert counts(tally(rows_of([(10, side) for side in sides]))) == expected


def test_two_numbers_are_no_contradiction() -> None:
    for number in range(10, 40):
        assert counts(tally(rows_of([(number, YES), (number + 1, NO)]))) == (0, 2, 2, 0)


@given(pairs=st.lists(st.tuples(st.integers(10, 20), st.sampled_from([SENT, YES, NO, UNKNOWN])), max_size=40))
def test_what_is_counted_is_what_sets_hold(pairs: Pairs) -> None:
    sides = [{number for number, side in pairs if side == which} for which in range(4)]
    sent, returned = sides[SENT], sides[YES] | sides[NO] | sides[UNKNOWN]
    expected = (len(sent), len(returned), len(returned - sent), len(sides[YES] & sides[NO]))
    keyed, plain = tally(rows_of(pairs), keyed=True), tally(rows_of(pairs))
    assert counts(keyed) == counts(plain) == expected
    assert (numbers(keyed.rows), numbers(plain.rows)) == (products(returned), [])
    assert numbers(keyed.lone) == numbers(plain.lone) == products(sent - returned)
    assert set((plain.lone & np.uint64(3)).tolist()) <= {SENT}


@given(pairs=st.lists(st.tuples(st.integers(10, 40), st.sampled_from([YES, NO, UNKNOWN])), max_size=40))
def test_rows_of_a_result_alone_are_counted_as_sets_hold_them(pairs: Pairs) -> None:
    sides = [{number for number, side in pairs if side == which} for which in range(4)]
    returned = sides[YES] | sides[NO] | sides[UNKNOWN]
    expected = (0, len(returned), len(returned), len(sides[YES] & sides[NO]))
    rows = rows_of(pairs)
    keyed, plain = tally_returned(rows, keyed=True), tally_returned(rows)
    assert rows.tolist() == rows_of(pairs).tolist(), "the rows are still used"
    assert counts(keyed) == counts(plain) == expected
    assert (numbers(keyed.rows), numbers(plain.rows)) == (products(returned), [])
    assert len(keyed.lone) == len(plain.lone) == 0
