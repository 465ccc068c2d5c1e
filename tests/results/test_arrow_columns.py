"""Rows as columns of Arrow: both ways of reading give what the lines say."""

from __future__ import annotations

from typing import NoReturn

import pytest

from airflow_provider_ekyc.results.output import arrow_columns
from airflow_provider_ekyc.results.output.arrow_columns import read_columns
from airflow_provider_ekyc.results.table.rows import Rows, read_table


def columns_of(lines: str) -> tuple[Rows, list[list[object]]]:
    """Read lines of a table; return its rows, and the three columns."""
    (rows,) = read_table([f"Number,amazon\n{lines}".encode()])
    columns = read_columns(rows)
    for column in columns:
        column.validate(full=True)
    return rows, [column.to_pylist() for column in columns]


@pytest.mark.parametrize(
    "numbers",
    [
        ["+12025550100", "+12025550101", "+12025550102", "+12025550103", "+12025550104"],
        ["+12", "+12025550101", "+999000000000001", "+13", "+12025550104"],
        ["+12025550100", "+12"],
        ["+12", "+12025550100"],
        ["+12025550100"],
    ],
    ids=["one length", "many lengths", "the last is shorter", "the last is longer", "one"],
)
@pytest.mark.parametrize("first", [0, 1])
def test_rows_in_the_documented_form_are_read_without_arrows_reader(
    numbers: list[str], first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(lines: bytes) -> NoReturn:
        raise AssertionError("These rows are read three times as fast with numpy.")

    monkeypatch.setattr(arrow_columns, "_parsed", fail)
    answers = [("yes", "no")[(first + at) % 2] for at in range(len(numbers))]
    lines = "".join(f"{number},{answer}\n" for number, answer in zip(numbers, answers, strict=True))
    rows, columns = columns_of(lines)
    assert rows.plain is not None
    assert columns == [numbers, [answer == "yes" for answer in answers], answers]


def test_any_other_answer_is_kept_and_means_yes_no_or_that_it_is_unknown() -> None:
    answers = ["yes", "sí", "NO", "undetermined", "", "n/a", "null", "0"]
    numbers = [f"+1202555{at:04d}" for at in range(100, 108)]
    rows, columns = columns_of("".join(f"{number},{answer}\n" for number, answer in zip(numbers, answers, strict=True)))
    assert rows.plain is None
    assert columns == [numbers, [True, True, False, None, None, None, None, False], answers]


def test_where_no_answer_is_known_the_column_is_of_booleans_too() -> None:
    (rows,) = read_table([b"Number,amazon\n+12025550100,undetermined\n"])
    numbers, registered, answers = read_columns(rows)
    assert [str(column.type) for column in (numbers, registered, answers)] == [
        "string",
        "bool",
        "dictionary<values=string, indices=int32, ordered=0>",
    ]
    assert registered.to_pylist() == [None]


def test_what_is_in_the_place_of_a_number_is_text() -> None:
    rows, columns = columns_of("somebody@mail.example,yes\n+12025550100,no\n")
    assert rows.plain is None
    assert columns == [["somebody@mail.example", "+12025550100"], [True, False], ["yes", "no"]]


def test_an_answer_may_be_longer_than_a_block_of_arrows_reader() -> None:
    answer = "\x01" * 900_000  # each becomes a character of three bytes
    _, columns = columns_of(f"+12025550100,{answer}\n+12025550101,yes\n")
    assert columns == [["+12025550100", "+12025550101"], [None, True], ["\ufffd" * 900_000, "yes"]]
