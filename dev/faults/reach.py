"""
Whether every kill point is reached: unharmed tries of each operator that leave a mark at each of its points.

A point that a change of the product leaves behind would otherwise show only where a case is killed at it, as a kill
that never came.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from dev.faults.case import Case, Operator
from dev.faults.killing import act_at
from dev.faults.points import EVERY, POINTS, Point

if TYPE_CHECKING:
    from dev.faults.process_chain import ProcessTier

#: What reaches all points: a submission taken and one refused, a wait that pokes and one that defers, a landing.
TRIES: Sequence[Case] = (
    Case(1, "reach", "submit", memory="local", point=EVERY),
    Case(2, "reach", "submit", memory="local", point=EVERY, strike="status 400", call="submit"),
    Case(3, "reach", "wait", point=EVERY),
    Case(4, "reach", "wait", point=EVERY, scheduled=True),
    Case(5, "reach", "land", point=EVERY),
)


def watch(operator: Operator, folder: Path) -> None:
    """Arrange that this process leaves a mark at each point of the operator."""
    for index, point in enumerate(POINTS):
        if point.operator == operator:
            act_at(point, (folder / f"point-{index}").touch)


def points_never_reached(tier: ProcessTier, folder: Path) -> list[Point]:
    """
    Run the tries and return the points that none of them reached.

    :param tier: over ``folder``
    :param folder: where the tries' files go
    """
    with ThreadPoolExecutor(len(TRIES)) as pool:
        list(pool.map(tier.run, TRIES))
    reached = {int(path.name.partition("-")[2]) for path in folder.glob("case-*/point-*")}
    return [point for index, point in enumerate(POINTS) if index not in reached]
