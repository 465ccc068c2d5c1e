"""The bounds on polls and delay, in a small simulation: nobody breaks them unnoticed. Seeded, no clock."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import pytest

from airflow_provider_ekyc.polling.interval import CEILING, FLOOR, PollPolicy
from airflow_provider_ekyc.polling.poller import Deadline, Poller
from dev.benchmarks.poll_jobs import BOUNDED, CREATED, DAY, READINGS, SHAPES, jobs
from dev.benchmarks.poll_policy import (
    BOUNDS,
    FORGETS,
    LIFTED,
    Outcome,
    figures,
    outcomes,
    quantile,
    record,
    wait_fixed,
    wait_for,
)

SEED = 20251121
COUNT = 500


def polls(found: list[Outcome], share: float) -> float:
    return quantile([one.polls for one in found], share)


def delay(found: list[Outcome], share: float = 0.95) -> float:
    return quantile([one.bounded_share for one in found], share)


@pytest.mark.parametrize(("forgets", "median", "most"), [("never", 11, 17), ("once", 11, 17), ("always", 13, 18)])
def test_linear_progress(forgets: str, median: int, most: int) -> None:
    found = outcomes("linear", COUNT, SEED, forgets=forgets, longest=BOUNDED)
    assert polls(found, 0.5) <= median
    assert polls(found, 0.95) <= most
    assert delay(found) <= 0.05


@pytest.mark.parametrize("shape", ["bursty", "bursty, last jump is the export"])
def test_bursty_progress(shape: str) -> None:
    # 5 % can't be had with these polls: python -m dev.benchmarks.poll_bound
    found = outcomes(shape, COUNT, SEED, longest=BOUNDED)
    assert polls(found, 0.5) <= 12
    assert polls(found, 0.95) <= 18
    assert delay(found, 0.5) <= 0.12
    assert delay(found) <= 0.3


@pytest.mark.parametrize("forgets", FORGETS)
@pytest.mark.parametrize("shape", SHAPES + READINGS)
def test_no_shape_is_found_later_than_half_of_its_duration(shape: str, forgets: str) -> None:
    assert delay(outcomes(shape, COUNT, SEED, forgets=forgets, longest=BOUNDED)) <= 0.5


@pytest.mark.parametrize("policy", [PollPolicy(), LIFTED], ids=["ceiling of an hour", "no ceiling"])
@pytest.mark.parametrize("shape", ["queued", "opaque, 0 until the end"])
def test_nor_are_tasks_of_up_to_a_day_whose_figures_come_late(shape: str, policy: PollPolicy) -> None:
    found = outcomes(shape, COUNT, SEED, policy=policy)
    assert quantile([one.share for one in found], 0.95) <= 0.5, "of the duration itself, also below 100 s"


def test_a_day_without_figures() -> None:
    found = outcomes("opaque", 100, SEED, policy=LIFTED, shortest=DAY)
    assert polls(found, 1.0) <= 45
    assert max(one.share for one in found) <= 0.25


def test_tasks_without_figures_are_found_within_a_quarter() -> None:
    found = outcomes("opaque", COUNT, SEED, policy=LIFTED)
    assert quantile([one.share for one in found], 0.95) <= 0.25


def test_stuck_at_99_percent_costs_little_and_is_found_soon() -> None:
    found = outcomes("stuck", COUNT, SEED, longest=BOUNDED)
    assert polls(found, 0.95) <= 32
    assert delay(found) <= 0.06


def test_figures_that_shrink_cost_no_more_polls() -> None:
    assert polls(outcomes("backwards", COUNT, SEED, longest=BOUNDED), 0.95) <= 17


@pytest.mark.parametrize("forgets", FORGETS)
def test_a_long_queue_costs_an_hour_at_the_most(forgets: str) -> None:
    found = outcomes("queued", COUNT, SEED, forgets=forgets)
    assert max(one.delay for one in found) <= CEILING


def test_the_figures_are_those_that_have_bounds_and_the_same_each_time() -> None:
    table = figures(50, SEED)
    assert set(BOUNDS) <= {entry["name"] for entry in table}
    assert table == figures(50, SEED)


@pytest.mark.parametrize("shape", SHAPES + READINGS)
def test_every_wait_is_between_floor_and_ceiling(shape: str) -> None:
    chance = random.Random(SEED)
    for job in jobs(shape, 50, SEED):
        poller = Poller(PollPolicy(), CREATED, Deadline(CREATED + 1e9))
        now = CREATED
        while (ask_at := poller.decide(job.answer(now - CREATED, chance), now, chance.random()).ask_at) is not None:
            assert FLOOR - 1e-6 <= ask_at - now <= CEILING + 1e-6
            now = ask_at


@pytest.mark.parametrize("shape", SHAPES)
def test_a_server_clock_that_is_off_changes_nothing(shape: str) -> None:
    for job in jobs(shape, 50, SEED):
        off = wait_for(job, PollPolicy(), random.Random(1))
        right = wait_for(dataclasses.replace(job, clock=0.0), PollPolicy(), random.Random(1))
        assert off.polls == right.polls
        assert off.delay == pytest.approx(right.delay, abs=0.01)


def test_the_figures_of_the_fixed_interval_are_those_of_the_real_policy() -> None:
    for job in jobs("linear", 20, SEED, longest=3600):
        walked = wait_for(job, PollPolicy(poll_interval=60.0), random.Random(1))
        shown = wait_fixed(job, 60)
        assert (walked.polls, walked.delay) == (shown.polls, pytest.approx(shown.delay, abs=1e-3))


def test_sensors_that_begin_together_do_not_ask_in_step() -> None:
    job = next(jobs("opaque", 1, SEED, shortest=3600, longest=3601))
    chance = random.Random(SEED)
    asked = []
    for _ in range(200):
        poller, now = Poller(PollPolicy(), CREATED, Deadline(CREATED + 1e9)), CREATED
        for _ in range(8):
            now = poller.decide(job.answer(now - CREATED, chance), now, chance.random()).ask_at or now
        asked.append(round(now, 1))
    assert max(asked.count(moment) for moment in asked) <= 20


def test_the_file_of_figures_is_shared(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    record([{"name": "one", "value": 1}, {"name": "two", "value": 2}], path)
    record([{"name": "two", "value": 3}], path)
    assert json.loads(path.read_text()) == {"figures": [{"name": "one", "value": 1}, {"name": "two", "value": 3}]}
