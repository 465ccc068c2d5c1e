"""Readers that do what none may, to prove that each is caught: every figure must rise then."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from unittest import mock

from airflow_provider_ekyc.exceptions import EkycError, EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.table.rows import Rows
from dev.fuzz import wrong_comparison, wrong_tables
from dev.fuzz.bounds import TIME_BOUND
from dev.fuzz.inputs import ArchiveInput, Input, ordinal_of
from dev.fuzz.marks import digits_of
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.verdict import Figure

#: Inputs of the control: enough for each sabotage to meet archives of every sort.
COUNT = 180

#: Seconds that an input may take which takes longer on purpose.
SECONDS = 1.0

_real = ArchiveReader.rows
_kept: list[int] = []


def _key_error(reader: ArchiveReader) -> Iterator[Rows]:
    raise KeyError("member")


def _takes_anything(reader: ArchiveReader) -> Iterator[Rows]:
    try:
        yield from _real(reader)
    except EkycError:
        reader.summary = ArchiveSummary(1, 1, 0, 0)


def _drops_a_row(reader: ArchiveReader) -> Iterator[Rows]:
    yield from _real(reader)
    summary = reader.summary
    reader.summary = ArchiveSummary(summary.rows - 1, summary.yes, summary.no, summary.unknown)


def _refuses_all(reader: ArchiveReader) -> Iterator[Rows]:
    raise EkycResultError("Not today.")


def _logs_a_number(reader: ArchiveReader) -> Iterator[Rows]:
    logging.getLogger("made_up").debug("Looking at +%s.", digits_of(1))
    return _real(reader)


def _shows_a_number(reader: ArchiveReader) -> Iterator[Rows]:
    raise EkycResultError(f"Line 2 is wrong: +{digits_of(1)}.")


def _allocates(reader: ArchiveReader) -> Iterator[Rows]:
    held = b"x" * (300 << 20)
    yield from _real(reader)
    del held


def _fills_the_disk(reader: ArchiveReader) -> Iterator[Rows]:
    with tempfile.TemporaryFile() as spare, suppress(OSError):
        for _ in range(2_000):
            spare.write(bytes(65_536))
    return _real(reader)


def _leaves_open(reader: ArchiveReader) -> Iterator[Rows]:
    _kept.append(os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR, 0o600))
    return _real(reader)


def _takes_too_long(reader: ArchiveReader) -> Iterator[Rows]:
    # It does end: a transfer reads in a thread, which nothing could end from outside.
    until = time.monotonic() + 3 * SECONDS
    while time.monotonic() < until:
        time.sleep(0.01)
    return _real(reader)


@dataclass(frozen=True, slots=True)
class Sabotage:
    """
    Something wrong in the place of the package's own code.

    :param figure: that it must raise
    :param at_work: puts it there while the context lasts, for the input with this index
    :param beside: the class of what was sent that it needs; "" if it needs none
    :param patience: how many times as long as others it may take
    """

    name: str
    figure: Figure
    at_work: Callable[[int], AbstractContextManager[None]]
    beside: str = ""
    patience: float = 1.0


@contextmanager
def _in_place(wrong: Callable[[ArchiveReader], Iterator[Rows]], index: int) -> Iterator[None]:
    """Put another reader of archives in the place of the package's own."""
    with mock.patch.object(ArchiveReader, "rows", wrong):
        yield


def _lands_first(index: int) -> AbstractContextManager[None]:
    """Land before anything is checked."""
    from dev.fuzz.landing import key_of
    from dev.fuzz.stored import BUCKET, put_from_elsewhere

    def check(reader: ArchiveReader) -> Iterator[Rows]:
        reader.file.seek(0)
        put_from_elsewhere(BUCKET, key_of(index), reader.file.read())
        return _real(reader)

    return _in_place(check, index)


def _reader(wrong: Callable[[ArchiveReader], Iterator[Rows]], figure: Figure, patience: float = 1.0) -> Sabotage:
    return Sabotage(wrong.__name__, figure, partial(_in_place, wrong), patience=patience)


_READERS = (
    _reader(_key_error, "escaped"),
    _reader(_takes_anything, "wrong"),
    _reader(_drops_a_row, "wrong"),
    _reader(_refuses_all, "wrong"),
    _reader(_logs_a_number, "leaked"),
    _reader(_shows_a_number, "leaked"),
    _reader(_allocates, "over_memory"),
    _reader(_fills_the_disk, "over_disk"),
    _reader(_leaves_open, "over_disk"),
    _reader(_takes_too_long, "over_time", SECONDS / TIME_BOUND),
    Sabotage("lands_first", "left_objects", _lands_first),
)

_COMPARISONS = (
    Sabotage("counts_one_less", "wrong", wrong_comparison.counts_one_less, "some missing"),
    Sabotage("ignores_a_change", "wrong", wrong_comparison.ignores_a_change, "changed since"),
    Sabotage("takes_any_submission", "wrong", wrong_comparison.takes_any_submission, "of another task"),
    Sabotage("lists_first", "left_objects", wrong_comparison.lists_first, "none came back"),
    Sabotage("lists_what_came", "wrong", wrong_comparison.lists_what_came, "all came back"),
    Sabotage("drops_a_number", "wrong", wrong_comparison.drops_a_number, "invalid lines dropped"),
    Sabotage("logs_what_was_sent", "leaked", wrong_comparison.logs_what_was_sent, "without a plus"),
)

_OF_COLUMNS = Sabotage("takes_any_column", "wrong", wrong_comparison.takes_any_column)

# What is wrong with a reader of tables shows in the classes that have it.
_UNKNOWN_FOR_NO = Sabotage("takes_unknown_for_no", "wrong", wrong_tables.takes_unknown_for_no)
_OF_TABLES = {
    "numbers that can't be read": Sabotage("hides_what_is_unreadable", "wrong", wrong_tables.hides_what_is_unreadable),
    "numbers in other writings": Sabotage("adds_a_country", "wrong", wrong_tables.adds_a_country),
    "a table in parts": Sabotage("takes_one_part", "wrong", wrong_tables.takes_one_part),
    "another name of the numbers": _UNKNOWN_FOR_NO,
    "lines before the header": _UNKNOWN_FOR_NO,
    "the header again": _UNKNOWN_FOR_NO,
    "files beside the table": _UNKNOWN_FOR_NO,
    "truncation": Sabotage("lets_damage_pass", "wrong", wrong_tables.lets_damage_pass),
}

#: All of them.
SABOTAGES = (*_READERS, *_COMPARISONS, _OF_COLUMNS, *dict.fromkeys(_OF_TABLES.values()))


def sabotage_of(given: Input) -> Sabotage:
    """Return what is wrong for this input: what is wrong with a comparison shows where there is one."""
    if isinstance(given, ArchiveInput):
        if given.name in COLUMNS and given.sent is None:
            return _OF_COLUMNS
        if given.name in _OF_TABLES and given.sent is None:
            return _OF_TABLES[given.name]
        beside = given.sent.name if given.sent else ""
        for sabotage in _COMPARISONS:
            if sabotage.beside == beside:
                return sabotage
    return _READERS[ordinal_of(given.index) % len(_READERS)]
