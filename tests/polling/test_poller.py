"""What an answer or a failure means for the wait. No I/O, no clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus, read_task
from airflow_provider_ekyc.exceptions import (
    Charge,
    EkycAnswerError,
    EkycAuthenticationError,
    EkycBalanceError,
    EkycConnectionError,
    EkycNotFoundError,
    EkycRateLimitError,
    EkycServerError,
    EkycTaskFailedError,
    EkycTimeoutError,
)
from airflow_provider_ekyc.polling.interval import CEILING, FLOOR, JITTER, PollPolicy, wait_after_failure
from airflow_provider_ekyc.polling.poller import NOT_FOUND_SECONDS, Deadline, Decision, End, Poller, task_summary
from tests.polling.answers import CREATED, FAR, START, moving, poller, task


def not_found() -> EkycNotFoundError:
    return EkycNotFoundError("The API knows no task with this id (404).", status=404)


def processing() -> Task:
    return Task(ekyc_task_id="dmadeup1", status=TaskStatus.PROCESSING, word="processing")


def waited(decision: Decision) -> float:
    """Return the seconds from START to the next query: of times since 1970 themselves, half an hour is a millionth."""
    assert decision.ask_at is not None
    return decision.ask_at - START


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
    assert waited(decision) == pytest.approx(40 + 10)


def test_a_wait_that_began_earlier_ends_at_once() -> None:
    one = Poller(PollPolicy(), START, FAR)
    assert one.decide(not_found(), START + NOT_FOUND_SECONDS, 0.0).end is End.ERROR


def test_a_task_that_was_known_gets_ten_minutes_from_the_first_404() -> None:
    one = Poller(PollPolicy(), START, FAR)
    one.decide(processing(), START + 80_000, 0.0)
    last, times = not_found_until_the_end(lambda: one, START + 83_600)
    assert (times, last.end) == ([83_600, 84_200], End.ERROR)


def test_a_wait_that_is_resumed_after_ten_minutes_gets_as_many_from_its_first_404() -> None:
    """A restart has forgotten that the task was known."""
    one = Poller(PollPolicy(), START, FAR)
    one.first_query(START + 3600)
    last, times = not_found_until_the_end(lambda: one, START + 3601)
    assert (times[0], times[-1], last.end) == (3601, 4201, End.ERROR)
    new = Poller(PollPolicy(), START, FAR)
    new.first_query(START + 1)
    assert new.decide(not_found(), START + NOT_FOUND_SECONDS, 0.0).end is End.ERROR


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
    assert waited(decision) == pytest.approx(200 + 100 + 5)


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
    decision = poller().decide(error, START, 0)
    assert (decision.end, decision.note, decision.is_warning) == (End.ERROR, error.message, True)


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


def test_the_summary_is_the_answer_and_what_the_wait_took() -> None:
    exported = task(
        TaskStatus.EXPORTED,
        total=3,
        success=2,
        failure=1,
        created_at=CREATED,
        updated_at=CREATED + timedelta(seconds=50),
    )
    waiting = poller()
    waiting.decide(task(), START + 5, 0)
    assert waiting.decide(exported, START + 61.26, 0).summary == {
        "ekyc_task_id": "dmadeup1",
        "status": "exported",
        "total": 3,
        "success": 2,
        "failure": 1,
        "created_at": "2027-01-15T08:00:00+00:00",
        "updated_at": "2027-01-15T08:00:50+00:00",
        "seconds": 61.3,
        "queries": 2,
    }
    assert task_summary(task(), seconds=0, queries=0)["created_at"] is None


def test_the_event_of_an_export_is_its_summary() -> None:
    decision = poller().decide(task(TaskStatus.EXPORTED, total=3, success=3), START + 1, 0)
    assert decision.event == {"end": "exported", "summary": decision.summary}


def test_the_event_of_any_other_end_is_its_error_of_a_remote_task_that_may_be_paid() -> None:
    refused = EkycAuthenticationError("The API rejected the key (401).", status=401)
    event = poller().decide(refused, START, 0).event
    assert event == {"end": "error", "message": refused.message, **refused.details(submitted=True)}
    assert (event["status"], event["charge"]) == (401, Charge.POSSIBLE.value)
    failed = poller().decide(task(TaskStatus.FAILED), START, 0)
    assert isinstance(failed.error, EkycTaskFailedError)
    assert failed.event["end"] == "failed"
    assert failed.event["message"] == failed.note == "Remote task dmadeup1 has failed."
    assert Decision("What went wrong.").event == {**event, "message": "What went wrong.", "kind": "unexpected"} | {
        "status": None
    }


def test_a_note_is_a_line_of_the_log_and_a_warning_as_many_as_it_needs(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("made.up")
    caplog.set_level(logging.INFO)
    Decision("Short words. " * 20).log_to(log)
    assert caplog.record_tuples == [("made.up", logging.INFO, "Short words. " * 20)]
    caplog.clear()
    Decision("Short words. " * 20, is_warning=True).log_to(log)
    assert {(name, level) for name, level, _ in caplog.record_tuples} == {("made.up", logging.WARNING)}
    assert len(caplog.messages) > 1
    assert " ".join(caplog.messages) == ("Short words. " * 20).strip()


def test_each_failure_in_a_row_doubles_the_wait() -> None:
    waiting = poller()
    asked = [waiting.decide(EkycServerError("503", retryable=True), START, 0).ask_at for _ in range(4)]
    assert asked == [START + 5, START + 10, START + 20, START + 40]


def test_a_failure_that_may_pass_is_said_with_the_next_query() -> None:
    decision = poller().decide(EkycServerError("The API answered 503.", retryable=True), START + 1000, 1.0)
    assert decision.note == "The API answered 503. The wait continues. Next query in 55 s."
    assert waited(decision) == pytest.approx(1000 + 55)


def test_the_jitter_shortens_the_wait_after_an_answer() -> None:
    decision = poller().decide(task(), START + 1000, 1.0)
    assert waited(decision) == pytest.approx(1000 + 250 * (1 - JITTER))


@pytest.mark.parametrize(
    ("deadline", "end"),
    [(Deadline(START + 60), End.TIMEOUT), (Deadline(START + 90, START + 60), End.EXECUTION_TIMEOUT)],
)
def test_at_the_deadline_a_remote_task_that_was_seen_is_certain_to_be_paid(deadline: Deadline, end: End) -> None:
    seen, unseen = poller(deadline=deadline), poller(deadline=deadline)
    seen.decide(task(), START + 5, 0)
    for waiting, charge in ((seen, Charge.CERTAIN), (unseen, Charge.POSSIBLE)):
        decision = waiting.decide(EkycServerError("The API answered 503.", retryable=True), START + 60, 0)
        assert (decision.end, decision.note) == (end, "The API answered 503.")
        assert isinstance(decision.error, EkycTimeoutError)
        assert (decision.error.message, decision.error.charge) == (decision.note, charge)


def test_both_deadlines_move_and_the_one_that_is_not_set_stays_so() -> None:
    assert Deadline(START, START + 1).moved(-5) == Deadline(START - 5, START - 4)
    assert Deadline(START).moved(5) == Deadline(START + 5)


def test_the_first_query_is_made_at_a_deadline_that_is_nearer_than_the_interval() -> None:
    assert poller(PollPolicy(poll_interval=60.0), Deadline(START + 30)).first_query(START) == START + 30


def test_a_404_names_the_minutes_that_are_left() -> None:
    for seconds, minutes in ((25, 10), (320, 5), (599.5, 0)):
        note = poller().decide(not_found(), START + seconds, 0.0).note
        assert f"A new task may take a while: {minutes} minutes are left. Next query in" in note


def test_the_queue_counts_as_the_start_of_the_work_and_an_answer_without_figures_does_not() -> None:
    queued, unknown = poller(), poller()
    queued.decide(task(TaskStatus.PENDING), START + 100, 0)
    unknown.decide(task(), START + 100, 0)
    first = moving(140, total=100, success=20)
    # 20 % since the middle of the 40 s, so the rest takes 80 s; of the 140 s since the creation at most four fifths.
    assert waited(queued.decide(first, START + 140, 0)) == pytest.approx(140 + 80 * 0.75)
    assert waited(unknown.decide(first, START + 140, 0)) == pytest.approx(140 + 140 * 0.8)


def test_each_new_word_for_an_undocumented_state_is_a_warning() -> None:
    waiting = poller()
    words = ["parked", "parked", "frozen"]
    answers = [Task(ekyc_task_id="dmadeup1", status=TaskStatus.UNKNOWN, word=word) for word in words]
    decisions = [waiting.decide(answer, START + 5 * index, 0) for index, answer in enumerate(answers)]
    assert [decision.is_warning for decision in decisions] == [True, False, True]
    assert decisions[0].note.startswith("Remote task dmadeup1 is in a state that is not documented. Next query in")


def test_a_state_of_which_nothing_can_be_shown_is_a_warning_once() -> None:
    unshown = read_task({"task_id": "dmadeup1", "status": "<b></b>"})
    assert unshown.word == ""
    waiting = poller()
    assert [waiting.decide(unshown, START + seconds, 0).is_warning for seconds in (5, 20)] == [True, False]


def test_numbers_that_could_not_be_processed_are_in_the_figures() -> None:
    note = poller().decide(task(TaskStatus.EXPORTED, total=2000, success=500, failure=1500), START + 60, 0).note
    assert note == "Remote task dmadeup1 is exported: 100%, 500 of 2,000 numbers, 1,500 could not be processed."
