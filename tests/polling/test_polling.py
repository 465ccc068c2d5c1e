"""The policy: when to ask next, what each answer means. No I/O, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycConnectionError,
    EkycRateLimitError,
    EkycServerError,
)
from airflow_provider_ekyc.polling.interval import CEILING, FLOOR, PollPolicy, next_wait, wait_after_failure
from airflow_provider_ekyc.polling.poller import Deadline, End, Poller, task_summary

START = 1_800_000_000.0
FAR = Deadline(START + 1e9)
CREATED = datetime.fromtimestamp(START, UTC)


def task(status: TaskStatus = TaskStatus.PROCESSING, **fields: Any) -> Task:
    return Task(ekyc_task_id="dmadeup1", status=status, word=status.value, **fields)


def poller(policy: PollPolicy | None = None, deadline: Deadline = FAR) -> Poller:
    return Poller(policy or PollPolicy(), START, deadline)


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


def wait(elapsed: float, answer: Task, previous: tuple[float, float] | None = None, jitter: float = 0) -> float:
    before = None if previous is None else (START + previous[0], previous[1])
    return next_wait(PollPolicy(), START + elapsed, START, answer, before, jitter)


def moving(elapsed: float, **fields: Any) -> Task:
    """An answer whose figures have just moved."""
    return task(created_at=CREATED, updated_at=CREATED + timedelta(seconds=elapsed), **fields)


def test_with_progress_it_looks_again_after_three_quarters_of_the_projected_rest() -> None:
    # Half took 100 s, so the rest takes 100 s, or less: how long of that it was queued is not known.
    assert wait(100, task(total=1000, success=500)) == pytest.approx(75)


def test_early_figures_say_little_so_the_wait_is_limited() -> None:
    assert wait(100, task(total=1000, success=1)) == pytest.approx(80)


def test_a_measured_speed_may_rise_so_the_wait_is_limited_too() -> None:
    assert wait(100, moving(100, total=1000, success=20), (90, 0.01)) == pytest.approx(100)


def test_two_answers_give_the_speed_and_it_asks_just_after_the_projected_end() -> None:
    # 1,000 s in the queue, then 10 % in 10 s: the rest takes 80 s. A fortieth of the 1,010 s on top.
    assert wait(1010, moving(1010, total=100, success=20), (1000, 0.1)) == pytest.approx(80 + 1010 / 40)


def test_the_work_is_taken_to_begin_in_the_middle_of_the_answers_before_and_after() -> None:
    # It was queued 100 s ago, so a fifth took about 50 s, and the rest takes 200 s.
    assert wait(400, moving(400, total=100, success=20), (300, 0.0)) == pytest.approx(200 * 0.75)


def test_figures_that_jump_are_no_speed_to_rely_on() -> None:
    # They moved 30 s ago: three quarters of the rest of 90 s, though two answers are known.
    assert wait(200, moving(170, total=100, success=70), (110, 0.4)) == pytest.approx(90 * 0.75)


@pytest.mark.parametrize("success", [39, 40])
def test_figures_that_shrink_or_rest_fall_back_to_the_whole_time(success: int) -> None:
    answer = task(total=100, success=success)
    assert wait(200, answer, (100, 0.4)) == wait(200, answer)


def test_it_never_asks_again_before_a_twentieth_has_passed() -> None:
    assert wait(1000, moving(1000, total=1000, success=999)) == pytest.approx(50)


@pytest.mark.parametrize(("success", "word"), [(99, TaskStatus.PROCESSING), (100, TaskStatus.COMPLETED), (130, None)])
def test_figures_that_stand_still_near_the_end_are_asked_for_less_and_less(
    success: int, word: TaskStatus | None
) -> None:
    def stuck(elapsed: float) -> float:
        return wait(elapsed, moving(1000, status=word or TaskStatus.PROCESSING, total=100, success=success))

    assert [stuck(elapsed) for elapsed in (1000, 1100, 2000)] == pytest.approx([50, 200, 500])


def test_an_updated_at_that_never_moves_does_not_make_the_figures_stand_still() -> None:
    assert wait(1000, moving(0, total=1000, success=999)) == pytest.approx(50)


@pytest.mark.parametrize("total", [None, 0, 500])
def test_while_queued_it_waits_a_little_longer_than_it_has_waited(total: int | None) -> None:
    waits = [wait(s, task(TaskStatus.PENDING, total=total, success=0)) for s in (0, 5, 25, 600, 10_000)]
    assert waits == pytest.approx([FLOOR / 0.95, 6, 30, 720, CEILING])


def test_before_the_first_number_is_done_it_waits_half_as_long_as_it_has_waited() -> None:
    assert wait(100, task(total=500, success=0)) == pytest.approx(50)


def test_without_figures_the_waits_grow_and_stop_at_the_ceiling() -> None:
    waits = [wait(s, task()) for s in (0, 10, 100, 1000, 100_000)]
    assert waits == pytest.approx([FLOOR / 0.95, FLOOR / 0.95, 25, 250, CEILING])


def test_a_wait_that_begins_late_takes_the_age_of_the_task_from_the_servers_clock() -> None:
    assert wait(0, moving(1000, total=100, success=50)) == pytest.approx(750)


def test_jitter_shortens_every_wait_and_keeps_the_floor() -> None:
    for elapsed in (0, 100, 100_000):
        waits = [wait(elapsed, task(), jitter=jitter) for jitter in (0, 0.5, 1)]
        assert waits == sorted(waits, reverse=True)
        assert len(set(waits)) == 3
        assert waits[-1] >= FLOOR


def test_a_ceiling_below_the_floor_wins() -> None:
    for jitter in (0, 1):
        assert next_wait(PollPolicy(ceiling=1.0), START + 500, START, task(), None, jitter) == 1


def test_the_poller_keeps_the_first_figures_and_forgets_the_queue() -> None:
    waiting = poller()
    waiting.decide(task(TaskStatus.PENDING, total=0), START + 100, 0)
    waiting.decide(moving(140, total=100, success=20), START + 140, 0)
    waiting.decide(moving(180, total=100, success=41), START + 180, 0)
    decision = waiting.decide(moving(200, total=100, success=50), START + 200, 0)
    # 30 % in the 60 s since the first figures, so the rest takes 100 s; a fortieth of 200 s on top.
    assert decision.ask_at == pytest.approx(START + 200 + 100 + 5)


def test_numbers_that_could_not_be_processed_are_progress_too() -> None:
    assert task(total=100, success=40, failure=10).progress == 0.5


@pytest.mark.parametrize("offset", [-3600, 0, 3600])
def test_a_server_clock_that_is_off_by_an_hour_changes_nothing(offset: int) -> None:
    created = CREATED + timedelta(seconds=offset)
    answer = task(total=100, success=50, created_at=created, updated_at=created + timedelta(seconds=60))
    assert next_wait(PollPolicy(), START + 60, START, answer, None, 0) == pytest.approx(45)


def test_a_fixed_interval_is_kept() -> None:
    policy = PollPolicy(poll_interval=42.0)
    assert next_wait(policy, START + 7, START, task(total=100, success=99), None, 0.5) == 42.0


@given(
    elapsed=st.floats(0, 1e7),
    total=st.none() | st.integers(0, 10**8),
    success=st.none() | st.integers(0, 10**8),
    failure=st.none() | st.integers(0, 10**8),
    previous=st.none() | st.tuples(st.floats(START - 1e6, START + 1e7), st.floats(0, 1)),
    server=st.none() | st.floats(-1e6, 1e6),
    jitter=st.floats(0, 1),
)
@settings(max_examples=300, deadline=None)
def test_whatever_the_server_says_the_wait_stays_between_floor_and_ceiling(
    elapsed: float,
    total: int | None,
    success: int | None,
    failure: int | None,
    previous: tuple[float, float] | None,
    server: float | None,
    jitter: float,
) -> None:
    updated = None if server is None else CREATED + timedelta(seconds=server)
    answer = task(total=total, success=success, failure=failure, created_at=CREATED, updated_at=updated)
    wait = next_wait(PollPolicy(), START + elapsed, START, answer, previous, jitter)
    assert FLOOR <= wait <= CEILING


@pytest.mark.parametrize(
    "error",
    [
        EkycServerError("503", status=503, retryable=True),
        EkycConnectionError("cut", retryable=True),
        EkycAnswerError("HTML", status=200, retryable=True),
        EkycRateLimitError("429", status=429, retryable=True, retry_after=120.0),
    ],
)
def test_what_may_get_better_never_ends_the_wait(error: Any) -> None:
    waiting = poller()
    decision = waiting.decide(error, START + 5, 0)
    assert decision.end is None
    assert decision.is_warning
    assert decision.ask_at == START + 5 + max(FLOOR, error.retry_after or 0)


@pytest.mark.parametrize("error", [EkycAuthenticationError("401", status=401), EkycBalanceError("402", status=402)])
def test_what_cannot_get_better_ends_it(error: Any) -> None:
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


def test_the_earlier_deadline_counts_and_is_told_apart() -> None:
    assert Deadline(START + 10, START + 5).end is End.EXECUTION_TIMEOUT
    assert Deadline(START + 5, START + 10).end is End.TIMEOUT
    assert Deadline(START + 5).at == START + 5


def test_the_note_gives_progress_counts_and_the_next_query() -> None:
    note = poller().decide(task(total=2049, success=1024, failure=0), START + 60, 0).note
    assert note == "Remote task dmadeup1 is processing: 50%, 1,024 of 2,049 numbers. Next query in 45 s."


def test_the_summary_holds_scalars_and_no_url() -> None:
    told = task_summary(task(TaskStatus.EXPORTED, total=3, success=3, result_url="secret"), seconds=1.26, queries=2)
    assert told["status"] == "exported"
    assert "secret" not in str(told)
    assert all(value is None or isinstance(value, str | int | float) for value in told.values())
