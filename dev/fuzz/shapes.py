"""A table of shapes: by its name, a function of dice that makes an archive and says what must become of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from dev.fuzz.model import Counts, Row, counts_of
from dev.fuzz.zip_writer import Member, pack


@dataclass(frozen=True, slots=True)
class Made:
    """
    An archive, and what is known of it.

    :param rows: what must be read, if it must; else None
    :param allowed: counts that may be read; none if it must be refused
    :param unreadable: rows whose number can't be read
    :param names: of the number's column and of the answer's, that the reader is asked for
    """

    data: bytes
    allowed: frozenset[Counts] = frozenset()
    rows: tuple[Row, ...] | None = None
    unreadable: int = 0
    names: tuple[str | None, str | None] = (None, None)


Maker = Callable[[random.Random], Made]


class Shapes(dict[str, Maker]):
    """Shapes by name; called with a name it adds the function below."""

    def __call__(self, name: str) -> Callable[[Maker], Maker]:
        """Return a decorator that adds a shape."""

        def add(make: Maker) -> Maker:
            self[name] = make
            return make

        return add


def whole(
    data: bytes, rows: tuple[Row, ...], *, unreadable: int = 0, names: tuple[str | None, str | None] = (None, None)
) -> Made:
    """Return an archive that must be read, as these rows."""
    return Made(data, frozenset({counts_of(rows)}), rows, unreadable, names)


def broken(data: bytes, *allowed: Counts) -> Made:
    """Return an archive that must be refused, or read with one of these counts."""
    return Made(data, frozenset(allowed))


def zipped(text: bytes, name: bytes = b"all.csv") -> bytes:
    """Pack a single member."""
    return pack([Member(name, text)])
