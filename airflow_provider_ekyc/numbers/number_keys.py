r"""
Phone numbers as integers, many at a time: what numbers are compared by.

E.164 allows 15 digits and no leading zero, so ``+999123456789`` and ``999123456789`` are the one integer
999123456789, eight bytes wide, and every integer has one way back to text.

Sixteen bytes that end where a number ends are read as two integers, whose eight characters become a value in
three multiplications: each step is one pass of numpy over a block of lines, whatever the lengths of its lines.
Measured on one core, best of 180 in a block of 1 MiB: 18 ns a line for ``+999`` and nine digits alone (56 M lines
a second), 23 ns with an answer of changing length behind it (43 M). Multiplying up column by column takes 12 ns
for the digits alone, but needs all lines to be of one length. A line with blanks, or with something else than a
number, is read by itself, in about 1,000 ns. numpy holds no lock meanwhile: threads read side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from airflow_provider_ekyc.numbers.lines import MAX_LINE_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_DIGITS: Final = 15

# Bytes of lines read at a time. The calls for a piece take 50 us, whatever its size. Its temporaries are nine times as
# large, and ninety times if no line has more than a byte.
_PIECE_BYTES: Final = 256 << 10

_EIGHT: Final = 8  # characters in one integer
#: Bytes of a padded text before its lines, so that the first number has 16 before its end, too.
PAD: Final = 2 * _EIGHT
_BEFORE: Final = b"0" * PAD
# Behind its lines, from 17 bytes on: the first as if another number with a plus followed.
_BEHIND: Final = b"+".ljust(PAD + _EIGHT, b"0")
_LINE_END, _COMMA, _PLUS = b"\n,+"

_U: Final = np.uint64
_ZEROS: Final = _U(0x3030303030303030)
# How neighbours join: digits to pairs, pairs to fours, fours to eights. The first character is the lowest byte, and
# what the multiplication pushes out of a lane is not needed.
_JOINS: Final = (
    ("<u2", np.uint16(10 << 8 | 1), np.uint16(8)),
    ("<u4", np.uint32(100 << 16 | 1), np.uint32(16)),
    ("<u8", _U(10_000 << 32 | 1), _U(32)),
)
_UPPER: Final = _U(10**_EIGHT)

# The upper byte of the product of this and eight bytes, one of them 1 and the others 0, is PAD and the place of the 1.
# With more than one 1 it is the sum of them, which is at least 33 and at most 156.
_PLACE_OF_ONE: Final = _U(0x1011121314151617)
_LAST_PLACE: Final = 0x17
# Groups with two of a byte are looked at one by one if they are fewer than one in so many.
_FEW: Final = 16


def _kept_bytes(digits: int) -> int:
    """Return the mask of the last ``digits`` of eight characters."""
    return (1 << 64) - (1 << 8 * (_EIGHT - digits))


_SIXES: Final = _U(0x0606060606060606)
_UPPER_HALVES: Final = _U(0xF0F0F0F0F0F0F0F0)

# By length, up to 16: which bytes of the two integers belong to the number, and the least number so long (E.164
# has two digits at the least). No number is as large as the last entry.
_LENGTHS: Final = range(_MOST_DIGITS + 2)
_MASKS: Final = np.array(
    [[_kept_bytes(max(n - _EIGHT, 0)) for n in _LENGTHS], [_kept_bytes(min(n, _EIGHT)) for n in _LENGTHS]], "<u8"
)
_NEVER: Final = 1 << 63
LAST_DIGIT: Final = 9
LEAST: Final = np.array([10 ** (n - 1) if 2 <= n <= _MOST_DIGITS else _NEVER for n in _LENGTHS], _U)

# Whatever has blanks, or is wrong: one line, without its end.
_OTHER_LINE: Final = re.compile(rb"[ \t]*(\+?)([1-9][0-9]{1,14})[ \t]*(,.*)?", re.DOTALL)


def read_keys(block: bytes, *, plus: bool = False, answers: bool = True) -> tuple[NDArray[np.uint64], int]:
    r"""
    Read the number at the start of each line.

    A number is 2 to 15 ASCII digits, the first not 0 (E.164), with or without ``+``; blanks and tabs around it
    are left out. Lines with nothing but those are passed over.

    :param block: whole lines, ended by ``\n`` or ``\r\n``; the last may have no end
    :param plus: whether a number must have its ``+``
    :param answers: whether a comma and anything may follow a number; if not, a line of more than 1,024 bytes is
        none, as in ``numbers/lines.py``
    :return: the numbers as integers, in the order of the lines; how many lines hold something else
    """
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
    if not block.endswith(b"\n"):
        block += b"\n"
    has_commas = answers and b"," in block
    found, others = [], 0
    for piece in pieces_of(block):
        keys, others_here = _read_piece(piece, plus=plus, answers=answers, has_commas=has_commas)
        found.append(keys)
        others += others_here
    return np.concatenate(found), others


def number_lines(keys: NDArray[np.uint64]) -> bytes:
    r"""
    Write numbers as text: the way back.

    :param keys: ascending, each of 1 to 15 digits
    :return: ``+`` and the digits, ``\n`` after each
    """
    lines = []
    start = 0
    for digits in range(1, _MOST_DIGITS + 1):
        end = int(np.searchsorted(keys, _U(10**digits)))
        rest = keys[start:end]
        text = np.empty((len(rest), digits + 2), np.uint8)
        text[:, 0], text[:, -1] = _PLUS, _LINE_END
        for column in range(digits, 0, -1):
            fewer = rest // _U(10)
            text[:, column] = rest - fewer * _U(10) + _U(ord("0"))
            rest = fewer
        lines.append(text.tobytes())
        start = end
    return b"".join(lines)


def pieces_of(lines: bytes) -> Iterator[memoryview]:
    """Cut lines into parts that are read at a time; a line that is longer makes a longer one."""
    view, start = memoryview(lines), 0
    while start < len(lines):
        end = start + _PIECE_BYTES
        if end < len(lines):
            end = lines.rfind(b"\n", start, end) + 1 or lines.find(b"\n", end) + 1 or len(lines)
        yield view[start:end]
        start = end


@dataclass(frozen=True, slots=True)
class LineKeys:
    """
    What the lines of a piece hold.

    :param text: the lines, padded (:func:`padded`)
    :param starts: where each line begins in the text
    :param ends: where its line end is
    :param keys: its number, where it is one
    :param plain: whether it is a number and nothing else, with or without ``+`` (or a comma and more behind it)
    :param has_plus: whether it begins with ``+``
    """

    text: bytes
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    keys: NDArray[np.uint64]
    plain: NDArray[np.bool_]
    has_plus: NDArray[np.bool_]


def line_keys(piece: bytes | memoryview, *, has_commas: bool = False) -> LineKeys:
    r"""
    Read the number of each line, where a line is one without blanks.

    :param piece: whole lines, each ended by ``\n``
    :param has_commas: whether a comma and anything may follow a number
    """
    text = padded(piece)
    ends = places_of(_LINE_END, text)
    starts = _line_starts(ends)
    stops = _first_commas(text, starts, ends) if has_commas else ends
    has_plus = np.frombuffer(text, np.uint8).take(starts) == _PLUS
    lengths = np.clip(stops - starts - has_plus, 0, len(_LENGTHS) - 1)

    digits = digits_before(words_around(text, stops), lengths)
    plain = ~_rows_with_others(digits)
    keys = joined(digits)
    plain &= keys >= LEAST.take(lengths)
    return LineKeys(text, starts, ends, keys, plain, has_plus)


def _read_piece(piece: memoryview, *, plus: bool, answers: bool, has_commas: bool) -> tuple[NDArray[np.uint64], int]:
    lines = line_keys(piece, has_commas=has_commas)
    keys, good = lines.keys, lines.plain
    if plus:
        good &= lines.has_plus
    if good.all():
        return keys, 0
    others = 0
    for row in np.flatnonzero(~good & (lines.ends > lines.starts)).tolist():
        key = _other_line(lines.text[lines.starts[row] : lines.ends[row]], plus=plus, answers=answers)
        if key:
            keys[row] = key
            good[row] = True
        elif key is None:
            others += 1
    return keys[good], others


def padded(lines: bytes | memoryview) -> bytes:
    """Return lines with ``PAD`` bytes before them and at least as many behind, a multiple of eight in all."""
    return b"".join((_BEFORE, lines, _BEHIND[: PAD + _EIGHT - len(lines) % _EIGHT]))


def places_of(byte: int, text: bytes) -> NDArray[np.intp]:
    """
    Return the places of a byte in a padded text, after the padding before it.

    Takes 3.5 ns for each, of lines of 16 bytes, as few groups of eight bytes have it twice; ``flatnonzero`` for all
    bytes takes 5 ns, and 8 ns if the lines are of many lengths.
    """
    is_byte = np.frombuffer(text, np.uint8, offset=PAD) == byte
    groups = is_byte.view("<u8")
    places = np.flatnonzero(groups != 0)
    within = groups.take(places)
    within *= _PLACE_OF_ONE
    within >>= _U(56)
    crowded = np.empty(0, np.intp)
    if within.max(initial=0) > _LAST_PLACE:
        crowded = np.flatnonzero(within > _LAST_PLACE)
        if len(crowded) > len(places) // _FEW:
            places = np.flatnonzero(is_byte)
            places += PAD
            return places
    groups_of_crowded = places.take(crowded)
    places *= _EIGHT
    places += within.view("<i8")
    if len(crowded):
        rows, columns = np.nonzero(is_byte.reshape(-1, _EIGHT)[groups_of_crowded])
        found = groups_of_crowded.take(rows) * _EIGHT + columns + PAD
        places = np.insert(np.delete(places, crowded), (crowded - np.arange(len(crowded))).take(rows), found)
    return places


def words_around(text: bytes, places: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Return the 16 bytes of a padded text before each place and the 16 from there, as rows of four integers."""
    # Opaque items, one for each place where 32 bytes begin: twice as fast as integers out of line.
    at_each_place = np.ndarray((len(text) - 2 * PAD + 1,), f"V{2 * PAD}", text, 0, (1,))
    words: NDArray[np.uint64] = at_each_place[places - PAD].view("<u8").reshape(-1, 4)
    return words


def digits_before(words: NDArray[np.uint64], lengths: NDArray[np.intp]) -> NDArray[np.uint64]:
    """
    Return what stands before each place, in two columns: a byte for each character, its distance from ``0``.

    :param words: of ``words_around``
    :param lengths: how many characters before each count, up to 16, or one length for all; the bytes of the others
        are 0
    """
    digits = np.empty((2, len(words)), "<u8")
    np.bitwise_xor(words[:, 0], _ZEROS, out=digits[0])
    np.bitwise_xor(words[:, 1], _ZEROS, out=digits[1])
    digits &= _MASKS.take(lengths, axis=1)
    return digits


def joined(digits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the numbers that the bytes of both columns say, and use ``digits`` up."""
    for lane, factor, shift in _JOINS:
        lanes = digits.view(lane)
        lanes *= factor
        lanes >>= shift
    keys: NDArray[np.uint64] = digits[0] * _UPPER
    keys += digits[1]
    return keys


def _line_starts(ends: NDArray[np.intp]) -> NDArray[np.intp]:
    starts = np.empty_like(ends)
    starts[0] = PAD
    np.add(ends[:-1], 1, out=starts[1:])
    return starts


def _first_commas(text: bytes, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each line's first comma; where it has none, its end."""
    commas = places_of(_COMMA, text)
    if len(commas) == len(ends):
        # One each, most likely. Where not, what is between a line's start and another line's comma is no number,
        # so the line is read by itself.
        return commas
    following = np.append(commas, len(text)).take(np.searchsorted(commas, starts))
    stops: NDArray[np.intp] = np.minimum(following, ends)
    return stops


def _rows_with_others(digits: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return for each row whether it has a character that is no digit."""
    values = digits.view(np.uint8)
    if values.max() <= LAST_DIGIT:
        return np.zeros(digits.shape[1], np.bool_)
    # A byte of up to 9 is still below 16 with 6 more; and no byte carries into the next where all are below 16.
    others = digits + _SIXES
    others |= digits
    others[0] |= others[1]
    others[0] &= _UPPER_HALVES
    found: NDArray[np.bool_] = others[0] != 0
    return found


def _other_line(line: bytes, *, plus: bool, answers: bool) -> int | None:
    """Return the number, 0 for a line that is blank, or None if it holds something else."""
    if not answers and len(line) > MAX_LINE_BYTES:
        return None
    if not line.strip(b" \t"):
        return 0
    match = _OTHER_LINE.fullmatch(line)
    if match is None or (plus and not match[1]) or (match[3] is not None and not answers):
        return None
    return int(match[2])
