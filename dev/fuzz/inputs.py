"""How a seed and an index make an input, the same one each time."""

from __future__ import annotations

import dataclasses
import random

from dev.fuzz import answers, number_files, sent
from dev.fuzz.bombs import BOMBS, beyond_every_limit
from dev.fuzz.broken_tables import BROKEN
from dev.fuzz.damage import DAMAGES
from dev.fuzz.model import BESIDE_INPUT, ArchiveInput, Input, kind_of, ordinal_of
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.other_tables import OTHER_TABLES
from dev.fuzz.shapes import Maker
from dev.fuzz.whole_archives import SHAPES

#: All classes of archives, and the groups' weights; of the large table there are fewer.
_GROUPS = ((SHAPES, 8), (COLUMNS, 3), (OTHER_TABLES, 3), (DAMAGES, 6), (BOMBS, 1), (BROKEN, 2))
ARCHIVES: dict[str, Maker] = {name: make for group, _ in _GROUPS for name, make in group.items()}
_WEIGHTS = {name: weight for group, weight in _GROUPS for name in group} | {"a large table": 1}
#: Those that go through beside what was sent.
_WHOLE = dict.fromkeys((*COLUMNS, *OTHER_TABLES), 2) | dict.fromkeys(SHAPES, 8) | {"one table": 16, "a large table": 1}

#: The archive, counted from 0, that unpacks to more than any limit: it takes seconds, so there is one of it.
BEYOND = 2_000

#: Of so many archives one goes through the whole transfer as well.
THROUGH = 10


def make_input(seed: int, index: int) -> Input:
    """Make the input that belongs to a seed and an index."""
    return input_of(dice_of(seed, index), index)


def dice_of(seed: int, index: int) -> random.Random:
    """Return the dice that an input is made with."""
    # Text, as a tuple would be hashed, differently in each process.
    return random.Random(f"{seed}/{index}")


def input_of(rng: random.Random, index: int) -> Input:
    """
    Make an input with these dice.

    The first inputs of each kind go through its classes one by one, so that a short run has seen them all.
    """
    makers = {"archives": _archive, "answers": answers.make, "numbers": number_files.make}
    return makers[kind_of(index)](rng, index, ordinal_of(index))


def _archive(rng: random.Random, index: int, ordinal: int) -> ArchiveInput:
    before = ordinal // BESIDE_INPUT
    if sent.has_input(ordinal):
        return _beside_input(rng, index, before)
    if ordinal == BEYOND:
        name = "beyond every limit"
    else:
        here = ordinal - before
        name = list(ARCHIVES)[here] if here < len(ARCHIVES) else _drawn(rng, _WEIGHTS)
    through = rng.random() * THROUGH < 1
    archive = _named(rng, index, name)
    return dataclasses.replace(archive, through=through and _may_go_through(archive))


def _beside_input(rng: random.Random, index: int, nth: int) -> ArchiveInput:
    # The first ones are whole: only then is it known what is missing.
    is_first = nth < 2 * len(sent.SENT)
    name = "one table" if is_first else _drawn(rng, _WHOLE)
    if not is_first and rng.random() < 0.25:
        name = _drawn(rng, _WEIGHTS)
    archive = _named(rng, index, name)
    while is_first and all(answer == "unknown" for _, answer in archive.rows or ()):
        archive = _named(rng, index, name)  # without a yes or a no it is refused, whatever was sent
    if not _may_go_through(archive):
        return archive
    returned = [] if archive.unreadable else [digits for digits, _ in archive.rows or ()]
    return dataclasses.replace(archive, through=True, sent=sent.make(rng, nth, returned))


def _drawn(rng: random.Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _named(rng: random.Random, index: int, name: str) -> ArchiveInput:
    made = (ARCHIVES.get(name) or beyond_every_limit)(rng)
    return ArchiveInput(index, name, made.data, made.allowed, made.rows, made.unreadable, names=made.names)


def _may_go_through(archive: ArchiveInput) -> bool:
    return archive.rows is not None or len(archive.data) < 1 << 20
