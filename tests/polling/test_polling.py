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
    EkycConnectionError,
    EkycNotFoundError,
    EkycRateLimitError,
    EkycServerError,
)
from airflow_provider_ekyc.polling import (
    CEILING,
    FLOOR,
    Deadline,
    End,
    Poller,
    PollPolicy,
    next_wait,
    summary,
    wait_after_failure,
)

START = 1_800_000_000.0
FAR = Deadline(START + 1e9)
CREATED = datetime.fromtimestamp(START, UTC)


def task(status: TaskStatus = TaskStatus.PROCESSING, **fields: Any) -> Task:
    return Task(ekyc_task_id="dmadeup1", status=status, word=status.value, **fields)


def poller(policy: PollPolicy | None = None, deadline: Deadline = FAR) -> Poller:
    return Poller(policy or PollPolicy(), START, deadline)


def test_exported_ends_the_wait() -> None:
    decision = poller().on_task(task(TaskStatus.EXPORTED, total=10, success=10), START + 1, 0)
    assert (decision.end, decision.ask_at) == (End.EXPORTED, None)


def test_exported_at_and_after_the_deadline_has_succeeded() -> None:
    late = poller(deadline=Deadline(START + 10)).on_task(task(TaskStatus.EXPORTED), START + 11, 0)
    assert late.end is End.EXPORTED


def test_failed_ends_the_wait_and_completed_does_not() -> None:
    assert poller().on_task(task(TaskStatus.FAILED), START, 0).end is End.FAILED
    assert poller().on_task(task(TaskStatus.COMPLETED, total=5, success=5), START, 0).end is None


def test_an_undocumented_state_goes_on_and_is_told_as_a_warning_once() -> None:
    waiting = poller()
    first = waiting.on_task(task(TaskStatus.UNKNOWN), START + 1, 0)
    second = waiting.on_task(task(TaskStatus.UNKNOWN), START + 9, 0)
    assert (first.end, first.unusual, second.unusual) == (None, True, False)


def test_with_progress_it_asks_near_the_projected_end() -> None:
    # A quarter took 100 s, so the rest takes 300 s.
    wait = next_wait(PollPolicy(), START + 100, START, task(total=1000, success=250), None, 0)
    assert wait == pytest.approx(300)


def test_the_speed_between_two_answers_counts_more_than_the_queue_before() -> None:
    # 1,000 s in the queue, then 10 % in 10 s: the rest takes 80 s.
    before = (START + 1000, 0.1)
    wait = next_wait(PollPolicy(), START + 1010, START, task(total=100, success=20), before, 0)
    assert wait == pytest.approx(80)


def test_without_figures_the_waits_grow_and_stop_at_the_ceiling() -> None:
    waits = [next_wait(PollPolicy(), START + s, START, task(), None, 0) for s in (0, 10, 100, 1000, 100_000)]
    assert waits == [FLOOR, FLOOR, 50, 500, CEILING]


def test_numbers_that_could_not_be_processed_are_progress_too() -> None:
    assert task(total=100, success=40, failure=10).progress == 0.5


@pytest.mark.parametrize("offset", [-3600, 0, 3600])
def test_a_server_clock_that_is_off_by_an_hour_changes_nothing(offset: int) -> None:
    created = CREATED + timedelta(seconds=offset)
    answer = task(total=100, success=50, created_at=created, updated_at=created + timedelta(seconds=60))
    assert next_wait(PollPolicy(), START + 60, START, answer, None, 0) == pytest.approx(60)


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
    decision = waiting.on_error(error, START + 5, 0)
    assert decision.end is None
    assert decision.unusual
    assert decision.ask_at == START + 5 + max(FLOOR, error.retry_after or 0)


@pytest.mark.parametrize("error", [EkycAuthenticationError("401", status=401), EkycNotFoundError("404", status=404)])
def test_what_cannot_get_better_ends_it(error: Any) -> None:
    assert poller().on_error(error, START, 0).end is End.ERROR


def test_failures_in_a_row_widen_the_interval_and_an_answer_resets_it() -> None:
    waits = [wait_after_failure(PollPolicy(), failures, None, 0) for failures in range(1, 12)]
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == CEILING
    waiting = poller()
    for _ in range(5):
        waiting.on_error(EkycServerError("503", retryable=True), START, 0)
    waiting.on_task(task(), START + 1, 0)
    decision = waiting.on_error(EkycServerError("503", retryable=True), START + 2, 0)
    assert decision.ask_at == START + 2 + FLOOR


def test_a_wait_is_clipped_to_the_deadline_and_a_last_query_is_made_at_it() -> None:
    waiting = poller(deadline=Deadline(START + 100))
    decision = waiting.on_task(task(), START + 80, 0)
    assert decision.ask_at == START + 100
    assert waiting.on_task(task(), START + 100, 0).end is End.TIMEOUT


def test_the_last_query_keeps_the_floor_even_if_the_deadline_is_nearer() -> None:
    decision = poller(deadline=Deadline(START + 100)).on_task(task(), START + 99, 0)
    assert decision.ask_at == START + 99 + FLOOR


def test_a_failure_at_the_deadline_is_a_timeout() -> None:
    decision = poller(deadline=Deadline(START + 10)).on_error(EkycConnectionError("cut", retryable=True), START + 10, 0)
    assert decision.end is End.TIMEOUT


def test_the_earlier_deadline_counts_and_is_told_apart() -> None:
    assert Deadline(START + 10, START + 5).end is End.EXECUTION_TIMEOUT
    assert Deadline(START + 5, START + 10).end is End.TIMEOUT
    assert Deadline(START + 5).at == START + 5


def test_the_note_gives_progress_counts_and_the_next_query() -> None:
    note = poller().on_task(task(total=2049, success=1024, failure=0), START + 60, 0).note
    assert note == "Remote task dmadeup1 is processing: 50%, 1,024 of 2,049 numbers. Next query in 60 s."


def test_the_summary_holds_scalars_and_no_url() -> None:
    told = summary(task(TaskStatus.EXPORTED, total=3, success=3, result_url="secret"), seconds=1.26, queries=2)
    assert told["status"] == "exported"
    assert "secret" not in str(told)
    assert all(value is None or isinstance(value, str | int | float) for value in told.values())
