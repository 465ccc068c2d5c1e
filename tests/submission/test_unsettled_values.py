"""What the XCom ``unsettled`` holds, value by value: records in memory (``submission/unsettled.py``)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ekyc.submission.journal import SubmissionRecords
from airflow_provider_ekyc.submission.record import Intent, IntentState
from airflow_provider_ekyc.submission.unsettled import UnsettledReport
from tests.submission.in_memory import OTHER, SCOPE, Reports, intent, journal_of

LEFT = intent(OTHER, possible_ids=("made-up-1", "made-up-2"), possibly_charged=3)


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def report(reports: Reports) -> UnsettledReport:
    """The report of try 2 of a list of 200 numbers."""
    return UnsettledReport(reports, SCOPE, "amazon", 200, Decimal("0.0010"), 2)


@pytest.fixture
def records() -> SubmissionRecords:
    return journal_of().submission(OTHER.name)


def values(records: SubmissionRecords, state: str, **more: Any) -> dict[str, Any]:
    """The report of what try 1 has left."""
    return {
        "state": state,
        "name": OTHER.name,
        "record": records.address,
        "store": "variables",
        "rows": 150,
        "task_type": "amazon",
        "fingerprint": OTHER.fingerprint,
        "started_at": "2026-01-02T03:04:05+00:00",
        "try_number": 1,
        "possible_ids": ["made-up-1", "made-up-2"],
        "possibly_charged": 3,
        "balance_before": "1234.5",
        "balance_after": None,
        "price": "0.001",
        "estimated_cost": "0.15",
        **more,
    }


def test_what_is_about_to_be_sent_is_reported_as_it_is_recorded(
    report: UnsettledReport, records: SubmissionRecords, reports: Reports
) -> None:
    report.sending(records, LEFT)
    assert reports == [values(records, "sending")]


def test_an_unknown_outcome_is_reported_with_the_balance_now(
    report: UnsettledReport, records: SubmissionRecords, reports: Reports
) -> None:
    report.unknown(records, LEFT, 1034.5)
    report.unknown(records, LEFT)
    assert reports == [values(records, "unknown", balance_after="1034.5"), values(records, "unknown")]


def test_without_its_record_what_is_known_is_the_list_at_hand(
    report: UnsettledReport, records: SubmissionRecords, reports: Reports
) -> None:
    report.unknown(records, None)
    unknown: dict[str, Any] = {"started_at": None, "possible_ids": [], "balance_before": None, "possibly_charged": 1}
    of_this_try = {"rows": 200, "fingerprint": SCOPE.fingerprint, "try_number": 2, "estimated_cost": "0.2"}
    assert reports == [values(records, "unknown", **unknown, **of_this_try)]


def test_without_a_price_no_cost_is_estimated(records: SubmissionRecords, reports: Reports) -> None:
    UnsettledReport(reports, SCOPE, "amazon", 200, None, 2).sending(records, LEFT)
    assert reports == [values(records, "sending", price=None, estimated_cost=None)]


@pytest.mark.parametrize("found", [None, intent(OTHER, IntentState.NOT_ACCEPTED)], ids=["nothing", "a refusal"])
def test_what_was_announced_and_not_accepted_is_settled(
    found: Intent | None, report: UnsettledReport, records: SubmissionRecords, reports: Reports
) -> None:
    report.sending(records, LEFT)
    report.ended(records, found)
    assert reports[1:] == [values(records, "not_accepted")]


def test_what_was_never_announced_is_not_reported(
    report: UnsettledReport, records: SubmissionRecords, reports: Reports
) -> None:
    report.ended(records, None)
    assert reports == []


def test_an_unknown_outcome_stays_reported_when_the_try_ends(
    report: UnsettledReport, records: SubmissionRecords, reports: Reports
) -> None:
    report.unknown(records, LEFT)
    report.ended(records, None)
    assert reports == [values(records, "unknown")]


@pytest.mark.parametrize("state", [IntentState.SENDING, IntentState.UNKNOWN])
def test_what_an_earlier_try_left_open_is_reported_as_it_left_it(
    state: IntentState, report: UnsettledReport, records: SubmissionRecords, reports: Reports
) -> None:
    found = intent(OTHER, state, possible_ids=LEFT.possible_ids, possibly_charged=3)
    report.sending(records, intent(OTHER))
    report.ended(records, found)
    assert reports[1:] == [values(records, state.value)]
