"""Read lists into distinct numbers, and count what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_ekyc.preparation.lists import OpenedList
from airflow_provider_ekyc.preparation.rejects import Rejects
from airflow_provider_ekyc.preparation.tidy import Reject, Tidier

if TYPE_CHECKING:
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers

#: How many places of invalid rows an error names.
MAX_PLACES = 10


class Reading:
    """
    Reads one list after the other.

    :param numbers: gets the rows of all of them
    :param tidier: reads a row that is not a number as it stands
    :param rejects: gets the rows that are left out; None to count them only
    :param before_block: called before each block; what it raises ends the reading
    """

    def __init__(
        self,
        numbers: DistinctNumbers,
        tidier: Tidier,
        rejects: Rejects | None,
        before_block: Callable[[], None] = lambda: None,
    ) -> None:
        self._numbers, self._tidier, self._rejects, self._before_block = numbers, tidier, rejects, before_block
        self._name, self._offset = "", 0
        #: Lists that were read to their end.
        self.lists = 0
        self.blank = 0
        #: Reason -> rows.
        self.invalid: Counter[str] = Counter()
        #: The first places of invalid rows, as messages name them.
        self.places: list[str] = []

    @property
    def rows(self) -> int:
        """Rows that were read, whatever is in them."""
        return self._numbers.lines_read

    def read(self, opened: OpenedList) -> None:
        """
        Read a list to its end.

        :raises EkycError: if the list can't be read to its end, or the disk is full
        """
        self._name, self._offset = opened.name, opened.first_row - 1 - self._numbers.lines_read
        for block in opened.blocks:
            self._before_block()
            self._numbers.add(block, self._other_line)
        self.lists += 1

    def _other_line(self, row: int, line: bytes) -> int | None:
        """Return the number in a line that is not one as it stands; None to leave the line out."""
        found = self._tidier.read(line)
        if found is None:
            self.blank += 1
        elif isinstance(found, Reject):
            row += self._offset
            self.invalid[found.value] += 1
            if len(self.places) < MAX_PLACES:
                self.places.append(f"{self._name} row {row:,}")
            if self._rejects is not None:
                self._rejects.add(self._name, row, found.value, line)
            return None
        return found
