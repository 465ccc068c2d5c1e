"""Which of some rows have the number of an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_U: Final = np.uint64
_PLACES: Final = 1 << 16  # that a number of two bytes can be
# Of a hash: tables are of 16 MiB at the most. Where there are more than 256 Ki rows, more of them share one.
_MOST_BITS: Final = 22


def repeated_rows(heads: NDArray[np.uint64], row_bits: int) -> NDArray[np.int64]:
    """
    Return the places of rows with the number of an earlier row; of 10,000,000 in 256 partitions, 10 ns a row.

    :param heads: of each row what tells its number, in the upper bits; at most ``1 << row_bits`` rows
    :param row_bits: how many lower bits are 0
    """
    places = np.flatnonzero(shared_hashes(heads >> _U(row_bits)))
    # Sorted as values, with the place below the number: several times as fast as a stable argsort.
    rows = heads.take(places)
    rows |= places.view(np.uint64)
    rows.sort()
    place_mask = _U((1 << row_bits) - 1)
    is_later = rows[1:] ^ rows[:-1] <= place_mask
    later: NDArray[np.int64] = (rows[1:][is_later] & place_mask).view(np.int64)
    return later


def shared_hashes(values: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """
    Return for each row whether another one has the same hash, as all have whose value is in another row: 3 ns a row.

    Each row writes its place into a table at its hash. One that reads another place there shares its hash with that
    row, which is the one that has written last. If the values are different, one in twenty shares a hash.

    :param values: products of numbers with a multiplier that was drawn at random, of 42 bits and more; used up
    """
    bits = min(len(values).bit_length() + 4, _MOST_BITS)
    # Products of numbers that follow one another are evenly spaced, with some multipliers too densely. Their squares
    # are spread as if drawn at random.
    values *= values
    values >>= _U(64 - bits)
    places = values.view(np.int64)
    own = np.arange(len(values), dtype=np.uint16 if len(values) <= _PLACES else np.uint32)
    table = np.empty(1 << bits, own.dtype)
    table[places] = own
    # All places are within the table; to "clip" spares the check.
    overwritten = np.flatnonzero(table.take(places, mode="clip") != own)
    is_shared = np.zeros(len(values), np.bool_)
    is_shared[overwritten] = True
    is_shared[table.take(places.take(overwritten))] = True
    return is_shared
