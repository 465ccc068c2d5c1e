"""Which texts show that a digit of their number is lost."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.numbers.whole_text import is_whole


@pytest.mark.parametrize(
    "text",
    [
        *("+12025550100", "+1 (202) 555-0100", "(+1) 202 555 0100", "(+1)[202]5550100", "+1.202.555.0100"),
        *("[+1 202 555 0100]", "( 202 ) 5550100", "+1-202-555-01(00)", "(\u0661) 202 555 0100", ""),
    ],
)
def test_brackets_in_pairs_and_separators_between_digits_are_whole(text: str) -> None:
    assert is_whole(text)


@pytest.mark.parametrize(
    "text",
    [
        *("+1 202 555 010)", "+1 202 555 01(0", "+1 202 555 01(", "(+1 202 555 0100", "+1)2025550100"),
        *("+1 (202] 5550100", "+1 ((202) 5550100", "+1 (202)) 5550100", "+1 () 5550100", "+1 [ - ] 5550100"),
        *(
            "+1-202-555-010-",
            "+999.123456.",
            "-",
            ".",
            *(f"+999-123{dash}" for dash in "\u2010\u2011\u2013\u2015\u2212"),
        ),
    ],
)
def test_half_a_pair_an_empty_pair_and_a_separator_at_the_end_are_not(text: str) -> None:
    assert not is_whole(text)
