"""Functions that do what none may, in place of the package's own, to prove that each is caught."""

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
from airflow_provider_ekyc.results.output import arrow_columns, csv_rows
from airflow_provider_ekyc.results.table import header, rows
from airflow_provider_ekyc.spool import Spool
from airflow_provider_ekyc.submission.record import Submission
from airflow_provider_ekyc.transfers import submissions
from dev.fuzz.bounds import MEMORY_BOUND, TIME_BOUND
from dev.fuzz.bucket import BUCKET, key_of, list_key_of, put
from dev.fuzz.model import ArchiveInput, Figure, Input, ordinal_of
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.values import digits_of

#: Inputs of the control: enough for each sabotage to meet archives of every sort.
COUNT = 180

#: Seconds that an input may take which takes longer on purpose.
SECONDS = 1.0

_kept: list[int] = []

#: What replaces a function: it is given the real one, the input's index, and the arguments.
Wrong = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """
    Something wrong in place of the package's own code.

    :param figure: that it must raise
    :param targets: functions of the package: module or class, and name
    :param classes: the classes of archives, or of what was sent beside them, that it needs; empty if any will do
    :param patience: how many times as long as others an input may take
    """

    name: str
    figure: Figure
    targets: tuple[tuple[ModuleType | type, str], ...]
    wrong: Wrong
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


def _raises(error: Exception) -> Wrong:
    def wrong(real: Any, index: int, *how: Any) -> Any:
        raise error

    return wrong


def _first(act: Callable[..., None]) -> Wrong:
    """Do something else first, with the index and the arguments."""

    def wrong(real: Any, index: int, *how: Any) -> Any:
        act(index, *how)
        return real(*how)

    return wrong


def _in_summary(**change: Callable[[archive.ArchiveSummary], object]) -> Wrong:
    def wrong(real: Any, index: int, reader: Any) -> Any:
        yield from real(reader)
        fields: dict[str, Any] = {name: value_of(reader.summary) for name, value_of in change.items()}
        reader.summary = dataclasses.replace(reader.summary, **fields)

    return wrong


def _in_list(change: Callable[[Unmatched, Spool], Unmatched]) -> Wrong:
    """Change the unmatched numbers that were found: their count, or the list."""

    def wrong(real: Any, index: int, *how: Any) -> Any:
        found = real(*how)
        return change(found, how[-1]) if isinstance(found, Unmatched) else found

    return wrong


def _log_a_number(*how: object) -> None:
    logging.getLogger("made_up").debug("Looking at +%s.", digits_of(1))


def _fill_the_disk(*how: object) -> None:
    with tempfile.TemporaryFile() as spare, suppress(OSError):
        for _ in range(2_000):
            spare.write(bytes(65_536))


def _leave_open(*how: object) -> None:
    _kept.append(os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR, 0o600))


def _wait_too_long(*how: object) -> None:
    # It does end: a transfer reads in a thread, which nothing could end from outside.
    until = time.monotonic() + 3 * SECONDS
    while time.monotonic() < until:
        time.sleep(0.01)


def _land(index: int, reader: Any) -> None:
    reader.file.seek(0)
    put(BUCKET, key_of(index), reader.file.read())


def _accept_anything(real: Any, index: int, reader: Any) -> Any:
    try:
        yield from real(reader)
    except EkycError:
        reader.summary = archive.ArchiveSummary(1, 1, 0, 0)


def _allocate(real: Any, index: int, reader: Any) -> Any:
    held = b"x" * (MEMORY_BOUND * 4 // 3)
    yield from real(reader)
    del held


def _ignore_a_change(real: Any, index: int, *how: Any) -> Any:
    if real.__name__ == "find_unmatched":
        ledger, _, target = how
        return ledger.unmatched(target)
    source, _, ledger = how
    data = b"".join(iter(lambda: source.read(1 << 20), b""))
    return ledger.add_sent(read_keys(data.replace(b"\r", b"\n"), answers=False)[0])


def _accept_any_submission(real: Any, index: int, value: object, ekyc_task_id: str) -> Any:
    try:
        return real(value, ekyc_task_id)
    except EkycSettingsError:
        return Submission(ekyc_task_id, "amazon", "", 0, 0, 0, 0, 0, None, None)


def _land_the_list(real: Any, index: int, *how: Any) -> Any:
    # Before it is known whether the result is what was sent.
    found, target = real(*how), how[-1]
    target.seek(0)
    put(BUCKET, list_key_of(index), target.readall())
    return found


def _list_what_was_returned(found: Unmatched, target: Spool) -> Unmatched:
    target.write(f"+{digits_of(1)}\n".encode())
    return dataclasses.replace(found, count=found.count + 1)


def _drop_a_number(found: Unmatched, target: Spool) -> Unmatched:
    # It is counted all the same.
    target.seek(0)
    lines = target.readall().splitlines(keepends=True)
    target.seek(0)
    target.truncate()
    target.write(b"".join(lines[1:]))
    return found


def _read_any_column(real: Any, index: int, top: bytes, names: Any = None) -> Any:
    # The last column but the number's, whatever was requested.
    columns, _ = real(b"Number,amazon", None)
    text = top.partition(b"\n")[0].decode("utf-8-sig", "replace")
    delimiter = max(",;\t|", key=text.count)
    cells = [cell.strip(' "').lower() for cell in text.split(delimiter)]
    number = next((place for place, cell in enumerate(cells) if cell in header.NUMBER_NAMES), 0)
    others = [place for place in range(len(cells)) if place != number] or [0]
    changed = {"delimiter": delimiter, "count": len(cells), "number": number, "answer": others[-1], "names": ()}
    return dataclasses.replace(columns, **changed), 1


def _add_a_country(real: Any, index: int, cell: str) -> Any:
    # To a number in another writing, as if it were one without its country's code.
    digits, how = real(cell)
    return (f"1{digits}" if digits and how else digits), how


def _read_one_part(real: Any, index: int, *how: Any) -> Any:
    tables, beside = real(*how)
    return tables[:1], beside


def _as_yes_or_no(real: Any, index: int, answer: str) -> str:
    return "yes" if real(answer) == "yes" else "no"


def _unchecked(*_: object) -> archive.ArchiveSummary:
    return archive.ArchiveSummary(0, 0, 0, 0, is_read=False)


_ROWS = ((archive.ArchiveReader, "rows"),)
_FIND, _SPOOL = ((comparison, "find_unmatched"),), ((comparison, "spool_sent"),)
_MEANING = tuple((module, "meaning") for module in (archive, csv_rows, arrow_columns))
_SUBMISSION = ((submissions, "read_submission"),)
_HEADER, _NUMBER = ((rows, "read_header"),), ((rows, "read_number"),)
_TABLES, _MEMBERS = ((archive, "_tables"),), ((archive, "check_members"),)
_SHOWN = EkycResultError(f"Line 2 is wrong: +{digits_of(1)}.")
_OF_UNKNOWN = ("another name of the numbers", "lines before the header", "the header again", "files beside the table")

_READERS = (
    Sabotage("key_error", "escaped", _ROWS, _raises(KeyError("member"))),
    Sabotage("accepts_anything", "wrong", _ROWS, _accept_anything),
    Sabotage("drops_a_row", "wrong", _ROWS, _in_summary(rows=lambda summary: summary.rows - 1)),
    Sabotage("refuses_all", "wrong", _ROWS, _raises(EkycResultError("Not today."))),
    Sabotage("logs_a_number", "leaked", _ROWS, _first(_log_a_number)),
    Sabotage("shows_a_number", "leaked", _ROWS, _raises(_SHOWN)),
    Sabotage("allocates", "over_memory", _ROWS, _allocate),
    Sabotage("fills_the_disk", "over_disk", _ROWS, _first(_fill_the_disk)),
    Sabotage("leaves_open", "over_disk", _ROWS, _first(_leave_open)),
    Sabotage("takes_too_long", "over_time", _ROWS, _first(_wait_too_long), patience=SECONDS / TIME_BOUND),
    Sabotage("lands_first", "left_objects", _ROWS, _first(_land)),
)

_one_less = _in_list(lambda found, _: dataclasses.replace(found, count=found.count - 1))
_unreported = _in_summary(unreadable=lambda summary: {})

#: All of them. What is wrong with a comparison, or with a reader of tables, shows in the classes that have it.
SABOTAGES = (
    *_READERS,
    Sabotage("counts_one_less", "wrong", _FIND, _one_less, ("some missing",)),
    Sabotage("ignores_a_change", "wrong", (*_SPOOL, *_FIND), _ignore_a_change, ("changed since",)),
    Sabotage("accepts_any_submission", "wrong", _SUBMISSION, _accept_any_submission, ("of another task",)),
    Sabotage("lists_first", "left_objects", _FIND, _land_the_list, ("none returned",)),
    Sabotage("lists_what_was_returned", "wrong", _FIND, _in_list(_list_what_was_returned), ("all returned",)),
    Sabotage("drops_a_number", "wrong", _FIND, _in_list(_drop_a_number), ("invalid lines dropped",)),
    Sabotage("logs_what_was_sent", "leaked", _SPOOL, _first(_log_a_number), ("without a plus",)),
    Sabotage("reads_any_column", "wrong", _HEADER, _read_any_column, tuple(COLUMNS)),
    Sabotage("hides_what_is_unreadable", "wrong", _ROWS, _unreported, ("numbers that can't be read",)),
    Sabotage("adds_a_country", "wrong", _NUMBER, _add_a_country, ("numbers in other writings",)),
    Sabotage("reads_one_part", "wrong", _TABLES, _read_one_part, ("a table in parts",)),
    Sabotage("reads_unknown_as_no", "wrong", _MEANING, _as_yes_or_no, _OF_UNKNOWN),
    Sabotage("lets_damage_pass", "wrong", _MEMBERS, _unchecked, ("truncation",)),
)


def sabotage_of(given: Input) -> Sabotage:
    """Return what is wrong for this input."""
    if isinstance(given, ArchiveInput):
        name = given.sent.name if given.sent else given.name
        for sabotage in SABOTAGES:
            if name in sabotage.classes:
                return sabotage
    return _READERS[ordinal_of(given.index) % len(_READERS)]
