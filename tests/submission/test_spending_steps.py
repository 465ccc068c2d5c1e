"""What is checked and logged around one submission; no request (``submission/spending_check.py``)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Balance
from airflow_provider_ekyc.exceptions import EkycAuthenticationError, EkycServerError, EkycSpendingError
from airflow_provider_ekyc.submission.record import Intent, IntentState, Submission
from airflow_provider_ekyc.submission.spending import NO_LIMITS, Estimate, SpendingLimits
from airflow_provider_ekyc.submission.spending_check import SpendingCheck, check_spending
from tests.submission.in_memory import intent, logged

#: They cost 0.15.
ESTIMATE = Estimate("amazon", 150, Decimal("0.001"))
SUBMISSION = Submission("made-up-id", "amazon", "f" * 64, 150, 0, 0, 0, 150, 150, "then")
#: The fields of a submission that are about money.
MONEY = ("price", "estimated_cost", "balance_before", "balance_after")
AWAY = EkycServerError("Made up.", status=500)
WRONG_KEY = EkycAuthenticationError("Made up.", status=401)


class Balances:
    """
    The query alone.

    :param balances: what the queries bring, in turn: an amount, or an error
    """

    def __init__(self, *balances: float | Exception) -> None:
        self._left = list(balances)
        #: For each query, whether it was one without a retry.
        self.queries: list[bool] = []

    def get_balance(self, *, once: bool = False) -> Balance:
        self.queries.append(once)
        found = self._left.pop(0)
        if isinstance(found, Exception):
            raise found
        return Balance(found)


def check(api: Balances, estimate: Estimate = ESTIMATE, **limits: Any) -> SpendingCheck:
    return SpendingCheck(api, SpendingLimits.read(**limits), estimate)


def money(submission: Submission) -> tuple[Any, ...]:
    return tuple(getattr(submission, name) for name in MONEY)


def test_several_files_are_checked_with_the_balance_only_where_a_limit_needs_it() -> None:
    api = Balances(10.0, 7.0, AWAY)
    assert check_spending(api, NO_LIMITS, ESTIMATE) is None
    assert check_spending(api, SpendingLimits.read(max_rows=150, max_cost="0.15"), ESTIMATE) is None
    for limits in ({"max_rows": 149}, {"max_cost": "0.149"}):
        with pytest.raises(EkycSpendingError):
            check_spending(api, SpendingLimits.read(**limits), ESTIMATE)
    assert api.queries == []
    enough = SpendingLimits.read(min_balance_after="9.85")
    assert check_spending(api, enough, ESTIMATE) == 10.0
    with pytest.raises(EkycSpendingError, match=r"so 6\.85 would be left"):
        check_spending(api, enough, ESTIMATE)
    with pytest.raises(EkycSpendingError, match="The balance is not known"):
        check_spending(api, enough, ESTIMATE)
    assert api.queries == [False] * 3


def test_before_anything_is_recorded_the_balance_is_queried_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    one = check(Balances(1234.5))
    one.before_record(None)
    assert one.balance == 1234.5
    assert caplog.messages == ["Estimated cost: 0.15 (150 numbers at 0.001). Balance before: 1,234.50."]


def test_before_the_first_query_no_balance_is_known() -> None:
    assert check(Balances()).balance is None


def test_a_balance_that_is_not_known_is_logged_as_such(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    one = check(Balances(AWAY))
    one.before_record(None)
    assert one.balance is None
    assert caplog.messages[-1] == "Estimated cost: 0.15 (150 numbers at 0.001). Balance before: unknown."


@pytest.mark.parametrize(
    ("limits", "queries", "said"),
    [
        ({"max_rows": 149}, 0, "max_rows is 149"),
        ({"max_cost": "0.149"}, 0, "max_cost is 0.149"),
        ({"min_balance_after": 1}, 1, "so 0.999 would be left"),
    ],
)
def test_what_is_not_allowed_is_refused_before_it_is_recorded(limits: dict[str, Any], queries: int, said: str) -> None:
    api = Balances(1.149)
    with pytest.raises(EkycSpendingError, match=said):
        check(api, **limits).before_record(None)
    assert len(api.queries) == queries


def test_what_is_just_enough_is_recorded_and_sent() -> None:
    one = check(Balances(1.15, 1.15), max_rows=150, max_cost="0.15", min_balance_after=1)
    one.before_record(None)
    one.before_send(refused=False, first_balance=1.15)
    assert one.balance == 1.15


def test_a_wrong_key_stops_it_before_it_is_recorded() -> None:
    with pytest.raises(EkycAuthenticationError):
        check(Balances(WRONG_KEY)).before_record(None)


@pytest.mark.parametrize(
    ("found", "sent_before"),
    [
        (intent(possibly_charged=2), 2),
        (intent(state=IntentState.NOT_ACCEPTED, possibly_charged=1), 1),
        (intent(state=IntentState.NOT_ACCEPTED), 0),
        (None, 0),
    ],
)
def test_what_may_be_charged_already_counts_again(found: Intent | None, sent_before: int) -> None:
    allowed = Decimal("0.15") * (1 + sent_before)
    check(Balances(9.0), max_cost=allowed).before_record(found)
    with pytest.raises(EkycSpendingError):
        check(Balances(9.0), max_cost=allowed - Decimal("0.001")).before_record(found)


@pytest.mark.parametrize(
    ("limits", "refused", "queries"),
    [({}, False, 0), ({}, True, 1), ({"min_balance_after": 1}, False, 1), ({"min_balance_after": 1}, True, 1)],
)
def test_the_balance_is_queried_before_a_send_if_a_limit_needs_it_or_it_is_not_the_first(
    limits: dict[str, Any], refused: bool, queries: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    api = Balances(8.0)
    one = check(api, **limits)
    one.balance = 9.0
    one.before_send(refused=refused, first_balance=1234.5)
    assert api.queries == [False] * queries
    assert one.balance == (8.0 if queries else 9.0)
    assert caplog.messages == (["Balance before sending again: 8.00, at first 1,234.50."] if refused else [])


def test_a_balance_that_is_not_known_before_another_send_is_not_logged_as_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    one = check(Balances(AWAY))
    one.balance = 9.0
    one.before_send(refused=True, first_balance=9.0)
    assert "Balance before sending again" not in caplog.text
    assert one.balance is None


@pytest.mark.parametrize(
    ("refused", "ending"),
    [
        (False, "Nothing was sent or charged."),
        (True, "It was not sent again; what was refused before is free."),
    ],
)
def test_too_little_before_a_send_stops_it_and_says_what_was_sent(refused: bool, ending: str) -> None:
    with pytest.raises(EkycSpendingError) as failed:
        check(Balances(1.0), min_balance_after=1).before_send(refused=refused, first_balance=9.0)
    assert "so 0.85 would be left" in failed.value.message
    assert failed.value.message.endswith(ending)


def test_what_is_recorded_is_the_estimate_and_the_balance_before() -> None:
    one = check(Balances(1234.5))
    one.before_record(None)
    assert money(one.recorded(SUBMISSION)) == ("0.001", "0.15", "1234.5", None)
    unpriced = check(Balances(), Estimate("amazon", 150, None))
    assert money(unpriced.recorded(SUBMISSION)) == (None, None, None, None)
    assert unpriced.recorded(SUBMISSION) == SUBMISSION


def test_after_it_the_balance_is_queried_once_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    api = Balances(1234.25)
    one = check(api)
    one.balance = 1234.5
    assert money(one.after(one.recorded(SUBMISSION))) == ("0.001", "0.15", "1234.5", "1234.25")
    assert api.queries == [True]
    assert caplog.messages == [
        "Balance after: 1,234.25, before: 1,234.50; estimated cost: 0.15 (150 numbers at 0.001). Others may use the "
        "account, and a charge may be booked later."
    ]


@pytest.mark.parametrize("error", [AWAY, WRONG_KEY])
def test_a_balance_that_fails_after_it_is_a_warning(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    one = check(Balances(error))
    assert one.after(SUBMISSION) == SUBMISSION
    assert logged(caplog) == "The submission is accepted and recorded; only the balance after it is not known. Made up."
