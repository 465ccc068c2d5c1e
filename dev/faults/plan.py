"""Which cases a run has: a seeded mix that holds every point and every fault before it repeats one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

from dev.faults.case import Case, Component, Memory, Operator
from dev.faults.changes import CHANGES, lists_of
from dev.faults.fault_cases import FAULT_CASES, S3_FAULT_CASES, needs_short_timeouts
from dev.faults.points import POINTS
from dev.faults.table import FAULTS

_MEMORIES: tuple[Memory, ...] = ("variables", "local", "s3")

#: What goes wrong before the change of a case: nothing, or the answer is lost.
_BEFORE_CHANGES = (("", ""), ("cut_after", "submit"))


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
        cases = [_case(group, operator, dice, fault=name, call=call, always=dice.random() < 0.5) for name in names]
        return cases + [replace(case, always=not case.always) for case in cases]

    return variants


def _s3_faults(dice: random.Random) -> list[Case]:
    group = "land, fault on S3"
    first = ["part status 403", "complete status 200", "complete cut_after"]
    names = first + dice.sample(sorted(S3_FAULT_CASES.keys() - {*first}), len(S3_FAULT_CASES) - len(first))
    return [_case(group, "land", dice, fault=name, call="s3", always=dice.random() < 0.5) for name in names]


def _one_a_kind(names: list[str]) -> set[str]:
    return set({FAULT_CASES[name][0]: name for name in names}.values())


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
                fault=point.fault,
                call="submit" if point.fault else "",
                killed_tries=1 if point.fault else dice.choice((1, 1, 2)),
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
        cases = [case for case in _faults(group, operator, call)(dice) if not needs_short_timeouts(case.fault)]
        return [replace(case, instant=round(dice.random(), 3)) for case in cases]

    return variants


def _resubmits(dice: random.Random) -> list[Case]:
    cases = [
        _case("submit, resubmit asked for", "submit", dice, point=name, resubmit=True)
        for name in ("in the body", "before the receipt", "after the last byte", "after the receipt")
    ]
    cases += [
        _case("submit, resubmit asked for", "submit", dice, fault=name, call="submit", resubmit=True)
        for name in ("cut_after", "cut_before", "status 503", "without_task_id")
    ]
    dice.shuffle(cases)
    return cases


def _changes(names: Sequence[str], memories: Sequence[Memory] = _MEMORIES) -> Callable[[random.Random], list[Case]]:
    def variants(dice: random.Random) -> list[Case]:
        cases = [
            replace(Case(0, "submit, cleared", "submit", memory=memory, change=name), fault=fault, call=call)
            for name in names
            for fault, call in _BEFORE_CHANGES
            for memory in memories
            if memory in (CHANGES[name].moves or memories)
        ]
        dice.shuffle(cases)
        first = {case.change: case for case in cases}
        cases.sort(key=lambda case: case != first[case.change])  # stable: each change comes before one comes again
        return cases

    return variants


def _at_once(dice: random.Random) -> list[Case]:
    # Airflow's own stores have no create-if-absent; Airflow runs two tries at once only if it considers one dead.
    memories: tuple[Memory, ...] = ("unconditional", "s3", "local")
    return [_case("submit, two at once", "submit", dice, at_once=True, memory=memory) for memory in memories]


def _terminated(dice: random.Random) -> list[Case]:
    cases = [
        _case("submit, ended while waiting", "submit", dice, terminated=True, fault=name, call="submit", memory=memory)
        for name in ("status 429", "status 500")
        for memory in _MEMORIES
    ]
    dice.shuffle(cases)
    return cases


def _restarts(operator: Operator, component: Component) -> Callable[[random.Random], list[Case]]:
    def variants(dice: random.Random) -> list[Case]:
        return [_case(f"{operator}, {component} killed", operator, dice, component=component)]

    return variants


#: Changes in the light context, which has no task state store.
_PROCESS_CHANGES = tuple(name for name, change in CHANGES.items() if not change.forgets_task_state)

PROCESS_SHARES = (
    Share("unharmed", 1, _unharmed("submit")),
    Share("unharmed", 1, _unharmed("wait")),
    Share("unharmed", 1, _unharmed("land")),
    Share("submit, fault on submit", 22, _faults("submit, fault on submit", "submit", "submit")),
    Share("submit, fault on balance", 12, _faults("submit, fault on balance", "submit", "balance")),
    Share("submit, killed at a point", 14, _points("submit, killed at a point", "submit", "process")),
    Share("submit, killed at random", 1, _instants("submit, killed at random", "submit")),
    Share("submit, fault and killed", 1, _faults_and_instants("submit, fault and killed", "submit", "submit")),
    Share("submit, resubmit asked for", 1, _resubmits),
    Share("submit, cleared", 12, _changes(_PROCESS_CHANGES)),
    Share("submit, two at once", 3, _at_once),
    Share("submit, ended while waiting", 2, _terminated),
    Share("wait, fault on status", 20, _faults("wait, fault on status", "wait", "status")),
    Share("wait, killed at a point", 3, _points("wait, killed at a point", "wait", "process")),
    Share("wait, killed at random", 1, _instants("wait, killed at random", "wait")),
    Share("land, fault on status", 20, _faults("land, fault on status", "land", "status")),
    Share("land, fault on result", 25, _faults("land, fault on result", "land", "result")),
    Share("land, fault on S3", 4, _s3_faults),
    Share("land, killed at a point", 19, _points("land, killed at a point", "land", "process")),
    Share("land, killed at random", 1, _instants("land, killed at random", "land")),
    Share("land, fault and killed", 1, _faults_and_instants("land, fault and killed", "land", "result")),
)

#: Changes of a run under the scheduler: of the file of one list, and by Airflow's REST API.
_SCHEDULED_CHANGES = tuple(
    name for name, change in CHANGES.items() if len(lists_of(change)) == 1 and not change.deletes and not change.moves
)

SCHEDULER_SHARES = (
    Share("submit, killed at a point", 5, _points("submit, killed at a point", "submit", "scheduler")),
    Share("submit, killed at random", 1, _instants("submit, killed at random", "submit")),
    Share("submit, fault on submit", 3, _faults("submit, fault on submit", "submit", "submit")),
    Share("submit, cleared", 5, _changes(_SCHEDULED_CHANGES, ("variables",))),
    Share("wait, killed at a point", 3, _points("wait, killed at a point", "wait", "scheduler")),
    Share("wait, fault on status", 1, _faults("wait, fault on status", "wait", "status")),
    Share("land, killed at a point", 4, _points("land, killed at a point", "land", "scheduler")),
    Share("land, fault on result", 2, _faults("land, fault on result", "land", "result")),
    Share("chain, triggerer killed", 3, _restarts("chain", "triggerer")),
    Share("chain, api-server killed", 2, _restarts("chain", "api-server")),
    Share("chain, all killed", 2, _restarts("chain", "all")),
    Share("submit, api-server killed", 2, _restarts("submit", "api-server")),
    Share("submit, all killed", 2, _restarts("submit", "all")),
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
