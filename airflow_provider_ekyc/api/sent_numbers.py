"""The numbers of an upload, to compare with what a server says of it."""

from __future__ import annotations

from collections.abc import Iterator, Set as AbstractSet
from typing import BinaryIO

# Bytes that are compared at a time.
_BLOCK = 1024 * 1024

# What may be in a line beside a number's digits.
_NO_DIGITS = b"+ \t\r"

# More than a number has; of a longer line the end alone is compared.
_LONGEST_LINE = 64


class SentFile:
    """
    The numbers in the file of a submission.

    :param file: seekable, one number a line; it is read when there is something to compare, and not closed
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def among(self, whole: AbstractSet[str], ends: AbstractSet[str]) -> tuple[set[str], set[str]]:
        """
        Return which of these digits are a number of the file, and which are the end of one.

        If the file can't be read any more, all are: nothing is shown that can't be compared. Ten million lines take
        one to four seconds of CPU time (measured); it is asked when a submission has failed, and quotes digits.

        :param whole: digits that may be a number
        :param ends: digits that may be the end of a number
        """
        wanted = {digits.encode("ascii") for digits in whole}
        wanted_ends = {digits.encode("ascii") for digits in ends}
        lengths = sorted({len(digits) for digits in wanted_ends})
        found: set[bytes] = set()
        found_ends: set[bytes] = set()
        try:
            for lines in self._blocks_of_lines():
                found |= wanted.intersection(lines)
                for length in lengths:
                    found_ends |= wanted_ends.intersection([line[-length:] for line in lines])
        except (OSError, ValueError):  # a closed file is a ValueError
            return set(whole), set(ends)
        return {digits.decode("ascii") for digits in found}, {digits.decode("ascii") for digits in found_ends}

    def _blocks_of_lines(self) -> Iterator[list[bytes]]:
        self._file.seek(0)
        rest = b""
        while block := self._file.read(_BLOCK):
            *lines, rest = (rest + block.translate(None, _NO_DIGITS)).split(b"\n")
            rest = rest[-_LONGEST_LINE:]
            yield lines
        yield [rest]
