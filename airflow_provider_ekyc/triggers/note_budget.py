"""
How many lines the waits of one event loop write into their logs.

A trigger's log line goes to the triggerer's supervisor, which reads 4 KiB, some ten lines, in each turn of its loop,
between queries of its database (Airflow 3.3.2). What it does not read in time fills the socket, and then the next line
of any trigger blocks the event loop of all. So notes of waits that go on have a bound; at fewer queries than that
each is logged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

#: Notes in a second, of all waits of an event loop together, at the most; warnings are counted apart.
MOST_PER_SECOND = 10.0
#: Notes that may follow one another at once after a time with fewer.
BURST = 40.0


class NoteBudget:
    """
    A bucket of notes that fills with time.

    :param clock: seconds that only grow
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = {False: BURST, True: BURST}
        self._at = clock()

    def allows(self, *, is_warning: bool) -> bool:
        """
        Spend a note, if one is left.

        :param is_warning: warnings have a bucket of their own, so that notes can't use theirs up
        """
        now = self._clock()
        for kind, left in self._left.items():
            self._left[kind] = min(left + (now - self._at) * MOST_PER_SECOND, BURST)
        self._at = now
        if self._left[is_warning] < 1.0:
            return False
        self._left[is_warning] -= 1.0
        return True


# By event loop, as the connections are.
_budgets: dict[asyncio.AbstractEventLoop, NoteBudget] = {}


def note_budget() -> NoteBudget:
    """Return the budget of the running event loop."""
    loop = asyncio.get_running_loop()
    for closed in [other for other in _budgets if other.is_closed()]:
        del _budgets[closed]
    return _budgets.setdefault(loop, NoteBudget())
