"""``history/number_column.py``: numbers from the buffers of an Arrow column."""

from __future__ import annotations

import pyarrow
import pytest
from hypothesis import example, given, strategies as st

from airflow_provider_ekyc.history.number_column import NO_NUMBER, column_keys
from airflow_provider_ekyc.results.table.number_forms import read_number

TYPES = [pyarrow.string(), pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
NUMBERS = st.integers(10, 10**15 - 1)
CELLS = st.one_of(
    NUMBERS.map("+{}".format),
    NUMBERS.map(str),
    NUMBERS.map("00{}".format),
    st.text(max_size=20),
    st.sampled_from(["", "+", "+1", "0123456", "+1234567890123456", "+1 202-555-0100", "1.2E+10", "١٢٣٤٥٦"]),
    st.none(),
)


@given(st.lists(CELLS), st.sampled_from(TYPES), st.integers(0, 3))
@example(["+12025550100"] * 3, pyarrow.string(), 1)
@example(["12025550100"] * 3, pyarrow.string(), 0)
@example(["+1234567890123456"] * 2, pyarrow.string(), 0)
@example(["+123456789012345", None, "+12"], pyarrow.large_string(), 1)
def test_a_column_has_the_numbers_of_its_cells(cells: list[str | None], kind: pyarrow.DataType, start: int) -> None:
    keys = column_keys(pyarrow.array(cells, kind).slice(start))
    assert keys.tolist() == [int(read_number(cell or "")[0] or NO_NUMBER) for cell in cells[start:]]


@pytest.mark.parametrize("digits", [2, 8, 11, 15])
def test_a_long_column_is_read_in_pieces(digits: int) -> None:
    numbers = list(range(10 ** (digits - 1), min(10**digits, 10 ** (digits - 1) + 20_000)))
    column = pyarrow.array([f"+{number}" for number in numbers])
    assert column_keys(column).tolist() == numbers
    assert column_keys(column.slice(7)).tolist() == numbers[7:]


def test_what_is_below_a_null_is_not_read() -> None:
    column = pyarrow.StringArray.from_buffers(
        2,
        pyarrow.py_buffer(b"\0\0\0\0\3\0\0\0\6\0\0\0"),
        pyarrow.py_buffer(b"+12+13"),
        pyarrow.py_buffer(b"\2"),
    )
    assert column_keys(column).tolist() == [NO_NUMBER, 13]
