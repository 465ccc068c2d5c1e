"""A 404 of the API: a new id gets a while to become known, then the wait ends. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import EkycNotFoundError
from airflow_provider_ekyc.polling.interval import PollPolicy
from airflow_provider_ekyc.polling.poller import NOT_FOUND_SECONDS, Deadline, Decision, End, Poller

START = 1_800_000_000.0
FAR = Deadline(START + 7 * 86400)


def not_found() -> EkycNotFoundError:
    return EkycNotFoundError("The API knows no task with this id (404).", status=404)


def processing() -> Task:
    return Task(ekyc_task_id="dmadeup1", status=TaskStatus.PROCESSING, word="processing")


def not_found_until_the_end(poller: Callable[[], Poller], now: float) -> tuple[Decision, list[float]]:
    """Answer 404 to each query; return the last decision, and the seconds from START at which it asked."""
    times = []
    while True:
        times.append(round(now - START))
        decision = poller().decide(not_found(), now, 0.0)
        if decision.ask_at is None:
            return decision, times
        assert decision.is_warning
        assert "does not know this task (404)" in decision.note
        now = decision.ask_at


@pytest.mark.parametrize("is_remembered", [True, False], ids=["trigger and poke", "reschedule"])
def test_a_new_id_gets_ten_minutes_and_the_interval_widens(is_remembered: bool) -> None:
    one = Poller(PollPolicy(), START, FAR)
    made: Callable[[], Poller] = (lambda: one) if is_remembered else lambda: Poller(PollPolicy(), START, FAR)
    last, times = not_found_until_the_end(made, START + 5)
    assert times == [5, 10, 20, 40, 80, 160, 320, 600]
    assert (last.end, last.note) == (End.ERROR, "The API knows no task with this id (404).")


def test_a_new_id_that_becomes_known_is_waited_for() -> None:
    one = Poller(PollPolicy(), START, FAR)
    for seconds in (5, 10, 20):
        assert one.decide(not_found(), START + seconds, 0.0).end is None
    decision = one.decide(processing(), START + 40, 0.0)
    assert decision.ask_at == pytest.approx(START + 40 + 10)


def test_a_wait_that_began_earlier_ends_at_once() -> None:
    one = Poller(PollPolicy(), START, FAR)
    assert one.decide(not_found(), START + NOT_FOUND_SECONDS, 0.0).end is End.ERROR


def test_a_task_that_was_known_gets_ten_minutes_from_the_first_404() -> None:
    one = Poller(PollPolicy(), START, FAR)
    one.decide(processing(), START + 80_000, 0.0)
    last, times = not_found_until_the_end(lambda: one, START + 83_600)
    assert (times, last.end) == ([83_600, 84_200], End.ERROR)


def test_a_404_between_two_answers_is_forgotten() -> None:
    one = Poller(PollPolicy(), START, FAR)
    for hour in range(1, 10):
        assert one.decide(processing(), START + hour * 3600, 0.0).end is None
        assert one.decide(not_found(), START + hour * 3600 + 900, 0.0).end is None


def test_at_the_deadline_a_404_says_more_than_a_timeout() -> None:
    one = Poller(PollPolicy(), START, Deadline(START + 60))
    assert one.decide(not_found(), START + 20, 0.0).ask_at == START + 40
    assert one.decide(not_found(), START + 60, 0.0).end is End.ERROR


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        ({"poll_interval": 60.0}, [60, 120, 240, 480, 600]),
        ({"poll_interval": 450.0}, [450, 900]),
        ({"poll_interval": 3600.0}, [3600]),
        ({"ceiling": 200.0}, [5, 10, 20, 40, 80, 160, 320, 520, 600]),
    ],
)
def test_a_fixed_interval_and_the_ceiling_hold(policy: dict[str, Any], asked: list[int]) -> None:
    one = Poller(PollPolicy(**policy), START, FAR)
    last, times = not_found_until_the_end(lambda: one, one.first_query(START))
    assert (times, last.end) == (asked, End.ERROR)
