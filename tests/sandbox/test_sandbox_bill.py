"""
What the sandbox charges, and when.

Modules: ``sandbox/bill.py``, ``sandbox/state.py``.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal

from tests.sandbox.sandbox_callers import numbers


def test_a_submission_is_charged_at_acceptance(caller):
    task_id = caller.submit(numbers(150) + numbers(50)).json()["task_id"]
    bill = caller.sandbox.bill
    (charge,) = bill.submissions
    assert (charge.task_id, charge.task_type, charge.rows) == (task_id, "amazon", 150)
    assert charge.amount == bill.booked == Decimal("0.150")
    assert charge.sha256 == hashlib.sha256((numbers(150) + numbers(50)).encode()).hexdigest()
    assert bill.balance == Decimal(1_000_000) - Decimal("0.150")


def test_it_may_be_charged_at_export(call_up, clock):
    caller = call_up(clock=clock, booking="export", pace=10, balance="0.15")
    caller.submit(numbers(100))
    bill = caller.sandbox.bill
    assert (bill.booked, bill.reserved) == (0, Decimal("0.100"))
    assert caller.submit(numbers(100, first=500)).status_code == 402, "what is reserved can't be spent again"
    clock.tick(10)
    assert caller.sandbox.bill.booked == Decimal("0.100")
    assert caller.balance().json()["balance"] == 0.05


def test_a_failed_task_that_would_be_charged_at_export_never_is(call_up, clock):
    caller = call_up(clock=clock, booking="export", ending="failed")
    caller.submit(numbers(100))
    clock.tick(1_000_000)
    assert (caller.sandbox.bill.booked, caller.sandbox.bill.reserved) == (0, 0)


def test_it_may_be_charged_with_a_delay(call_up, clock):
    caller = call_up(clock=clock, booking="delay", booking_delay_seconds=30)
    caller.submit(numbers(100))
    clock.tick(29)
    assert caller.sandbox.bill.booked == 0
    clock.tick(1)
    assert caller.sandbox.bill.booked == Decimal("0.100")


def test_answered_polls_are_counted_and_cost_what_is_set(call_up):
    caller = call_up(price_per_poll="0.5", balance=10)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    for _ in range(3):
        caller.status(task_id)
    caller.status("d000000000000000000x")
    caller.sandbox.fault("status", "status")
    caller.status(task_id)
    assert caller.sandbox.bill.polls == 3
    assert caller.sandbox.bill.balance == Decimal("8.400")


def test_polls_are_free_by_default_and_counted(caller):
    caller.result_url()
    assert caller.sandbox.bill.polls == 1
    assert caller.sandbox.bill.booked == Decimal("0.100")


def test_the_same_content_twice_shows(caller):
    caller.submit(numbers(100))
    caller.submit(numbers(101))
    caller.submit(numbers(100), task_type="ws")
    assert caller.sandbox.bill.charged_twice == ()
    caller.submit(numbers(100))
    assert caller.sandbox.bill.charged_twice == (hashlib.sha256(numbers(100).encode()).hexdigest(),)


def test_the_bill_holds_no_number(caller):
    caller.submit(numbers(100))
    assert "99900000" not in repr(caller.sandbox.bill)


def test_a_changed_balance_is_what_is_left_from_now_on(caller):
    caller.submit(numbers(100))
    caller.sandbox.change(balance="0.05")
    assert caller.balance().json()["balance"] == 0.05
    assert caller.submit(numbers(100, first=500)).status_code == 402
