"""
A smaller input that fails in the same way, found among the choices that made it, and the files of a finding.

What makes an input is a row of draws from dice. Leave some out, or make them 0, and the same generator makes
another input of them, mostly a smaller one, of which it knows again what must become of it: no cut through the
bytes leaves a whole archive. So Hypothesis shrinks; its own machinery would have to find the failure anew, as it
can't start from dice that it has not thrown.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from dev.fuzz.inputs import input_of
from dev.fuzz.model import ArchiveInput, Input, NumbersInput, Verdict

Draw = int | float

#: Reads an input once more, as an attempt of this number: what became of it, and all that was shown.
Again = Callable[[Input, int], tuple[Verdict, str]]

_TRIES, _SECONDS = 400, 12.0
_SLOW = 1.0  # seconds; what takes longer is not tried many times


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
    Dice that give these draws, then no more.

    :param draws: what they give; of too many bits the low ones, and a fraction where one is asked for
    """

    def __new__(cls, draws: Sequence[Draw]) -> Self:
        """Make dice; their class in C would take the draws for a seed, and lists can't be one."""
        return super().__new__(cls)

    def __init__(self, draws: Sequence[Draw]) -> None:
        self._draws = iter(draws)
        super().__init__(0)

    def _next(self) -> Draw:
        for drawn in self._draws:
            return drawn
        raise Exhausted

    def random(self) -> float:
        """Draw a number from 0 to 1."""
        drawn = self._next()
        return drawn if isinstance(drawn, float) else drawn % 1024 / 1024

    def getrandbits(self, k: int, /) -> int:
        """Draw so many bits."""
        drawn = self._next()
        return (drawn if isinstance(drawn, int) else int(drawn * (1 << 53))) & ((1 << k) - 1)


# What a generator does with dice that it was never meant to get.
_NO_INPUT = (Exhausted, ValueError, IndexError, ZeroDivisionError, OverflowError)


def smaller(
    choices: list[Draw], size_of: Callable[[list[Draw]], int | None], *, tries: int, seconds: float
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


class Findings:
    """
    Writes failing inputs to a folder.

    :param folder: is made when there is something to write
    :param searches: how often a smaller input is looked for, at the most; once for each kind of failure
    """

    def __init__(self, folder: Path, seed: int, searches: int) -> None:
        self._folder, self._seed, self._left = folder, seed, searches
        self._known: set[tuple[str, str, str]] = set()
        self._attempts = 0

    def keep(self, given: Input, verdict: Verdict, shown: str, again: Again) -> None:
        """
        Write an input, and a smaller one that fails in the same way, if one is found.

        :param verdict: of it; gets the names of the files
        """
        stem = f"{self._seed}-{given.index}"
        verdict.kept.append(self._write(stem, given, verdict, shown))
        kinds = _kinds(verdict)
        if kinds <= self._known or not self._left or verdict.seconds > _SLOW:
            return
        self._known |= kinds
        self._left -= 1
        found = self._smaller(given, sorted(kinds)[0], again)
        if found is not None:
            verdict.kept.append(self._write(f"{stem}-smaller", *found))

    def _smaller(self, given: Input, kind: tuple[str, str, str], again: Again) -> tuple[Input, Verdict, str] | None:
        best: list[tuple[Input, Verdict, str]] = []

        def size_of(draws: list[Draw]) -> int | None:
            made = _made_of(given, draws)
            if made is None or (best and _size(made) >= _size(best[0][0])):
                return None
            self._attempts += 1
            verdict, shown = again(made, self._attempts)
            if kind not in _kinds(verdict):
                return None
            best[:] = [(made, verdict, shown)]
            return _size(made)

        found = smaller(_choices_of(given, self._seed), size_of, tries=_TRIES, seconds=_SECONDS)
        return best[0] if found is not None else None

    def _write(self, stem: str, given: Input, verdict: Verdict, shown: str) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{stem}.bin"
        path.write_bytes(given.data)
        lines = [f"{verdict.kind}: {given!r}", *(f"{failure.figure}: {failure.words}" for failure in verdict.failures)]
        if isinstance(given, ArchiveInput):
            lines.append(f"columns: {given.names!r:.1000}")
            if given.sent is not None:
                lines.append(f"submission: {given.sent.submission!r:.5000}")
                (self._folder / f"{stem}-sent.bin").write_bytes(given.sent.data or b"")
        words = "-".join(verdict.kind.split())
        (self._folder / f"{stem}-{words}.txt").write_text("\n".join([*lines, shown]), errors="replace")
        return f"{path} ({len(given.data):,} bytes)"


def _kinds(verdict: Verdict) -> set[tuple[str, str, str]]:
    """Return what it takes for two failures to be one: words hold counts, but where an error escaped says which."""
    return {
        (failure.figure, verdict.kind, failure.words if failure.figure == "escaped" else "")
        for failure in verdict.failures
    }


def _size(given: Input) -> int:
    sent = given.sent.data if isinstance(given, ArchiveInput) and given.sent else None
    return len(given.data) + len(sent or b"")


def _choices_of(given: Input, seed: int) -> list[Draw]:
    """Return the draws that made an input; of a file of numbers its bytes, of which any may be left out."""
    if isinstance(given, NumbersInput):
        return list(given.data)
    dice = Recorded(f"{seed}/{given.index}")
    input_of(dice, given.index)
    return dice.draws


def _made_of(given: Input, choices: list[Draw]) -> Input | None:
    if isinstance(given, NumbersInput):
        return dataclasses.replace(given, data=bytes(int(choice) for choice in choices))
    try:
        made = input_of(Replayed(choices), given.index)
    except _NO_INPUT:
        return None
    if isinstance(made, ArchiveInput) and isinstance(given, ArchiveInput):
        # It may have become one that does not go through: it must go the same way.
        return made if bool(made.sent) is bool(given.sent) else None
    return made
