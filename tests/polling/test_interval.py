"""The policy: when to ask next, what each answer means. No I/O, no clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.polling.interval import CEILING, FLOOR, PollPolicy, next_wait, wait_after_failure
from tests.polling.answers import CREATED, START, moving, task


def wait(elapsed: float, answer: Task, previous: tuple[float, float] | None = None, jitter: float = 0) -> float:
    before = None if previous is None else (START + previous[0], previous[1])
    return next_wait(PollPolicy(), START + elapsed, START, answer, before, jitter)


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


def test_figures_that_last_moved_in_the_first_second_stand_still() -> None:
    assert wait(1000, moving(1, total=1000, success=999)) == pytest.approx(250)


def test_without_times_of_the_server_figures_do_not_stand_still() -> None:
    assert wait(1000, task(total=1000, success=999)) == pytest.approx(50)
    # Nor is it known that they jumped, so the speed of two answers holds: 40 % in 10 s.
    assert wait(19, moving(0, total=100, success=50), (9, 0.1)) == pytest.approx(12.5 + 19 / 40)


@pytest.mark.parametrize(("moved", "expected"), [(950, 1000), (949, 750)])
def test_figures_that_moved_within_a_twentieth_give_a_speed(moved: int, expected: float) -> None:
    assert wait(1000, moving(moved, total=100, success=50), (500, 0.25)) == pytest.approx(expected)


@pytest.mark.parametrize("before", [1000, 2000], ids=["at the same time", "later, by a clock that was set back"])
def test_an_earlier_answer_that_is_not_earlier_gives_no_speed(before: float) -> None:
    answer = moving(1000, total=100, success=50)
    assert wait(1000, answer, (before, 0.25)) == wait(1000, answer) == pytest.approx(750)


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


@pytest.mark.parametrize(("waited", "expected"), [(-30, 60), (0, 60), (60, 120), (180, 240), (1000, 300)])
def test_a_fixed_interval_that_doubles_is_kept_between_itself_and_the_ceiling(waited: float, expected: float) -> None:
    policy = PollPolicy(ceiling=300.0, poll_interval=60.0, exponential_backoff=True)
    assert next_wait(policy, START + waited, START, task(), None, 0.5) == expected


def test_jitter_makes_a_wait_after_a_failure_a_tenth_longer_at_the_most() -> None:
    assert [wait_after_failure(PollPolicy(), 2, None, 0, jitter) for jitter in (0, 0.5, 1)] == [10, 10.5, 11]


def test_failures_double_the_wait_sixteen_times_at_the_most() -> None:
    policy = PollPolicy(ceiling=1e9)
    assert [wait_after_failure(policy, failures, None, 0, 0) for failures in (16, 17, 18, 10**6)] == [
        FLOOR * 2**15,
        FLOOR * 2**16,
        FLOOR * 2**16,
        FLOOR * 2**16,
    ]


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
