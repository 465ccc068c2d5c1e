"""What there is in rows that were dealt to one part: numbers that were sent, and rows of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.repeated_rows import shared_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What stands below a row's number: 0 if it was sent, otherwise what its answer means.
SENT, YES, NO, UNKNOWN = range(4)

#: Bits of it.
SIDE_BITS: Final = 2

_SIDES: Final = np.uint64(3)
_NOBODY: Final = np.empty(0, np.uint64)


@dataclass(frozen=True, slots=True)
class Tally:
    """
    What is in some rows.

    :param sent: different numbers that were sent
    :param returned: different numbers in the result
    :param unexpected: different numbers in the result that were not sent
    :param contradictions: numbers that are both yes and no
    :param rows: a row of each number in the result, if they were asked for
    :param lone: a row of each number that was sent and is not in the result
    """

    sent: int
    returned: int
    unexpected: int
    contradictions: int
    rows: NDArray[np.uint64]
    lone: NDArray[np.uint64]


def tally_returned(rows: NDArray[np.uint64], *, keyed: bool = False) -> Tally:
    """
    Count rows of which none was sent.

    :param rows: in any order
    :param keyed: whether a row of each number is asked for
    """
    is_shared = shared_hashes(rows >> np.uint64(SIDE_BITS))
    found = tally(rows[is_shared], keyed=keyed)
    alone = len(rows) - int(np.count_nonzero(is_shared))
    return Tally(
        sent=0,
        returned=found.returned + alone,
        unexpected=found.unexpected + alone,
        contradictions=found.contradictions,
        rows=np.concatenate((rows[~is_shared], found.rows)) if keyed else _NOBODY,
        lone=_NOBODY,
    )


def tally(rows: NDArray[np.uint64], *, keyed: bool = False) -> Tally:
    """
    Count rows of any side, by sorting them.

    :param rows: in any order
    :param keyed: whether a row of each number in the result is asked for
    """
    rows = np.sort(rows)
    is_first = np.ones(len(rows), np.bool_)
    np.not_equal(rows[1:], rows[:-1], out=is_first[1:])
    rows = rows[is_first]
    # A number stands once for each side and answer: as sent first, then as yes, no, unknown.
    numbers, sides = rows >> np.uint64(SIDE_BITS), (rows & _SIDES).astype(np.uint8)
    goes_on = numbers[1:] == numbers[:-1]
    is_first, is_last = np.ones((2, len(rows)), np.bool_)
    np.logical_not(goes_on, out=is_first[1:])
    np.logical_not(goes_on, out=is_last[:-1])
    is_sent = sides == SENT
    is_returned = is_first & ~is_sent
    unexpected = int(np.count_nonzero(is_returned))
    is_returned[1:] |= goes_on & is_sent[:-1]
    return Tally(
        sent=int(np.count_nonzero(is_sent)),
        returned=int(np.count_nonzero(is_returned)),
        unexpected=unexpected,
        contradictions=int(np.count_nonzero(goes_on & (sides[:-1] == YES) & (sides[1:] == NO))),
        rows=rows[is_returned] if keyed else _NOBODY,
        lone=rows[is_sent & is_last],
    )
