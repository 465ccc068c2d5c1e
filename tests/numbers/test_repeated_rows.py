"""Which rows have the number of an earlier one: ``numbers/repeated_rows.py``."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.numbers import repeated_rows as module
from airflow_provider_ekyc.numbers.dealt_rows import ROW_BITS, Scatter
from airflow_provider_ekyc.numbers.repeated_rows import repeated_rows

SCATTER = Scatter(0x2545F4914F6CD)


def plainest(numbers: list[int]) -> list[int]:
    seen: set[int] = set()
    later = []
    for row, number in enumerate(numbers):
        if number in seen:
            later.append(row)
        seen.add(number)
    return later


def find(numbers: list[int]) -> list[int]:
    scattered = SCATTER.scattered(np.array(numbers, np.uint64))
    scattered >>= np.uint64(ROW_BITS)  # of 50 bits, 45 are left: these numbers differ in them
    scattered <<= np.uint64(ROW_BITS)
    return sorted(repeated_rows(scattered, ROW_BITS).tolist())


@given(numbers=st.lists(st.integers(12025550100, 12025550199), max_size=200), bits=st.integers(1, 22))
@settings(max_examples=100, deadline=None)
def test_all_later_rows_are_found_and_no_first_one_however_many_share_a_hash(numbers: list[int], bits: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MOST_BITS", bits)
        assert find(numbers) == plainest(numbers)


@pytest.mark.parametrize("rows", [70_000, 400_000])
def test_rows_that_need_places_of_four_bytes_and_a_table_of_the_largest_size(rows: int) -> None:
    numbers = [999 * 10**9 + row * 7919 % 10**8 for row in range(rows)]
    numbers[rows // 2] = numbers[5]
    numbers[-1] = numbers[5]
    assert find(numbers) == [rows // 2, rows - 1]
