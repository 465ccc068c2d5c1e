"""An input, what is known of it, and the verdict on it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["archives", "answers", "numbers"]
Figure = Literal["escaped", "wrong", "leaked", "over_memory", "over_disk", "over_time", "left_objects"]

#: What must become of numbers that were sent: compared with those of the result, not compared (the result is landed
#: all the same), refused before any request, or any of these, so long as the counts are right.
Fate = Literal["compared", "left out", "refused", "any"]

#: The figures that must be 0, in the order in which they are printed.
FIGURES: tuple[Figure, ...] = ("escaped", "wrong", "leaked", "over_memory", "over_disk", "over_time", "left_objects")

#: What is counted of inputs: tables of several columns, or a name of one; tables as other programs write them;
#: landings beside what was sent; TLS.
TRAITS = ("columns", "forms", "inputs", "tls")

#: The ways through the whole transfer (with the result alone, and beside what was sent), and that of an archive that
#: is to be landed as it was delivered.
LANDING, COMPARED, ALONE = "landing", "landing with an input", "archive alone"

#: The kind of each index: of ten in a row six archives, two answers, two number files.
KINDS: tuple[Kind, ...] = (*("archives",) * 3, "answers", "numbers", *("archives",) * 3, "answers", "numbers")

#: Of so many archives one goes through the whole transfer beside what was sent; of so many answers one goes over a
#: socket, and of so many of those one over TLS.
BESIDE_INPUT, OVER_SOCKETS, OVER_TLS = 7, 6, 4

Row = tuple[str, str]
Names = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a plain reading of an archive counts."""

    rows: int
    yes: int
    no: int
    unknown: int


def counts_of(rows: Sequence[Row]) -> Counts:
    """Count the answers."""
    answers = [answer for _, answer in rows]
    return Counts(len(rows), answers.count("yes"), answers.count("no"), answers.count("unknown"))


@dataclass(frozen=True, slots=True)
class Input:
    """
    One input; with the seed, ``index`` is all that is needed to make it again.

    :param name: of its class, such as ``bit flips``
    """

    data: bytes = field(repr=False)
    name: str = ""
    index: int = -1


@dataclass(frozen=True, slots=True)
class Sent:
    """
    What a landing is given to compare its result with: an input, and what the submit operator pushed about it.

    :param data: the input's bytes; None if it is gone
    :param submission: as the operator gets it
    :param numbers: digits of the numbers that were sent
    :param place: how the input is named: by its path, as ``file://``, or in S3; or not at all
    :param unmatched: how the place of the list is named: by its key, its address, the result's own key; or not at all
    """

    data: bytes | None = field(repr=False)
    submission: Any = field(repr=False)
    numbers: frozenset[str] = field(default=frozenset(), repr=False)
    fate: Fate = "compared"
    name: str = ""
    place: Literal["path", "file", "s3", "nowhere"] = "path"
    unmatched: Literal["key", "address", "s3_key", "nowhere"] = "key"


@dataclass(frozen=True, slots=True)
class ArchiveInput(Input):
    """
    A result archive, or what is in place of one.

    :param allowed: the counts that a reader may return; none if it must refuse
    :param rows: of a whole archive: (digits, yes, no or unknown), in order; None if it may be refused
    :param unreadable: of these, how many have a number that can't be read, which must be reported
    :param names: of the number's column and of the answer's, as the reader is asked for them
    :param through: whether it also goes through the whole transfer
    :param sent: what the transfer is given to compare the result with
    """

    allowed: frozenset[Counts] = frozenset()
    rows: tuple[Row, ...] | None = field(default=None, repr=False)
    unreadable: int = 0
    names: Names = field(default=(None, None), repr=False)
    through: bool = False
    sent: Sent | None = None

    @property
    def numbers(self) -> frozenset[str] | None:
        """The digits of its numbers; None if they are not known."""
        return None if self.rows is None else frozenset(digits for digits, _ in self.rows)


@dataclass(frozen=True, slots=True)
class AnswerInput(Input):
    """
    An answer of the API, or of the store.

    :param call: ``submission``, ``status query``, ``balance query`` or ``result download``
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
    :param limits: fewest and most rows
    :param block_bytes: bytes that are read at a time
    """

    check: bool = True
    invalid: Literal["fail", "drop"] = "fail"
    limits: tuple[int, int] = (0, 10_000_000)
    block_bytes: int = 1 << 20


ArchiveMaker = Callable[[random.Random], ArchiveInput]


class ArchiveClasses(dict[str, ArchiveMaker]):
    """Classes of archives by name; called with a name it adds the function below."""

    def __call__(self, name: str) -> Callable[[ArchiveMaker], ArchiveMaker]:
        """Return a decorator that adds a class."""

        def add(make: ArchiveMaker) -> ArchiveMaker:
            self[name] = make
            return make

        return add


def whole(data: bytes, rows: tuple[Row, ...], *, unreadable: int = 0, names: Names = (None, None)) -> ArchiveInput:
    """Return an archive that must be read, as these rows."""
    return ArchiveInput(data, allowed=frozenset({counts_of(rows)}), rows=rows, unreadable=unreadable, names=names)


def broken(data: bytes, *allowed: Counts, names: Names = (None, None)) -> ArchiveInput:
    """Return an archive that must be refused, or read with one of these counts."""
    return ArchiveInput(data, allowed=frozenset(allowed), names=names)


@dataclass(frozen=True, slots=True)
class Failure:
    """
    One thing that must not be.

    :param words: what it is; holds nothing of the input
    """

    figure: Figure
    words: str


@dataclass(slots=True)
class Verdict:
    """
    The outcome of one input, in one way of reading it.

    :param end: ``read``, ``refused`` or ``broken`` (anything else)
    :param memory: bytes above the idle process
    :param landed: whether a transfer reported that it has landed the result
    :param listed: whether it reported that it has landed the list of unmatched numbers
    :param traits: those of ``TRAITS`` that it has
    :param sabotage: the wrong function in place of the package's own, "" if there is none
    :param kept: where the input was written, and a smaller one, if it has failed
    """

    index: int
    kind: str
    name: str
    end: str = "broken"
    failures: list[Failure] = field(default_factory=list)
    memory: int = 0
    written: int = 0
    seconds: float = 0.0
    landed: bool = False
    listed: bool = False
    traits: list[str] = field(default_factory=list)
    sabotage: str = ""
    kept: list[str] = field(default_factory=list)


def kind_of(index: int) -> Kind:
    """Return the kind of the input with this index."""
    return KINDS[index % len(KINDS)]


def ordinal_of(index: int) -> int:
    """Return how many inputs of the same kind are before it."""
    rounds, rest = divmod(index, len(KINDS))
    return rounds * KINDS.count(KINDS[rest]) + KINDS[:rest].count(KINDS[rest])
