r"""
The lists of numbers that preparing is measured on, made once a machine into ``build/bench-data/``.

``+999`` and 8 to 10 digits, at random but the same on every machine. 5 % repeat an earlier line, 1 % are no numbers,
0.5 % have blanks around them, and 10 % end with ``\r\n``.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dev.benchmarks.move_data import FOLDER, NoRoom

SEED = 20251126
BLOCK_LINES = 250_000
#: Bytes of a line in a list, and in the files that methods make of it, at the most.
LINE_BYTES = 16
INVALID = (b"n/a", b"9995550100", b"+0995550100", b"+999 555 0100", b"+9995550100123456", b"+999555-0100", b"+9")


@dataclass(frozen=True, slots=True)
class NumberList:
    """
    A list on disk.

    :param name: as figures name it
    :param lines: how many it has
    """

    name: str
    lines: int

    @property
    def path(self) -> Path:
        """Where it is, once it is made."""
        return FOLDER / f"prepare-{self.name}-{self.lines}.txt"


LISTS = {
    made.name: made
    for made in (
        NumberList("warm", 20_000),
        NumberList("quick", 500_000),
        NumberList("10m", 10_000_000),
        NumberList("50m", 50_000_000),
    )
}


def number_list(name: str) -> NumberList:
    """
    Return a list, made if it is not there yet.

    :raises NoRoom: if the disk is too small for it and for what its preparation needs
    """
    made = LISTS[name]
    if not made.path.exists():
        made.path.parent.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(made.path.parent).free, 5 * made.lines * LINE_BYTES + 2**30
        if free < needed:
            raise NoRoom(f"{made.name}: {free / 2**30:.1f} GiB free of the {needed / 2**30:.1f} GiB it needs")
        part = made.path.with_name(f"{made.path.name}.{os.getpid()}")
        with part.open("wb") as file:
            file.writelines(blocks(made.lines))
        part.replace(made.path)
    return made


def blocks(lines: int) -> Iterator[bytes]:
    """Yield a list of so many lines."""
    chance, others = np.random.default_rng(SEED), random.Random(SEED)
    numbers = np.empty(lines, np.int64)
    for start in range(0, lines, BLOCK_LINES):
        here = numbers[start : start + BLOCK_LINES]
        digits = 10 ** chance.integers(8, 10, len(here), endpoint=True)
        here[:] = 999 * digits + chance.integers(0, digits)
        repeats = np.flatnonzero(chance.random(len(here)) < 0.05)
        here[repeats] = numbers[(chance.random(len(repeats)) * (start + repeats)).astype(np.int64)]
        made = [b"+%d\n" % number for number in here.tolist()]
        for row in np.flatnonzero(chance.random(len(here)) < 0.01).tolist():
            made[row] = others.choice(INVALID) + b"\n"
        for row in np.flatnonzero(chance.random(len(here)) < 0.005).tolist():
            made[row] = b" " + made[row][:-1] + b"\t\n"
        for row in np.flatnonzero(chance.random(len(here)) < 0.1).tolist():
            made[row] = made[row][:-1] + b"\r\n"
        yield b"".join(made)
