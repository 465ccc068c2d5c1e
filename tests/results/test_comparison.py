"""A result compared with what is known of it: the figures of the remote task, the submission, the input."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.api.models import Task, TaskStatus
from airflow_provider_ekyc.exceptions import EkycSpoolError
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.results.archive.check import ArchiveSummary
from airflow_provider_ekyc.results.compare import submitted_input
from airflow_provider_ekyc.results.compare.comparison import Compared, Comparison
from airflow_provider_ekyc.results.compare.findings import Findings
from airflow_provider_ekyc.results.compare.submitted_input import Stopped, SubmittedInput
from airflow_provider_ekyc.results.table.rows import read_table
from airflow_provider_ekyc.spool import Spool, spool_file
from airflow_provider_ekyc.submission.record import Submission

NUMBERS = [b"+999%09d" % number for number in range(300)]
EXACTLY = "The result contains exactly the 300 numbers that were sent."


def lines(numbers: list[bytes]) -> bytes:
    return b"".join(number + b"\n" for number in numbers)


def task(total: int | None = 300) -> Task:
    return Task("d1", TaskStatus.EXPORTED, "exported", total, total, 0)


def submission(data: bytes = lines(NUMBERS)) -> Submission:
    """What the submit operator says of an input."""
    with prepared_numbers(io.BytesIO(data), check=False, min_rows=0) as numbers:
        counts = (numbers.lines_read, numbers.blank, numbers.duplicates, numbers.invalid, numbers.rows)
        digests = (hashlib.sha256(data).hexdigest(), numbers.content_key)
        return Submission("d1", "amazon", "0" * 64, *counts, numbers.rows, None, *digests)


@pytest.fixture
def target() -> Iterator[Spool]:
    with spool_file(None) as opened:
        yield opened


@pytest.fixture
def sent(tmp_path: Path) -> SubmittedInput:
    """The input of three hundred numbers."""
    path = tmp_path / "numbers.txt"
    path.write_bytes(lines(NUMBERS))
    return SubmittedInput(str(path), None, None)


@contextmanager
def compared(
    returned: list[bytes] = NUMBERS,
    known: Submission | None = None,
    source: SubmittedInput | None = None,
    *,
    total: int | None = 300,
) -> Iterator[Comparison]:
    """Read the input, and the rows of a result beside it."""
    with spool_file(None) as file:
        comparison = Comparison(task(total), known, source, file)
        with comparison.reading_input(lambda: False):
            for rows in read_table([b"Number,amazon\n" + lines([number + b",yes" for number in returned])]):
                comparison.add_rows(rows)
        yield comparison
        comparison.close()


def summary(rows: int = 300, **more: Any) -> ArchiveSummary:
    return ArchiveSummary(rows, rows, 0, 0, **more)


def content(file: Spool) -> bytes:
    file.seek(0)
    return file.read()


def test_what_was_sent_is_compared_number_by_number(sent: SubmittedInput, target: Spool) -> None:
    with compared([*NUMBERS[3:], b"+12025550100"], submission(), sent) as comparison:
        found = comparison.finish(summary(298), target, is_archive=False)
    assert (found.distinct, found.contradictions, found.missing, found.unmatched) == (298, 0, 2, 3)
    assert content(target) == lines(NUMBERS[:3])
    counted = "Of 300 numbers that were sent, 3 are not in the result; 1 numbers in the result were not sent."
    assert found.findings.warnings == [counted]


def test_without_a_submission_the_input_is_compared_as_it_is(sent: SubmittedInput, target: Spool) -> None:
    with compared(NUMBERS[3:], None, sent) as comparison:
        found = comparison.finish(summary(297), target, is_archive=False)
    assert (found.distinct, found.missing, found.unmatched) == (297, 3, 3)


def test_without_the_input_the_numbers_are_compared_by_their_key(target: Spool) -> None:
    with compared(known=submission()) as comparison:
        found = comparison.finish(summary(), target, is_archive=False)
    assert found == Compared(Findings(notes=[EXACTLY]), distinct=300, contradictions=0, missing=0, unmatched=None)
    with compared([*NUMBERS[1:], b"+12025550100"], submission()) as comparison:
        found = comparison.finish(summary(), target, is_archive=False)
    assert ["but not the same ones" in mismatch for mismatch in found.findings.mismatches] == [True]


@pytest.mark.parametrize("known", [None, replace(submission(), content_key=None)], ids=["none", "an earlier version"])
def test_with_no_key_of_a_submission_there_are_the_figures_alone(known: Submission | None, target: Spool) -> None:
    with compared(NUMBERS[1:], known) as comparison:
        found = comparison.finish(summary(299), target, is_archive=False)
    assert (found.distinct, found.missing, found.unmatched, found.findings.notes) == (299, 1, None, [])
    assert content(target) == b""


def test_what_the_remote_task_does_not_say_is_not_missing(target: Spool) -> None:
    with compared(total=None) as comparison:
        assert comparison.likely(summary()).missing is None
        assert comparison.finish(summary(), target, is_archive=False).missing is None
    with compared([*NUMBERS, b"+12025550100"]) as comparison:
        assert comparison.likely(summary(301)).missing == 0
        assert comparison.finish(summary(301), target, is_archive=False).missing == 0


def test_an_input_that_cannot_be_read_is_a_warning_and_the_key_is_compared(tmp_path: Path, target: Spool) -> None:
    gone = SubmittedInput(str(tmp_path / "gone.txt"), None, None)
    with compared(known=submission(), source=gone) as comparison:
        assert comparison.likely(summary()).unmatched is None
        found = comparison.finish(summary(beside="failed.csv"), target, is_archive=False)
    first, second = found.findings.warnings
    assert first == "Not read as results: failed.csv."
    assert second.startswith(
        f"Not compared with what was sent, number by number: the input at {tmp_path / 'gone.txt'} can't be read"
    )
    assert (found.unmatched, found.findings.notes) == (None, [EXACTLY])


def test_warnings_of_the_archive_come_before_those_of_the_rows(target: Spool) -> None:
    with compared([*NUMBERS, NUMBERS[0]], total=None) as comparison:
        found = comparison.finish(summary(301, repaired={"tel:": 1}), target, is_archive=True)
    first, second = found.findings.warnings
    assert first.startswith("1 numbers were written in another form")
    assert first.endswith("The archive has them as they were written.")
    assert second.endswith("1 repeat another row's number.")


def test_an_input_that_has_changed_is_a_warning(sent: SubmittedInput, target: Spool) -> None:
    with compared(known=replace(submission(), input_sha256="0" * 64), source=sent) as comparison:
        assert comparison.likely(summary()).unmatched is None
        found = comparison.finish(summary(), target, is_archive=False)
    (warning,) = found.findings.warnings
    assert "The input has changed since it was submitted" in warning
    assert (found.unmatched, found.distinct) == (None, 300)


def test_a_number_that_was_sent_in_two_ways_is_a_warning_and_the_rows_are_counted(
    tmp_path: Path, target: Spool
) -> None:
    data = lines([*NUMBERS, NUMBERS[0].removeprefix(b"+")])
    path = tmp_path / "numbers.txt"
    path.write_bytes(data)
    with compared(known=submission(data), source=SubmittedInput(str(path), None, None)) as comparison:
        found = comparison.finish(summary(), target, is_archive=False)
    (warning,) = found.findings.warnings
    assert "contains 300 different numbers, but 301 were sent" in warning
    assert (found.unmatched, found.distinct, found.missing) == (None, 300, 0)


def test_an_archive_whose_rows_were_not_read_is_compared_with_nothing(sent: SubmittedInput, target: Spool) -> None:
    unread = ArchiveSummary(0, 0, 0, 0, is_read=False)
    not_compared = "Not compared with what was sent: check='archive' reads no number."
    for source in (None, sent):
        with compared(known=submission(), source=source) as comparison:
            assert comparison.likely(unread) == Compared(Findings())
            found = comparison.finish(unread, target, is_archive=True)
        assert found == Compared(Findings(warnings=found.findings.warnings))
        assert found.findings.warnings[0].startswith("Only the archive itself was checked")
        assert found.findings.warnings[1:] == ([not_compared] if source else [])


def test_the_most_likely_is_that_each_number_is_there_once(sent: SubmittedInput) -> None:
    with compared(known=submission(), source=sent) as comparison:
        assert comparison.likely(summary(297)) == Compared(Findings(), 297, 0, 3, 3)
    with compared(known=submission()) as comparison:
        assert comparison.likely(summary(297)) == Compared(Findings(), 297, 0, 3, None)
    with compared(source=sent, total=None) as comparison:
        assert comparison.likely(summary(297)) == Compared(Findings(), 297, 0, None, 0)
    with compared(known=submission(), total=None) as comparison:
        assert comparison.likely(summary(297)).missing == 3, "of those that were submitted"


class Endless(io.RawIOBase):
    """An input that never ends."""

    def read(self, size: int = -1, /) -> bytes:
        return lines(NUMBERS)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> SubmittedInput:
    @contextmanager
    def opened(*_: Any, **__: Any) -> Iterator[Endless]:
        yield Endless()

    monkeypatch.setattr(submitted_input, "open_numbers", opened)
    return SubmittedInput("made-up", None, None)


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ekyc-input")]


def test_the_input_is_no_longer_read_if_the_result_cannot_be(endless: SubmittedInput) -> None:
    with spool_file(None) as file:
        comparison = Comparison(task(), None, endless, file)

        def damaged() -> None:
            with comparison.reading_input(lambda: False):
                assert len(reading_threads()) == 1
                raise LookupError("the result is damaged")

        with pytest.raises(LookupError, match="the result is damaged"):
            damaged()
        assert reading_threads() == []
        comparison.close()


def test_nor_if_the_result_is_void(endless: SubmittedInput) -> None:
    with spool_file(None) as file:
        comparison = Comparison(task(), None, endless, file)
        is_invalid = threading.Event()
        with pytest.raises(Stopped), comparison.reading_input(is_invalid.is_set):
            is_invalid.set()
        assert reading_threads() == []
        comparison.close()


def test_what_ends_the_reading_of_the_input_ends_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(*_: Any, **__: Any) -> Iterator[Endless]:
        raise EkycSpoolError("the disk is full")
        yield

    monkeypatch.setattr(submitted_input, "open_numbers", opened)
    with spool_file(None) as file:
        comparison = Comparison(task(), None, SubmittedInput("made-up", None, None), file)
        with pytest.raises(EkycSpoolError, match="the disk is full"), comparison.reading_input(lambda: False):
            pass
        comparison.close()


def test_without_an_input_no_thread_is_begun() -> None:
    with spool_file(None) as file:
        comparison = Comparison(task(), None, None, file)
        with comparison.reading_input(lambda: False):
            assert reading_threads() == []
        comparison.close()


def test_its_thread_has_ended_when_it_is_closed() -> None:
    before = set(threading.enumerate())
    with compared() as comparison:
        comparison.likely(summary())
    assert set(threading.enumerate()) <= before


def test_it_is_closed_when_it_is_finished(target: Spool) -> None:
    before = set(threading.enumerate())
    with compared() as comparison:
        comparison.finish(summary(), target, is_archive=False)
        assert set(threading.enumerate()) <= before


def test_it_holds_as_many_numbers_as_it_may_and_the_others_are_in_its_file() -> None:
    with spool_file(None) as file:
        comparison = Comparison(task(), None, None, file, held=7)
        assert (comparison._ledger._held.room, comparison._ledger._file) == (7, file)
        comparison.close()
