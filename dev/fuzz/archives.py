"""Which archive an index has: whole, of several columns, damaged, a bomb, or none; and what was sent beside it."""

from __future__ import annotations

import dataclasses
import random

from dev.fuzz import sent
from dev.fuzz.bombs import BOMBS, beyond_every_limit
from dev.fuzz.broken_tables import BROKEN
from dev.fuzz.damage import DAMAGES
from dev.fuzz.inputs import ArchiveInput
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.other_tables import OTHER_TABLES
from dev.fuzz.tables import counts_of
from dev.fuzz.whole_archives import SHAPES, packed

_SPOILT = {**DAMAGES, **BOMBS, **BROKEN}
_ASKED = {**COLUMNS, **OTHER_TABLES}
_CLASSES = (*SHAPES, *_ASKED, *_SPOILT)
_WEIGHTS = (
    *(8 if name != "a large table" else 1 for name in SHAPES),
    *(3 for _ in _ASKED),
    *(6 for _ in DAMAGES),
    *(1 for _ in BOMBS),
    *(2 for _ in BROKEN),
)

#: The archive, counted from 0, that unpacks to more than any limit: it takes seconds, so there is one of it.
BEYOND = 2_000

#: Of so many archives one goes through the whole transfer as well.
THROUGH = 10

_WHOLE = ("one table", "all.csv beside lists", "lists only", "a table in company", "a large table", *_ASKED)
_WHOLE_WEIGHTS = (16, 8, 8, 8, 1, *(2 for _ in _ASKED))


def make(rng: random.Random, index: int, ordinal: int) -> ArchiveInput:
    """Make an archive."""
    before = ordinal // sent.BESIDE_INPUT
    if sent.has_input(ordinal):
        return _beside_input(rng, index, before)
    ordinal_here = ordinal - before
    if ordinal == BEYOND:
        name = "beyond every limit"
    elif ordinal_here < len(_CLASSES):
        name = _CLASSES[ordinal_here]
    else:
        name = rng.choices(_CLASSES, _WEIGHTS)[0]
    through = rng.random() * THROUGH < 1
    archive = _named(rng, index, name)
    return dataclasses.replace(archive, through=through and (archive.rows is not None or _is_small(archive)))


def _beside_input(rng: random.Random, index: int, nth: int) -> ArchiveInput:
    # The first ones are whole: only then is it known what is missing.
    is_first = nth < 2 * len(sent.SENT)
    name = "one table" if is_first else rng.choices(_WHOLE, _WHOLE_WEIGHTS)[0]
    if not is_first and rng.random() < 0.25:
        name = rng.choices(_CLASSES, _WEIGHTS)[0]
    archive = _named(rng, index, name)
    while is_first and all(answer == "unknown" for _, answer in archive.rows or ()):
        archive = _named(rng, index, name)  # without a yes or a no it is refused, whatever was sent
    if archive.rows is None and not _is_small(archive):
        return archive
    came = [] if archive.unreadable else [digits for digits, _ in archive.rows or ()]
    return dataclasses.replace(archive, through=True, sent=sent.make(rng, nth, came))


def _named(rng: random.Random, index: int, name: str) -> ArchiveInput:
    """Make an archive of a class."""
    if name in SHAPES:
        members, rows = SHAPES[name](rng)
        allowed = frozenset({counts_of(rows)})
        return ArchiveInput(index, name, packed(rng, members), allowed=allowed, may_refuse=False, rows=rows)
    if name in _ASKED:
        asked = _ASKED[name](rng)
        return ArchiveInput(
            index,
            name,
            asked.data,
            allowed=asked.allowed,
            may_refuse=asked.rows is None,
            rows=asked.rows,
            unreadable=asked.unreadable,
            names=(asked.number_column, asked.result_column),
        )
    data, allowed = (beyond_every_limit if name == "beyond every limit" else _SPOILT[name])(rng)
    return ArchiveInput(index, name, data, allowed=allowed)


def _is_small(archive: ArchiveInput) -> bool:
    return len(archive.data) < 1 << 20
