"""Which words are yes, which are no, and how the others are named."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.results.table.answers import SYNONYMS, UnknownWords, meaning

YES = ("TRUE", "True", "1", "1.0", "active", "Activated", "REGISTERED", "y", "Y", "sí", "S\u00cd", "si\u0301")
NO = ("FALSE", "0", "0.0", "inactive", "Not activated", "not_registered", "UNREGISTERED", "n", "not-active")


@pytest.mark.parametrize(("words", "means"), [(YES, "yes"), (NO, "no")])
def test_synonyms_are_read_in_any_case_and_writing(words: tuple[str, ...], means: str) -> None:
    assert {word: meaning(word) for word in words} == dict.fromkeys(words, means)


MARKS = ["\u200b", "\ufeff", "\u00a0", "\u200e", "\u200f", "\u202a", "\u202c", "\u2060", "\u2066", "\u2069", " ", "\t"]


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: f"U+{ord(mark):04X}")
def test_a_mark_that_is_not_seen_changes_no_answer(mark: str) -> None:
    assert meaning(f"yes{mark}") == meaning(f"{mark}Yes") == meaning(f"{mark}{mark} yes {mark}") == "yes"
    assert meaning(f"no{mark}") == meaning(f"{mark}NO") == "no"
    assert meaning(mark) == "unknown"


@given(
    st.sampled_from([*(word for yes, no, _ in SYNONYMS for word in (*yes, *no)), "undetermined", "ok"]),
    st.lists(st.sampled_from(MARKS), max_size=3).map("".join),
    st.lists(st.sampled_from(MARKS), max_size=3).map("".join),
    st.sampled_from(["upper", "lower", "title"]),
)
def test_every_word_means_the_same_whatever_is_around_it(word: str, before: str, after: str, case: str) -> None:
    written = {"upper": word.upper(), "lower": word.lower(), "title": word.title()}[case]
    assert meaning(f"{before}{written}{after}") == meaning(word)


def test_no_word_is_both_and_each_row_of_the_table_has_a_reason() -> None:
    yes = [word for row in SYNONYMS for word in row[0]]
    no = [word for row in SYNONYMS for word in row[1]]
    assert len({*yes, *no}) == len(yes) + len(no)
    assert all(reason for _, _, reason in SYNONYMS)


@pytest.mark.parametrize(
    "word",
    ["", "?", "2", "-1", "10", "t", "f", "s", "ok", "valid", "found", "deactivated", "none", "null", "n/a", "yes!"],
)
def test_what_may_mean_something_else_is_unknown(word: str) -> None:
    assert meaning(word) == "unknown"


def test_a_long_answer_is_unknown_and_costs_no_time() -> None:
    assert meaning("yes" + " " * 1_000_000) == "yes"
    assert meaning("no " * 300_000) == "unknown"


# What is shown of unknown words.


def shown(*counted: tuple[str, int]) -> str:
    words = UnknownWords()
    for word, count in counted:
        words.add_rows({word: count})
    return words.shown()


def test_unknown_words_are_named_with_their_counts_the_most_frequent_first() -> None:
    assert shown(("maybe", 2), ("", 1), ("undetermined", 5), (" ", 3)) == '"undetermined" 5, blank 4, "maybe" 2'
    assert shown() == ""


def test_few_words_are_named_and_the_rest_counted() -> None:
    assert shown(*((f"word {letter}", 10 - at) for at, letter in enumerate("abcdefg"))) == (
        '"word a" 10, "word b" 9, "word c" 8, "word d" 7, "word e" 6, others 9'
    )


def test_memory_is_bounded_whatever_comes_and_nothing_is_left_uncounted() -> None:
    words = UnknownWords()
    for number in range(5_000):
        words.add_rows({"x" * 10_000 + str(number): 1})
        words.add_rows({f"{'abcdefghij'[number % 10]}{number}": 1})
    assert sum(int(part.rsplit(" ", 1)[1].replace(",", "")) for part in words.shown().split(", ")) == 10_000
    assert len(words._words) <= 100
    assert max(map(len, words._words)) < 100


@pytest.mark.parametrize(
    "word",
    ["+12025550100", "12025550100", "1 202 555 0100", "\u0661\u0662\u0663\u0664", "5550100", "somebody@example.com"],
)
def test_a_number_or_an_address_is_never_shown(word: str) -> None:
    assert shown((word, 3)) == "[removed] 3"
    assert shown((f"carrier {word}", 3)) == "[removed] 3"


def test_a_code_of_three_digits_is_shown() -> None:
    assert shown(("error 404", 1)) == '"error 404" 1'
    assert shown(("error 4040", 1)) == "[removed] 1"


def test_a_long_word_is_cut_and_a_control_character_is_taken_out() -> None:
    assert shown(("a" * 500, 1)) == f'"{"a" * 24}…" 1'
    assert shown(("a\x1b[31m\nb", 1)) == '"a [31m b" 1'
