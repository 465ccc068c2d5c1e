"""The numbers of an Arrow column as integers, read from its buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.number_keys import LAST_DIGIT, LEAST, PAD, digits_before, joined
from airflow_provider_ekyc.results.table.number_forms import read_number

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray

#: Stands for a cell that holds no number; no number is 0.
NO_NUMBER: Final = 0

_PLUS: Final = ord("+")
_MOST_CHARACTERS: Final = len(LEAST) - 1
# Rows read at a time: temporaries of 128 KiB stay in the cache, and malloc does not map each anew.
_PIECE_ROWS: Final = 1 << 13


def column_keys(column: pyarrow.Array) -> NDArray[np.uint64]:
    """
    Read a column of numbers.

    A number is read as a landed result is compared: with or without ``+``, and in other forms as long as only one
    number can be meant.

    :param column: of text, which may be a dictionary
    :return: the number of each row, ``NO_NUMBER`` where it is null or holds something else
    """
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    keys = np.empty(len(column), np.uint64)
    for start in range(0, len(column), _PIECE_ROWS):
        piece = column.slice(start, _PIECE_ROWS)
        keys[start : start + len(piece)] = _read(piece)
    return keys


def _read(column: pyarrow.Array) -> NDArray[np.uint64]:
    text, ends = _text(column)
    starts = np.concatenate(([0], ends[:-1]))
    has_plus = text.take(starts + PAD, mode="clip") == _PLUS
    sizes = ends - starts
    width = int(sizes[0])
    if (sizes == width).all() and has_plus.all():
        words = _words_of_one_width(text, width, len(sizes))
        lengths = np.array([min(width - 1, _MOST_CHARACTERS)])
    else:
        words = _words_before(text, ends)
        lengths = np.clip(sizes - has_plus, 0, _MOST_CHARACTERS)
    digits = digits_before(words, lengths)
    values = digits.view(np.uint8)
    is_plain = np.ones(len(sizes), np.bool_)
    if values.max() > LAST_DIGIT:
        is_plain = ~np.any(values.reshape(2, -1, 8) > LAST_DIGIT, axis=(0, 2))
    keys = joined(digits)
    is_plain &= keys >= LEAST.take(lengths)
    if not is_plain.all():
        for row in np.flatnonzero(~is_plain).tolist():
            # A cell that is null has no characters.
            cell = text[PAD + starts[row] : PAD + ends[row]].tobytes().decode("utf-8", "replace")
            found, _ = read_number(cell)
            keys[row] = NO_NUMBER if found is None else int(found)
    if column.null_count:  # what is below a null is not defined
        keys[column.is_null().to_numpy(zero_copy_only=False)] = NO_NUMBER
    return keys


def _text(column: pyarrow.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the characters of all cells behind ``PAD`` others, and where each cell ends, counted without these."""
    import pyarrow

    width = np.dtype(np.int64 if pyarrow.types.is_large_string(column.type) else np.int32)
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, width, len(column) + 1, column.offset * width.itemsize)
    first, size = int(bounds[0]), int(bounds[-1] - bounds[0])
    # The first number has 16 bytes before its end, too.
    text = np.empty(PAD + size, np.uint8)
    text[:PAD] = ord("0")
    if size:
        text[PAD:] = np.frombuffer(data, np.uint8, size, first)
    return text, bounds[1:].astype(np.int64) - first


def _words_before(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the 16 bytes before the end of each cell, as rows of two integers."""
    at_each_place = np.ndarray((len(text) - PAD + 1,), f"V{PAD}", text, 0, (1,))
    words: NDArray[np.uint64] = at_each_place[ends].view("<u8").reshape(-1, 2)
    return words


def _words_of_one_width(text: NDArray[np.uint8], width: int, count: int) -> NDArray[np.uint64]:
    """Return the same where each cell has the same width."""
    words = np.ndarray((count,), f"V{PAD}", text, width, (width,))
    return np.ascontiguousarray(words).view("<u8").reshape(-1, 2)
