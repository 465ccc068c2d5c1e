"""
Prepare a file for submission: check each line, drop duplicates, count what was dropped.

Two passes. The first reads the input once, writes the valid lines to a spool and adds them to the search for
duplicates; the second copies the spool without the duplicates.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Literal

from airflow_provider_ekyc.exceptions import EkycNumbersError
from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers
from airflow_provider_ekyc.numbers.duplicates import DistinctTexts
from airflow_provider_ekyc.numbers.lines import BLOCK_BYTES, MAX_LINE_BYTES, LineTally, line_blocks
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

    Memory is bounded: a process with nothing else took 91 MiB in all for 10 M lines, and 176 MiB for 50 M
    (``dev/benchmarks/prepare.py``). The disk holds about two and a half times the input while this runs and once in
    the block, in files without a name.

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
        with ExitStack() as first_pass:
            tally, hashed = LineTally(), HashedSource(source)
            distinct: DistinctNumbers | DistinctTexts
            if check:
                distinct = numbers = first_pass.enter_context(DistinctNumbers(spool_dir))
                for block in line_blocks(hashed, block_bytes):
                    numbers.add(block, tally.read_number)
            else:
                distinct = texts = first_pass.enter_context(DistinctTexts(spool_dir))
                for block in line_blocks(hashed, block_bytes):
                    texts.add(block, tally.read_text)
            if tally.invalid and invalid == "fail":
                raise EkycNumbersError(_invalid_message(tally, distinct.lines_read, check=check))
            duplicates = distinct.find_duplicates()
            rows, lines_read = distinct.kept, distinct.lines_read
            dropped = f"{tally.blank:,} blank, {duplicates:,} duplicates and {tally.invalid:,} invalid lines dropped"
            _check_limits(lines_read, dropped, rows=rows, min_rows=min_rows, max_rows=max_rows)

            spool = stack.enter_context(spool_file(spool_dir))
            with ThreadPoolExecutor(1, "ekyc-content") as pool:
                content_key = pool.submit(_content_key, distinct)
                size, sha256 = _copy_kept(distinct, spool)
        spool.seek(0)
        yield PreparedNumbers(
            # Spools are unbuffered; reading this line by line would need a system call per byte.
            file=stack.enter_context(io.BufferedReader(spool)),
            size=size,
            sha256=sha256,
            content_key=content_key.result(),
            lines_read=lines_read,
            blank=tally.blank,
            duplicates=duplicates,
            invalid=tally.invalid,
            rows=rows,
            input_sha256=hashed.sha256,
        )


def _copy_kept(distinct: DistinctNumbers | DistinctTexts, target: Spool) -> tuple[int, str]:
    """Copy what is kept; return how many bytes these are, and their hex digest."""
    size, digest = 0, hashlib.sha256()
    for block in distinct.kept_blocks():
        target.write(block)
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()


def _content_key(distinct: DistinctNumbers | DistinctTexts) -> str:
    content = ContentKey()
    if isinstance(distinct, DistinctNumbers):
        for keys, _ in distinct.partitions():
            content.add(keys)
    else:
        for block in distinct.kept_blocks():
            content.add_lines(block)
    return content.hexdigest()


def _invalid_message(tally: LineTally, lines_read: int, *, check: bool) -> str:
    places = ", ".join(f"{place:,}" for place in tally.invalid_places)
    more = ", …" if tally.invalid > len(tally.invalid_places) else ""
    rule = (
        '"+" and 2 to 15 digits, the first not 0 (E.164), without spaces or punctuation between them'
        if check
        else f"at most {MAX_LINE_BYTES:,} bytes"
    )
    return (
        f"{tally.invalid:,} of {lines_read:,} lines are invalid: line {places}{more}. "
        f"A line must be {rule}. "
        'Nothing was sent. Correct the file, or drop invalid lines with invalid="drop".'
    )


def _check_limits(lines_read: int, dropped: str, *, rows: int, min_rows: int, max_rows: int) -> None:
    if min_rows <= rows <= max_rows:
        return
    if rows < min_rows and not lines_read:
        raise EkycNumbersError(
            f"The input is empty; at least {min_rows:,} numbers are needed. Nothing was sent. Check the step "
            "that writes it."
        )
    left = f"{rows:,} numbers are left of {lines_read:,} lines ({dropped})"
    if rows < min_rows:
        raise EkycNumbersError(
            f"{left}: fewer than the minimum of {min_rows:,}. Nothing was sent. Put more numbers into one "
            "file, or change row_limits on the connection if the vendor's minimum has changed."
        )
    raise EkycNumbersError(
        f"{left}: more than the maximum of {max_rows:,}. Nothing was sent. Split the file and submit each "
        "part, or change row_limits on the connection if the vendor's maximum has changed."
    )
