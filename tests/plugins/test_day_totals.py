"""``plugins/day_totals.py``: sums by day."""

from __future__ import annotations

from datetime import timedelta

from airflow_provider_ekyc.plugins.day_totals import DayTotals, counts_of
from airflow_provider_ekyc.plugins.task_records import Role
from tests.plugins.made_up_tasks import START, sensor, submit, task, transfer


def test_a_day_has_the_sums_of_its_runs() -> None:
    totals = DayTotals()
    for number in range(2):
        of_run = [
            task(Role.PREPARE, preparation={"fresh": 7, "money": {"saved": "0.007"}}),
            submit("success", f"id-{number}"),
            sensor("success", f"id-{number}"),
            transfer("success", f"id-{number}"),
        ]
        totals.add(START, counts_of(of_run))
    totals.add(START + timedelta(days=1), counts_of([submit("success", "id-3")]))
    totals.add(START + timedelta(days=2), counts_of([submit("failed")]))
    assert totals.as_list() == [
        {
            "day": "2026-11-26",
            "submissions": 2,
            "rows": 6000,
            "yes": 2360,
            "no": 3620,
            "unknown": 0,
            "not_processed": 20,
            "saved_rows": 14,
            "cost": "6.00",
            "saved_cost": "0.014",
        },
        {
            "day": "2026-11-27",
            "submissions": 1,
            "rows": 3000,
            "yes": 0,
            "no": 0,
            "unknown": 0,
            "not_processed": 0,
            "saved_rows": 0,
            "cost": "3.00",
            "saved_cost": None,
        },
    ]
    assert totals.counted == 3


def test_a_remote_task_counts_once() -> None:
    totals = DayTotals()
    tasks = [submit("success", "a"), submit("success", "a", map_index=1), transfer("success", "a")]
    totals.add(START, counts_of(tasks))
    totals.add(START, counts_of([transfer("success", "a", task_id="land_again")]))
    (day,) = totals.as_list()
    assert (day["submissions"], day["rows"], day["yes"]) == (1, 3000, 1180)


def test_a_cost_is_never_guessed() -> None:
    totals = DayTotals()
    for number, cost in enumerate([None, "NaN", "Infinity", "1e9999", "much", "2.50", ["3"], ""]):
        submission = {"ekyc_task_id": f"id-{number}", "rows": 1, "estimated_cost": cost}
        totals.add(START, counts_of([submit("success", submission=submission)]))
    (day,) = totals.as_list()
    assert (day["submissions"], day["cost"]) == (8, "2.50")


def test_without_any_price_there_is_no_cost() -> None:
    totals = DayTotals()
    totals.add(START, counts_of([submit("success", submission={"ekyc_task_id": "a", "rows": 5})]))
    assert totals.as_list()[0]["cost"] is None
