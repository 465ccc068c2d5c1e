"""The simulation of the capacity page: more of what is short ends sooner, and nothing is lost on the way."""

from __future__ import annotations

import dataclasses

import pytest

from dev.capacity.figures import MILLION, PART, WHOLE
from dev.capacity.plan import Day, uploads
from dev.capacity.simulation import Outcome, Setup, simulate, task_seconds

DAY = Day(20 * MILLION, file_rows=100_000)
SETUP = Setup(places=4, starts=100.0)


def test_each_task_of_each_file_has_run() -> None:
    out = simulate(DAY, SETUP)
    assert (DAY.lists, DAY.files, DAY.tasks) == (2, 200, 604)
    # "landed" of each list is not simulated: it has no work of its own.
    assert out.started == DAY.starts - DAY.lists
    for task, count in {"wait": 2 * DAY.files, "land": DAY.files, "prepare": DAY.lists}.items():
        assert out.busy[task] == pytest.approx(count * task_seconds(DAY, SETUP, task))
    # Each file is queried at least once by its wait and once by its landing.
    assert out.queries >= 2 * DAY.files
    assert out.most_places == SETUP.places
    assert 0 < out.most_waits <= DAY.files


def test_the_same_seed_gives_the_same_day() -> None:
    assert simulate(DAY, SETUP) == simulate(DAY, SETUP)
    assert simulate(DAY, SETUP) != simulate(DAY, dataclasses.replace(SETUP, seed=2))


def saturated(out: Outcome, setup: Setup) -> str:
    use = out.use(setup)
    assert all(0 < share < 1.01 for share in use.values())
    return max(use, key=lambda name: use[name])


@pytest.mark.parametrize(
    ("short", "more", "name"),
    [
        ({"places": 1}, {"places": 8}, "places"),
        ({"starts": 0.1}, {"starts": 1.0}, "scheduler"),
        ({"remote_tasks": 1, "remote_rows": 1_000.0}, {"remote_tasks": 20}, "vendor"),
    ],
)
def test_what_is_short_saturates_and_more_of_it_ends_sooner(
    short: dict[str, float], more: dict[str, float], name: str
) -> None:
    setup = dataclasses.replace(Setup(places=64, starts=100.0, remote_rows=1e5), **short)  # type: ignore[arg-type]
    out = simulate(DAY, setup)
    assert saturated(out, setup) == name
    assert out.use(setup)[name] > 0.8
    assert simulate(DAY, dataclasses.replace(setup, **more)).seconds < 0.5 * out.seconds  # type: ignore[arg-type]


def test_reads_of_earlier_files_grow_with_the_square_of_the_files_of_a_list() -> None:
    few, many = (Day(10 * MILLION, file_rows=rows, journal_in_s3=False) for rows in (1_000_000, 100_000))
    assert (few.earlier, many.earlier) == (45, 4950)
    assert many.variables[0] - many.earlier == 10 * (few.variables[0] - few.earlier)
    assert task_seconds(many, SETUP, "submit", 99) > task_seconds(many, SETUP, "submit", 0)


@pytest.mark.parametrize(
    ("size", "calls"),
    [
        (WHOLE, {"put": 1}),
        (WHOLE + 1, {"create": 1, "part": 3, "complete": 1}),
        (10 * PART, {"create": 1, "part": 10, "complete": 1}),
    ],
)
def test_an_object_goes_up_whole_or_in_parts(size: int, calls: dict[str, int]) -> None:
    assert uploads(size) == calls
