"""Code that does what none may, in place of the package's own, to prove that each is caught: every figure must rise."""

from __future__ import annotations

import dataclasses
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

from airflow_provider_ekyc.exceptions import EkycError, EkycResultError, EkycSettingsError
from airflow_provider_ekyc.numbers.number_keys import read_keys
from airflow_provider_ekyc.results.archive import check as archive
from airflow_provider_ekyc.results.compare import comparison
from airflow_provider_ekyc.results.compare.ledger import Unmatched
from airflow_provider_ekyc.results.output import csv_rows, parquet as parquet_file
from airflow_provider_ekyc.results.table import header, rows
from airflow_provider_ekyc.submission.record import Submission
from airflow_provider_ekyc.transfers import submissions
from dev.fuzz.bounds import TIME_BOUND
from dev.fuzz.bucket import BUCKET, key_of, list_key_of, put_from_elsewhere
from dev.fuzz.marks import digits_of
from dev.fuzz.model import ArchiveInput, Figure, Input, ordinal_of
from dev.fuzz.named_columns import COLUMNS

#: Inputs of the control: enough for each sabotage to meet archives of every sort.
COUNT = 180

#: Seconds that an input may take which takes longer on purpose.
SECONDS = 1.0

_kept: list[int] = []

Target = tuple[ModuleType | type, str]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """
    Something wrong in place of the package's own code.

    :param figure: that it must raise
    :param targets: functions of the package: module or class, and name
    :param wrong: what replaces each of them: a function of the real one, the input's index, and the arguments
    :param beside: the class of what was sent that it needs; "" if it needs none
    :param classes: the classes of archives that it needs; empty if any will do
    :param patience: how many times as long as others an input may take
    """

    name: str
    figure: Figure
    targets: tuple[Target, ...]
    wrong: Callable[..., Any]
    beside: str = ""
    classes: tuple[str, ...] = ()
    patience: float = 1.0

    @contextmanager
    def at_work(self, index: int) -> Iterator[None]:
        """Replace the functions while the context lasts, for the input with this index."""
        with ExitStack() as stack:
            for holder, name in self.targets:
                stack.enter_context(mock.patch.object(holder, name, self._replacement(getattr(holder, name), index)))
            yield

    def _replacement(self, real: Callable[..., Any], index: int) -> Callable[..., Any]:
        return lambda *args, **how: self.wrong(real, index, *args, **how)


#: All of them.
SABOTAGES: list[Sabotage] = []

_READ = (archive.ArchiveReader, "rows")
_FIND = ((comparison, "find_unmatched"),)


def _sabotage(figure: Figure, *targets: Target, **needs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(wrong: Callable[..., Any]) -> Callable[..., Any]:
        SABOTAGES.append(Sabotage(wrong.__name__.strip("_"), figure, targets, wrong, **needs))
        return wrong

    return add


# Readers of archives.


@_sabotage("escaped", _READ)
def _key_error(real: Any, index: int, reader: Any) -> Any:
    raise KeyError("member")


@_sabotage("wrong", _READ)
def _accepts_anything(real: Any, index: int, reader: Any) -> Any:
    try:
        yield from real(reader)
    except EkycError:
        reader.summary = archive.ArchiveSummary(1, 1, 0, 0)


@_sabotage("wrong", _READ)
def _drops_a_row(real: Any, index: int, reader: Any) -> Any:
    yield from real(reader)
    summary = reader.summary
    reader.summary = archive.ArchiveSummary(summary.rows - 1, summary.yes, summary.no, summary.unknown)


@_sabotage("wrong", _READ)
def _refuses_all(real: Any, index: int, reader: Any) -> Any:
    raise EkycResultError("Not today.")


@_sabotage("leaked", _READ)
def _logs_a_number(real: Any, index: int, reader: Any) -> Any:
    logging.getLogger("made_up").debug("Looking at +%s.", digits_of(1))
    return real(reader)


@_sabotage("leaked", _READ)
def _shows_a_number(real: Any, index: int, reader: Any) -> Any:
    raise EkycResultError(f"Line 2 is wrong: +{digits_of(1)}.")


@_sabotage("over_memory", _READ)
def _allocates(real: Any, index: int, reader: Any) -> Any:
    held = b"x" * (300 << 20)
    yield from real(reader)
    del held


@_sabotage("over_disk", _READ)
def _fills_the_disk(real: Any, index: int, reader: Any) -> Any:
    with tempfile.TemporaryFile() as spare, suppress(OSError):
        for _ in range(2_000):
            spare.write(bytes(65_536))
    return real(reader)


@_sabotage("over_disk", _READ)
def _leaves_open(real: Any, index: int, reader: Any) -> Any:
    _kept.append(os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR, 0o600))
    return real(reader)


@_sabotage("over_time", _READ, patience=SECONDS / TIME_BOUND)
def _takes_too_long(real: Any, index: int, reader: Any) -> Any:
    # It does end: a transfer reads in a thread, which nothing could end from outside.
    until = time.monotonic() + 3 * SECONDS
    while time.monotonic() < until:
        time.sleep(0.01)
    return real(reader)


@_sabotage("left_objects", _READ)
def _lands_first(real: Any, index: int, reader: Any) -> Any:
    reader.file.seek(0)
    put_from_elsewhere(BUCKET, key_of(index), reader.file.read())
    return real(reader)


_READERS = tuple(SABOTAGES)

# Comparisons with what was sent.


@_sabotage("wrong", *_FIND, beside="some missing")
def _counts_one_less(real: Any, index: int, *how: Any) -> Any:
    found = real(*how)
    return dataclasses.replace(found, count=found.count - 1) if isinstance(found, Unmatched) else found


@_sabotage("wrong", (comparison, "spool_sent"), (comparison, "find_unmatched"), beside="changed since")
def _ignores_a_change(real: Any, index: int, *how: Any) -> Any:
    if real.__name__ == "find_unmatched":
        ledger, _, target = how
        return ledger.unmatched(target)
    source, _, ledger = how
    data = b"".join(iter(lambda: source.read(1 << 20), b""))
    return ledger.add_sent(read_keys(data.replace(b"\r", b"\n"), answers=False)[0])


@_sabotage("wrong", (submissions, "read_submission"), beside="of another task")
def _accepts_any_submission(real: Any, index: int, value: object, ekyc_task_id: str) -> Any:
    try:
        return real(value, ekyc_task_id)
    except EkycSettingsError:
        return Submission(ekyc_task_id, "amazon", "", 0, 0, 0, 0, 0, None, None)


@_sabotage("left_objects", *_FIND, beside="none came back")
def _lists_first(real: Any, index: int, *how: Any) -> Any:
    """Land the list before it is known whether the result is what was sent."""
    found, target = real(*how), how[-1]
    target.seek(0)
    put_from_elsewhere(BUCKET, list_key_of(index), target.readall())
    return found


@_sabotage("wrong", *_FIND, beside="all came back")
def _lists_what_came(real: Any, index: int, *how: Any) -> Any:
    """List a number that were returned."""
    found = real(*how)
    if not isinstance(found, Unmatched):
        return found
    how[-1].write(f"+{digits_of(1)}\n".encode())
    return dataclasses.replace(found, count=found.count + 1)


@_sabotage("wrong", *_FIND, beside="invalid lines dropped")
def _drops_a_number(real: Any, index: int, *how: Any) -> Any:
    """Leave a number out of the list, and count it."""
    found, target = real(*how), how[-1]
    target.seek(0)
    lines = target.readall().splitlines(keepends=True)
    target.seek(0)
    target.truncate()
    target.write(b"".join(lines[1:]))
    return found


@_sabotage("leaked", (comparison, "spool_sent"), beside="without a plus")
def _logs_what_was_sent(real: Any, index: int, *how: Any) -> Any:
    logging.getLogger("made_up").debug("Read up to +%s.", digits_of(1))
    return real(*how)


# Readers of columns and of tables: what is wrong with them shows in the classes that have it.


@_sabotage("wrong", (rows, "read_header"), classes=tuple(COLUMNS))
def _reads_any_column(real: Any, index: int, top: bytes, names: Any = None) -> Any:
    """Take the last column but the number's, whatever was asked for."""
    columns, _ = real(b"Number,amazon", None)
    text = top.partition(b"\n")[0].decode("utf-8-sig", "replace")
    delimiter = max(",;\t|", key=text.count)
    cells = [cell.strip(' "').lower() for cell in text.split(delimiter)]
    number = next((place for place, cell in enumerate(cells) if cell in header.NUMBER_NAMES), 0)
    others = [place for place in range(len(cells)) if place != number] or [0]
    changed = {"delimiter": delimiter, "count": len(cells), "number": number, "answer": others[-1], "names": ()}
    return dataclasses.replace(columns, **changed), 1


@_sabotage("wrong", _READ, classes=("numbers that can't be read",))
def _hides_what_is_unreadable(real: Any, index: int, reader: Any) -> Any:
    yield from real(reader)
    reader.summary = dataclasses.replace(reader.summary, unreadable={})


@_sabotage("wrong", (rows, "read_number"), classes=("numbers in other writings",))
def _adds_a_country(real: Any, index: int, cell: str) -> Any:
    """Read a number in another writing as one without its country's code, and put one before it."""
    digits, how = real(cell)
    return (f"1{digits}" if digits and how else digits), how


@_sabotage("wrong", (archive, "_tables"), classes=("a table in parts",))
def _reads_one_part(real: Any, index: int, *how: Any) -> Any:
    tables, beside = real(*how)
    return tables[:1], beside


@_sabotage(
    "wrong",
    *((module, "meaning") for module in (archive, csv_rows, parquet_file)),
    classes=("another name of the numbers", "lines before the header", "the header again", "files beside the table"),
)
def _reads_unknown_as_no(real: Any, index: int, answer: str) -> Any:
    return "yes" if real(answer) == "yes" else "no"


@_sabotage("wrong", (archive, "check_members"), classes=("truncation",))
def _lets_damage_pass(real: Any, index: int, file: Any) -> Any:
    """Accept what is damaged as whole, where only the archive is to be checked."""
    return archive.ArchiveSummary(0, 0, 0, 0, is_read=False)


def sabotage_of(given: Input) -> Sabotage:
    """Return what is wrong for this input: what is wrong with a comparison shows where there is one."""
    if isinstance(given, ArchiveInput):
        for sabotage in SABOTAGES:
            if given.sent is None and given.name in sabotage.classes:
                return sabotage
            if given.sent is not None and given.sent.name == sabotage.beside:
                return sabotage
    return _READERS[ordinal_of(given.index) % len(_READERS)]
