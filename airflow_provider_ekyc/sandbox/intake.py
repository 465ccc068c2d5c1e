"""From an uploaded file to the rows of a task: invalid lines and duplicates go, as on the real server.

Ten million lines pass in flat memory. A set of them would take a gigabyte, so a first pass marks each number
in a bitmap and remembers only the suspects (numbers whose bit was taken already: every duplicate, and a few
per cent of accidents); the second pass needs an exact answer for the suspects alone. The order is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from airflow_provider_ekyc.sandbox.stopping import Stopped

_LINE = re.compile(rb"^[ \t]*(\+[1-9][0-9]{1,14})[ \t\r]*$", re.MULTILINE)
_CHUNK_BYTES = 1 << 20
_MOST_BITS = 28
_NOT_BLANK = re.compile(rb"[^\s][^\n]*")


@dataclass(frozen=True)
class Intake:
    """The outcome of an upload.

    :param lines: lines that were not empty.
    :param rows: distinct valid numbers.
    """

    lines: int
    rows: int


def _chunks_of_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        rest = b""
        while chunk := file.read(_CHUNK_BYTES):
            head, newline, tail = chunk.rpartition(b"\n")
            if newline:
                yield rest + head
                rest = tail
            else:
                rest += tail
        if rest:
            yield rest


def _bits_for(size: int, most_bits: int) -> int:
    # A line has some 13 bytes, so this is 13 to 26 places a number: few accidents, and little for little files.
    return max(3, min(most_bits, size.bit_length()))


def _suspects(upload: Path, most_bits: int, stopped: Callable[[], bool]) -> set[bytes]:
    bits = _bits_for(upload.stat().st_size, most_bits)
    seen = bytearray(1 << (bits - 3))
    suspects = set()
    for chunk in _chunks_of_lines(upload):
        if stopped():
            raise Stopped
        for number in _LINE.findall(chunk):
            place = crc32(number) >> (32 - bits)
            bit = 1 << (place & 7)
            if seen[place >> 3] & bit:
                suspects.add(number)
            else:
                seen[place >> 3] |= bit
    return suspects


def take_in(upload: Path, rows_file: Path, stopped: Callable[[], bool], *, most_bits: int = _MOST_BITS) -> Intake:
    """Write the distinct valid numbers of an upload, one a line, in the order of their first appearance.

    A line is valid if it is an E.164 number with its plus sign (the document's file format), blanks and a
    carriage return around it aside.

    :param upload: the file as it was sent.
    :param rows_file: where the rows go.
    :param stopped: asked every so often; true ends the work.
    :param most_bits: the bitmap has at most two to this power places: 28 are 32 MiB.
    :raises Stopped: if it was.
    :raises OSError: if the disk does not take them.
    """
    suspects = _suspects(upload, most_bits, stopped)
    met: set[bytes] = set()
    lines = rows = 0
    with rows_file.open("wb") as file:
        for chunk in _chunks_of_lines(upload):
            if stopped():
                raise Stopped
            lines += len(_NOT_BLANK.findall(chunk))
            kept = _LINE.findall(chunk)
            if suspects:
                candidates, kept = kept, []
                for number in candidates:
                    if number in suspects:
                        if number in met:
                            continue
                        met.add(number)
                    kept.append(number)
            if kept:
                rows += len(kept)
                file.write(b"\n".join(kept) + b"\n")
    return Intake(lines=lines, rows=rows)
