"""What an input is, and how a seed and an index make one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["archives", "answers", "numbers"]

#: What must become of numbers that were sent: compared with those that came back, not compared (the result lands
#: all the same), refused before anything is asked, or any of these, so long as what is said is right.
Fate = Literal["compared", "left out", "refused", "any"]

#: Which kind an index is of: of ten in a row six archives, two answers, two number files.
KINDS: tuple[Kind, ...] = (*("archives",) * 3, "answers", "numbers", *("archives",) * 3, "answers", "numbers")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a plain reading of an archive counts."""

    rows: int
    yes: int
    no: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Input:
    """
    One input.

    :param index: with the seed, all that is needed to make it again
    :param name: of its class, such as ``bit flips``
    :param data: the bytes that the reader gets
    """

    index: int
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """
    What a landing is given to compare its result with: an input, and what the submit operator says of it.

    :param name: of its class, such as ``changed since``
    :param data: the input's bytes; None if it is gone
    :param lies: how the input is named: by its path, as ``file://``, or in S3; or not at all
    :param submission: as the operator gets it
    :param numbers: digits of the numbers that were sent
    :param unmatched: how the place of the list is named: by its key, by its address, by the result's own key; or
        not at all
    """

    name: str
    data: bytes | None = field(repr=False)
    submission: object = field(repr=False)
    numbers: frozenset[str] = field(default=frozenset(), repr=False)
    fate: Fate = "compared"
    lies: Literal["path", "file", "s3", "nowhere"] = "path"
    unmatched: Literal["key", "address", "s3_key", "nowhere"] = "key"


@dataclass(frozen=True, slots=True)
class ArchiveInput(Input):
    """
    A result archive, or what comes in place of one.

    :param allowed: the counts that a reader may come to; none if it must refuse
    :param may_refuse: whether it may be refused: always, except for a whole archive
    :param rows: of a whole archive: (digits, yes, no or unknown), in order; in place of digits what else is there
    :param unreadable: of these, how many have a number that can't be read, which must be said
    :param through: whether it also goes through the whole transfer
    :param names: the names of the columns that the reader gets: the number's and the answer's name, None where nothing
    :param sent: what the transfer is given to compare the result with
    """

    allowed: frozenset[Counts] = frozenset()
    may_refuse: bool = True
    rows: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    unreadable: int = 0
    through: bool = False
    names: tuple[str | None, str | None] = field(default=(None, None), repr=False)
    sent: Sent | None = None


@dataclass(frozen=True, slots=True)
class AnswerInput(Input):
    """
    An answer of the API, or of the store.

    :param call: ``submission``, ``status query``, ``balance query`` or ``result download``
    :param status: HTTP status
    :param headers: of the answer
    :param wire: whether ``data`` is a whole answer for a socket, head included, or a body
    :param expected: fields of what must be read; empty if any value or a refusal will do
    """

    call: str = "status query"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: bool = False
    expected: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NumbersInput(Input):
    """
    A file of numbers, or what is given in place of one.

    :param check: whether lines must be numbers
    :param invalid: ``fail`` or ``drop``
    :param limits: fewest and most rows
    :param block_bytes: bytes that are read at a time
    """

    check: bool = True
    invalid: Literal["fail", "drop"] = "fail"
    limits: tuple[int, int] = (0, 10_000_000)
    block_bytes: int = 1 << 20


def kind_of(index: int) -> Kind:
    """Return the kind of the input with this index."""
    return KINDS[index % len(KINDS)]


def ordinal_of(index: int) -> int:
    """Return how many inputs of the same kind come before it."""
    whole, rest = divmod(index, len(KINDS))
    kind = KINDS[rest]
    return whole * KINDS.count(kind) + KINDS[:rest].count(kind)


def make_input(seed: int, index: int) -> Input:
    """Make the input that belongs to a seed and an index, the same one each time."""
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
    from dev.fuzz import answers, archives, number_files

    makers = {"archives": archives.make, "answers": answers.make, "numbers": number_files.make}
    return makers[kind_of(index)](rng, index, ordinal_of(index))
