"""Ten minutes of trouble, simulated: the wait goes on, keeps the floor, and finds what a later answer says."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import (
    EkycAnswerError,
    EkycApiError,
    EkycConnectionError,
    EkycRateLimitError,
    EkycServerError,
)
from airflow_provider_ekyc.polling.interval import FLOOR, PollPolicy
from airflow_provider_ekyc.polling.poller import Deadline, End, Poller

START = 1_800_000_000.0
STORM = 600.0

STORMS: dict[str, Callable[[], EkycApiError]] = {
    "503": lambda: EkycServerError("503", status=503, retryable=True),
    "429 with Retry-After": lambda: EkycRateLimitError("429", status=429, retryable=True, retry_after=120.0),
    "cut": lambda: EkycConnectionError("cut", retryable=True),
    "HTML": lambda: EkycAnswerError("HTML", status=200, retryable=True),
}


def asked_at(storm: Callable[[], EkycApiError], deadline: float, seed: int) -> tuple[End | None, list[float]]:
    """Ask until the wait ends; return how it ended, and when the API was asked."""
    chance = random.Random(seed)
    poller = Poller(PollPolicy(), START, Deadline(START + deadline))
    now, times = START, []
    while True:
        times.append(now - START)
        if now - START < STORM:
            decision = poller.decide(storm(), now, chance.random())
        else:
            decision = poller.decide(Task("d1", TaskStatus.EXPORTED, "exported"), now, chance.random())
        if decision.ask_at is None:
            return decision.end, times
        now = decision.ask_at


@pytest.mark.parametrize("kind", STORMS)
@pytest.mark.parametrize("deadline", [601.0, 700.0, 7 * 86400.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_storm_does_not_end_a_wait_that_a_later_answer_completes(kind: str, deadline: float, seed: int) -> None:
    end, times = asked_at(STORMS[kind], deadline, seed)
    assert end is End.EXPORTED
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(waits) >= FLOOR - 1e-6
    if kind.startswith("429") and deadline > 700:
        assert min(waits) >= 120
    assert len(times) < 15


def test_a_storm_that_outlasts_the_deadline_is_a_timeout() -> None:
    assert asked_at(STORMS["503"], 599.0, 0)[0] is End.TIMEOUT
