"""What a record holds, value by value, without a store (``submission/record.py``)."""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from typing import Any

import pytest

from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.numbers.prepare import PreparedNumbers
from airflow_provider_ekyc.submission.record import SENT_AGAIN_BY_HAND, IntentState, Scope, Submission
from tests.submission.in_memory import intent

SETTINGS = EkycSettings(base_url="http://API.example:80", api_key="made-up", account="made-up-account")
NUMBERS = PreparedNumbers(io.BytesIO(), 0, "1" * 64, "2" * 32, 160, 1, 2, 3, 154, "3" * 64)
#: Frozen: another name would not find what was paid for.
SCOPE = Scope(
    "https://api.example",
    "made-up-account",
    "cef25d5d64a30117af94531db870a64793302f35fb452937293f7fa48b449d77",
    "64fb0015ae6c3a9d",
)
NAME = "6f5abc071ac7beff"


def test_a_scope_has_the_names_that_earlier_records_have() -> None:
    scope = Scope.of(SETTINGS, "amazon", NUMBERS)
    assert scope == SCOPE
    assert scope.name == NAME


@pytest.mark.parametrize(
    ("task_type", "connection", "numbers"),
    [
        ("ws", {}, {}),
        ("amazon", {"account": "another-account"}, {}),
        ("amazon", {"base_url": "https://other.example"}, {}),
        ("amazon", {}, {"sha256": "4" * 64, "content_key": "5" * 32}),
    ],
    ids=["task type", "account", "API", "numbers"],
)
def test_another_submission_has_another_name(
    task_type: str, connection: dict[str, Any], numbers: dict[str, Any]
) -> None:
    other = Scope.of(replace(SETTINGS, **connection), task_type, replace(NUMBERS, **numbers))
    assert other.name != NAME
    assert other.schema_1_name != SCOPE.schema_1_name


def test_the_key_and_the_order_of_the_numbers_are_no_part_of_a_name() -> None:
    other = Scope.of(replace(SETTINGS, api_key="another-key"), "amazon", replace(NUMBERS, sha256="4" * 64))
    assert (other.name, other.fingerprint) == (NAME, SCOPE.fingerprint)


@pytest.mark.parametrize(("state", "is_open"), [("sending", True), ("unknown", True), ("not_taken", False)])
def test_what_is_certainly_not_accepted_alone_is_not_open(state: str, is_open: bool) -> None:
    assert intent(state=IntentState(state)).is_open is is_open
    assert not SENT_AGAIN_BY_HAND.is_open


def test_an_intent_is_shown_with_what_is_known_of_it() -> None:
    at = "2026-01-02T03:04:05+00:00"
    assert intent().shown == f"try 1 at {at}, 150 numbers, balance then 1,234.50"
    assert intent(map_index=0, rows=1500, balance=None, possible_ids=("made-up-1", "made-up-2")).shown == (
        f"try 1, map index 0 at {at}, 1,500 numbers, balance then unknown, possible remote id made-up-1 or made-up-2"
    )
    assert intent(balance=0.0).shown.endswith("balance then 0.00")


def test_a_submission_has_the_counts_of_its_list() -> None:
    found = Submission.of("made-up-id", "amazon", "f" * 64, NUMBERS, total=153, submitted_at="then")
    values = {
        "ekyc_task_id": "made-up-id",
        "task_type": "amazon",
        "fingerprint": "f" * 64,
        "lines_read": 160,
        "blank": 1,
        "duplicates": 2,
        "invalid": 3,
        "rows": 154,
        "total": 153,
        "submitted_at": "then",
        "input_sha256": "3" * 64,
        "content_key": "2" * 32,
        "price": None,
        "estimated_cost": None,
        "balance_before": None,
        "balance_after": None,
    }
    assert found.as_dict() == asdict(found) == values
    unknown = Submission.of("made-up-id", "amazon", "f" * 64, NUMBERS)
    assert (unknown.total, unknown.submitted_at) == (None, None)
