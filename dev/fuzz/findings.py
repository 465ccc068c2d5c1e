"""What is kept of an input that has failed, for a look: its bytes, what was said of it, and a smaller one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from dev.fuzz.choices import Draw, Exhausted, Recorded, Replayed, smaller
from dev.fuzz.inputs import ArchiveInput, Input, NumbersInput, input_of
from dev.fuzz.verdict import Verdict

#: Reads an input once more, as an attempt of this number: what became of it, and all that was shown.
Again = Callable[[Input, int], tuple[Verdict, str]]

_TRIES = 400
_SECONDS = 12.0
_SLOW = 1.0  # seconds; what takes longer is not tried many times

# What a generator does with dice that it was never meant to get.
_NO_INPUT = (Exhausted, ValueError, IndexError, ZeroDivisionError, OverflowError)


class Findings:
    """
    Writes failing inputs to a folder.

    :param folder: is made when there is something to write
    :param searches: how often a smaller input is looked for, at the most; once for each kind of failure
    """

    def __init__(self, folder: Path, seed: int, searches: int) -> None:
        self._folder = folder
        self._seed = seed
        self._left = searches
        self._known: set[tuple[str, str, str]] = set()
        self._attempts = 0

    def keep(self, given: Input, verdict: Verdict, shown: str, again: Again) -> None:
        """
        Write an input, and a smaller one that fails in the same way, if one is found.

        :param verdict: of it; is told where the files are
        """
        stem = f"{self._seed}-{given.index}"
        self._write(stem, given, verdict, shown)
        kinds = _kinds(verdict)
        if kinds <= self._known or not self._left or verdict.seconds > _SLOW:
            return
        self._known |= kinds
        self._left -= 1
        found = self._smaller(given, sorted(kinds)[0], again)
        if found is not None:
            self._write(f"{stem}-smaller", *found, told=verdict)

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

        if smaller(_choices_of(given, self._seed), size_of, tries=_TRIES, seconds=_SECONDS) is None:
            return None
        return best[0]

    def _write(self, stem: str, given: Input, verdict: Verdict, shown: str, told: Verdict | None = None) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{stem}.bin"
        path.write_bytes(given.data)
        (told or verdict).kept.append(f"{path} ({len(given.data):,} bytes)")
        lines = [f"{verdict.kind}: {given!r}", *(f"{failure.figure}: {failure.words}" for failure in verdict.failures)]
        if isinstance(given, ArchiveInput):
            lines.append(f"columns: {given.names!r:.1000}")
            if given.sent is not None:
                lines.append(f"submission: {given.sent.submission!r:.5000}")
                (self._folder / f"{stem}-sent.bin").write_bytes(given.sent.data or b"")
        words = "-".join(verdict.kind.split())
        (self._folder / f"{stem}-{words}.txt").write_text("\n".join([*lines, shown]), errors="replace")


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
