"""
Which numbers were sent and did not come back, and which came back that nobody sent.

All numbers of both sides are dealt out to partitions by a hash, on disk; a number meets its likes in the same
partition, and one small sort at a time finds who is alone. Measured for 10 M numbers on each side, one core: taking
them 0.25 s and comparing them 0.75 s, 9 MiB above an idle process with numpy; 50 M on each side take 50 MiB.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import numpy as np

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.lines import line_blocks
from airflow_provider_ekyc.numbers.prepare import HashedSource
from airflow_provider_ekyc.results.number_keys import number_lines, read_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from airflow_provider_ekyc.journals.record import Submission
    from airflow_provider_ekyc.spool import Spool

#: A power of two. Twice 10 M numbers make partitions of some 160,000 (1.2 MiB), twice 50 M of 780,000 (6 MiB).
PARTITIONS: Final = 128

# Numbers dealt out at a time: 256 KiB, and a piece on disk has some 2 KiB. Temporaries twice as large go back to the
# system after each step.
_BUFFERED: Final = 1 << 15
_READ_BYTES: Final = 256 << 10

# So many times its share of what is dealt out, and a partition must hold the same numbers again and again.
_SKEWED: Final = 8 * _BUFFERED // PARTITIONS
# Numbers of a partition that are sorted at the least before more are read: 32 MiB.
_SORTED: Final = 1 << 22

_U: Final = np.uint64
# Fibonacci hashing (Knuth, TAOCP 3, 6.4): neighbours, and numbers with the same last digits, spread alike.
_MIX: Final = _U(0x9E3779B97F4A7C15)
_HASH_SHIFT: Final = _U(64 - (PARTITIONS - 1).bit_length())
_ONE: Final = _U(1)
_SENT, _CAME = _U(0), _U(1)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """
    What was found.

    :param sent: different numbers sent
    :param came: different numbers that came back
    :param count: numbers sent that did not come back
    :param strange: numbers that came back and were never sent
    """

    sent: int
    came: int
    count: int
    strange: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """
    Nothing was compared.

    :param reason: why, in a sentence or two; it holds counts, never a phone number
    """

    reason: str


_CHANGED: Final = LeftOut(
    "The input has changed since it was submitted (its SHA-256 is another). Name the file that was sent, or keep "
    "each run's input under a name of its own."
)


class NumberLedger:
    """
    Takes numbers sent and numbers that came back, in any order and from any thread, then says which are alone.

    Memory is bounded by a partition, each number once; the disk holds 8 bytes for each number taken.

    :param file: an empty spool file, for this alone
    """

    def __init__(self, file: Spool) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._buffer = np.empty(_BUFFERED, _U)
        self._buffered = 0
        # For each time the buffer was dealt out: where each partition's piece begins, and the last one ends.
        self._bounds: list[NDArray[np.int64]] = []

    def add_sent(self, keys: NDArray[np.uint64]) -> None:
        """
        Take numbers that were sent; one that was taken before changes nothing.

        :param keys: below 10**15, as ``read_keys`` gives them
        :raises EkycSpoolError: if the disk is full
        """
        self._add(keys, _SENT)

    def add_came(self, keys: NDArray[np.uint64]) -> None:
        """
        Take numbers that came back; one that was taken before changes nothing.

        :param keys: below 10**15, as ``read_keys`` gives them
        :raises EkycSpoolError: if the disk is full
        """
        self._add(keys, _CAME)

    def unmatched(self, target: Spool) -> Unmatched:
        r"""
        Compare both sides. To be called once, after all numbers were taken.

        :param target: gets the numbers that did not come back, ``+`` and the digits, ``\n`` after each: ascending
            within each partition, so in no order that tells anything, but the same numbers always give the same file
        :raises EkycSpoolError: if the disk is full
        """
        with self._lock:
            self._deal_out()
        sent = came = both = 0
        for taken in self._partitions():
            numbers, sides = taken >> _ONE, (taken & _ONE).astype(np.bool_)
            # A number of both sides stands twice, as sent first.
            came_next = np.zeros(len(taken), np.bool_)
            np.equal(numbers[:-1], numbers[1:], out=came_next[:-1])
            came_here, both_here = int(np.count_nonzero(sides)), int(np.count_nonzero(came_next))
            came += came_here
            sent += len(taken) - came_here
            both += both_here
            if len(taken) - came_here > both_here:
                target.write(number_lines(numbers[~(sides | came_next)]))
        return Unmatched(sent=sent, came=came, count=sent - both, strange=came - both)

    def _add(self, keys: NDArray[np.uint64], side: np.uint64) -> None:
        taken = keys << _ONE | side
        with self._lock:
            while len(taken):
                fitting = taken[: _BUFFERED - self._buffered]
                self._buffer[self._buffered : self._buffered + len(fitting)] = fitting
                self._buffered += len(fitting)
                taken = taken[len(fitting) :]
                if self._buffered == _BUFFERED:
                    self._deal_out()

    def _deal_out(self) -> None:
        taken = self._buffer[: self._buffered]
        partitions = _partitions_of(taken)
        counts = np.bincount(partitions, minlength=PARTITIONS)
        if counts.max() > _SKEWED:
            taken = np.unique(taken)
            partitions = _partitions_of(taken)
            counts = np.bincount(partitions, minlength=PARTITIONS)
        bounds = np.zeros(PARTITIONS + 1, np.int64)
        np.cumsum(counts, out=bounds[1:])
        if self._bounds:
            bounds += self._bounds[-1][-1]
        # A stable sort of bytes is a radix sort, one pass.
        self._file.write(taken.take(np.argsort(partitions, kind="stable")))
        self._bounds.append(bounds)
        self._buffered = 0

    def _partitions(self) -> Iterator[NDArray[np.uint64]]:
        """Yield what each partition holds, sorted, each number once for each side."""
        width = self._buffer.itemsize
        for partition in range(PARTITIONS):
            taken = np.empty(0, _U)
            pieces: list[bytes] = []
            unsorted = 0
            for bounds in self._bounds:
                start, end = bounds[partition : partition + 2].tolist()
                pieces.append(os.pread(self._file.fileno(), (end - start) * width, start * width))
                unsorted += end - start
                if unsorted > max(_SORTED, len(taken)):
                    taken = _each_once(taken, pieces)
                    pieces, unsorted = [], 0
            yield _each_once(taken, pieces)


def _partitions_of(taken: NDArray[np.uint64]) -> NDArray[np.uint8]:
    return ((taken >> _ONE) * _MIX >> _HASH_SHIFT).astype(np.uint8)


def _each_once(taken: NDArray[np.uint64], pieces: list[bytes]) -> NDArray[np.uint64]:
    more = np.frombuffer(b"".join(pieces), _U)
    taken = np.sort(np.concatenate((taken, more)) if len(taken) else more)
    first = np.ones(len(taken), np.bool_)
    np.not_equal(taken[1:], taken[:-1], out=first[1:])
    return taken if first.all() else taken[first]


def spool_sent(source: BinaryIO, submission: Submission, ledger: NumberLedger) -> LeftOut | None:
    """
    Give the ledger the numbers that were sent, read out of the input, if the input is still what was sent.

    Preparing the input again would tell the same, in ten times the time. Instead its bytes must have the SHA-256
    that they had when it was submitted; then each line is what it was.

    :param source: the input, a binary file, read once to its end; what it holds needs no more memory than a block
    :param submission: of the submit operator
    :param ledger: is of no use any more if the answer is not None
    :return: None if the ledger has them; otherwise why it has not
    :raises EkycSpoolError: if the disk is full
    :raises EkycUnreadableInputError: if the connection to the input breaks
    """
    if submission.input_sha256 is None:
        return LeftOut(
            "The submission holds no SHA-256 of its input: it was made by an earlier version of this package, or "
            "put together by hand."
        )
    hashed = HashedSource(source)
    # Where lines were dropped as invalid, one without "+" was too. Where none was, either all have it, or it was not
    # asked for (check_e164=False) and a number without it was sent as well.
    plus = submission.invalid > 0
    odd = 0
    try:
        for block in line_blocks(cast("BinaryIO", hashed), _READ_BYTES):
            if odd > submission.invalid:
                continue  # lost; but what has changed and what never held numbers are two reasons
            keys, odd_here = read_keys(block, plus=plus, answers=False)
            odd += odd_here
            ledger.add_sent(keys)
    except EkycNumbersError:  # what is no text was never sent
        return _CHANGED
    if hashed.sha256 != submission.input_sha256:
        return _CHANGED
    if odd != submission.invalid:
        return LeftOut("The input holds lines that are no phone numbers and were sent: only numbers can be compared.")
    return None


def find_unmatched(ledger: NumberLedger, submission: Submission, target: Spool) -> Unmatched | LeftOut:
    """
    Compare what was sent with what came back.

    :param ledger: has both: the first by :func:`spool_sent`, the second out of the result
    :param submission: of the submit operator
    :param target: an empty spool file, gets the numbers that did not come back, as :meth:`NumberLedger.unmatched`
        writes them; it stays empty if nothing is compared
    :raises EkycSpoolError: if the disk is full
    """
    found = ledger.unmatched(target)
    if found.sent == submission.rows:
        return found
    target.seek(0)
    target.truncate()
    return LeftOut(
        f"The input holds {found.sent:,} different numbers, but {submission.rows:,} were sent: lines that differ "
        f"only in their writing, such as a missing +, were sent as different ones."
    )
