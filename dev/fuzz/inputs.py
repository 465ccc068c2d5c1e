"""How a seed and an index make an input, the same one each time."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping

from dev.fuzz import answers, number_files, sent
from dev.fuzz.bombs import BOMBS, beyond_every_limit
from dev.fuzz.broken_tables import BROKEN
from dev.fuzz.damage import DAMAGES
from dev.fuzz.model import BESIDE_INPUT, ArchiveInput, ArchiveMaker, Input, kind_of, ordinal_of
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.other_tables import OTHER_TABLES
from dev.fuzz.whole_archives import WHOLE

#: All classes of archives, and the groups' weights; of the large table there are fewer.
_GROUPS = ((WHOLE, 8), (COLUMNS, 3), (OTHER_TABLES, 3), (DAMAGES, 6), (BOMBS, 1), (BROKEN, 2))
ARCHIVES: dict[str, ArchiveMaker] = {name: make for group, _ in _GROUPS for name, make in group.items()}
_WEIGHTS = {name: weight for group, weight in _GROUPS for name in group} | {"a large table": 1}
#: Those that go through beside what was sent.
_BESIDE = dict.fromkeys((*COLUMNS, *OTHER_TABLES), 2) | dict.fromkeys(WHOLE, 8) | {"one table": 16, "a large table": 1}
_SENT = dict.fromkeys(sent.SENT, 1) | {"some missing": 3}
_NUMBER_FILES = {name: weight for name, (_, weight) in number_files.CLASSES.items()}

#: The archive, counted from 0, that unpacks to more than any limit: it takes seconds, so there is one of it.
BEYOND = 2_000

#: Of so many archives one goes through the whole transfer as well.
THROUGH = 10


def make_input(seed: int, index: int, again: int = 0) -> Input:
    """
    Make the input that belongs to a seed and an index.

    The first inputs of each kind go through its classes one by one, so that a short run has seen them all.

    :param again: other than 0 for another input of the same class
    """
    # Text, as a tuple would be hashed, differently in each process.
    choices, rng = random.Random(f"{seed}/{index}"), random.Random(f"{seed}/{index}/{again}")
    kind, ordinal = kind_of(index), ordinal_of(index)
    made: Input
    if kind == "archives":
        made = _archive(choices, rng, ordinal)
    elif kind == "answers":
        made = answers.make(choices, rng, ordinal)
    else:
        made = number_files.make(rng, _class_of(choices, _NUMBER_FILES, ordinal, 1))
    return dataclasses.replace(made, index=index)


def _archive(choices: random.Random, rng: random.Random, ordinal: int) -> ArchiveInput:
    before = ordinal // BESIDE_INPUT
    if sent.has_input(ordinal):
        return _beside_input(choices, rng, before)
    if ordinal == BEYOND:
        return dataclasses.replace(beyond_every_limit(rng), name="beyond every limit")
    through = choices.random() * THROUGH < 1
    archive = _named(rng, _class_of(choices, _WEIGHTS, ordinal - before, 1))
    return dataclasses.replace(archive, through=through and _may_go_through(archive))


def _beside_input(choices: random.Random, rng: random.Random, nth: int) -> ArchiveInput:
    # The first ones are whole: only then is it known what is missing.
    is_first = nth < 2 * len(sent.SENT)
    weights = {"one table": 1} if is_first else _WEIGHTS if choices.random() < 0.25 else _BESIDE
    name, name_of_sent = _drawn(choices, weights), _class_of(choices, _SENT, nth, 2)
    archive = _named(rng, name)
    while is_first and all(answer == "unknown" for _, answer in archive.rows or ()):
        archive = _named(rng, name)  # without a yes or a no it is refused, whatever was sent
    if not _may_go_through(archive):
        return archive
    returned = [] if archive.unreadable else [digits for digits, _ in archive.rows or ()]
    return dataclasses.replace(archive, through=True, sent=sent.make(rng, nth, returned, name_of_sent))


def _class_of(choices: random.Random, weights: Mapping[str, int], nth: int, rounds: int) -> str:
    """Return one class after the other for so many rounds, and then any."""
    names = list(weights)
    return names[nth % len(names)] if nth < rounds * len(names) else _drawn(choices, weights)


def _drawn(choices: random.Random, weights: Mapping[str, int]) -> str:
    return choices.choices(list(weights), list(weights.values()))[0]


def _named(rng: random.Random, name: str) -> ArchiveInput:
    return dataclasses.replace(ARCHIVES[name](rng), name=name)


def _may_go_through(archive: ArchiveInput) -> bool:
    return archive.rows is not None or len(archive.data) < 1 << 20
