"""
A smaller input that fails in the same way, found among the choices that made it.

What makes an input is a row of draws from dice. Leave some out, or make them 0, and the same generator makes
another input of them, mostly a smaller one, of which it knows again what must become of it: no cut through the
bytes leaves a whole archive. So Hypothesis shrinks; its own machinery would have to find the failure anew, as it
can't start from dice that it has not thrown.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Self

Draw = int | float


class Recorded(random.Random):
    """
    Dice that remember what they gave.

    :param seed: of the dice
    """

    def __init__(self, seed: str) -> None:
        self.draws: list[Draw] = []
        super().__init__(seed)

    def random(self) -> float:
        """Draw a number from 0 to 1."""
        self.draws.append(super().random())
        return self.draws[-1]

    def getrandbits(self, k: int, /) -> int:
        """Draw so many bits."""
        drawn = super().getrandbits(k)
        self.draws.append(drawn)
        return drawn


class Exhausted(Exception):
    """There are no draws left: these choices make no input."""


class Replayed(random.Random):
    """
    Dice that give what they are told, then no more.

    :param draws: what they give; of too many bits the low ones, and a fraction where one is asked for
    """

    def __new__(cls, draws: Sequence[Draw]) -> Self:
        """Make dice; their class in C would take the draws for a seed, and lists can't be one."""
        return super().__new__(cls)

    def __init__(self, draws: Sequence[Draw]) -> None:
        self._draws = draws
        self.used = 0
        super().__init__(0)

    def _next(self) -> Draw:
        if self.used == len(self._draws):
            raise Exhausted
        self.used += 1
        return self._draws[self.used - 1]

    def random(self) -> float:
        """Draw a number from 0 to 1."""
        drawn = self._next()
        return drawn if isinstance(drawn, float) else drawn % 1024 / 1024

    def getrandbits(self, k: int, /) -> int:
        """Draw so many bits."""
        drawn = self._next()
        return (drawn if isinstance(drawn, int) else int(drawn * (1 << 53))) & ((1 << k) - 1)


def smaller(
    choices: list[Draw],
    size_of: Callable[[list[Draw]], int | None],
    *,
    tries: int,
    seconds: float,
) -> list[Draw] | None:
    """
    Look for choices that make a smaller input of the same failure: leave out, or make 0, halves, quarters, and so on.

    :param choices: those of the input that has failed
    :param size_of: makes an input and tries it; its size if it fails in the same way, else None
    :param tries: at the most
    :param seconds: at the most, but for the try that they end in
    :return: the choices of the smallest input that was found, None if none is smaller
    """
    until = time.monotonic() + seconds
    least = size_of(choices)
    if least is None:
        return None  # it does not fail each time
    best = choices
    width, start, leaves_out = max(1, len(best) // 2), 0, True
    for _ in range(tries):
        if start >= len(best):
            width, start = width // 2, 0
        if not width or time.monotonic() > until:
            break
        end = min(start + width, len(best))
        candidate = best[:start] + ([] if leaves_out else [0] * (end - start)) + best[end:]
        size = size_of(candidate)
        if size is not None and size < least:
            best, least = candidate, size
        elif not leaves_out:
            start = end
        leaves_out = not leaves_out or best is candidate
    return best if best is not choices else None
