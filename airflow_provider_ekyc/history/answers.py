"""What the rows of a batch prove about their numbers, by their answers and times. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.history.times import TICKS, ticks_at
from airflow_provider_ekyc.history.windows import Windows

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray

#: How far ahead of ours the clock may be that a result's time was taken from. A time beyond that proves nothing:
#: otherwise a wrong clock would keep a number from ever being verified again.
CLOCKS_DIFFER: Final = timedelta(days=1)

#: Stands for the time of a row that has none; no time is as early.
NO_TIME: Final = np.iinfo(np.int64).min
#: The unit of times that are compared with those of other batches.
UNIT: Final = "us"

# The limit of an answer that never counts.
_NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Times as counts of a unit; an answer counts if it is later than its limit.

    :param last: the latest time that a clock can have shown
    """

    yes: int
    no: int
    unknown: int
    last: int

    @classmethod
    def of(cls, windows: Windows, now: datetime, unit: str) -> Limits:
        """Return the limits in a unit of Arrow's."""

        def limit(window: timedelta | None) -> int:
            return _NEVER if window is None else ticks_at(now - window, unit)

        return cls(limit(windows.yes), limit(windows.no), limit(windows.unknown), ticks_at(now + CLOCKS_DIFFER, unit))

    @property
    def is_one(self) -> bool:
        """Whether each answer counts equally long."""
        return self.yes == self.no == self.unknown

    def decide(self, yes: NDArray[np.int64], no: NDArray[np.int64]) -> NDArray[np.bool_]:
        """
        Return which numbers are fresh by their latest yes or no. Where both are of one time, both must count.

        :param yes: the time of the latest yes, ``NO_TIME`` if there is none
        :param no: the time of the latest no
        """
        latest = np.maximum(yes, no)
        fresh: NDArray[np.bool_] = ((yes < latest) | (latest > self.yes)) & ((no < latest) | (latest > self.no))
        return fresh & (latest > NO_TIME)


def proofs(
    times: NDArray[np.int64], registered: pyarrow.Array, limits: Limits
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """
    Return what the rows of a batch prove.

    A yes or no that is young enough for both windows proves that its number is fresh: its latest one can only be
    younger. One that is young enough for one of them has to be compared with the number's other rows.

    :param times: in the unit of ``limits``, ``NO_TIME`` where there is none
    :param registered: the answers, null for unknown
    :return: which rows prove that their number is fresh, and which have to be compared
    """
    limit_of_both, limit_of_one = max(limits.yes, limits.no), min(limits.yes, limits.no)
    is_time = times <= limits.last
    if limits.is_one:  # whatever the answer
        return is_time & (times > limits.unknown), np.zeros(len(times), np.bool_)
    is_unknown = registered.is_null().to_numpy(zero_copy_only=False)
    fresh = is_time & (times > np.where(is_unknown, limits.unknown, limit_of_both))
    return fresh, is_time & (times > limit_of_one) & ~(fresh | is_unknown)


def times_of(column: pyarrow.Array) -> NDArray[np.int64]:
    """
    Return the times of a column.

    :param column: timestamps
    :return: counts of its unit, ``NO_TIME`` for null
    """
    import pyarrow

    ticks = column.view(pyarrow.int64())
    if ticks.null_count:
        ticks = ticks.fill_null(NO_TIME)
    times: NDArray[np.int64] = ticks.to_numpy()
    return times


def converted(times: NDArray[np.int64], unit: str) -> NDArray[np.int64]:
    """Return times of a unit as counts of ``UNIT``, cut where that is coarser."""
    ticks, wanted = TICKS[unit], TICKS[UNIT]
    return times // (ticks // wanted) if ticks > wanted else times * (wanted // ticks)
