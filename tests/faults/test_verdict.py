"""What the evidence of a case comes to."""

from __future__ import annotations

from collections import Counter

import pytest

from dev.faults.case import Case, Charge, End, Evidence, says_unknown
from dev.faults.environment import API_KEY, numbers_of
from dev.faults.verdict import WARNED, verdict_of

CASE = Case(7, "a group", "submit")
ONE = Charge("task-one", "the numbers")
AGAIN = Charge("task-two", "the numbers")


def success(*charges: Charge, case: Case = CASE, remembered: str = "") -> Evidence:
    ids = " ".join(charge.ekyc_task_id for charge in charges)
    return Evidence(
        End.SUCCESS, value=charges[-1].ekyc_task_id, charges=charges, submit_calls=1, remembered=f"{ids} {remembered}"
    )


def test_a_submission_that_is_paid_once_and_known_is_as_it_must_be() -> None:
    verdict = verdict_of(CASE, success(ONE))
    assert (verdict.charged, verdict.double, verdict.lost, verdict.off) == (1, 0, 0, ())


def test_the_same_numbers_on_the_bill_twice_are_paid_twice() -> None:
    verdict = verdict_of(CASE, success(ONE, AGAIN))
    assert (verdict.double, verdict.asked_double) == (1, 0)
    assert verdict.off == ("2 charges, not 1",)


@pytest.mark.parametrize(("warning", "double"), [("", 1), (f"This is try 2, and {WARNED}: ...", 0)])
def test_without_any_record_a_second_submission_needs_a_warning(warning: str, double: int) -> None:
    case = Case(7, "a group", "submit", change="cleared after all its records were deleted")
    verdict = verdict_of(case, success(ONE, AGAIN, remembered=warning))
    assert (verdict.double, verdict.asked_double) == (double, 1 - double)


def test_an_id_that_nothing_remembers_is_lost() -> None:
    assert verdict_of(CASE, Evidence(End.SUCCESS, value="task-one", charges=(ONE,), submit_calls=1)).lost == 1


TABLE_CASE = Case(7, "a group", "table", point="after the commit")


@pytest.mark.parametrize(
    ("times", "others", "lost", "twice", "off"),
    [
        (1, (), 0, 0, ()),
        (0, (), 120, 0, ()),
        (2, (), 0, 120, ()),
        (1, ("+9990000080000",), 0, 0, ("the table has numbers as its own that are not",)),
    ],
)
def test_rows_of_the_table_that_are_missing_or_there_twice(
    times: int, others: tuple[str, ...], lost: int, twice: int, off: tuple[str, ...]
) -> None:
    rows = Counter([*(number for number in numbers_of(TABLE_CASE) for _ in range(times)), *others])
    evidence = success(ONE, case=TABLE_CASE)
    evidence.objects, evidence.kills, evidence.in_table = ("results/7.parquet",), 1, rows
    evidence.prepaid = frozenset({ONE.ekyc_task_id})
    verdict = verdict_of(TABLE_CASE, evidence)
    assert (verdict.table_lost, verdict.table_twice, verdict.off) == (lost, twice, off)


NUMBER = numbers_of(CASE)[0]


@pytest.mark.parametrize(
    "leak",
    [
        NUMBER,
        NUMBER[1:],
        f"{NUMBER[:4]}\N{NO-BREAK SPACE}{NUMBER[4:9]}\N{NO-BREAK SPACE}{NUMBER[9:]}",
        f"%2B{NUMBER[1:4]}%20{NUMBER[4:]}",
        f"{NUMBER[:4]}/{NUMBER[4:]}",
        API_KEY,
        API_KEY.upper(),
    ],
)
def test_a_number_or_the_key_in_a_log_is_off_the_table_in_any_spelling(leak: str) -> None:
    verdict = verdict_of(CASE, success(ONE, remembered=f"line 1 is not valid: {leak}"))
    assert verdict.off == ("a key or a number is in a journal, an XCom or a log",)


@pytest.mark.parametrize(
    ("message", "unknown"),
    [
        ("It may or may not have been accepted and charged.", True),
        ("Another list may have been charged.", True),
        ("The record was deleted. It may be charged.", True),
        ("Nothing was charged.", False),
    ],
)
def test_a_message_that_leaves_a_charge_open_is_known(message: str, unknown: bool) -> None:
    assert says_unknown(message) is unknown
