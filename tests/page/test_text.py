"""``plugins/static/text.js``: counts, amounts and durations as text."""

from __future__ import annotations

import pytest

from tests.page.conftest import Run


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (3000, "3,000"), (10_000_000, "10,000,000"), (None, None), ("3000", None), (True, None)],
)
def test_a_count_has_commas_and_what_is_no_count_has_no_text(run: Run, value: object, text: str | None) -> None:
    assert run("text", "count($0)", value) == text


def test_one_row_is_not_several(run: Run) -> None:
    assert run(
        "text", "[counted(1, 'row'), counted(3000, 'row'), counted(0, 'query', 'queries'), counted(null, 'row')]"
    ) == [
        "1 row",
        "3,000 rows",
        "0 queries",
        None,
    ]


@pytest.mark.parametrize(
    ("done", "total", "text"),
    [(0, 3000, "0 %"), (1200, 3000, "40 %"), (2999, 3000, "99 %"), (3000, 3000, "100 %"), (3001, 3000, "100 %")],
)
def test_all_but_one_is_not_yet_all(run: Run, done: int, total: int, text: str) -> None:
    assert run("text", "percent($0, $1)", done, total) == text


def test_a_share_of_nothing_is_not_known(run: Run) -> None:
    assert run("text", "[percent(0, 0), percent(null, 10), percent(1, undefined)]") == [None, None, None]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (50.4, "50 a second"),
        (2.25, "2.3 a second"),
        (0.21, "0.21 a second"),
        (0, "0 a second"),
        (None, None),
        (-1, None),
    ],
)
def test_a_rate_has_as_many_digits_as_it_needs(run: Run, value: float | None, text: str | None) -> None:
    assert run("text", "rate($0)", value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-12, "12 s"),
        (89, "89 s"),
        (90, "2 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (11_100, "3 h 5 min"),
        (172_800, "2 d"),
        (187_200, "2 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(run: Run, seconds: int, text: str) -> None:
    assert run("text", "duration($0)", seconds) == text


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        (["0.1", "0.2"], "0.3"),
        (["1.10", None, "2"], "3.10"),
        (["-1.5", "1.5"], "0.0"),
        (["99999999999999999999.01", "0.99"], "100000000000000000000.00"),
        ([None, "a lot"], None),
        ([], None),
    ],
)
def test_a_sum_of_amounts_is_exact(run: Run, amounts: list[str | None], total: str | None) -> None:
    assert run("text", "sum($0)", amounts) == total


def test_a_difference_of_amounts_is_exact(run: Run) -> None:
    assert run("text", "[difference('1000', '997.10'), difference('1', '2.5'), difference(null, '1')]") == [
        "2.90",
        "-1.5",
        None,
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("1234567.50", "1,234,567.50"), ("-1234", "-1,234"), ("12", "12"), (None, None), ("1e5 EUR", "1e5 EUR")],
)
def test_an_amount_has_commas_and_another_text_stays(run: Run, text: str | None, shown: str | None) -> None:
    assert run("text", "amount($0)", text) == shown


def test_a_text_is_cut_between_characters(run: Run) -> None:
    assert run("text", "[shortened('abc', 3), shortened('abcd', 3), shortened('🙂🙂🙂', 2)]") == ["abc", "ab…", "🙂…"]
