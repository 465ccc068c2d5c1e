"""
Which numbers are in a result, how often, with which answers; and which of those that were sent are not.

All numbers of both sides are dealt out to partitions by a hash, on disk; equal numbers meet in the same partition, and
one small sort at a time finds what is there once, twice, or on one side alone. The hash is drawn anew for each run, so
that no list can be made that fills one partition.
"""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.numbers.number_keys import number_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from airflow_provider_ekyc.spool import Spool

#: Codes of a row's answer, as :meth:`NumberLedger.add_came` takes them.
YES, NO, UNKNOWN = 1, 2, 3

#: The least key of a row without a number; numbers have at most 15 digits, which is below 2**50.
TEXT: Final = 1 << 61

#: A power of two. Twice 10 M numbers make partitions of some 160,000 (1.2 MiB), twice 50 M of 780,000 (6 MiB).
PARTITIONS: Final = 128

# Numbers dealt out at a time: 256 KiB, and a piece on disk has some 2 KiB. Temporaries twice as large go back to the
# system after each step.
_BUFFERED: Final = 1 << 15

# So many times its share of what is dealt out, and a partition must hold the same numbers again and again.
_SKEWED: Final = 8 * _BUFFERED // PARTITIONS
# Numbers of a partition that are sorted at the least before more are read: 32 MiB.
_SORTED: Final = 1 << 22
# Numbers of each partition that are read at a time to write them in order: 8 KiB, 1 MiB for all.
_MERGED: Final = 1 << 10

_U: Final = np.uint64
_HASH_SHIFT: Final = _U(64 - (PARTITIONS - 1).bit_length())
# Below the number: 0 for one that was sent, otherwise the answer of one that came back.
_SIDE_BITS: Final = _U(2)
_SIDES: Final = _U(3)
_SENT: Final = _U(0)
_FIRST_TEXT: Final = _U(TEXT) << _SIDE_BITS


@dataclass(frozen=True, slots=True)
class Unmatched:
    """
    What is in a result, beside what was sent.

    :param sent: different numbers sent; 0 if none were given
    :param came: different numbers that came back
    :param count: numbers sent that did not come back
    :param strange: numbers that came back and were never sent
    :param rows: rows that came back
    :param contradictions: numbers that came back both as yes and as no
    :param content_key: of the numbers that came back (``numbers.content_key``); None if it was not asked for, or if
        a row has no number
    """

    sent: int
    came: int
    count: int
    strange: int
    rows: int
    contradictions: int
    content_key: str | None


class NumberLedger:
    """
    Takes numbers sent and rows that came back, in any order and from any thread, then says what is in them.

    Without numbers that were sent it counts what came back. Memory is bounded by a partition, each number once for
    each side and answer; the disk holds 8 bytes for each number and row.

    :param file: an empty spool file, for this alone
    :param multiplier: odd, below 2**64: chooses the partitions; at random by default
    """

    def __init__(self, file: Spool, multiplier: int | None = None) -> None:
        self._file = file
        # Multiplication and the upper bits: two numbers share a partition with a probability of at most 2/128, over
        # the multipliers (Dietzfelbinger et al., A Reliable Randomized Algorithm for the Closest-Pair Problem, 1997).
        self._multiplier = _U(secrets.randbits(64) | 1 if multiplier is None else multiplier)
        self._lock = threading.Lock()
        self._buffer = np.empty(_BUFFERED, _U)
        self._buffered = 0
        self._rows = 0
        self._is_sent_given = False
        # For each time the buffer was dealt out: where each partition's piece begins, and the last one ends.
        self._bounds: list[NDArray[np.int64]] = []

    def add_sent(self, keys: NDArray[np.uint64]) -> None:
        """
        Take numbers that were sent; one that was taken before changes nothing.

        :param keys: below 10**15, as ``read_keys`` gives them
        :raises EkycSpoolError: if the disk is full
        """
        self._is_sent_given = True
        self._add(keys << _SIDE_BITS | _SENT)

    def add_came(self, keys: NDArray[np.uint64], answers: NDArray[np.uint8]) -> None:
        """
        Take rows that came back.

        :param keys: below 10**15, as ``read_keys`` gives them; of a row without a number, ``TEXT`` and more
        :param answers: ``YES``, ``NO`` or ``UNKNOWN`` of each
        :raises EkycSpoolError: if the disk is full
        """
        self._add(keys << _SIDE_BITS | answers, rows=len(keys))

    def unmatched(self, target: Spool | None = None, *, keyed: bool = False) -> Unmatched:
        r"""
        Compare both sides, after all numbers were taken; with ``target`` once.

        :param target: gets the numbers that did not come back, ``+`` and the digits, ``\n`` after each, ascending; so
            the same numbers always give the same file
        :param keyed: whether to work out the content key, which takes 14 ns a number
        :raises EkycSpoolError: if the disk is full
        """
        with self._lock:
            self._deal_out()
        content = ContentKey() if keyed else None
        sent = came = strange = contradictions = 0
        runs: list[tuple[int, int]] = []  # of the numbers that did not come back: where each partition's begin and end
        end = int(self._bounds[-1][-1])
        for alone, taken in self._partitions():
            came, strange = came + len(alone), strange + len(alone)
            if len(alone) and alone.max() >= _FIRST_TEXT:
                content = None
            if content is not None:
                content.add(alone >> _SIDE_BITS)
            numbers, sides = taken >> _SIDE_BITS, (taken & _SIDES).astype(np.uint8)
            # A number stands once for each side and answer: as sent first, then as yes, no, unknown.
            goes_on = numbers[1:] == numbers[:-1]
            is_first, is_last = np.ones((2, len(taken)), np.bool_)
            np.logical_not(goes_on, out=is_first[1:])
            np.logical_not(goes_on, out=is_last[:-1])
            is_sent = sides == _SENT
            came_first = is_first & ~is_sent
            strange += int(np.count_nonzero(came_first))
            came_first[1:] |= goes_on & is_sent[:-1]
            if len(numbers) and numbers[-1] >= TEXT:
                content = None
            if content is not None:
                content.add(numbers[came_first])
            came += int(np.count_nonzero(came_first))
            contradictions += int(np.count_nonzero(goes_on & (sides[:-1] == YES) & (sides[1:] == NO)))
            sent += int(np.count_nonzero(is_sent))
            lone = numbers[is_sent & is_last] if target is not None else numbers[:0]
            if len(lone):
                self._file.write(lone)
                runs.append((end, end + len(lone)))
                end += len(lone)
        if target is not None:
            for numbers in self._merged(runs):
                target.write(number_lines(numbers))
        return Unmatched(
            sent=sent,
            came=came,
            count=sent - (came - strange),
            strange=strange,
            rows=self._rows,
            contradictions=contradictions,
            content_key=content.hexdigest() if content else None,
        )

    def _add(self, taken: NDArray[np.uint64], rows: int = 0) -> None:
        with self._lock:
            self._rows += rows
            while len(taken):
                fitting = taken[: _BUFFERED - self._buffered]
                self._buffer[self._buffered : self._buffered + len(fitting)] = fitting
                self._buffered += len(fitting)
                taken = taken[len(fitting) :]
                if self._buffered == _BUFFERED:
                    self._deal_out()

    def _deal_out(self) -> None:
        taken = self._buffer[: self._buffered]
        partitions = self._partitions_of(taken)
        counts = np.bincount(partitions, minlength=PARTITIONS)
        if counts.max() > _SKEWED:
            taken = np.unique(taken)
            partitions = self._partitions_of(taken)
            counts = np.bincount(partitions, minlength=PARTITIONS)
        bounds = np.zeros(PARTITIONS + 1, np.int64)
        np.cumsum(counts, out=bounds[1:])
        if self._bounds:
            bounds += self._bounds[-1][-1]
        # A stable sort of bytes is a radix sort, one pass.
        self._file.write(taken.take(np.argsort(partitions, kind="stable")))
        self._bounds.append(bounds)
        self._buffered = 0

    def _partitions_of(self, taken: NDArray[np.uint64]) -> NDArray[np.uint8]:
        return ((taken >> _SIDE_BITS) * self._multiplier >> _HASH_SHIFT).astype(np.uint8)

    def _partitions(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint64]]]:
        """
        Yield what each partition holds: numbers that came back once, if none were sent; and the rest.

        The rest is sorted, each number once for each side and answer.
        """
        for partition in range(PARTITIONS):
            alone = taken = np.empty(0, _U)
            pieces: list[bytes] = []
            unsorted = 0
            for bounds in self._bounds:
                start, end = bounds[partition : partition + 2].tolist()
                pieces.append(self._read(start, end))
                unsorted += end - start
                if unsorted > max(_SORTED, len(taken)):
                    taken = _each_once(taken, pieces)
                    pieces, unsorted = [], 0
            if not self._is_sent_given and not len(taken):
                alone, rest = _split_alone(np.frombuffer(b"".join(pieces), _U), self._multiplier)
                pieces = [rest.tobytes()]
            yield alone, _each_once(taken, pieces)

    def _merged(self, runs: list[tuple[int, int]]) -> Iterator[NDArray[np.uint64]]:
        """Yield what the runs hold, ascending over all blocks; each run is ascending."""
        left = dict(enumerate(runs))
        held = {run: np.empty(0, _U) for run in left}
        while held:
            for run, (start, end) in list(left.items()):
                if len(held[run]) < _MERGED // 2:
                    stop = min(start + _MERGED, end)
                    held[run] = np.concatenate((held[run], np.frombuffer(self._read(start, stop), _U)))
                    left[run] = (stop, end)
                    if stop == end:
                        del left[run]
            # What is still on disk is greater than the last number that is held of its run.
            limit = min((held[run][-1] for run in left), default=_U(2**64 - 1))
            cuts = {run: int(np.searchsorted(numbers, limit, "right")) for run, numbers in held.items()}
            yield np.sort(np.concatenate([held[run][:cut] for run, cut in cuts.items()]))
            held = {run: held[run][cut:] for run, cut in cuts.items() if cut < len(held[run]) or run in left}

    def _read(self, start: int, end: int) -> bytes:
        width = self._buffer.itemsize
        return os.pread(self._file.fileno(), (end - start) * width, start * width)


def _split_alone(taken: NDArray[np.uint64], multiplier: np.uint64) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """
    Split off the rows whose number is in no other row.

    Each row writes itself into a table at a hash of its number. Whoever is read back there, and was not overwritten by
    anybody, is alone. It takes a sixth of the time of sorting; those that share a place with another are few.

    :return: rows that are alone; the others
    """
    bits = max(len(taken), 1).bit_length() + 3
    places = ((taken >> _SIDE_BITS) * multiplier << _U(PARTITIONS.bit_length() - 1) >> _U(64 - bits)).astype(np.intp)
    rows = np.arange(len(taken), dtype=np.uint32)
    table = np.empty(1 << bits, np.uint32)
    table[places] = rows
    is_lost = table[places] != rows
    if not is_lost.any():
        return taken, taken[:0]
    is_shared = np.zeros(1 << bits, np.bool_)
    is_shared[places[is_lost]] = True
    is_other = is_shared[places]
    return taken[~is_other], taken[is_other]


def _each_once(taken: NDArray[np.uint64], pieces: list[bytes]) -> NDArray[np.uint64]:
    more = np.frombuffer(b"".join(pieces), _U)
    taken = np.sort(np.concatenate((taken, more)) if len(taken) else more)
    first = np.ones(len(taken), np.bool_)
    np.not_equal(taken[1:], taken[:-1], out=first[1:])
    return taken if first.all() else taken[first]
