"""The readers of rows agree with a plain reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.table.answers import meaning
from airflow_provider_ekyc.results.table.header import ColumnNames
from airflow_provider_ekyc.results.table.rows import Rows, read_list, read_table
from airflow_provider_ekyc.results.table.whole_lines import whole_lines


def lines_and_answers(rows: list[Rows]) -> tuple[bytes, dict[str, int]]:
    """All lines, and how often each answer comes."""
    answers: Counter[str] = Counter()
    for found in rows:
        assert found.lines.count(b"\n") == sum(found.answers.values())
        answers.update(found.answers)
    return b"".join(found.lines for found in rows), dict(answers)


def read(text: str | bytes, *, column: str | None = None, size: int = 1 << 20) -> tuple[bytes, dict[str, int]]:
    content = text.encode() if isinstance(text, str) else text
    blocks = (content[at : at + size] for at in range(0, len(content), size))
    return lines_and_answers(list(read_table(blocks, ColumnNames(answer=column))))


def refusal(text: str, column: str | None = None) -> str:
    with pytest.raises(EkycResultError) as caught:
        read(text, column=column)
    return caught.value.message


# Tables.


@pytest.mark.parametrize(
    "cells",
    [
        ["+12025550100,yes", "+12025550101,no"],
        ["12025550100,yes", "12025550101,no"],
        ["12025550100,yes", "+12025550101,no"],
        [" +12025550100 , yes ", "12025550101,no "],
        ['"+12025550100","yes"', "12025550101,no"],
        ['"+12025550100","yes"', '"+12025550101","no"'],
        ['"12025550100","yes"', '"12025550101","no"'],
        ["", "+12025550100,yes", "", "", "+12025550101,no", ""],
    ],
)
def test_every_way_of_writing_gives_the_same_lines(cells: list[str]) -> None:
    text = "\n".join(["Number,amazon", *cells, ""])
    for size in (1, 7, 1000):
        assert read(text, size=size) == (b"+12025550100,yes\n+12025550101,no\n", {"yes": 1, "no": 1})


def test_the_answer_column_can_be_named_among_several() -> None:
    text = "country,Number,amazon,carrier\nUS,12025550100,yes,x\nUS,12025550101,no,y\n"
    assert read(text, column=" AMAZON ") == (b"+12025550100,yes\n+12025550101,no\n", {"yes": 1, "no": 1})
    assert read(text, column="carrier")[1] == {"x": 1, "y": 1}
    assert "has 3 columns besides the number's (columns: country, amazon, carrier)" in refusal(text)
    message = refusal(text, "registered")
    assert "does not have exactly one column with the name in result_column" in message
    assert "Correct result_column" in message


def test_a_named_column_must_be_there_even_if_there_is_one_alone() -> None:
    assert read("Number,amazon\n12025550100,yes\n", column="amazon")[1] == {"yes": 1}
    assert "columns: amazon" in refusal("Number,amazon\n12025550100,yes\n", "activated")


def test_names_that_may_be_rows_are_not_shown() -> None:
    assert "(columns: none)" in refusal("Number,12025550100,+12025550101\n")


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["+12025550100,yes", "x,y,z"], 3),
        (["+12025550100,yes"] * 30_000 + ["+12025550100,perhaps"] * 30_000 + ["1,2,3"], 60_002),
        (["+12025550100,yes", "", '"+12025550100","perhaps"', "1"], 5),
        (["+12025550100,yes", '"+12025550100","per\nhaps"', "1"], 5),
    ],
)
def test_the_line_of_what_is_no_row_is_named(lines: list[str], line: int) -> None:
    for size in (1000, 100_000, 10_000_000):
        content = "\n".join(["Number,amazon", *lines, ""]).encode()
        with pytest.raises(EkycResultError, match=f"Line {line:,} of"):
            read(content, size=size)


def test_an_answer_with_something_invisible_in_it_is_not_the_answer() -> None:
    assert read("Number,amazon\n12025550100,yes\0\n12025550101,n\x08o\n")[1] == {"yes\ufffd": 1, "n\ufffdo": 1}


def test_a_plus_in_the_answer_is_none_of_the_number() -> None:
    assert read("Number,amazon\n12025550100,a+\n+12025550101,b\n")[0] == b"+12025550100,a+\n+12025550101,b\n"
    assert read("Number,amazon\n12025550100,a+\n12025550101,+b\n")[0] == b"+12025550100,a+\n+12025550101,+b\n"


@pytest.mark.parametrize("cell", ['"a,b"', '"a""b"', '"a\nb"', 'a"b"'])
def test_quotes_that_are_needed_are_left_to_the_csv_module(cell: str) -> None:
    text = f'"Number","amazon"\n"12025550100","yes"\n"12025550101",{cell}\n'
    if cell.startswith("a"):
        assert read(text)[1] == {"yes": 1, "a b": 1}
    else:
        lines, answers = read(text)
        assert lines.startswith(b"+12025550100,yes\n+12025550101,a")
        assert answers["yes"] == 1
        assert lines.count(b"\n") == 2


def test_a_number_that_is_none_stays_as_it_is() -> None:
    # Other task types verify other things than numbers.
    assert read("Number,amazon_email\nsomebody@example.com,yes\n")[0] == b"somebody@example.com,yes\n"


CELLS = st.sampled_from(["yes", "no", "sí", "Sí", "NO", "undetermined", "", "n/a", "0", "yes1", "oui et non", "+"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(10, 10**15 - 1), CELLS, st.sampled_from(["+", "", '"'])), max_size=40),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 90),
)
def test_all_readers_agree_with_a_plain_reading(
    rows: list[tuple[int, str, str]], delimiter: str, end: str, size: int
) -> None:
    def written(number: int, answer: str, how: str) -> str:
        return f'"{number}"{delimiter}"{answer}"' if how == '"' else f"{how}{number}{delimiter}{answer}"

    text = end.join([f"Number{delimiter}amazon", *(written(*row) for row in rows), ""])
    lines, answers = read(text, size=size)
    assert lines == "".join(f"+{number},{answer}\n" for number, answer, _ in rows).encode()
    assert answers == dict(Counter(answer for _, answer, _ in rows))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lists_give_their_numbers_the_answer_of_their_name(end: str) -> None:
    content = ("\ufeff" + end.join(["+12025550100", "", "12025550101", " 12025550102 ", ""])).encode()
    assert lines_and_answers(list(read_list([content[:9], content[9:]], "yes"))) == (
        b"+12025550100,yes\n+12025550101,yes\n+12025550102,yes\n",
        {"yes": 3},
    )


@pytest.mark.parametrize("line", ["+12025550100,yes", '"+12025550100"'])
def test_a_list_of_something_else_is_refused(line: str) -> None:
    with pytest.raises(EkycResultError, match="something other than numbers"):
        list(read_list([line.encode()], "yes"))


@pytest.mark.parametrize(
    ("answer", "means"),
    [("yes", "yes"), (" SÍ", "yes"), ("si", "yes"), ("No", "no"), ("", "unknown"), ("falsy", "unknown")],
)
def test_what_answers_mean(answer: str, means: str) -> None:
    assert meaning(answer) == means


# Lines.


@settings(max_examples=200, deadline=None)
@given(st.text("ab\r\n", max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_blocks_are_cut_where_lines_end(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(text)]
    blocks = list(whole_lines(text[a:b].encode() for a, b in pairwise(places)))
    assert all(block.endswith(b"\n") for block in blocks)
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    assert b"".join(blocks).decode() == whole + "\n" * (bool(whole) and not whole.endswith("\n"))


def test_a_row_that_never_ends_is_refused_before_it_is_kept() -> None:
    taken = 0

    def blocks() -> Iterator[bytes]:
        nonlocal taken
        yield b'Number,amazon\n+9990000000001,yes\n"x\n'
        while True:
            taken += 1
            yield b'","x\n' * 1000

    with pytest.raises(EkycResultError) as caught:
        list(read_table(blocks()))
    assert "row that begins in line 3 of the result's table is longer than 1,048,576 characters" in str(caught.value)
    assert taken < 1000


def test_rows_with_something_else_than_digits_are_counted() -> None:
    rows = list(read_table([b"Number,amazon\n+9990000000001,yes\n9.99E+12,no\nTotal,\n+9990000000004,no\n"]))
    assert [dict(found.unreadable) for found in rows] == [{"in scientific notation": 1, "with other text": 1}]
    assert next(read_table([b"Number,amazon\n+9990000000001,yes\n9990000000002,no\n"])).unreadable == {}


def test_each_unusual_row_is_counted_once_in_blocks_of_any_length() -> None:
    table = b"Number,amazon\n" + b"odd,yes\n" * 10_000
    assert sum(sum(found.unreadable.values()) for found in read_table([table])) == 10_000


def test_long_answers_come_in_small_blocks() -> None:
    answer = b'"' + b"x" * 100_000 + b';"'
    rows = list(read_table([b"Number,amazon\n", *[b"+9990000000001," + answer + b"\n"] * 100]))
    assert sum(sum(found.answers.values()) for found in rows) == 100
    assert max(len(found.lines) for found in rows) < 1_300_000


def test_a_header_that_may_be_a_number_is_not_shown() -> None:
    assert "tel[number removed]" in refusal("Number,tel9990000000002,amazon\n+9990000000001,yes,no\n")
