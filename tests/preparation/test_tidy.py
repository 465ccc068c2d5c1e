"""Which number a row means, and why it means none. Modules: ``preparation/sources/cells.py``."""

from __future__ import annotations

import time

import pytest

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.preparation.national import NationalNumbers
from airflow_provider_ekyc.preparation.tidy import Reject, Tidier

NUMBER = 12025550100


@pytest.mark.parametrize("line", ["+12025550100", " \t+12025550100 "])
def test_an_e164_number_is_read_with_blanks_around_it(line: str) -> None:
    assert Tidier(False, None).read(line.encode()) == NUMBER


@pytest.mark.parametrize("line", ["", " \t "])
def test_blanks_alone_are_a_blank_row(line: str) -> None:
    assert Tidier(False, None).read(line.encode()) is None


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (" +12025550100", {"blanks around"}),
        ("+1 202 555 0100", {"blanks"}),
        ("+1\u00a0202\u20095550100", {"blanks"}),
        ("+1-202-555-0100", {"separators"}),
        ("+1\u2010202\u2212555\u20130100", {"separators"}),
        ("+1.202.555.0100", {"separators"}),
        ("+1.2025550100", {"separators"}),
        ("+1 (202) 555-0100", {"blanks", "brackets", "separators"}),
        ("(+1) 202 555 0100 ", {"blanks around", "blanks", "brackets"}),
        ("+1 202 555 0100 ", {"blanks around", "blanks"}),
        ("[+1.202]\u2013(555)-01-00", {"brackets", "separators"}),
        ("(+1)2025550100", {"brackets"}),
        ("'+12025550100", {"apostrophe"}),
        ("\u2019+12025550100", {"apostrophe"}),
        ('="+12025550100"', {"quotes"}),
        ("tel:+12025550100", {"tel:"}),
        ("TEL: +12025550100", {"tel:"}),
        ("0012025550100", {"leading 00"}),
        ("\u200e+1202\u200b5550100\ufeff", {"invisible marks"}),
        ("\uff0b\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff10\uff10", {"full-width characters"}),
        ("+\u0661\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0660\u0660", {"digits of another script"}),
    ],
)
def test_what_one_number_alone_can_be_meant_by_is_read(text: str, kinds: set[str]) -> None:
    tidier = Tidier(True, None)
    assert tidier.read(text.encode()) == NUMBER
    assert set(tidier.changes) == kinds
    assert set(tidier.changes.values()) == {1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.20255E+10", "scientific notation"),
        ("1,20255E+10", "scientific notation"),
        ("12025550100.0", "decimal"),
        ("+12025550100.00", "decimal"),
        ("12025550100,5", "decimal"),
        ("=A1", "formula"),
        ("anna@example.com", "e-mail address"),
        ("+1 202 555 0100 ext. 5", "extension"),
        ("+12025550100x5", "extension"),
        ("+12025550100 #5", "extension"),
        ("tel:+1-202-555-0100;ext=5", "extension"),
        ("+12025550100, +12025550101", "several numbers"),
        ("+12025550100+12025550101", "several numbers"),
        ("+12025550100/01", "several numbers"),
        ("+1202555\u20280100", "several numbers"),
        ("+999 (0)1234567", "trunk zero"),
        ("+999 0 1234567", "trunk zero"),
        ("00999 01234567", "trunk zero"),
        ("+0 12025550100", "leading zero"),
        ("2025550100", "no country code"),
        ("+ 1", "too few digits"),
        ("+9991234567890123", "too many digits"),
        ("0011 202 555 0100", "ambiguous"),
        ("-12025550100", "other text"),
        ("none", "other text"),
        ("+1 202 555 010)", "other text"),
        ("+1 202 555 01(2", "other text"),
        ("+1 202 555 01()", "other text"),
        ("+1 (202] 555 0100", "other text"),
        ("(+1 202 555 0100", "other text"),
        ("+1-202-555-011-", "other text"),
        (" +1-202-555-011- ", "other text"),
        ("+1 (202) 555 011 -", "other text"),
        ("+1\u00a0202 555 010)", "other text"),
        ("'+1 202 555 01(2", "other text"),
        ("+999-123\u2013", "other text"),
        ("+999 123\u2212\u200b ", "other text"),
        ("+999.123456.", "other text"),
        ("+1.202.555.010.", "other text"),
        ("+44 (0)20-", "trunk zero"),
        ("'", "other text"),
        ("\x1aa,b,c", "another number of columns"),
    ],
)
def test_nothing_is_guessed(text: str, reason: str) -> None:
    tidier = Tidier(True, None)
    assert tidier.read(text.encode()) is Reject(reason)
    assert not tidier.changes


def test_bytes_that_are_no_text_and_long_lines_are_rejected() -> None:
    assert Tidier(True, None).read(b"+1202\xff5550100") is Reject.NOT_UTF8
    assert Tidier(True, None).read(b" " * 1025) is Reject.TOO_LONG


@pytest.mark.parametrize(
    "line",
    [
        *("1" * 1024, "1" * 512 + "," * 512, "1(0" * 341, "( 0" * 341, "1" * 512 + "x" * 512, "1x" * 512, "1." * 512),
        *("a@" + "." * 1000, "= " * 512, "+1" + " " * 1020 + "a", "'" * 1024, "\u200b1" * 256, "1e" * 512, '"' * 1024),
    ],
)
def test_the_time_for_a_line_is_bounded(line: str) -> None:
    tidier = Tidier(True, None)
    start = time.process_time()
    for _ in range(10):
        assert isinstance(tidier.read(line.encode()), Reject)
    assert time.process_time() - start < 0.5  # a tenth of a millisecond each; a second where a pattern goes back


def test_without_normalise_another_form_is_rejected() -> None:
    tidier = Tidier(False, None)
    assert tidier.read(b"+1 202 555 0100") is Reject.NOT_E164
    assert tidier.read("\u200b".encode()) is Reject.NOT_E164
    assert tidier.read(b"1.20255E+10") is Reject.SCIENTIFIC


@pytest.mark.parametrize("text", ["(202) 555-0100", "1 202 555 0100", "0012025550100", "01112025550100"])
def test_a_national_number_is_read_with_its_region(text: str) -> None:
    assert Tidier(True, "us").read(text.encode()) == NUMBER


@pytest.mark.parametrize("text", ["(202) 555-0100-", "(202 555-0100", "202.555.0100.", "0012025550100)"])
def test_a_national_number_that_may_have_lost_a_digit_is_rejected(text: str) -> None:
    assert Tidier(True, "US").read(text.encode()) is Reject.TEXT


def test_a_number_that_the_region_has_not_is_rejected() -> None:
    assert Tidier(True, "US").read(b"202 555 010") is Reject.NOT_VALID


def test_a_region_must_be_known_and_used() -> None:
    with pytest.raises(EkycSettingsError, match="not a country"):
        NationalNumbers("XX")
    with pytest.raises(EkycSettingsError, match="no effect without normalise"):
        Tidier(False, "US")


def test_a_number_that_the_region_has_but_is_too_long_for_e164_is_rejected() -> None:
    assert Tidier(True, "SY").read(b"0049980532757708962") is Reject.TOO_MANY
    assert Tidier(True, "DE").read(b"0980532757708962") is Reject.TOO_MANY
