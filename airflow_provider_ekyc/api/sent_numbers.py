"""The numbers of an upload, to compare with what a server says of it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import BinaryIO


class SentFile:
    """
    The numbers in the file of a submission.

    :param file: seekable, one number a line; it is read when there is something to compare, and not closed
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def among(self, whole: AbstractSet[str], ends: AbstractSet[str]) -> set[str]:
        """
        Return which of these digits are a number of the file, or the end of one.

        Ten million lines take a few seconds; it is asked when a submission has failed. If the file can't be read any
        more, all are: nothing is shown that can't be compared.

        :param whole: digits that may be a number
        :param ends: digits that may be the end of a number
        """
        wanted = {digits.encode("ascii") for digits in whole}
        wanted_ends = {digits.encode("ascii") for digits in ends}
        lengths = sorted({len(digits) for digits in wanted_ends})
        found: set[bytes] = set()
        try:
            self._file.seek(0)
            for line in self._file:
                number = line.strip().lstrip(b"+")
                if number in wanted:
                    found.add(number)
                for length in lengths:
                    if number[-length:] in wanted_ends:
                        found.add(number[-length:])
        except (OSError, ValueError):  # a closed file is a ValueError
            return set(whole) | set(ends)
        return {digits.decode("ascii") for digits in found}
