"""Which cases a run has: a seeded mix that holds every point and every fault before it repeats one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle, islice

from faults.case import Case, Component, Memory, Operator
from faults.points import POINTS
from faults.strikes import STRIKES, needs_short_timeouts
from faults.table import FAULTS

_MEMORIES: tuple[Memory, ...] = ("variables", "local", "s3")


@dataclass(frozen=True, slots=True)
class Share:
    """
    A group of cases.

    :param group: its line in the printed table
    :param weight: cases of it in a run of 200
    :param variants: makes its different cases, in a random order
    """

    group: str
    weight: int
    variants: Callable[[random.Random], list[Case]]


def _case(group: str, operator: Operator, dice: random.Random, **more: object) -> Case:
    memory: Memory = dice.choice(_MEMORIES) if operator == "submit" else "local"
    return replace(Case(0, group, operator, memory=memory), **more)  # type: ignore[arg-type]


def _unharmed(operator: Operator) -> Callable[[random.Random], list[Case]]:
    return lambda dice: [_case("unharmed", operator, dice)]


def _faults(group: str, operator: Operator, call: str) -> Callable[[random.Random], list[Case]]:
    def variants(dice: random.Random) -> list[Case]:
        names = list(FAULTS[operator, call])
        dice.shuffle(names)
        first = _one_a_kind(names)
        names.sort(key=lambda name: name not in first)  # stable: a short run has seen every kind, too
        cases = [_case(group, operator, dice, strike=name, call=call, always=dice.random() < 0.5) for name in names]
        return cases + [replace(case, always=not case.always) for case in cases]

    return variants


def _one_a_kind(names: list[str]) -> set[str]:
    return set({STRIKES[name][0]: name for name in names}.values())


def _points(group: str, operator: Operator, tier: str) -> Callable[[random.Random], list[Case]]:
    def variants(dice: random.Random) -> list[Case]:
        points = [point for point in POINTS if point.operator == operator and point.only in ("", tier)]
        dice.shuffle(points)
        return [
            _case(
                group,
                operator,
                dice,
                point=point.name,
                strike=point.strike,
                call="submit" if point.strike else "",
                killed_tries=1 if point.strike else dice.choice((1, 1, 2)),
            )
            for point in points
        ]

    return variants


def _instants(group: str, operator: Operator) -> Callable[[random.Random], list[Case]]:
    def variants(dice: random.Random) -> list[Case]:
        return [
            _case(group, operator, dice, instant=round(dice.random(), 3), killed_tries=dice.choice((1, 1, 2)))
            for _ in range(1000)
        ]

    return variants


def _faults_and_instants(group: str, operator: Operator, call: str) -> Callable[[random.Random], list[Case]]:
    def variants(dice: random.Random) -> list[Case]:
        cases = [case for case in _faults(group, operator, call)(dice) if not needs_short_timeouts(case.strike)]
        return [replace(case, instant=round(dice.random(), 3)) for case in cases]

    return variants


def _resubmits(dice: random.Random) -> list[Case]:
    cases = [
        _case("submit, resubmit asked for", "submit", dice, point=name, resubmit=True)
        for name in ("after the intent", "before the receipt", "after the last byte", "after the receipt")
    ]
    cases += [
        _case("submit, resubmit asked for", "submit", dice, strike=name, call="submit", resubmit=True)
        for name in ("cut_after", "cut_before", "status 503", "without_task_id")
    ]
    dice.shuffle(cases)
    return cases


def _restarts(operator: Operator, component: Component) -> Callable[[random.Random], list[Case]]:
    def variants(dice: random.Random) -> list[Case]:
        return [_case(f"{operator}, {component} killed", operator, dice, component=component)]

    return variants


PROCESS_SHARES = (
    Share("unharmed", 1, _unharmed("submit")),
    Share("unharmed", 1, _unharmed("wait")),
    Share("unharmed", 1, _unharmed("land")),
    Share("submit, fault on submit", 19, _faults("submit, fault on submit", "submit", "submit")),
    Share("submit, fault on balance", 10, _faults("submit, fault on balance", "submit", "balance")),
    Share("submit, killed at a point", 13, _points("submit, killed at a point", "submit", "process")),
    Share("submit, killed at random", 8, _instants("submit, killed at random", "submit")),
    Share("submit, fault and killed", 5, _faults_and_instants("submit, fault and killed", "submit", "submit")),
    Share("submit, resubmit asked for", 4, _resubmits),
    Share("wait, fault on status", 13, _faults("wait, fault on status", "wait", "status")),
    Share("wait, killed at a point", 3, _points("wait, killed at a point", "wait", "process")),
    Share("wait, killed at random", 2, _instants("wait, killed at random", "wait")),
    Share("land, fault on status", 12, _faults("land, fault on status", "land", "status")),
    Share("land, fault on result", 21, _faults("land, fault on result", "land", "result")),
    Share("land, killed at a point", 14, _points("land, killed at a point", "land", "process")),
    Share("land, killed at random", 5, _instants("land, killed at random", "land")),
    Share("land, fault and killed", 4, _faults_and_instants("land, fault and killed", "land", "result")),
)

SCHEDULER_SHARES = (
    Share("submit, killed at a point", 13, _points("submit, killed at a point", "submit", "scheduler")),
    Share("submit, killed at random", 5, _instants("submit, killed at random", "submit")),
    Share("submit, fault on submit", 5, _faults("submit, fault on submit", "submit", "submit")),
    Share("wait, fault on status", 4, _faults("wait, fault on status", "wait", "status")),
    Share("wait, killed at a point", 3, _points("wait, killed at a point", "wait", "scheduler")),
    Share("land, fault on result", 4, _faults("land, fault on result", "land", "result")),
    Share("land, killed at a point", 13, _points("land, killed at a point", "land", "scheduler")),
    Share("land, killed at random", 2, _instants("land, killed at random", "land")),
    Share("chain, triggerer killed", 6, _restarts("chain", "triggerer")),
    Share("chain, api-server killed", 6, _restarts("chain", "api-server")),
    Share("submit, api-server killed", 3, _restarts("submit", "api-server")),
)


def plan(count: int, seed: int, *, scheduler: bool = True) -> list[Case]:
    """
    Choose the cases of a run.

    :param count: how many
    :param seed: the same one gives the same cases
    :param scheduler: whether the part of them that needs one goes through a real scheduler
    """
    dice = random.Random(seed)
    shares = [(share, False) for share in PROCESS_SHARES]
    if scheduler:
        shares += [(share, True) for share in SCHEDULER_SHARES]
    cases: list[Case] = []
    for (share, scheduled), size in zip(shares, _sizes([share.weight for share, _ in shares], count), strict=True):
        chosen: Iterator[Case] = islice(cycle(share.variants(dice)), size)
        cases += [
            replace(case, scheduled=scheduled, memory="variables" if scheduled else case.memory) for case in chosen
        ]
    return [replace(case, number=number) for number, case in enumerate(cases, start=1)]


def _sizes(weights: list[int], count: int) -> list[int]:
    """Share the count out by weight, one at least where it goes round, exactly in all."""
    total = sum(weights)
    sizes = [max(1, weight * count // total) for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: -weights[index])
    index = 0
    while sum(sizes) != count:
        place = order[index % len(order)]
        if sum(sizes) < count:
            sizes[place] += 1
        elif sizes[place] > 0:
            sizes[place] -= 1
        index += 1
    return sizes
