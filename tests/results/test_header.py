"""A table's first lines (``results/table/header.py``): where the header is, what it says, and how it is refused."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.errors import AS_DELIVERED, DOWNLOAD_AGAIN, NOTHING_LANDED
from airflow_provider_ekyc.results.table.header import (
    HEADER_LINES,
    ColumnNames,
    Columns,
    holds_numbers,
    is_number_name,
    read_header,
)

TWO = Columns(",", 2, 0, 1, ("number", "amazon"))


def refusal(top: bytes, names: ColumnNames | None = None) -> str:
    """Return what is wrong and what to do first, without what each error of a table says."""
    with pytest.raises(EkycResultError) as caught:
        read_header(top, names)
    problem, remedy = caught.value.message.removesuffix(f" {AS_DELIVERED}").split(f" {NOTHING_LANDED} ")
    return f"{problem} > {remedy}"


@pytest.mark.parametrize(
    ("header", "names", "said"),
    [
        (
            "a,b",
            None,
            "The result's table does not begin with a header that names one number column. > If the number column has "
            "another name, set number_column to it and clear this task; otherwise ask the vendor.",
        ),
        (
            "Number,b",
            ColumnNames(number="Who"),
            "The result's table does not have exactly one column with the name in number_column. > Correct "
            "number_column, then clear this task.",
        ),
        (
            "Number,phone,b",
            None,
            "The result's table has 2 columns that may hold the number (columns: number, phone). > Set number_column "
            "to one of them, then clear this task.",
        ),
        (
            "Number,a,b",
            None,
            "The result's table has 2 columns besides the number's (columns: a, b). > Set result_column to one of "
            "them, then clear this task.",
        ),
        (
            "Number,a",
            ColumnNames(answer="b"),
            "The result's table does not have exactly one column with the name in result_column (columns: a). > "
            "Correct result_column, then clear this task.",
        ),
        ("Number", None, "The result's table has no answer column (columns: none). > Ask the vendor."),
        ("+12025550100,yes\nNumber,a", None, "The result's table has rows before its header. > Ask the vendor."),
    ],
)
def test_what_is_no_header_is_named_with_what_to_do(header: str, names: ColumnNames | None, said: str) -> None:
    assert refusal(f"{header}\n".encode(), names) == said


def test_a_header_that_is_no_text_is_to_be_downloaded_again() -> None:
    assert refusal(b"Number,\xff\n") == f"The result's table is not UTF-8 text. > {DOWNLOAD_AGAIN}"


def test_of_several_unclear_lines_the_first_is_named() -> None:
    said = refusal(b"Number,phone,x\nmobile,tel,msisdn\n")
    assert said.startswith("The result's table has 2 columns that may hold the number (columns: number, phone).")


def test_the_header_may_be_the_last_of_the_lines_that_are_looked_at() -> None:
    before = b"a title\n" * (HEADER_LINES - 1)
    assert read_header(before + b"Number,amazon\n") == (TWO, HEADER_LINES)
    assert "does not begin with a header" in refusal(before + b"a title\nNumber,amazon\n")


def test_a_header_is_read_up_to_its_greatest_length() -> None:
    name = "x" * (64 * 1024 - len("Number,"))
    assert read_header(f"Number,{name}".encode())[0].names == ("number", name)
    assert "does not begin with a header" in refusal(f"Number,{name}x".encode())


def test_a_title_that_is_not_csv_is_no_header() -> None:
    assert read_header(b'"an open quote\nNumber,amazon\n') == (TWO, 2)
    assert read_header(b'"Number"s,amazon\nNumber,amazon\n') == (TWO, 2)


@pytest.mark.parametrize("number", ["2025550", "2 025 550", "+1 202 555 0100", "12025550100"])
def test_a_number_of_7_characters_or_more_is_none_of_a_title(number: str) -> None:
    assert "has rows before its header" in refusal(f"x,{number}\nNumber,amazon\n".encode())
    assert "has rows before its header" in refusal(f"{number}\nNumber,amazon\n".encode())
    assert read_header(b"x,202555\nNumber,amazon\n") == (TWO, 2)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_numbers_are_found_whatever_the_delimiter(delimiter: str) -> None:
    assert holds_numbers(f"a title\nx{delimiter}2025550{delimiter}y\n".encode())
    assert not holds_numbers(f"a title\nx{delimiter}202555{delimiter}y\n".encode())


def test_numbers_are_found_beside_what_is_no_text() -> None:
    assert holds_numbers(b"\xff\xfe,x\n+12025550100,\xff\n")


@pytest.mark.parametrize(
    ("line", "is_total"),
    [
        ("Numbers,2049", True),
        ("Numbers,2049,17", True),
        ("Numbers,,2049", True),
        ("2049,Numbers", True),
        ("Numbers,x2049", False),
        ("Numbers,", False),
    ],
)
def test_a_line_with_nothing_but_counts_beside_the_name_is_no_header(line: str, is_total: bool) -> None:
    _, lines = read_header(f"{line}\nNumber,amazon\n".encode())
    assert lines == (2 if is_total else 1)


def test_a_line_with_counts_alone_names_no_column() -> None:
    assert "does not begin with a header" in refusal(b"Numbers,2049\n")


@pytest.mark.parametrize(
    ("header", "names", "answer"),
    [
        ("Number,a,amazon", ColumnNames(task_type="Amazon"), 2),
        ("Number,activated,a", ColumnNames(), 1),
        ("Number,a,Registered:", ColumnNames(), 2),
        ("a,Number,amazon", ColumnNames(answer="AMAZON"), 2),
        ("Number,amazon,", ColumnNames(answer="amazon"), 1),
        ("Number,,,a", ColumnNames(), 3),
        ("Number,amazon_email,b", ColumnNames(task_type="amazon email"), 1),
    ],
)
def test_the_answers_column_is_the_one_that_is_named_so(header: str, names: ColumnNames, answer: int) -> None:
    columns, _ = read_header(header.encode(), names)
    assert (columns.number, columns.answer) == (header.split(",").index("Number"), answer)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("Number,a,b", ColumnNames(answer="Number")),
        ("Number,amazon,amazon", ColumnNames(answer="amazon")),
        ("Number,amazon,activated", ColumnNames(task_type="amazon")),
        ("Number,,", ColumnNames()),
    ],
)
def test_columns_of_one_name_are_not_chosen_between(header: str, names: ColumnNames) -> None:
    refusal(header.encode(), names)


def test_the_header_is_known_again_in_any_writing() -> None:
    columns, _ = read_header(b"Number,amazon\n")
    assert columns.are_header([" NUMBER", "Amazon\u200b"])
    assert not columns.are_header(["Number", "ws"])
    assert not columns.are_header(["Number"])
    assert not Columns(",", 2, 0, 1).are_header([])


@pytest.mark.parametrize("name", ["#number:", "* Phone *", "phone -_. number", "\uff2eumber", "NÚMERO", "E 164"])
def test_marks_and_blanks_around_a_name_do_not_matter(name: str) -> None:
    assert is_number_name(name)


def test_names_beyond_the_twentieth_are_not_shown() -> None:
    names = [f"column_{chr(97 + at)}" for at in range(21)]
    assert f"(columns: {', '.join(names[:20])})." in refusal(f"Number,{','.join(names)}\n".encode())
