"""The readers of rows agree with a plain reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NoReturn

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.errors import DOWNLOAD_AGAIN
from airflow_provider_ekyc.results.table import rows as rows_module
from airflow_provider_ekyc.results.table.answers import meaning
from airflow_provider_ekyc.results.table.header import HEADER_LINES, ColumnNames
from airflow_provider_ekyc.results.table.rows import Rows, read_list, read_table, read_top
from airflow_provider_ekyc.results.table.whole_lines import LINE_LIMIT, whole_lines


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


@pytest.fixture
def _no_csv_module(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise AssertionError("These rows are read 6 times as fast without the csv module.")

    monkeypatch.setattr(rows_module, "_read_csv", fail)


@pytest.mark.usefixtures("_no_csv_module")
@pytest.mark.parametrize(
    ("rows", "lines", "answers"),
    [
        ("+12025550100,undetermined\n+12025550101,no\n", b"+12025550100,undetermined\n+12025550101,no\n", None),
        ("12025550100,x\n+12025550101,y\n12025550102,z\n", b"+12025550100,x\n+12025550101,y\n+12025550102,z\n", None),
        ("+12025550100, yes \n+12025550101,yes\t\n", b"+12025550100,yes\n+12025550101,yes\n", {"yes": 2}),
        ("+12025550100,yes \n12025550101,yes\n", b"+12025550100,yes\n+12025550101,yes\n", {"yes": 2}),
        ("\n\n+12025550100,x\n\n\n+12025550101,\n\n", b"+12025550100,x\n+12025550101,\n", None),
        ('"+12025550100","x"\n"+12025550101","y"\n', b"+12025550100,x\n+12025550101,y\n", None),
        ('"12025550100","yes"\n"12025550101","no"\n', b"+12025550100,yes\n+12025550101,no\n", None),
        ("+12025550100,s\u00ed, se\u00f1or\n".replace(", ", " "), "+12025550100,s\u00ed se\u00f1or\n".encode(), None),
        ("\n\n", b"", {}),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_of_digits_and_any_answer_need_no_csv_module(
    rows: str, lines: bytes, answers: dict[str, int] | None, delimiter: str
) -> None:
    rows = rows.replace("\t", " ").replace(",", delimiter)
    counted = Counter(line.partition(",")[2] for line in lines.decode().splitlines()) if answers is None else answers
    assert read(f"Number{delimiter}amazon\n{rows}") == (lines, dict(counted))


@pytest.mark.usefixtures("_no_csv_module")
def test_lists_of_digits_need_no_csv_module() -> None:
    (rows,) = read_list([b"+12025550100\n+12025550101\n"], "no")
    assert rows.plain is not None
    assert rows.lines == b"+12025550100,no\n+12025550101,no\n"
    (rows,) = read_list([b"+12025550100\n12025550101\n"], "no")
    assert rows.lines == b"+12025550100,no\n+12025550101,no\n"


@pytest.mark.parametrize(
    ("rows", "line", "fields"),
    [
        ("+12025550100,a,+12025550101\nb\n", 2, 3),
        ("+12025550100,a\n+12025550101,b,+12025550102\nc\n", 3, 3),
        ("+12025550100\n12,+12025550101,a\n", 2, 1),
        ("+12025550100,a\n+12025550101\n12,+12025550102,b\n", 3, 1),
    ],
)
def test_cells_are_not_moved_from_one_line_to_another(rows: str, line: int, fields: int) -> None:
    assert f"Line {line} of the result's table has {fields} fields instead of 2." in refusal(f"Number,amazon\n{rows}")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_comma_in_an_answer_is_no_delimiter_where_another_one_is(delimiter: str) -> None:
    assert read(f"Number{delimiter}amazon\n+12025550100{delimiter}a,b\n") == (b"+12025550100,a b\n", {"a b": 1})


def test_a_quote_behind_a_number_is_no_part_of_it() -> None:
    (rows,) = read_table([b'Number,amazon\n"+12025550100""",yes\n'])
    assert (rows.lines, rows.unreadable) == (b"+12025550100,yes\n", {})
    assert rows.repaired == {"text mark of a spreadsheet": 1}


def test_each_number_in_another_form_is_counted() -> None:
    (rows,) = read_table([b"Number,amazon\n'+12025550100,yes\n'+12025550101,no\nodd,no\nodd,yes\n"])
    assert (rows.repaired, rows.unreadable) == ({"text mark of a spreadsheet": 2}, {"with other text": 2})


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_row_with_a_comma_in_the_place_of_the_delimiter_is_refused(delimiter: str) -> None:
    text = f"Number{delimiter}amazon\n+12025550100{delimiter}yes\n+12025550101,no\n"
    assert "Line 3 of the result's table has 1 fields instead of 2." in refusal(text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("plus", ["+", ""])
def test_rows_in_the_documented_form_are_known_to_be_whatever_separates_them(
    delimiter: str, quote: str, plus: str
) -> None:
    row = f"{quote}{plus}12025550100{quote}{delimiter}{quote}yes{quote}\n"
    (rows,) = read_table([f"Number{delimiter}amazon\n{row}".encode()])
    assert rows.plain is not None
    assert rows.lines == b"+12025550100,yes\n"


def test_what_the_csv_module_says_of_a_table_is_shown() -> None:
    assert refusal('Number,amazon\n+12025550100,"yes\n').startswith("The result's table is not CSV (unexpected end of")


@pytest.mark.parametrize("cells", ["", " ", ",,", " , ,\x1a"])
def test_a_row_of_blank_cells_is_none_if_it_has_one_cell_or_all(cells: str) -> None:
    text = f"Number,amazon,x\n+12025550100,yes,1\n{cells}\n+12025550101,no,1\n"
    assert read(text, column="amazon") == (b"+12025550100,yes\n+12025550101,no\n", {"yes": 1, "no": 1})


@pytest.mark.parametrize(("cells", "fields"), [(",", 2), (",,,", 4)])
def test_a_row_of_fewer_or_more_blank_cells_is_refused(cells: str, fields: int) -> None:
    text = f"Number,amazon,x\n+12025550100,yes,1\n{cells}\n"
    assert f"Line 3 of the result's table has {fields} fields instead of 3." in refusal(text, "amazon")


def test_no_more_is_read_for_a_header_than_the_lines_in_which_it_may_be() -> None:
    blocks = iter([b"a\n" * (HEADER_LINES - 1), b"b\n", b"c\n"])
    assert read_top(blocks) == b"a\n" * (HEADER_LINES - 1) + b"b\n"
    assert list(blocks) == [b"c\n"]


def test_a_row_of_many_lines_is_read_up_to_the_limit() -> None:
    # The csv module reads 131,072 characters of a cell, so the row has ten columns; quotes, commas and line ends count.
    names = [f"column_{at}" for at in range(8)]

    def table(size: int, before: str = f"+12025550100,yes{',' * 9}\n") -> str:
        cells = ["x\n" * 60_000] * 8
        short = len(",".join(["+12025550101", "no", *(f'"{cell}"' for cell in cells)])) + 1
        cells.append("x" * (size - short - 3))
        row = ",".join(["+12025550101", "no", *(f'"{cell}"' for cell in cells)])
        return f"Number,amazon,{','.join([*names, 'last'])}\n{before}{row}\n"

    assert read(table(1024 * 1024), column="amazon")[1] == {"yes": 1, "no": 1}
    assert read(table(1024 * 1024, before=""), column="amazon")[1] == {"no": 1}
    assert "begins in line 2 of" in refusal(table(1024 * 1024 + 1, before=""), "amazon")
    said = "The row that begins in line 3 of the result's table is longer than 1,048,576 characters."
    message = refusal(table(1024 * 1024 + 1), "amazon")
    assert message.startswith(said)
    assert DOWNLOAD_AGAIN in message


def test_rows_that_are_read_one_by_one_come_in_blocks_of_4096() -> None:
    for rows in (1, 4095, 4096, 4097):
        blocks = list(read_table([b"Number,amazon\n" + b"odd,yes\n" * rows]))
        assert [sum(found.answers.values()) for found in blocks] == [min(rows, 4096), rows - 4096][: 1 + (rows > 4096)]


def test_spanish_answers_may_be_in_latin_1() -> None:
    assert read(b"Number,amazon\n+12025550100,s\xed\n+12025550101,S\xcd\n")[1] == {"s\u00ed": 1, "S\u00ed": 1}
    assert read(b'Number,amazon\n"+12025550100","s\xed"\n+12025550101,no\n')[1] == {"s\u00ed": 1, "no": 1}


@pytest.mark.parametrize(
    "text",
    [
        "Number,amazon\n+12025550100,yes,1\n",
        'Number,amazon\n+12025550100,"yes\n',
        "Number,amazon\n,yes\n",
        "amazon,Number\n+12025550100,yes\n",
        b"Number,amazon\n+12025550100,\xff\n",
    ],
    ids=["three fields", "an open quote", "no number", "an answer for a number", "no text"],
)
def test_what_is_no_table_is_to_be_downloaded_again(text: str | bytes) -> None:
    with pytest.raises(EkycResultError) as caught:
        read(text)
    assert DOWNLOAD_AGAIN in caught.value.message


def test_a_list_may_have_a_header_behind_a_byte_order_mark() -> None:
    for head in (b"", b"\xef\xbb\xbf"):
        for name in (b"", b"Number\n", "n\u00famero\n".encode()):
            (rows,) = read_list([head + name + b"+12025550100\n+12025550101\n"], "yes")
            assert rows.lines == b"+12025550100,yes\n+12025550101,yes\n"
            assert (rows.unreadable, rows.repaired) == ({}, {})


def test_a_list_of_a_header_alone_has_no_row() -> None:
    assert list(read_list([b"Number\n\n"], "yes")) == []


def test_the_line_of_a_list_that_is_no_number_is_named() -> None:
    with pytest.raises(EkycResultError, match="Line 2 of the result's table has no number"):
        list(read_list([b"+12025550100\nyes\n"], "yes"))


def test_a_list_that_is_no_text_is_refused() -> None:
    with pytest.raises(EkycResultError, match="is not UTF-8 text"):
        list(read_list([b"N\xfamero\n+12025550100\n"], "yes"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lists_give_their_numbers_the_answer_of_their_name(end: str) -> None:
    content = ("\ufeff" + end.join(["+12025550100", "", "12025550101", " 12025550102 ", ""])).encode()
    assert lines_and_answers(list(read_list([content[:9], content[9:]], "yes"))) == (
        b"+12025550100,yes\n+12025550101,yes\n+12025550102,yes\n",
        {"yes": 3},
    )


@pytest.mark.parametrize("line", ["+12025550100,yes", '"+12025550100"'])
def test_a_list_of_something_else_is_refused(line: str) -> None:
    with pytest.raises(EkycResultError, match="something other than numbers") as caught:
        list(read_list([line.encode()], "yes"))
    assert DOWNLOAD_AGAIN in caught.value.message


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


@pytest.mark.parametrize("rest", [0, 1, LINE_LIMIT - 1])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_has_its_limit_wherever_blocks_are_cut(rest: int, end: bytes) -> None:
    def lines(size: int) -> list[bytes]:
        return list(whole_lines([b"a\n" + b"x" * rest, b"x" * (size - rest) + end]))

    assert b"".join(lines(LINE_LIMIT)) == b"a\n" + b"x" * LINE_LIMIT + b"\n"
    with pytest.raises(EkycResultError) as caught:
        lines(LINE_LIMIT + 1)
    assert caught.value.message.startswith("The result has a line of more than 1,048,576 bytes.")
    assert DOWNLOAD_AGAIN in caught.value.message


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
