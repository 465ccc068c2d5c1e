"""Numbers that were sent and did not come back: against sets, and against inputs that can't be compared."""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycSpoolError
from airflow_provider_ekyc.journals.record import Submission
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.results import unmatched as unmatched_module
from airflow_provider_ekyc.results.number_keys import read_keys
from airflow_provider_ekyc.results.unmatched import LeftOut, NumberLedger, Unmatched, find_unmatched, spool_sent
from airflow_provider_ekyc.spool import Spool, spool_file

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


def compare(data: bytes, submission: Submission, came: bytes = b"") -> tuple[Unmatched | LeftOut, bytes]:
    """Do all that the transfer does; return what it finds, and the numbers that it writes."""
    with spool_file(None) as file, spool_file(None) as target:
        ledger = NumberLedger(file)
        ledger.add_came(read_keys(came)[0])
        found = spool_sent(io.BytesIO(data), submission, ledger) or find_unmatched(ledger, submission, target)
        return found, content(target)


def left_out(data: bytes, submission: Submission) -> str:
    found, written = compare(data, submission, lines(NUMBERS))
    assert isinstance(found, LeftOut)
    assert written == b""
    assert not re.search(r"\d{5}", found.reason), "a reason shows a number"
    return found.reason


@pytest.fixture
def ledger() -> Iterator[NumberLedger]:
    with spool_file(None) as file:
        yield NumberLedger(file)


@pytest.fixture
def target() -> Iterator[Spool]:
    with spool_file(None) as file:
        yield file


# Few different numbers, so that both sides share some; and the ends of the range.
keys = st.integers(10, 60) | st.integers(999 * 10**9, 999 * 10**9 + 40) | st.sampled_from([10**15 - 1, 10**14, 2**49])
batches = st.lists(st.tuples(st.booleans(), st.lists(keys, max_size=12)), max_size=12)


@given(batches=batches, buffered=st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_what_is_found_is_what_sets_find(batches: list[tuple[bool, list[int]]], buffered: int) -> None:
    sent: set[int] = set()
    came: set[int] = set()
    with pytest.MonkeyPatch.context() as patch, spool_file(None) as file, spool_file(None) as target:
        patch.setattr(unmatched_module, "_BUFFERED", buffered)
        ledger = NumberLedger(file)
        for is_sent, batch in batches:
            (ledger.add_sent if is_sent else ledger.add_came)(np.array(batch, np.uint64))
            (sent if is_sent else came).update(batch)
        assert ledger.unmatched(target) == Unmatched(len(sent), len(came), len(sent - came), len(came - sent))
        assert sorted(content(target).splitlines()) == sorted(b"+%d" % key for key in sent - came)


# Sixteen apart, so that a partition chosen by the last bits would take more than its share.
SENT = np.arange(300_000, dtype=np.uint64) * np.uint64(16) + np.uint64(999 * 10**9)
CAME = np.concatenate([SENT[1000:], SENT[5000:9000], np.arange(10, 60, dtype=np.uint64)])
FOUND = Unmatched(sent=300_000, came=299_050, count=1000, strange=50)


def test_many_numbers_are_found_and_no_partition_takes_far_more_than_its_share(
    ledger: NumberLedger, target: Spool
) -> None:
    ledger.add_came(CAME)
    ledger.add_sent(SENT)
    assert ledger.unmatched(target) == FOUND
    assert sorted(content(target).splitlines()) == [b"+%d" % key for key in SENT[:1000].tolist()]
    shares = [len(partition) for partition in ledger._partitions()]
    assert sum(shares) == FOUND.sent + FOUND.came
    assert max(shares) < 1.5 * sum(shares) / unmatched_module.PARTITIONS


def test_the_file_depends_on_the_numbers_alone_and_not_on_their_order(ledger: NumberLedger, target: Spool) -> None:
    shuffled = np.random.default_rng(1).permutation
    ledger.add_sent(SENT)
    ledger.add_came(CAME)
    ledger.unmatched(target)
    with spool_file(None) as file, spool_file(None) as other_target:
        other = NumberLedger(file)
        other.add_came(shuffled(CAME))
        other.add_sent(shuffled(np.concatenate([SENT, SENT])))
        assert other.unmatched(other_target) == FOUND
        assert content(other_target) == content(target) != b""


def test_several_threads_may_add(ledger: NumberLedger, target: Spool) -> None:
    shares = [(ledger.add_came, CAME[start::4]) for start in range(4)]
    shares += [(ledger.add_sent, SENT[start::4]) for start in range(4)]

    def add_bit_by_bit(add: object, share: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> None:
        assert callable(add)
        for start in range(0, len(share), 500):
            add(share[start : start + 500])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=add_bit_by_bit, args=share) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert ledger.unmatched(target) == FOUND


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with spool_file(tmp_path) as file:
        ledger = NumberLedger(file)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
        try:
            with pytest.raises(EkycSpoolError, match="set spool_dir"):
                ledger.add_sent(SENT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_did_not_come_back_and_what_nobody_sent() -> None:
    came = lines([b"%s,%s" % (number, b"yes" if number[-1] % 2 else b"unknown") for number in NUMBERS[7:]])
    found, written = compare(lines(NUMBERS), submitted(lines(NUMBERS)), came + b"+12025550100,no\n")
    assert found == Unmatched(sent=300, came=294, count=7, strange=1)
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
    assert found == Unmatched(sent=len(sent), came=0, count=len(sent), strange=0)
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
    assert left_out(changed, submitted(lines(NUMBERS))).startswith(CHANGED)


def test_a_submission_of_an_earlier_version_is_not_compared_and_its_input_not_read() -> None:
    submission = replace(submitted(lines(NUMBERS)), input_sha256=None)
    assert "no SHA-256 of its input" in left_out(lines(NUMBERS), submission)
    with spool_file(None) as file:
        source = io.BytesIO(lines(NUMBERS))
        assert spool_sent(source, submission, NumberLedger(file)) is not None
        assert source.tell() == 0


def test_other_lines_than_numbers_are_not_compared() -> None:
    addresses = b"".join(b"somebody%d@mail.example\n" % number for number in range(200))
    for data in (addresses, addresses + lines(NUMBERS), lines(NUMBERS) + b"5\n", lines(NUMBERS) + b"+12025550100,\n"):
        assert "no phone numbers" in left_out(data, submitted(data, check=False))


def test_numbers_that_were_sent_without_a_plus_are_compared() -> None:
    data = lines([number.removeprefix(b"+") for number in NUMBERS])
    found, written = compare(data, submitted(data, check=False), lines(NUMBERS[1:]))
    assert found == Unmatched(sent=300, came=299, count=1, strange=0)
    assert written == NUMBERS[0] + b"\n"


def test_a_number_that_was_sent_in_two_ways_of_writing_is_not_compared() -> None:
    data = lines([*NUMBERS, NUMBERS[0].removeprefix(b"+"), b"+12025550100"])
    reason = left_out(data, submitted(data, check=False))
    assert "holds 301 different numbers, but 302 were sent" in reason


class ShortReads(io.BytesIO):
    """Hands out less than it is asked for, as sockets do; then breaks, if it is told to."""

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


def test_memory_is_bounded_by_neither_numbers_nor_the_length_of_a_line() -> None:
    program = """
        import io
        import numpy as np
        from airflow_provider_ekyc.journals.record import Submission
        from airflow_provider_ekyc.results.unmatched import LeftOut, NumberLedger, spool_sent
        from airflow_provider_ekyc.spool import spool_file

        def peak_kib():
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

        class OneLine(io.RawIOBase):
            left = 256 << 20
            def read(self, size=-1):
                size = min(size, self.left)
                self.left -= size
                return b"1" * size

        before = peak_kib()
        with spool_file(None) as file, spool_file(None) as target:
            ledger = NumberLedger(file)
            submission = Submission("d1", "amazon", "", 1, 0, 0, 1, 0, 0, None, "")
            assert isinstance(spool_sent(OneLine(), submission, ledger), LeftOut)
            for start in range(0, 4_000_000, 20_000):
                keys = np.arange(start, start + 20_000, dtype=np.uint64)
                ledger.add_came(keys)
                ledger.add_sent(keys + np.uint64(1))
            found = ledger.unmatched(target)
            assert (found.sent, found.came, found.count, found.strange) == (4_000_000, 4_000_000, 1, 1)
        print(peak_kib() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, stdout=subprocess.PIPE, text=True
    )
    assert int(done.stdout) < 24 << 10  # the numbers themselves are 61 MiB


@pytest.mark.parametrize("different", [1, 40, 40_000])
def test_numbers_that_come_again_and_again_take_no_room_each_time(
    monkeypatch: pytest.MonkeyPatch, different: int
) -> None:
    monkeypatch.setattr(unmatched_module, "_SORTED", 1 << 12)
    keys = np.tile(np.arange(10, 10 + different, dtype=np.uint64), -(-1_000_000 // different))
    with spool_file(None) as file, spool_file(None) as target:
        ledger = NumberLedger(file)
        ledger.add_sent(keys)
        ledger.add_came(keys[5:6])
        assert ledger.unmatched(target) == Unmatched(different, 1, different - 1, 0)
        assert content(target).count(b"\n") == different - 1
        if different == 1:
            assert file.seek(0, 2) < 1000


def test_a_partition_is_sorted_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    longest: list[int] = []
    each_once = unmatched_module._each_once

    def watched(taken: Any, pieces: list[bytes]) -> Any:
        longest.append(sum(map(len, pieces)) // 8)
        return each_once(taken, pieces)

    monkeypatch.setattr(unmatched_module, "_SORTED", 1 << 12)
    monkeypatch.setattr(unmatched_module, "_each_once", watched)
    with spool_file(None) as file, spool_file(None) as target:
        ledger = NumberLedger(file)
        ledger.add_sent(np.tile(np.arange(10, 50, dtype=np.uint64), 50_000))
        assert ledger.unmatched(target).count == 40
    assert max(longest) < 1 << 14  # of up to 100,000 in a partition
