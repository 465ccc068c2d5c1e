"""What became of an input, and what of it must not be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Figure = Literal["escaped", "wrong", "leaked", "over_memory", "over_disk", "over_time", "left_objects"]

#: The figures that must be 0, in the order in which they are printed.
FIGURES: tuple[Figure, ...] = (
    "escaped",
    "wrong",
    "leaked",
    "over_memory",
    "over_disk",
    "over_time",
    "left_objects",
)

#: What is counted of inputs: tables of several columns, or a name of one; tables as other programs write them;
#: landings beside what was sent; TLS.
TRAITS = ("columns", "forms", "inputs", "tls")

#: The ways through the whole transfer: with the result alone, and beside what was sent.
LANDING, COMPARED = "landing", "landing with an input"


#: The way of an archive that is to be landed as it was delivered.
ALONE = "archive alone"


@dataclass(frozen=True, slots=True)
class Failure:
    """
    One thing that must not be.

    :param figure: where it counts
    :param words: what it is; holds nothing of the input
    """

    figure: Figure
    words: str


@dataclass(slots=True)
class Verdict:
    """
    What became of an input, in one way of reading it.

    :param end: ``read``, ``refused`` or ``broken`` (anything else)
    :param memory: bytes above the idle process
    :param landed: whether a transfer said that it has landed the result
    :param listed: whether it said that it has landed the list of unmatched numbers
    :param traits: those of ``TRAITS`` that it has
    :param sabotage: what is wrong with the package's code on purpose, "" if nothing is
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
