"""
What may be spent is decided by exact amounts, and what is not known is never enough.

Modules: ``submission/spending.py``.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st

from airflow_provider_ekyc.exceptions import Charge, EkycSettingsError, EkycSpendingError
from airflow_provider_ekyc.submission.spending import (
    Estimate,
    SpendingLimits,
    amount_text,
    exact_amount,
    shown_amount,
)

PRICE = Decimal("0.001")


def estimate(rows: int = 200, price: Decimal | None = PRICE, **more: Any) -> Estimate:
    return Estimate("amazon", rows, price, **more)


def refusal(
    estimate: Estimate, *, balance: Any = ..., said: str = "Nothing was sent or charged", **limits: Any
) -> EkycSpendingError:
    read = SpendingLimits.read(**limits)

    def check() -> None:
        read.check(estimate)
        if balance is not ...:
            read.check_balance(estimate, balance)

    with pytest.raises(EkycSpendingError) as failed:
        check()
    assert (failed.value.kind, failed.value.charge) == ("spending_limit", Charge.NONE)
    assert said in failed.value.message
    return failed.value


def test_no_limit_refuses_nothing() -> None:
    for price in (None, PRICE):
        SpendingLimits.read().check(estimate(10**7, price))
        SpendingLimits.read().check_balance(estimate(10**7, price), None)
    assert not SpendingLimits.read().need_balance


def test_what_is_just_enough_is_enough() -> None:
    limits = SpendingLimits.read(max_rows="200", max_cost="0.2", min_balance_after=1)
    limits.check(estimate())
    limits.check_balance(estimate(), 1.2)
    assert limits.need_balance


def test_too_many_rows_are_refused() -> None:
    error = refusal(estimate(1200), max_rows=1199)
    assert error.message == (
        "Raise max_rows, or send fewer numbers. This list has 1,200 numbers to send; max_rows is 1,199. "
        "Nothing was sent or charged."
    )
    assert not error.retryable


def test_several_files_are_one_spending() -> None:
    error = refusal(estimate(1200, files=3), max_rows=1199, rows_argument="max_total_rows")
    assert error.message.startswith(
        "Raise max_total_rows, or send fewer numbers. The 3 files of this list together have 1,200 numbers to send; "
        "max_total_rows is 1,199."
    )


def test_a_cost_above_its_limit_is_refused() -> None:
    error = refusal(estimate(1_201), max_cost=1.2)
    assert error.message == (
        "Raise max_cost, or send fewer numbers. This list has 1,201 numbers, which cost 1.201 at 0.001 each (the "
        "connection's price of amazon); max_cost is 1.20. Nothing was sent or charged."
    )
    assert not error.retryable


@pytest.mark.parametrize("limit", ["max_cost", "min_balance_after"])
def test_a_limit_on_money_needs_a_price(limit: str) -> None:
    error = refusal(estimate(price=None), **{limit: 5})
    assert error.message.startswith("Add the price of amazon to the connection: extra prices, such as amazon=0.001.")
    assert f"{limit} is 5.00" in error.message
    assert not error.retryable


def test_a_balance_that_would_be_too_low_is_refused() -> None:
    error = refusal(estimate(), min_balance_after=1, balance=1.199)
    assert error.message == (
        "Top up the account, lower min_balance_after, or send fewer numbers. This list has 200 numbers, which cost "
        "0.20 at 0.001 each (the connection's price of amazon); the balance is 1.199, so 0.999 would be left, and "
        "min_balance_after is 1.00. Nothing was sent or charged."
    )
    assert not error.retryable


def test_a_balance_that_is_not_known_is_not_enough() -> None:
    error = refusal(estimate(), min_balance_after=0, balance=None)
    assert "The balance is not known" in error.message
    assert error.retryable


def test_a_submission_that_may_be_charged_already_counts_again() -> None:
    once, again = estimate(), estimate(sent_before=1)
    SpendingLimits.read(max_cost=0.3).check(once)
    error = refusal(again, max_cost=0.3)
    assert "with earlier submissions whose outcome is unknown (1), which may be charged too, 0.40;" in error.message
    SpendingLimits.read(min_balance_after=1).check_balance(once, 1.3)
    assert "0.90 would be left" in refusal(again, min_balance_after=1, balance=1.3).message


def test_a_refusal_says_what_was_sent_before() -> None:
    again = refusal(estimate(refused=True), max_cost=0, said="It was not sent again; what was refused before is free.")
    assert "Nothing was sent" not in again.message
    unclear = refusal(estimate(sent_before=2), max_rows=1)
    assert unclear.message.endswith(
        "Nothing was sent or charged now. An earlier submission of this list still has an unknown outcome."
    )


@pytest.mark.parametrize(
    ("sent_before", "refused", "ending"),
    [
        (0, False, "is 1. Nothing was sent or charged."),
        (0, True, "is 1. It was not sent again; what was refused before is free."),
        (
            1,
            False,
            "is 1. Nothing was sent or charged now. An earlier submission of this list still has an unknown outcome.",
        ),
        (
            1,
            True,
            "is 1. It was not sent again; what was refused before is free. An earlier submission of this list still "
            "has an unknown outcome.",
        ),
    ],
)
def test_each_refusal_ends_with_what_was_sent(sent_before: int, refused: bool, ending: str) -> None:
    with pytest.raises(EkycSpendingError) as failed:
        SpendingLimits.read(max_rows=1).check(estimate(sent_before=sent_before, refused=refused))
    assert failed.value.message.endswith(ending)


@pytest.mark.parametrize(
    ("limits", "price"), [({"max_rows": 1}, PRICE), ({"max_cost": 0}, PRICE), ({"max_cost": 1}, None)]
)
def test_files_of_an_earlier_try_may_be_charged_already(limits: dict[str, Any], price: Decimal | None) -> None:
    manifest = "s3://a-bucket/manifest.json"
    with pytest.raises(EkycSpendingError) as failed:
        SpendingLimits.read(**limits).check(estimate(price=price, files=2, earlier=manifest))
    assert (failed.value.kind, failed.value.charge) == ("spending_limit", Charge.POSSIBLE)
    assert failed.value.message.endswith(
        " An earlier try of this task has prepared these files, so they may be submitted and charged already; this try "
        "returned and sent nothing. Check the submissions of this run first. To send fewer numbers, if none of the "
        "files was submitted, delete s3://a-bucket/manifest.json. Then clear this task."
    )


def test_a_missing_price_and_a_missing_balance_say_what_they_keep_from_being_known() -> None:
    assert refusal(estimate(1200, None), min_balance_after=1).message == (
        "Add the price of amazon to the connection: extra prices, such as amazon=0.001. min_balance_after is 1.00, and "
        "without a price it is not known what 1,200 numbers cost. Nothing was sent or charged."
    )
    assert refusal(estimate(), min_balance_after=1, balance=None).message == (
        "The balance is not known, so it can't be checked that min_balance_after=1.00 is left. Nothing was sent or "
        "charged. A retry queries the balance again; the log says why this query failed."
    )


def test_the_whole_cost_is_in_the_message() -> None:
    assert refusal(estimate(1200, sent_before=2, files=1000), max_cost=1, said="").message == (
        "Raise max_cost, or send fewer numbers. The 1,000 files of this list together have 1,200 numbers, which cost "
        "1.20 at 0.001 each (the connection's price of amazon); with earlier submissions whose outcome is unknown (2), "
        "which may be charged too, 3.60; max_cost is 1.00. Nothing was sent or charged now. An earlier submission of "
        "this list still has an unknown outcome."
    )


def test_an_estimate_is_shown_with_its_price() -> None:
    assert estimate(1200).shown == "1.20 (1,200 numbers at 0.001)"
    assert estimate(1200, None).shown == "not known (the connection has no price of amazon)"
    assert (estimate(price=None).cost, estimate(price=None, sent_before=1).possible_cost) == (None, None)
    assert (estimate().cost, estimate(sent_before=2).possible_cost) == (Decimal("0.2"), Decimal("0.6"))


def test_a_limit_of_rows_has_its_own_limit() -> None:
    assert SpendingLimits.read(max_rows=10**14).max_rows == 10**14
    with pytest.raises(EkycSettingsError, match="max_rows"):
        SpendingLimits.read(max_rows=10**14 + 1)


def test_limits_are_read_as_they_are_given() -> None:
    read = SpendingLimits.read(max_rows=3, max_cost="0.5", min_balance_after=2, rows_argument="max_total_rows")
    assert read == SpendingLimits(3, Decimal("0.5"), Decimal(2), "max_total_rows")
    assert SpendingLimits.read() == SpendingLimits(None, None, None, "max_rows")


def test_long_amounts_keep_all_their_digits() -> None:
    price, rows = Decimal("123456789012.345678"), 99_999_999_999_999
    long = estimate(rows, price, sent_before=1)
    cost = Fraction(price) * rows
    assert (Fraction(long.cost or 0), Fraction(long.possible_cost or 0)) == (cost, 2 * cost)
    digits = "12345678901234567890123456789012345.5"
    assert amount_text(Decimal(digits)) == digits
    assert shown_amount(Decimal(digits)).replace(",", "") == f"{digits}0"
    limit = SpendingLimits(min_balance_after=Decimal(1))
    limit.check_balance(estimate(1, Decimal(1)), Decimal(2) + Decimal("1E-300"))
    with pytest.raises(EkycSpendingError):
        limit.check_balance(estimate(1, Decimal(1)), Decimal("1." + "9" * 60))


@pytest.mark.parametrize("value", ["", "None", "free", -1, float("nan"), True, [], "1,5"])
@pytest.mark.parametrize("limit", ["max_rows", "max_cost", "min_balance_after"])
def test_a_limit_that_is_no_number_is_an_error_and_not_no_limit(limit: str, value: object) -> None:
    with pytest.raises(EkycSettingsError, match=limit):
        SpendingLimits.read(**{limit: value})


def test_a_limit_that_became_none_on_the_way_is_not_no_limit() -> None:
    assert SpendingLimits.read(max_cost=1, given=["max_cost"]).max_cost == 1
    with pytest.raises(EkycSettingsError, match="max_cost is empty; check the template or the argument"):
        SpendingLimits.read(given=["max_cost"])
    with pytest.raises(EkycSettingsError, match="max_total_rows is empty"):
        SpendingLimits.read(given=["max_total_rows"], rows_argument="max_total_rows")


@pytest.mark.parametrize("limit", ["max_cost", "min_balance_after"])
def test_an_amount_that_a_template_has_not_found_is_empty(limit: str) -> None:
    for value in ("", " None "):
        with pytest.raises(EkycSettingsError, match=f"{limit} is empty; check the template or the argument"):
            SpendingLimits.read(given=[limit], **{limit: value})
    with pytest.raises(EkycSettingsError, match=f"{limit} is empty; check the template or the argument"):
        SpendingLimits.read(given=[limit])


def test_a_limit_of_rows_is_whole_and_named_by_its_argument() -> None:
    with pytest.raises(EkycSettingsError, match="max_total_rows must be a whole number"):
        SpendingLimits.read(max_rows=1.5, rows_argument="max_total_rows")
    assert SpendingLimits.read(max_rows=0).max_rows == 0


PRICES = st.integers(1, 10**18 - 1).flatmap(
    lambda digits: st.integers(-18, -6).map(lambda exponent: Decimal(digits).scaleb(exponent))
)


@given(rows=st.integers(1, 10**14), price=PRICES, balance=st.floats(0, 1e15), limit=st.integers(0, 10**9))
def test_amounts_are_exact(rows: int, price: Decimal, balance: float, limit: int) -> None:
    one = estimate(rows, price)
    assert one.cost is not None
    cost = Fraction(price) * rows
    assert Fraction(one.cost) == cost
    limits = SpendingLimits.read(min_balance_after=limit)
    # repr of a float is what the API's answer says.
    enough = Fraction(repr(balance)) - cost >= limit
    try:
        limits.check_balance(one, balance)
    except EkycSpendingError:
        assert not enough
    else:
        assert enough


@pytest.mark.parametrize(
    ("amount", "text", "shown"),
    [
        (Decimal("0.200"), "0.2", "0.20"),
        (Decimal("1E+3"), "1000", "1,000.00"),
        (Decimal("0.00001"), "0.00001", "0.00001"),
        (Decimal(0), "0", "0.00"),
        (Decimal("-3.5"), "-3.5", "-3.50"),
        (0.1, "0.1", "0.10"),
        (1e-7, "0.0000001", "0.0000001"),
        (None, None, "unknown"),
    ],
)
def test_an_amount_is_text_with_all_its_digits(amount: Any, text: str | None, shown: str) -> None:
    assert amount_text(amount) == text
    assert shown_amount(None if amount is None else exact_amount(amount)) == shown
