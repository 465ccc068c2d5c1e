"""Numbers that were sent and are not in the result: against sets, and against inputs that can't be compared."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.numbers.number_keys import read_keys
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.results.archive.check import ArchiveSummary
from airflow_provider_ekyc.results.compare import unmatched as unmatched_module
from airflow_provider_ekyc.results.compare.comparison import Comparison
from airflow_provider_ekyc.results.compare.ledger import NumberLedger, Unmatched
from airflow_provider_ekyc.results.compare.submitted_input import SubmittedInput
from airflow_provider_ekyc.results.compare.tally import UNKNOWN
from airflow_provider_ekyc.results.compare.unmatched import NotCompared, find_unmatched, spool_sent
from airflow_provider_ekyc.results.table.rows import read_table
from airflow_provider_ekyc.spool import Spool, spool_file
from airflow_provider_ekyc.submission.record import Submission

NUMBERS = [b"+999%09d" % number for number in range(300)]
CHANGED = "The input has changed since it was submitted"


def lines(numbers: list[bytes]) -> bytes:
    return b"".join(number + b"\n" for number in numbers)


def submitted(data: bytes, *, check: bool = True) -> Submission:
    """What the submit operator says of an input; invalid lines are dropped."""
    with prepared_numbers(io.BytesIO(data), check=check, invalid="drop", min_rows=0) as numbers:
        counts = (numbers.lines_read, numbers.blank, numbers.duplicates, numbers.invalid, numbers.rows)
        return Submission("d1", "amazon", "0" * 64, *counts, numbers.rows, None, numbers.input_sha256)


def content(file: Spool) -> bytes:
    file.seek(0)
    return file.read()


def counts(found: Unmatched | NotCompared) -> tuple[int, int, int, int]:
    """Return how many were sent, were returned, were not, and were never sent."""
    assert isinstance(found, Unmatched)
    return found.sent, found.returned, found.count, found.unexpected


def compare(data: bytes, submission: Submission | None, returned: bytes = b"") -> tuple[Unmatched | NotCompared, bytes]:
    """Do all that the transfer does; return what it finds, and the numbers that it writes."""
    with spool_file(None) as file, spool_file(None) as target:
        ledger = NumberLedger(file)
        keys = read_keys(returned)[0]
        ledger.add_returned(keys, np.full(len(keys), UNKNOWN, np.uint8))
        found = spool_sent(io.BytesIO(data), submission, ledger) or find_unmatched(ledger, submission, target)
        return found, content(target)


def not_compared(data: bytes, submission: Submission) -> str:
    found, written = compare(data, submission, lines(NUMBERS))
    assert isinstance(found, NotCompared)
    assert written == b""
    assert not re.search(r"\d{5}", found.reason), "a reason shows a number"
    return found.reason


@pytest.fixture
def ledger() -> Iterator[NumberLedger]:
    with spool_file(None) as file:
        yield NumberLedger(file)


def test_what_did_not_come_back_and_what_nobody_sent() -> None:
    returned = lines([b"%s,%s" % (number, b"yes" if number[-1] % 2 else b"unknown") for number in NUMBERS[7:]])
    found, written = compare(lines(NUMBERS), submitted(lines(NUMBERS)), returned + b"+12025550100,no\n")
    assert counts(found) == (300, 294, 7, 1)
    assert sorted(written.splitlines()) == NUMBERS[:7]


numbers = st.integers(0, 30).map(lambda number: b"+1202555%04d" % (100 + number))
short = [b"", b" ", b"x", b"+1", b"+12", b"12", b"+0123", b"12025550100", b"+12025550100,yes", b"\xef\xbb\xbf"]
wide = [b"1" * 1024, b" " * 1025, b" " * 1012 + b"+12025550100", b" " * 1013 + b"+12025550100"]
oddities = st.sampled_from([*short, *wide])
line_ends = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r", b" \n", b"\t\r\n"])
files = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(numbers | oddities, line_ends).map(b"".join), max_size=40).map(b"".join),
    numbers | st.just(b""),
).map(b"".join)


@given(data=files, read_bytes=st.integers(1, 60) | st.just(1 << 18))
@settings(max_examples=300, deadline=None)
def test_the_numbers_sent_are_those_that_submitting_leaves(data: bytes, read_bytes: int) -> None:
    with prepared_numbers(io.BytesIO(data), invalid="drop", min_rows=0) as prepared:
        sent = prepared.file.read().splitlines()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unmatched_module, "_READ_BYTES", read_bytes)
        found, written = compare(data, submitted(data))
    assert counts(found) == (len(sent), 0, len(sent), 0)
    assert sorted(written.splitlines()) == sorted(sent)


@pytest.mark.parametrize(
    "changed",
    [
        lines(NUMBERS[1:]),
        lines([*NUMBERS, b"+12025550100"]),
        lines(NUMBERS[::-1]),
        lines(NUMBERS) + b"\n",
        lines(NUMBERS).removesuffix(b"\n"),
        lines(NUMBERS).replace(b"\n", b"\r\n"),
        b"",
        b"somebody@mail.example\n" * 300,
        lines(NUMBERS) + b"\x00",
        b"PK\x03\x04",
    ],
    ids=["less", "more", "another order", "blank line", "no last line end", "CRLF", "empty", "e-mails", "NUL", "zip"],
)
def test_an_input_that_has_changed_is_not_compared(changed: bytes) -> None:
    assert not_compared(changed, submitted(lines(NUMBERS))).startswith(CHANGED)


def test_a_submission_of_an_earlier_version_is_not_compared_and_its_input_not_read() -> None:
    submission = replace(submitted(lines(NUMBERS)), input_sha256=None)
    assert "no SHA-256 of its input" in not_compared(lines(NUMBERS), submission)
    with spool_file(None) as file:
        source = io.BytesIO(lines(NUMBERS))
        assert spool_sent(source, submission, NumberLedger(file)) is not None
        assert source.tell() == 0


def test_other_lines_than_numbers_are_not_compared() -> None:
    addresses = b"".join(b"somebody%d@mail.example\n" % number for number in range(200))
    for data in (addresses, addresses + lines(NUMBERS), lines(NUMBERS) + b"5\n", lines(NUMBERS) + b"+12025550100,\n"):
        assert "no phone numbers" in not_compared(data, submitted(data, check=False))


def test_other_lines_than_numbers_are_told_from_a_change_however_many_blocks_they_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unmatched_module, "_READ_BYTES", 64)
    data = b"somebody@mail.example\n" * 10 + lines(NUMBERS)
    assert "no phone numbers" in not_compared(data, submitted(data, check=False))


def test_numbers_that_were_sent_without_a_plus_are_compared() -> None:
    data = lines([number.removeprefix(b"+") for number in NUMBERS])
    found, written = compare(data, submitted(data, check=False), lines(NUMBERS[1:]))
    assert counts(found) == (300, 299, 1, 0)
    assert written == NUMBERS[0] + b"\n"


def test_a_number_that_was_sent_in_two_ways_of_writing_is_not_compared() -> None:
    data = lines([*NUMBERS, NUMBERS[0].removeprefix(b"+"), b"+12025550100"])
    reason = not_compared(data, submitted(data, check=False))
    assert "contains 301 different numbers, but 302 were sent" in reason


def test_without_a_submission_each_line_that_is_a_number_was_sent() -> None:
    data = lines([*NUMBERS[:3], NUMBERS[3].removeprefix(b"+"), b"somebody@mail.example"])
    found, written = compare(data, None, lines(NUMBERS[1:3]) + b"+12025550100,no\n")
    assert counts(found) == (4, 3, 2, 1)
    assert written == lines([NUMBERS[0], NUMBERS[3]])


@pytest.mark.parametrize("data", [b"", b"somebody@mail.example\n"])
def test_without_a_submission_an_input_without_a_number_is_not_compared(data: bytes) -> None:
    found, written = compare(data, None, lines(NUMBERS))
    assert found == NotCompared("The input contains no phone number: only numbers can be compared.")
    assert written == b""


class ShortReads(io.BytesIO):
    """Hands out less than it is asked for, as sockets do; then breaks, if asked to."""

    breaks_at: int | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.breaks_at is not None and self.tell() > self.breaks_at:
            raise ConnectionError("broken in the middle")
        return super().read(min(size or 0, 100))


def test_short_reads_make_no_difference(ledger: NumberLedger) -> None:
    assert spool_sent(ShortReads(lines(NUMBERS)), submitted(lines(NUMBERS)), ledger) is None


def test_a_connection_that_breaks_is_no_changed_input(ledger: NumberLedger) -> None:
    source = ShortReads(lines(NUMBERS))
    source.breaks_at = 1000
    with pytest.raises(ConnectionError, match="broken in the middle"):
        spool_sent(source, submitted(lines(NUMBERS)), ledger)


@pytest.mark.parametrize("other_writing", [False, True])
def test_rows_are_counted_whether_or_not_they_can_be_compared(other_writing: bool, tmp_path: Path) -> None:
    sent = lines([*NUMBERS, NUMBERS[0].removeprefix(b"+")] if other_writing else NUMBERS)
    table = b"Number,amazon\n" + lines([number + b",yes" for number in NUMBERS])
    input_file = tmp_path / "numbers.txt"
    input_file.write_bytes(sent)
    task = Task("d1", TaskStatus.EXPORTED, "exported", 300, 300, 0)
    with spool_file(None) as file, spool_file(None) as target:
        source = SubmittedInput(str(input_file), None, None)
        comparison = Comparison(task, submitted(sent, check=False), source, file)
        with comparison.reading_input(lambda: False):
            for rows in read_table([table]):
                comparison.add_rows(rows)
        compared = comparison.finish(ArchiveSummary(300, 300, 0, 0), target, is_archive=False)
    assert compared.unmatched == (None if other_writing else 0)
    assert any("Not compared" in warning for warning in compared.findings.warnings) == other_writing
    assert (compared.distinct, compared.contradictions, compared.missing) == (300, 0, 0)
