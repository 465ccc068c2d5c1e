from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.preparation.even_split import even_sizes


@settings(deadline=None)
@given(st.integers(1, 500), st.integers(0, 500), st.integers(0, 10**4))
def test_files_are_as_few_as_possible_even_and_within_the_limits(least: int, more: int, further: int) -> None:
    most, rows = 2 * least - 1 + more, least + further
    sizes = even_sizes(rows, least=least, most=most)
    assert sum(sizes) == rows
    assert least <= min(sizes)
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert (len(sizes) - 1) * most < rows


def test_where_no_division_exists_the_error_names_the_limit_that_allows_one() -> None:
    with pytest.raises(EkycNumbersError, match=r"101 numbers .* 100 to 100 rows .* Set max_rows to 199 or more"):
        even_sizes(101, least=100, most=100)
