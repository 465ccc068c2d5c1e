"""
How a task of the sandbox moves from one status to the next.

Modules: ``sandbox/exports.py``, ``sandbox/lifecycle.py``.
"""

from __future__ import annotations

import re

from airflow_provider_ekyc.sandbox import expected_answer
from tests.sandbox.sandbox_callers import numbers, table


def where(caller, task_id):
    body = caller.status(task_id).json()
    return body["status"], body["success"], body["failure"], "result_url" in body


def test_a_task_moves_with_the_clock_at_its_pace(call_up, clock):
    caller = call_up(clock=clock, pace=10, queue_seconds=5)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    assert where(caller, task_id) == ("pending", 0, 0, False)
    clock.tick(5)
    assert where(caller, task_id) == ("processing", 0, 0, False)
    clock.tick(4)
    assert where(caller, task_id) == ("processing", 40, 0, False)
    clock.tick(5.9)
    assert where(caller, task_id) == ("processing", 99, 0, False)
    clock.tick(0.2)
    assert where(caller, task_id) == ("exported", 100, 0, True)


def test_without_a_pace_a_task_is_exported_at_once(caller):
    task_id = caller.submit(numbers(100)).json()["task_id"]
    assert where(caller, task_id) == ("exported", 100, 0, True)


def test_a_task_can_pass_through_completed(call_up, clock):
    caller = call_up(clock=clock, completed_seconds=10)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    assert where(caller, task_id) == ("completed", 100, 0, False)
    clock.tick(10)
    assert where(caller, task_id) == ("exported", 100, 0, True)


def test_a_task_can_fail_on_its_way(call_up, clock):
    caller = call_up(clock=clock, ending="failed", pace=10, fail_after_share=0.3)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    clock.tick(2)
    assert where(caller, task_id) == ("processing", 20, 0, False)
    clock.tick(100)
    assert where(caller, task_id) == ("failed", 30, 0, False)


def test_rows_that_fail_are_counted_and_left_out_of_the_result(call_up):
    caller = call_up(failure_rows=7)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    assert where(caller, task_id) == ("exported", 93, 7, True)
    rows = table(caller.get(caller.status(task_id).json()["result_url"]).content)
    assert [row[0] for row in rows[1:]] == numbers(93).split()


def test_rows_that_fail_may_be_in_the_result_as_undetermined(call_up):
    rows = table_of(call_up(failure_rows=7, failure_rows_in_result=True))
    assert [row[0] for row in rows] == numbers(100).split()
    assert [row[1] for row in rows[93:]] == ["undetermined"] * 7
    assert all(answer == expected_answer(number) for number, answer in rows[:93])


def table_of(caller):
    return table(caller.get(caller.result_url()).content)[1:]


def test_total_may_be_0_while_pending(call_up, clock):
    caller = call_up(clock=clock, queue_seconds=5, total_zero_while_pending=True)
    created = caller.submit(numbers(100)).json()
    assert created["total"] == 0
    assert caller.status(created["task_id"]).json()["total"] == 0
    clock.tick(5)
    assert caller.status(created["task_id"]).json()["total"] == 100


def test_success_may_exceed_the_total(call_up):
    caller = call_up(extra_success=3)
    task_id = caller.submit(numbers(100)).json()["task_id"]
    assert where(caller, task_id) == ("exported", 103, 0, True)


def test_changed_settings_hold_for_later_tasks_alone(call_up):
    caller = call_up()
    before = caller.submit(numbers(100)).json()["task_id"]
    caller.sandbox.change(ending="failed")
    after = caller.submit(numbers(100, first=100)).json()["task_id"]
    assert [where(caller, task_id)[0] for task_id in (before, after)] == ["exported", "failed"]
    assert [task.status for task in caller.sandbox.tasks] == ["exported", "failed"]


def test_times_are_those_of_the_clock_as_the_samples_write_them(call_up, clock):
    caller = call_up(clock=clock, pace=10)
    created = caller.submit(numbers(100)).json()
    assert created["created_at"].startswith("2025-11-21T15:58:08.9164")
    clock.tick(1)
    body = caller.status(created["task_id"]).json()
    assert body["created_at"] == "2025-11-21T15:58:08.916Z"
    assert body["updated_at"] == "2025-11-21T15:58:09.916Z"
    assert re.fullmatch(r"\w{20}", body["user_id"])
