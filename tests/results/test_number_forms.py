"""Ways of writing a number: read where only one number can be meant, otherwise counted by the reason."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.numbers.number_keys import read_keys
from airflow_provider_ekyc.results.table.number_forms import read_number
from airflow_provider_ekyc.results.table.rows import Rows, read_table
from tests.results.archives import check_archive, pack

NUMBER = "12025550100"


@pytest.mark.parametrize(
    ("cell", "how"),
    [
        ("+12025550100", ""),
        ("12025550100", ""),
        ("0012025550100", "prefix 00"),
        ("00 1 202 555 0100", "blanks, hyphens or brackets"),
        ("+0012025550100", "prefix 00"),
        ("'+12025550100", "text mark of a spreadsheet"),
        ("'0012025550100", "text mark of a spreadsheet"),
        ("\u2019+12025550100", "text mark of a spreadsheet"),
        ('="+12025550100"', "text mark of a spreadsheet"),
        ('="12025550100"', "text mark of a spreadsheet"),
        ('"+12025550100"', "text mark of a spreadsheet"),
        ("+1 202 555 0100", "blanks, hyphens or brackets"),
        (" +12025550100\t", "blanks, hyphens or brackets"),
        ("+1-202-555-0100", "blanks, hyphens or brackets"),
        ("+1\u2011202\u2011555\u20110100", "blanks, hyphens or brackets"),
        ("+1 (202) 555-0100", "blanks, hyphens or brackets"),
        ("(+1)[202]5550100", "blanks, hyphens or brackets"),
        ("(+1) 202 5550100", "blanks, hyphens or brackets"),
        ("1.202.555.0100", "blanks, hyphens or brackets"),
        ("+1\u00a0202\u00a0555\u202f0100", "blanks, hyphens or brackets"),
        ("\u202a+12025550100\u202c", "invisible marks"),
        ("\u200e+12025550100", "invisible marks"),
        ("\ufeff12025550100", "invisible marks"),
        ("+1202\u200b5550100", "invisible marks"),
        ("12025550100.0", "a decimal of 0"),
        ("tel:+1-202-555-0100", "tel:"),
        ("\uff0b\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff10\uff10", "digits of another script"),
    ],
)
def test_what_can_mean_one_number_is_that_number(cell: str, how: str) -> None:
    assert read_number(cell) == (NUMBER, how)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("1.20256E+10", "in scientific notation"),
        ("1,20256E+10", "in scientific notation"),
        ("1.2e10", "in scientific notation"),
        ("'1.20256E+10", "in scientific notation"),
        ("02025550100", "with a leading zero"),
        ("+02025550100", "with a leading zero"),
        ("000012025550100", "with a leading zero"),
        ("01112025550100", "with a leading zero"),
        ("+44 (0)20 7946 0000", "with a leading zero"),
        ("1", "with too few digits"),
        ("+1", "with too few digits"),
        ("1202555010012025", "with too many digits"),
        ("12025550100 12025550101", "with too many digits"),
        ("9" * 2_000, "with too many digits"),
        ("somebody@example.com", "that are e-mail addresses"),
        ("12025550100 x5", "with other text"),
        ("+1202555****", "with other text"),
        ("12025550100/12025550101", "with other text"),
        ("+12025550+100", "with other text"),
        ("-12025550100", "with other text"),
        ("12025550100.5", "with other text"),
        ("12025.55", "with other text"),
        ("1202\u00b25550100", "with other text"),
        ("0x2ccb8a4c4", "with other text"),
        ("+1202555010(", "with other text"),
        ("+1)2025550100", "with other text"),
        ("+1 (202] 5550100", "with other text"),
        ("+1 ((202) 5550100", "with other text"),
        ("+1202555010-", "with other text"),
        ("+1202555010\u2011", "with other text"),
        ("+", "with other text"),
        ("00", "with too few digits"),
        ("x" * 100_000, "with other text"),
    ],
)
def test_what_may_be_another_number_is_none(cell: str, why: str) -> None:
    assert read_number(cell) == (None, why)


numbers = st.integers(2, 15).flatmap(lambda digits: st.integers(10 ** (digits - 1), 10**digits - 1)).map(str)
UNSEEN = st.lists(st.sampled_from(["\u200b", "\u200e", "\u202c", "\ufeff", " ", "\u00a0"]), max_size=3).map("".join)


@given(
    numbers, st.sampled_from(["+", "", "00", "+00", "'", "'+"]), UNSEEN, UNSEEN, st.sampled_from([" ", "-", "\u2011"])
)
def test_a_number_is_itself_in_every_writing(number: str, sign: str, before: str, after: str, between: str) -> None:
    assert read_number(f"{before}{sign}{number}{after}")[0] == number
    assert read_number(f"{sign}{number[0]}{between}{number[1:]}")[0] == number


def test_a_cell_of_blanks_costs_no_time() -> None:
    assert read_number("+12025550100" + " " * 900_000 + "x") == (None, "with other text")
    assert read_number(" " * 900_000 + "0012025550100") == (NUMBER, "prefix 00")


def test_a_number_is_read_up_to_64_characters() -> None:
    assert read_number("1" + "-" * 53 + "2025550100") == (NUMBER, "blanks, hyphens or brackets")
    assert read_number("1" + "-" * 54 + "2025550100") == (None, "with other text")


@given(st.text("0123456789+-.eE ()'=\"\u200e\u00a0x,;", max_size=24))
def test_what_is_read_has_the_digits_that_were_written_and_no_others(cell: str) -> None:
    digits, _ = read_number(cell)
    if digits is not None:
        written = "".join(character for character in cell if character.isdigit())
        assert digits in (written, written.removeprefix("00"), written[:-1], written[:-2])
        assert 2 <= len(digits) <= 15
        assert digits[0] != "0"


# In tables.


def read(*cells: str, answer: str = "yes") -> list[Rows]:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"') else cell

    text = "Number,amazon\n" + "".join(f"{quoted(cell)},{answer}\n" for cell in cells)
    return list(read_table([text.encode()]))


def test_numbers_that_are_written_otherwise_come_out_as_documented() -> None:
    rows = read("0012025550100", '="+12025550101"', "'12025550102", "+1 202 555 0103", "\u202a+12025550104\u202c")
    lines = b"".join(found.lines for found in rows)
    assert lines == b"".join(b"+1202555010%d,yes\n" % last for last in range(5))
    keys, others = read_keys(lines)
    assert (keys.tolist(), others) == ([12025550100 + last for last in range(5)], 0)


def test_a_prefix_alone_never_becomes_a_plus_before_zeros() -> None:
    for cells in (["0012025550100"] * 3, ["+0012025550100"], ["0012025550100", "12025550101"]):
        assert b"+00" not in b"".join(found.lines for found in read(*cells))


def test_numbers_in_scientific_notation_are_counted_and_stay_as_they_are() -> None:
    (rows,) = read("1.20256E+10", "1.20256E+10", "9.99E+11", "12025550100")
    assert rows.lines == b"1.20256E+10,yes\n1.20256E+10,yes\n9.99E+11,yes\n+12025550100,yes\n"
    assert rows.unreadable == {"in scientific notation": 3}
    assert read_keys(rows.lines)[0].tolist() == [12025550100]


def test_each_reason_is_counted_in_the_summary_of_an_archive() -> None:
    cells = ["+12025550100", "0012025550101", "02025550100", "1", "1202555010012025", "1.2E+10", "n.n.", "a@b.example"]
    table = "Number,amazon\n" + "".join(f"{cell},no\n" for cell in cells)
    summary = check_archive(io.BytesIO(pack({"amazon.csv": table.encode()})))
    assert summary.rows == summary.no == 8
    assert summary.unreadable == {
        "with a leading zero": 1,
        "with too few digits": 1,
        "with too many digits": 1,
        "in scientific notation": 1,
        "with other text": 1,
        "that are e-mail addresses": 1,
    }
    assert summary.repaired == {"prefix 00": 1}


def test_numbers_of_lists_are_read_alike() -> None:
    lists = {"activated.txt": b"0012025550100\n+1 202 555 0101\n", "unregistered.txt": b"02025550102\n"}
    summary = check_archive(io.BytesIO(pack(lists)))
    assert (summary.yes, summary.no) == (2, 1)
    assert summary.unreadable == {"with a leading zero": 1}
    assert sum(summary.repaired.values()) == 2
