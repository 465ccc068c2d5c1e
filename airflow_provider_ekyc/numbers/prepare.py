"""
Prepare a file for submission: check each line, drop duplicates, count what was dropped.

Two passes. The first reads the input once, writes the valid lines to a spool and adds them to the search for
duplicates; the second copies the spool without the duplicates, and is skipped if there are none.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import compress
from typing import BinaryIO, Literal

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.numbers.duplicates import DuplicateFinder
from airflow_provider_ekyc.numbers.lines import BLOCK_BYTES, MAX_LINE_BYTES, LineTally, checked_lines
from airflow_provider_ekyc.numbers.opened_source import ByteReader
from airflow_provider_ekyc.spool import Spool, spool_file


@dataclass(frozen=True, slots=True)
class PreparedNumbers:
    """A file that may be submitted, and counts of what was dropped from its input."""

    #: anonymous spool: one line per number, ``\n`` after each, positioned at 0; closed with the block
    file: BinaryIO
    #: bytes in :attr:`file`
    size: int
    #: hex digest of exactly those bytes
    sha256: str
    #: 32 hex digits for the same numbers in any order (:class:`~airflow_provider_ekyc.numbers.content_key.ContentKey`)
    content_key: str
    #: physical lines in the input
    lines_read: int
    #: blank lines dropped
    blank: int
    #: lines dropped because an earlier line is the same
    duplicates: int
    #: invalid lines dropped (0 unless ``invalid="drop"``)
    invalid: int
    #: lines in :attr:`file`
    rows: int
    #: hex digest of the input as it was read, before anything was dropped: to compare it needs a hundredth of the time
    #: of preparing the input again
    input_sha256: str


class HashedSource:
    """
    Reads a source, and calculates the SHA-256 of what it has read.

    :param source: is not closed
    """

    def __init__(self, source: ByteReader) -> None:
        self._source = source
        self._digest = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes; none only at the end."""
        data = self._source.read(size)
        self._digest.update(data)
        return data

    @property
    def sha256(self) -> str:
        """Hex digest of all that was read until now."""
        return self._digest.hexdigest()


@contextmanager
def prepared_numbers(
    source: ByteReader,
    *,
    check: bool = True,
    invalid: Literal["fail", "drop"] = "fail",
    min_rows: int = 100,
    max_rows: int = 10_000_000,
    spool_dir: str | os.PathLike[str] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[PreparedNumbers]:
    r"""
    Check the numbers in ``source``, drop duplicates, and yield the rest as a file.

    Lines end with ``\n``, ``\r\n`` or ``\r``; a byte order mark of UTF-8, and blanks and tabs around a line,
    are removed; blank lines are dropped. Of equal lines the first stays, and the order stays, so that the
    same input always gives the same ``sha256``.

    Memory is bounded (10 M lines took 32 MiB, 50 M 103 MiB: ``dev/benchmarks/submit_memory.py``). The disk holds
    about two and a half times the input while this runs and once in the block, in files without a name.

    :param source: read once and in blocks; it is not closed
    :param check: whether each line must be an E.164 number (``^\+[1-9][0-9]{1,14}$``, ITU-T E.164); if not,
        any line of at most 1,024 bytes that is not blank is valid
    :param invalid: whether an invalid line fails the whole file, or is dropped and counted
    :param min_rows: fewest lines that may be left (the vendor publishes 100 for ``amazon``)
    :param max_rows: most lines that may be left (the vendor publishes 10,000,000 for ``amazon``)
    :param spool_dir: directory for the temporary files, default the system's
    :param block_bytes: how much to read at a time
    :raises EkycNumbersError: if the input is no text, has invalid lines (with ``invalid="fail"``), has too
        few or too many numbers; the message never holds any content of a line
    :raises EkycSpoolError: if the disk is full
    """
    with ExitStack() as stack:
        first_spool = stack.enter_context(spool_file(spool_dir))
        tally = LineTally()
        hashed = HashedSource(source)
        written = _Written()
        with spool_file(spool_dir) as partitions:
            finder = DuplicateFinder(partitions, secrets.token_bytes(16))
            for lines in checked_lines(hashed, tally, check=check, block_bytes=block_bytes):
                # After an invalid line the input is only read for the full count.
                if lines and not (tally.invalid and invalid == "fail"):
                    finder.add(lines)
                    written.add(first_spool, lines)
            if tally.invalid and invalid == "fail":
                raise EkycNumbersError(_invalid_message(tally, check=check))
            keep, duplicates = finder.first_occurrences()
        rows = len(keep) - duplicates
        _check_limits(tally, rows=rows, duplicates=duplicates, min_rows=min_rows, max_rows=max_rows)

        spool = first_spool
        if duplicates:
            spool = stack.enter_context(spool_file(spool_dir))
            written = _copy_kept(first_spool, written, keep, spool)
            first_spool.close()
        del keep
        content_key = _content_key(spool, written)
        spool.seek(0)
        yield PreparedNumbers(
            # Spools are unbuffered; reading this line by line would need a system call per byte.
            file=stack.enter_context(io.BufferedReader(spool)),
            size=written.size,
            sha256=written.digest.hexdigest(),
            content_key=content_key,
            lines_read=tally.lines_read,
            blank=tally.blank,
            duplicates=duplicates,
            invalid=tally.invalid,
            rows=rows,
            input_sha256=hashed.sha256,
        )


class _Written:
    """What went into a spool: size, digest, and how it divides into blocks."""

    def __init__(self) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self.block_sizes = array("Q")

    def add(self, spool: Spool, lines: list[bytes]) -> None:
        data = b"\n".join(lines) + b"\n"
        spool.write(data)
        self.digest.update(data)
        self.size += len(data)
        self.block_sizes.append(len(data))


def _copy_kept(
    source: Spool,
    written: _Written,
    keep: bytearray,
    target: Spool,
) -> _Written:
    """Copy the rows whose byte in ``keep`` is 1, and return what was copied."""
    copied = _Written()
    row = 0
    source.seek(0)
    for size in written.block_sizes:
        lines = source.read(size).split(b"\n")
        lines.pop()
        kept = list(compress(lines, keep[row : row + len(lines)]))
        row += len(lines)
        if kept:
            copied.add(target, kept)
    return copied


def _content_key(spool: Spool, written: _Written) -> str:
    # Read back, which takes 5 ns a line: before the duplicates are known, it would have to be done again without them.
    content = ContentKey()
    spool.seek(0)
    for size in written.block_sizes:
        content.add_lines(spool.read(size))
    return content.hexdigest()


def _invalid_message(tally: LineTally, *, check: bool) -> str:
    places = ", ".join(f"{place:,}" for place in tally.invalid_places)
    more = ", …" if tally.invalid > len(tally.invalid_places) else ""
    rule = (
        '"+" and 2 to 15 digits, the first not 0 (E.164), without spaces or punctuation between them'
        if check
        else f"at most {MAX_LINE_BYTES:,} bytes"
    )
    return (
        f"{tally.invalid:,} of {tally.lines_read:,} lines are invalid: line {places}{more}. "
        f"A line must be {rule}. "
        'Nothing was sent. Correct the file, or drop invalid lines with invalid="drop".'
    )


def _check_limits(tally: LineTally, *, rows: int, duplicates: int, min_rows: int, max_rows: int) -> None:
    if min_rows <= rows <= max_rows:
        return
    if rows < min_rows and not tally.lines_read:
        raise EkycNumbersError(
            f"The input is empty; at least {min_rows:,} numbers are needed. Nothing was sent. Check the step "
            "that writes it."
        )
    left = (
        f"{rows:,} numbers are left of {tally.lines_read:,} lines ({tally.blank:,} blank, {duplicates:,} "
        f"duplicates and {tally.invalid:,} invalid lines dropped)"
    )
    if rows < min_rows:
        raise EkycNumbersError(
            f"{left}: fewer than the minimum of {min_rows:,}. Nothing was sent. Put more numbers into one "
            "file, or change row_limits on the connection if the vendor's minimum has changed."
        )
    raise EkycNumbersError(
        f"{left}: more than the maximum of {max_rows:,}. Nothing was sent. Split the file and submit each "
        "part, or change row_limits on the connection if the vendor's maximum has changed."
    )
