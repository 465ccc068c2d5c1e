"""What an answer or a failure means for the wait. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycConnectionError,
    EkycNotFoundError,
    EkycRateLimitError,
    EkycServerError,
)
from airflow_provider_ekyc.polling.interval import CEILING, FLOOR, PollPolicy, wait_after_failure
from airflow_provider_ekyc.polling.poller import NOT_FOUND_SECONDS, Deadline, Decision, End, Poller, task_summary
from tests.polling.answers import FAR, START, moving, poller, task


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


def test_exported_ends_the_wait() -> None:
    decision = poller().decide(task(TaskStatus.EXPORTED, total=10, success=10), START + 1, 0)
    assert (decision.end, decision.ask_at) == (End.EXPORTED, None)


def test_exported_at_and_after_the_deadline_has_succeeded() -> None:
    late = poller(deadline=Deadline(START + 10)).decide(task(TaskStatus.EXPORTED), START + 11, 0)
    assert late.end is End.EXPORTED


def test_failed_ends_the_wait_and_completed_does_not() -> None:
    assert poller().decide(task(TaskStatus.FAILED), START, 0).end is End.FAILED
    assert poller().decide(task(TaskStatus.COMPLETED, total=5, success=5), START, 0).end is None


def test_an_undocumented_state_goes_on_and_is_a_warning_once() -> None:
    waiting = poller()
    first = waiting.decide(task(TaskStatus.UNKNOWN), START + 1, 0)
    second = waiting.decide(task(TaskStatus.UNKNOWN), START + 9, 0)
    assert (first.end, first.is_warning, second.is_warning) == (None, True, False)


def test_the_poller_keeps_the_first_figures_and_forgets_the_queue() -> None:
    waiting = poller()
    waiting.decide(task(TaskStatus.PENDING, total=0), START + 100, 0)
    waiting.decide(moving(140, total=100, success=20), START + 140, 0)
    waiting.decide(moving(180, total=100, success=41), START + 180, 0)
    decision = waiting.decide(moving(200, total=100, success=50), START + 200, 0)
    # 30 % in the 60 s since the first figures, so the rest takes 100 s; a fortieth of 200 s on top.
    assert decision.ask_at == pytest.approx(START + 200 + 100 + 5)


@pytest.mark.parametrize(
    "error",
    [
        EkycServerError("503", status=503, retryable=True),
        EkycConnectionError("cut", retryable=True),
        EkycAnswerError("HTML", status=200, retryable=True),
        EkycRateLimitError("429", status=429, retryable=True, retry_after=120.0),
    ],
)
def test_what_may_succeed_later_never_ends_the_wait(error: Any) -> None:
    waiting = poller()
    decision = waiting.decide(error, START + 5, 0)
    assert decision.end is None
    assert decision.is_warning
    assert decision.ask_at == START + 5 + max(FLOOR, error.retry_after or 0)


@pytest.mark.parametrize("error", [EkycAuthenticationError("401", status=401), EkycBalanceError("402", status=402)])
def test_what_cannot_succeed_ends_it(error: Any) -> None:
    assert poller().decide(error, START, 0).end is End.ERROR


def test_failures_in_a_row_widen_the_interval_and_an_answer_resets_it() -> None:
    waits = [wait_after_failure(PollPolicy(), failures, None, 0, 0) for failures in range(1, 12)]
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == CEILING
    waiting = poller()
    for _ in range(5):
        waiting.decide(EkycServerError("503", retryable=True), START, 0)
    waiting.decide(task(), START + 1, 0)
    decision = waiting.decide(EkycServerError("503", retryable=True), START + 2, 0)
    assert decision.ask_at == START + 2 + FLOOR


def test_a_wait_is_clipped_to_the_deadline_and_a_last_query_is_made_at_it() -> None:
    waiting = poller(deadline=Deadline(START + 100))
    decision = waiting.decide(task(), START + 80, 0)
    assert decision.ask_at == START + 100
    assert waiting.decide(task(), START + 100, 0).end is End.TIMEOUT


def test_the_last_query_keeps_the_floor_even_if_the_deadline_is_nearer() -> None:
    decision = poller(deadline=Deadline(START + 100)).decide(task(), START + 99, 0)
    assert decision.ask_at == START + 99 + FLOOR


def test_a_failure_at_the_deadline_is_a_timeout() -> None:
    decision = poller(deadline=Deadline(START + 10)).decide(EkycConnectionError("cut", retryable=True), START + 10, 0)
    assert decision.end is End.TIMEOUT


def test_the_earlier_deadline_counts_and_is_distinguished() -> None:
    assert Deadline(START + 10, START + 5).end is End.EXECUTION_TIMEOUT
    assert Deadline(START + 5, START + 10).end is End.TIMEOUT
    assert Deadline(START + 5).at == START + 5


def test_the_note_gives_progress_counts_and_the_next_query() -> None:
    note = poller().decide(task(total=2049, success=1024, failure=0), START + 60, 0).note
    assert note == "Remote task dmadeup1 is processing: 50%, 1,024 of 2,049 numbers. Next query in 45 s."


def test_the_summary_holds_scalars_and_no_url() -> None:
    shown = task_summary(task(TaskStatus.EXPORTED, total=3, success=3, result_url="secret"), seconds=1.26, queries=2)
    assert shown["status"] == "exported"
    assert "secret" not in str(shown)
    assert all(value is None or isinstance(value, str | int | float) for value in shown.values())
