"""The table of outcomes is whole, and a run of 200 holds every kind of fault and every point."""

from __future__ import annotations

from importlib import import_module

import pytest

from dev.faults.case import End
from dev.faults.changes import CHANGES
from dev.faults.fault_cases import FAULT_CASES, S3_FAULT_CASES, kinds_without_case
from dev.faults.plan import plan
from dev.faults.points import POINTS
from dev.faults.table import CHANGED, FAULTS, KILLED_SUBMITTING, ON_PARTS, expected
from dev.faults.warehouse import kills_and_clears, table_cases


@pytest.mark.parametrize(("operator", "call"), FAULTS)
def test_every_kind_of_fault_of_the_sandbox_is_tried_on_every_call(operator: str, call: str) -> None:
    assert kinds_without_case(call, frozenset(FAULTS[operator, call])) == frozenset()  # type: ignore[index,arg-type]


def test_the_table_names_faults_and_points_that_exist() -> None:
    assert {name for faults in FAULTS.values() for name in faults} == set(FAULT_CASES)
    assert set(ON_PARTS) == set(S3_FAULT_CASES)
    assert set(CHANGED) == set(CHANGES)
    assert set(KILLED_SUBMITTING) == {point.name for point in POINTS if point.operator == "submit"}


@pytest.mark.parametrize("target", sorted({target for point in POINTS for target in point.targets}))
def test_every_point_is_a_function_of_today(target: str) -> None:
    module, _, path = target.partition(":")
    found = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    assert callable(found)


def test_the_same_seed_gives_the_same_cases() -> None:
    assert plan(200, 7) == plan(200, 7) != plan(200, 8)


@pytest.mark.parametrize("count", [1, 40, 200, 203, 1000])
def test_a_run_has_as_many_cases_as_were_asked_for_each_with_numbers_of_its_own(count: int) -> None:
    cases = plan(count, 1)
    assert len({case.number for case in cases}) == len(cases) == count
    assert all(expected(case).ends for case in cases)


@pytest.mark.parametrize("seed", range(5))
def test_a_run_of_200_kills_and_clears_a_hundred_times_around_the_commit_to_a_table(seed: int) -> None:
    cases = table_cases(200, seed, first=201)
    assert {case.point for case in cases} >= {point.name for point in POINTS if point.operator == "table"}
    assert {case.number for case in cases} == set(range(201, 201 + len(cases)))
    assert kills_and_clears({case: case.killed_tries if case.point else 0 for case in cases}) >= 90
    assert kills_and_clears({case: case.killed_tries for case in cases}) >= 100
    assert all(expected(case).ends == {End.SUCCESS} for case in cases)
    assert table_cases(200, seed, first=201) == cases


@pytest.mark.parametrize("seed", range(5))
def test_a_run_of_200_holds_every_point_and_every_kind_of_fault_on_every_call(seed: int) -> None:
    cases = plan(200, seed)
    points = {(case.operator, case.point) for case in cases if case.point}
    assert points == {(point.operator, point.name) for point in POINTS if point.operator != "table"}
    for operator, call in FAULTS:
        hit = {case.fault for case in cases if (case.operator, case.call) == (operator, call) and not case.point}
        assert kinds_without_case(call, frozenset(hit)) == frozenset()  # type: ignore[arg-type]
    assert {case.change for case in cases} == {"", *CHANGES}
    assert {case.memory for case in cases if case.at_once} == {"unconditional", "s3", "local"}
    assert any(case.terminated for case in cases)
    assert {"part status 403", "complete status 200", "complete cut_after"} < {
        case.fault for case in cases if case.call == "s3"
    }
    assert {case.component for case in cases} == {None, "triggerer", "api-server", "all"}
    assert sum(case.scheduled for case in cases) >= 35
