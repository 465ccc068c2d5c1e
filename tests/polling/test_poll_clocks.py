"""Clocks that differ: the worker's, which says when the wait began, and the triggerer's, which waits. No clock here."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import EkycServerError
from airflow_provider_ekyc.polling.interval import FLOOR, PollPolicy
from airflow_provider_ekyc.polling.poller import BACKSTOP, FIRST_QUERY, Deadline, End, Poller

#: By the triggerer's clock, at the start of the trigger.
NOW = 1_800_000_000.0
HOUR = 3600.0
WEEK = 7 * 24 * HOUR


def poller(ahead: float, timeout: float = WEEK, execution_timeout: float | None = None) -> Poller:
    """Make one for a wait that begins now, by a worker's clock that is ``ahead``."""
    started = NOW + ahead
    limit = None if execution_timeout is None else started + execution_timeout
    return Poller(PollPolicy(), started, Deadline(started + timeout, limit))


def queued() -> Task:
    return Task(ekyc_task_id="dmadeup1", status=TaskStatus.PENDING, word="pending")


def test_clocks_that_agree() -> None:
    assert poller(0).first_query(NOW) == NOW + FLOOR


@pytest.mark.parametrize("ahead", [1.0, 60.0, HOUR, 24 * HOUR])
def test_a_workers_clock_ahead_delays_the_first_query_by_nothing(ahead: float) -> None:
    assert poller(ahead).first_query(NOW) == NOW + FLOOR


def test_nor_any_later_query() -> None:
    one, same = poller(HOUR), poller(0)
    now = one.first_query(NOW)
    same.first_query(NOW)
    for _ in range(12):
        decision = one.decide(queued(), now, 0.0)
        assert decision == same.decide(queued(), now, 0.0)
        assert decision.ask_at
        now = decision.ask_at
    assert now > NOW + HOUR


def test_nor_the_wait_after_a_failure() -> None:
    one = poller(HOUR)
    first = one.decide(EkycServerError("503", status=503, retryable=True), NOW, 0.0)
    later = one.decide(EkycServerError("503", status=503, retryable=True), NOW + 10_000, 0.0)
    assert (first.ask_at, later.ask_at) == (NOW + FLOOR, NOW + 10_500)


@pytest.mark.parametrize("limits", [(600.0, None, End.TIMEOUT), (WEEK, 600.0, End.EXECUTION_TIMEOUT)])
def test_nor_the_deadline(limits: tuple[float, float | None, End]) -> None:
    timeout, execution_timeout, end = limits
    one = poller(HOUR, timeout, execution_timeout)
    one.first_query(NOW)
    assert one.decide(queued(), NOW + 590, 0.0).ask_at == NOW + 600
    assert one.decide(queued(), NOW + 600, 0.0).end is end


def test_a_fixed_interval_that_doubles_counts_from_this_clock() -> None:
    started = NOW + HOUR
    one = Poller(PollPolicy(poll_interval=60.0, exponential_backoff=True), started, Deadline(started + WEEK))
    now = one.first_query(NOW)
    assert now == NOW + 60
    assert one.decide(queued(), now, 0.0).ask_at == now + 120


def test_a_trigger_that_restarts_after_the_hour_knows_the_start_again() -> None:
    restarted = poller(HOUR)
    now = NOW + 2 * HOUR
    assert restarted.first_query(now) == now + FIRST_QUERY
    assert restarted.started == NOW + HOUR


def test_a_triggers_first_query_is_never_at_once() -> None:
    # A worker's clock a minute behind looks like a trigger that restarts.
    assert poller(-60).first_query(NOW) == NOW + FIRST_QUERY


def test_a_workers_clock_behind_by_more_than_the_timeout_does_not_end_the_wait_at_once() -> None:
    one = poller(-HOUR, timeout=600.0)
    assert one.first_query(NOW) == NOW + FLOOR
    assert one.decide(queued(), NOW + FLOOR, 0.0).ask_at == NOW + 11
    assert one.decide(queued(), NOW + 600, 0.0).end is End.TIMEOUT


def test_a_deadline_that_passed_while_no_triggerer_ran_holds() -> None:
    # Airflow has not ended the deferral yet, so the clocks may agree: one last query.
    one = poller(-HOUR, timeout=HOUR - BACKSTOP)
    assert one.first_query(NOW) == NOW + FIRST_QUERY
    assert one.decide(queued(), NOW + FIRST_QUERY, 0.0).end is End.TIMEOUT
