"""Which archive an index has: whole ones, damaged ones, bombs, and what is no archive of results at all."""

from __future__ import annotations

import random

from fuzz.bombs import BOMBS, beyond_every_limit
from fuzz.broken_tables import BROKEN
from fuzz.damage import DAMAGES
from fuzz.inputs import ArchiveInput
from fuzz.tables import counts_of
from fuzz.whole_archives import SHAPES, packed

_SPOILT = {**DAMAGES, **BOMBS, **BROKEN}
_CLASSES = (*SHAPES, *_SPOILT)
_WEIGHTS = (
    *(8 if name != "a large table" else 1 for name in SHAPES),
    *(6 for _ in DAMAGES),
    *(1 for _ in BOMBS),
    *(2 for _ in BROKEN),
)

#: The archive, counted from 0, that unpacks to more than any limit: it takes seconds, so there is one of it.
BEYOND = 2_000

#: Of so many archives one goes through the whole transfer as well.
THROUGH = 5


def make(rng: random.Random, index: int, ordinal: int) -> ArchiveInput:
    """Make an archive."""
    if ordinal == BEYOND:
        name = "beyond every limit"
    elif ordinal < len(_CLASSES):
        name = _CLASSES[ordinal]
    else:
        name = rng.choices(_CLASSES, _WEIGHTS)[0]
    through = rng.random() * THROUGH < 1
    if name in SHAPES:
        members, rows = SHAPES[name](rng)
        return ArchiveInput(
            index,
            name,
            packed(rng, members),
            allowed=frozenset({counts_of(rows)}),
            may_refuse=False,
            rows=rows,
            through=through,
        )
    data, allowed = (beyond_every_limit if ordinal == BEYOND else _SPOILT[name])(rng)
    return ArchiveInput(index, name, data, allowed=allowed, through=through and len(data) < 1 << 20)
