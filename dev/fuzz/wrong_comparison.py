"""Comparisons, and readers of columns, that do what none may: for the negative control."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from unittest import mock

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.numbers.number_keys import read_keys
from airflow_provider_ekyc.results.compare import comparison as reconciliation
from airflow_provider_ekyc.results.compare.ledger import NumberLedger, Unmatched
from airflow_provider_ekyc.results.compare.unmatched import LeftOut, find_unmatched, spool_sent
from airflow_provider_ekyc.results.table import header, rows
from airflow_provider_ekyc.spool import Spool
from airflow_provider_ekyc.submission.record import Submission
from airflow_provider_ekyc.transfers import submissions
from dev.fuzz.marks import digits_of

_read_submission = submissions.read_submission
_read_header = header.read_header


@contextmanager
def drops_a_number(index: int) -> Iterator[None]:
    """Leave a number out of the list, and count it."""

    def find(ledger: NumberLedger, submission: Submission, target: Spool) -> Unmatched | LeftOut:
        found = find_unmatched(ledger, submission, target)
        lines = _lines(target)
        target.seek(0)
        target.truncate()
        target.write(b"".join(lines[1:]))
        return found

    with mock.patch.object(reconciliation, "find_unmatched", find):
        yield


@contextmanager
def counts_one_less(index: int) -> Iterator[None]:
    """Count a number less than the list has."""

    def find(ledger: NumberLedger, submission: Submission, target: Spool) -> Unmatched | LeftOut:
        found = find_unmatched(ledger, submission, target)
        return dataclasses.replace(found, count=found.count - 1) if isinstance(found, Unmatched) else found

    with mock.patch.object(reconciliation, "find_unmatched", find):
        yield


@contextmanager
def lists_what_came(index: int) -> Iterator[None]:
    """Take what was sent for what is missing."""

    def find(ledger: NumberLedger, submission: Submission, target: Spool) -> Unmatched | LeftOut:
        found = find_unmatched(ledger, submission, target)
        if isinstance(found, Unmatched):
            target.write(f"+{digits_of(1)}\n".encode())
            return dataclasses.replace(found, count=found.count + 1)
        return found

    with mock.patch.object(reconciliation, "find_unmatched", find):
        yield


@contextmanager
def ignores_a_change(index: int) -> Iterator[None]:
    """Compare whatever lies where the input was."""

    def spool(source: BinaryIO, submission: Submission, ledger: NumberLedger) -> None:
        data = b"".join(iter(lambda: source.read(1 << 20), b""))
        ledger.add_sent(read_keys(data.replace(b"\r", b"\n"), answers=False)[0])

    def find(ledger: NumberLedger, submission: Submission, target: Spool) -> Unmatched:
        return ledger.unmatched(target)

    with (
        mock.patch.object(reconciliation, "spool_sent", spool),
        mock.patch.object(reconciliation, "find_unmatched", find),
    ):
        yield


@contextmanager
def takes_any_submission(index: int) -> Iterator[None]:
    """Take another remote task's submission."""

    def read(value: object, ekyc_task_id: str) -> Submission:
        try:
            return _read_submission(value, ekyc_task_id)
        except EkycSettingsError:
            return Submission(ekyc_task_id, "amazon", "", 0, 0, 0, 0, 0, None, None)

    with mock.patch.object(submissions, "read_submission", read):
        yield


@contextmanager
def lists_first(index: int) -> Iterator[None]:
    """Land the list before it is known whether the result is what was sent."""

    def find(ledger: NumberLedger, submission: Submission, target: Spool) -> Unmatched | LeftOut:
        from dev.fuzz.landing import list_key_of
        from dev.fuzz.stored import BUCKET, put_from_elsewhere

        found = find_unmatched(ledger, submission, target)
        put_from_elsewhere(BUCKET, list_key_of(index), b"".join(_lines(target)))
        return found

    with mock.patch.object(reconciliation, "find_unmatched", find):
        yield


@contextmanager
def logs_what_was_sent(index: int) -> Iterator[None]:
    """Log a number of the input."""

    def spool(source: BinaryIO, submission: Submission, ledger: NumberLedger) -> LeftOut | None:
        logging.getLogger("made_up").debug("Read up to +%s.", digits_of(1))
        return spool_sent(source, submission, ledger)

    with mock.patch.object(reconciliation, "spool_sent", spool):
        yield


@contextmanager
def takes_any_column(index: int) -> Iterator[None]:
    """Take the last column but the number's, whatever was asked for."""

    def read(top: bytes, names: header.ColumnNames | None = None) -> Any:
        columns, _ = _read_header(b"Number,amazon", None)
        text = top.partition(b"\n")[0].decode("utf-8-sig", "replace")
        delimiter = max(",;\t|", key=text.count)
        cells = [cell.strip(' "').lower() for cell in text.split(delimiter)]
        number = next((place for place, cell in enumerate(cells) if cell in header.NUMBER_NAMES), 0)
        others = [place for place in range(len(cells)) if place != number] or [0]
        return dataclasses.replace(
            columns, delimiter=delimiter, count=len(cells), number=number, answer=others[-1], names=()
        ), 1

    with mock.patch.object(rows, "read_header", read):
        yield


def _lines(target: Spool) -> list[bytes]:
    target.seek(0)
    return target.read().splitlines(keepends=True)
