"""The pace of a connection: its rate, its latency, what an idle or a delayed one may catch up."""

from __future__ import annotations

import pytest

from dev.benchmarks.move_pace import LOOPBACK, SHORTEST_SLEEP, SLACK, Network, Pace

MODEL = Network(rate=80e6, latency=0.04)
BLOCK = 512 * 1024


class Clock:
    """Time that passes when somebody sleeps, or by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def carried(clock: Clock, pace: Pace, size: int, block: int = BLOCK) -> float:
    """Carry a body in blocks; return the seconds."""
    begun = clock.now
    for sent in range(0, size, block):
        pace.carry(min(block, size - sent))
    return clock.now - begun


@pytest.mark.parametrize("size", [1, BLOCK, 8 * 1024**2, 60_000_000])
@pytest.mark.parametrize("block", [16 * 1024, BLOCK])
def test_a_body_takes_its_size_over_the_rate(clock: Clock, size: int, block: int) -> None:
    pace = Pace(MODEL, clock, clock.sleep)
    pace.begin()
    # What is left over is shorter than a sleep, and counts for the next block.
    assert carried(clock, pace, size, block) == pytest.approx(size / MODEL.rate, abs=SHORTEST_SLEEP)


def test_each_request_waits_for_the_latency_once(clock: Clock) -> None:
    pace = Pace(MODEL, clock, clock.sleep)
    begun = clock.now
    for _ in range(3):
        pace.begin()
        carried(clock, pace, 800_000)
    assert clock.now - begun == pytest.approx(3 * (0.04 + 0.01))


def test_an_idle_connection_gains_nothing(clock: Clock) -> None:
    pace = Pace(MODEL, clock, clock.sleep)
    clock.now += 3600
    pace.begin()
    assert carried(clock, pace, 8_000_000) == pytest.approx(0.1)


@pytest.mark.parametrize(("delay", "caught_up"), [(0.0, 0.0), (0.03, 0.03), (SLACK, SLACK), (10.0, SLACK)])
def test_a_delayed_connection_catches_up_what_a_window_holds(clock: Clock, delay: float, caught_up: float) -> None:
    pace = Pace(MODEL, clock, clock.sleep)
    pace.begin()
    carried(clock, pace, 8_000_000, 800_000)
    clock.now += delay
    assert carried(clock, pace, 8_000_000, 800_000) == pytest.approx(0.1 - caught_up)


def test_small_blocks_share_a_sleep(clock: Clock) -> None:
    pace = Pace(MODEL, clock, clock.sleep)
    pace.begin()
    carried(clock, pace, 8_000_000, 8_000)  # 1,000 blocks of 0.1 ms
    assert len(clock.sleeps) <= 1 + 0.1 / SHORTEST_SLEEP


def test_loopback_is_not_paced(clock: Clock) -> None:
    pace = Pace(LOOPBACK, clock, clock.sleep)
    pace.begin()
    carried(clock, pace, 10**9)
    assert clock.sleeps == []
