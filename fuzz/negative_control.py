"""Readers that do what none may, to prove that each is caught: every figure must rise then."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO
from unittest import mock

from airflow_provider_ekyc.exceptions import EkycError, EkycResultError
from airflow_provider_ekyc.results import archive, formats
from fuzz.inputs import ordinal_of
from fuzz.marks import digits_of
from fuzz.verdict import Figure

#: Inputs of the control: enough for each sabotage to meet archives of every sort.
COUNT = 120

#: Seconds that an input may take there, as one takes longer on purpose.
SECONDS = 1.0

_real = archive.check_archive
_kept: list[int] = []


def _key_error(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    raise KeyError("member")


def _takes_anything(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    try:
        return _real(file, **how)
    except EkycError:
        return archive.ArchiveSummary(1, 1, 0, 0)


def _drops_a_row(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    summary = _real(file, **how)
    return archive.ArchiveSummary(summary.rows - 1, summary.yes, summary.no, summary.unknown)


def _refuses_all(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    raise EkycResultError("Not today.")


def _logs_a_number(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    logging.getLogger("made_up").debug("Looking at +%s.", digits_of(1))
    return _real(file, **how)


def _shows_a_number(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    raise EkycResultError(f"Line 2 is wrong: +{digits_of(1)}.")


def _allocates(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    held = b"x" * (300 << 20)
    summary = _real(file, **how)
    del held
    return summary


def _fills_the_disk(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    with tempfile.TemporaryFile() as spare, suppress(OSError):
        for _ in range(2_000):
            spare.write(bytes(65_536))
    return _real(file, **how)


def _leaves_open(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    _kept.append(os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR, 0o600))
    return _real(file, **how)


def _takes_too_long(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    # It does end: a transfer reads in a thread, which nothing could end from outside.
    until = time.monotonic() + 3 * SECONDS
    while time.monotonic() < until:
        time.sleep(0.01)
    return _real(file, **how)


def _lands_first(file: BinaryIO, **how: Any) -> archive.ArchiveSummary:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from fuzz.landing import BUCKET

    client = S3Hook().get_conn()
    client.put_object(Bucket=BUCKET, Key=f"results/unchecked-{time.monotonic_ns()}", Body=file.read())
    client.close()
    return _real(file, **how)


#: The sabotages, and the figure that each must raise.
SABOTAGES: dict[Callable[..., archive.ArchiveSummary], Figure] = {
    _key_error: "escaped",
    _takes_anything: "wrong",
    _drops_a_row: "wrong",
    _refuses_all: "wrong",
    _logs_a_number: "leaked",
    _shows_a_number: "leaked",
    _allocates: "over_memory",
    _fills_the_disk: "over_disk",
    _leaves_open: "over_disk",
    _takes_too_long: "over_time",
    _lands_first: "left_objects",
}


def sabotage_of(index: int) -> Callable[..., archive.ArchiveSummary]:
    """Return what is wrong with the reader of this input."""
    return list(SABOTAGES)[ordinal_of(index) % len(SABOTAGES)]


@contextmanager
def sabotaged(index: int) -> Iterator[None]:
    """Put another reader of archives in the place of the package's own."""
    wrong = sabotage_of(index)
    with mock.patch.object(archive, "check_archive", wrong), mock.patch.object(formats, "check_archive", wrong):
        yield
