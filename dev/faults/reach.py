"""
Whether every kill point is reached: unharmed tries of each operator that leave a mark at each of its points.

A point that a change of the product leaves behind would otherwise show only where a case is killed at it, as a kill
that never happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev.faults.case import Case, Operator
from dev.faults.killing import act_at
from dev.faults.points import EVERY, POINTS, Point

#: What reaches all points: a submission accepted and one refused, a wait that pokes and one that defers, a landing,
#: and one that adds its file to a table.
TRIES: Sequence[Case] = (
    Case(1, "reach", "submit", memory="local", point=EVERY),
    Case(2, "reach", "submit", memory="local", point=EVERY, fault="status 400", call="submit"),
    Case(3, "reach", "wait", point=EVERY),
    Case(4, "reach", "wait", point=EVERY, scheduled=True),
    Case(5, "reach", "land", point=EVERY),
    Case(6, "reach", "table", point=EVERY),
)


def watch(operator: Operator, folder: Path) -> None:
    """Arrange that this process leaves a mark at each point of the operator."""
    for index, point in enumerate(POINTS):
        if point.operator == operator:
            act_at(point, (folder / f"point-{index}").touch)


def points_never_reached(run: Callable[[Case], object], folder: Path) -> list[Point]:
    """
    Run the tries and return the points that none of them reached.

    :param run: runs a case, with its files in ``folder``
    :param folder: where the tries' files go
    """
    with ThreadPoolExecutor(len(TRIES)) as pool:
        list(pool.map(run, TRIES))
    reached = {int(path.name.partition("-")[2]) for path in folder.glob("case-*/point-*")}
    return [point for index, point in enumerate(POINTS) if index not in reached]
