"""The files of a finding: the input that has failed, and a smaller one of its class that fails in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from dev.fuzz.inputs import make_input
from dev.fuzz.model import ArchiveInput, Input, Verdict

#: Reads an input, made with this ``again``, in the same way: the verdict, and all that was shown.
Try = Callable[[Input, int], tuple[Verdict, str]]

_TRIES, _SECONDS = 200, 12.0
_SLOW = 1.0  # seconds; what takes longer is not tried many times


class Findings:
    """
    Writes failing inputs to a folder.

    :param folder: is made when there is something to write
    :param searches: how often a smaller input is looked for, at the most; once for each kind of failure
    """

    def __init__(self, folder: Path, seed: int, searches: int) -> None:
        self._folder, self._seed, self._left = folder, seed, searches
        self._known: set[tuple[str, str, str]] = set()

    def keep(self, given: Input, verdict: Verdict, shown: str, try_again: Try) -> None:
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
        found = self._smaller(given, min(kinds), try_again)
        if found is not None:
            verdict.kept.append(self._write(f"{stem}-smaller", *found))

    def _smaller(self, given: Input, kind: tuple[str, str, str], try_again: Try) -> tuple[Input, Verdict, str] | None:
        found: tuple[Input, Verdict, str] | None = None
        size, until = _size(given), time.monotonic() + _SECONDS
        for again in range(1, _TRIES + 1):
            if time.monotonic() > until:
                break
            made = make_input(self._seed, given.index, again)
            if _class(made) == _class(given) and _size(made) < size:
                verdict, shown = try_again(made, again)
                if kind in _kinds(verdict):
                    found, size = (made, verdict, shown), _size(made)
        return found

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


def _class(given: Input) -> tuple[str, str]:
    return given.name, given.sent.name if isinstance(given, ArchiveInput) and given.sent else ""


def _size(given: Input) -> int:
    sent = given.sent.data if isinstance(given, ArchiveInput) and given.sent else None
    return len(given.data) + len(sent or b"")
