"""Rows as the ledger takes them: keys of their numbers, codes of their answers."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_ekyc.results.compare.ledger import TEXT
from airflow_provider_ekyc.results.compare.row_keys import row_keys
from airflow_provider_ekyc.results.compare.tally import NO, SIDE_BITS, UNKNOWN, YES
from airflow_provider_ekyc.results.table.rows import Rows, read_table


def keys_of(table: bytes) -> tuple[list[int], list[int]]:
    """Read rows as they are written, and not as a reader has proven them."""
    answers = [line.partition(b",")[2].decode() for line in table.splitlines()]
    keys, codes = row_keys(Rows(table, {answer: answers.count(answer) for answer in answers}))
    assert (keys.dtype, codes.dtype) == (np.uint64, np.uint8)
    return keys.tolist(), codes.tolist()


def test_rows_in_the_documented_form_are_read_already() -> None:
    (rows,) = read_table([b"Number,amazon\n" + b"+12025550100,yes\n+12025550101,no\n" * 20])
    assert rows.plain is not None
    keys, codes = row_keys(rows)
    assert (keys.tolist(), codes.tolist()) == ([12025550100, 12025550101] * 20, [YES, NO] * 20)
    assert codes.dtype == np.uint8
    keys, codes = row_keys(Rows(rows.lines, rows.answers))
    assert (keys.tolist(), codes.tolist()) == ([12025550100, 12025550101] * 20, [YES, NO] * 20)


@pytest.mark.parametrize(
    ("answers", "codes"),
    [
        (["yes", "no", "no", "yes"], [YES, NO, NO, YES]),
        (["yes", "yes"], [YES, YES]),
        (["no", "NO"], [NO, NO]),
        (["yes", "undetermined", "no"], [YES, UNKNOWN, NO]),
        (["Yes", "no"], [YES, NO]),
        (["YES", "no"], [YES, NO]),
        (["", "yes"], [UNKNOWN, YES]),
        (["maybe yes", "no"], [UNKNOWN, NO]),
        (["undetermined"], [UNKNOWN]),
    ],
)
def test_an_answer_is_the_code_of_what_it_means(answers: list[str], codes: list[int]) -> None:
    numbers = [12025550100 + index for index in range(len(answers))]
    lines = "".join(f"+{number},{answer}\n" for number, answer in zip(numbers, answers, strict=True))
    assert keys_of(lines.encode()) == (numbers, codes)
    # Another cell among the numbers has each row read by itself.
    with_text = keys_of(f"a@mail.example,no\n{lines}".encode())
    assert (with_text[0][1:], with_text[1]) == (numbers, [NO, *codes])


def test_a_cell_that_is_no_number_has_a_key_above_all_numbers() -> None:
    cells = ["a@mail.example", "b@mail.example", "+0", "+1", "+1234567890123456", "", "+12025550100x"]
    keys, _ = keys_of("".join(f"{cell},yes\n" for cell in ["+123456789012345", "+12", *cells]).encode())
    assert keys[:2] == [123456789012345, 12]
    assert len(set(keys)) == len(cells) + 2
    assert all(TEXT <= key < 1 << (64 - SIDE_BITS) for key in keys[2:])
