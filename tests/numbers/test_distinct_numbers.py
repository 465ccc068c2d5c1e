"""
Different numbers, in order: against the plainest program that does the same.

``numbers/distinct_numbers.py``, with ``numbers/dealt_rows.py``, ``numbers/repeated_rows.py``,
``numbers/line_spool.py`` and ``numbers/one_behind.py``.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.numbers import dealt_rows
from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.numbers.dealt_rows import DealtRows, Scatter, partitions_of
from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers
from airflow_provider_ekyc.numbers.line_spool import LineSpool
from airflow_provider_ekyc.spool import spool_file
from tests.peak_memory import peak_memory_of

#: Of 2 bits, four rows fill a batch and all that a partition may have in memory; more than four are in 256 partitions.
ROW_BITS = [2, 3, 6, 19]
#: Rows of a partition of a list of one batch: of 14 bits, a list of up to 16,384 rows is in one.
PLACE_BITS = [0, 3, 14]


@dataclass
class Others:
    """Takes a number with blanks around it or without ``+``, and remembers what it was given."""

    seen: list[tuple[int, bytes]] = field(default_factory=list)

    def __call__(self, row: int, line: bytes) -> int | None:
        self.seen.append((row, line))
        found = re.fullmatch(rb"[ \t]*\+?([1-9][0-9]{1,14})[ \t]*\r?", line)
        return int(found[1]) if found else None


class Plainest:
    """One line after the other, and a set."""

    def __init__(self, lines: list[bytes], others: Others) -> None:
        self.kept: list[int] = []
        self.positions: list[int] = []
        self.duplicates = 0
        seen = set()
        position = 0
        for row, line in enumerate(lines, start=1):
            plain = re.fullmatch(rb"\+([1-9][0-9]{1,14})", line)
            number = int(plain[1]) if plain else others(row, line)
            if number is None:
                continue
            if number in seen:
                self.duplicates += 1
            else:
                self.kept.append(number)
                self.positions.append(position)
                seen.add(number)
            position += 1


def as_lines(numbers: list[int]) -> bytes:
    return b"".join(b"+%d\n" % number for number in numbers)


# Few different numbers, so that duplicates are common; some of each length.
numbers = st.integers(0, 30).map(lambda number: b"+1202555%04d" % (100 + number)) | st.sampled_from(
    [b"+12", b"+99", b"+999123456789012", b"+10", b"+999999999999999"]
)
without_plus = numbers.map(lambda number: number[1:])
blanks = st.sampled_from([b"", b" ", b"\t ", b"  "])
with_blanks = st.tuples(blanks, numbers | without_plus, st.sampled_from([b"", b" ", b"\t", b"\r"])).map(b"".join)
other_lines = st.sampled_from(
    [
        b"",
        b" ",
        b"\r",
        b"x",
        b"+1",
        b"+",
        b"+0123",
        b"+1234567890123456",
        b"+12\x00",
        b"\x00",
        b"\xef\xbb\xbf+12025550100",
        b"+12025550100\r+12025550101",
        b"+1 2",
        b"+12,yes",
        b"a" * 3000,
        b"+" + b"9" * 1024,
        b" " * 1025,
    ]
)
lists = st.lists(numbers, max_size=80) | st.lists(numbers | without_plus | with_blanks | other_lines, max_size=60)
cuts = st.lists(st.integers(1, 30), min_size=1, max_size=5)
multipliers = st.sampled_from([1, 3, (1 << 50) - 1]) | st.integers(0, (1 << 49) - 1).map(lambda half: 2 * half + 1)


def add_all(distinct: DistinctNumbers, lines: list[bytes], sizes: list[int], others: Others) -> None:
    """Add lines in blocks of these sizes, again and again, and one block of nothing."""
    start = turn = 0
    while start < len(lines):
        end = start + sizes[turn % len(sizes)]
        distinct.add(b"".join(line + b"\n" for line in lines[start:end]), others)
        start, turn = end, turn + 1
    distinct.add(b"", others)


@given(
    lines=lists,
    sizes=cuts,
    row_bits=st.sampled_from(ROW_BITS),
    place_bits=st.sampled_from(PLACE_BITS),
    multiplier=multipliers,
)
@settings(max_examples=200, deadline=None)
def test_what_is_kept_is_what_the_plainest_program_keeps(
    lines: list[bytes], sizes: list[int], row_bits: int, place_bits: int, multiplier: int
) -> None:
    expected_others, others = Others(), Others()
    expected = Plainest(lines, expected_others)
    with (
        pytest.MonkeyPatch.context() as patch,
        DistinctNumbers(multiplier=multiplier, row_bits=row_bits) as distinct,
    ):
        patch.setattr(dealt_rows, "_PLACE_BITS", place_bits)
        add_all(distinct, lines, sizes, others)
        assert distinct.lines_read == len(lines)
        assert others == expected_others
        assert distinct.find_duplicates() == expected.duplicates
        assert distinct.kept == len(expected.kept)
        assert b"".join(distinct.kept_blocks()) == as_lines(expected.kept)
        found = [pair for keys, places in distinct.partitions() for pair in zip(places, keys, strict=True)]
    assert sorted(found) == list(zip(expected.positions, expected.kept, strict=True))


@given(lines=st.lists(numbers, max_size=80), left_out=st.sets(st.integers(0, 40)), row_bits=st.sampled_from(ROW_BITS))
@settings(max_examples=60, deadline=None)
def test_what_is_left_out_is_no_longer_there(lines: list[bytes], left_out: set[int], row_bits: int) -> None:
    first = list(dict.fromkeys(int(line) for line in lines))
    fresh = {number for place, number in enumerate(first) if place in left_out}
    with DistinctNumbers(row_bits=row_bits) as distinct:
        distinct.add(b"".join(line + b"\n" for line in lines), Others())
        duplicates = distinct.find_duplicates()
        for keys, positions in distinct.partitions():
            distinct.leave_out(positions[np.isin(keys, np.array([*fresh], np.uint64))])
        assert distinct.kept == len(first) - len(fresh)
        assert duplicates == len(lines) - len(first), "a fresh row is no duplicate"
        assert b"".join(distinct.kept_blocks()) == as_lines([number for number in first if number not in fresh])
        assert {int(key) for keys, _ in distinct.partitions() for key in keys} == set(first) - fresh


@pytest.mark.parametrize(("row_bits", "partitions", "most_rows"), [(19, 1, 5000), (13, 1, 5000), (10, 256, 100)])
def test_partitions_are_those_of_the_scattered_numbers_and_in_the_order_of_the_rows(
    row_bits: int, partitions: int, most_rows: int
) -> None:
    lines = [b"+999%09d" % (number * 7919 % 10**9) for number in range(5000)]
    with DistinctNumbers(row_bits=row_bits) as distinct:
        distinct.add(b"\n".join(lines) + b"\n", Others())
        distinct.find_duplicates()
        sizes = []
        for partition, (keys, positions) in enumerate(distinct.partitions()):
            assert (partitions_of(distinct.scatter.scattered(keys), distinct.partition_bits) == partition).all()
            assert (np.diff(positions) > 0).all()
            assert keys.tolist() == [int(lines[position]) for position in positions]
            sizes.append(len(keys))
    assert (len(sizes), sum(sizes)) == (partitions, 5000)
    assert max(sizes) <= most_rows, "20 on average of 256 partitions"


@pytest.mark.parametrize(
    ("rows", "partitions"),
    [(0, 1), (1, 1), (16_383, 1), (16_384, 1), (16_385, 2), (32_769, 4), (262_143, 16), (262_144, 16), (262_145, 256)],
)
def test_a_short_list_has_few_partitions_and_nothing_else_depends_on_how_many(rows: int, partitions: int) -> None:
    numbers = [999 * 10**9 + row * 7919 % 10**9 for row in range(rows)]
    for later, first in ((rows // 2, 0), (rows - 2, 1), (rows - 1, rows // 2 - 1)):
        if 0 <= first < later:
            numbers[later] = numbers[first]
    kept = list(dict.fromkeys(numbers))
    lines = as_lines(numbers)
    cut = lines.find(b"\n", len(lines) // 2) + 1
    expected, content = ContentKey(), ContentKey()
    expected.add(np.array(kept, np.uint64))
    with DistinctNumbers() as distinct:
        for block in (lines[:cut], lines[cut:]):
            distinct.add(block, Others())
        assert distinct.find_duplicates() == rows - len(kept)
        assert b"".join(distinct.kept_blocks()) == as_lines(kept)
        found = list(distinct.partitions())
    assert len(found) == partitions
    for keys, positions in found:
        assert keys.tolist() == [numbers[position] for position in positions]
        content.add(keys)
    assert content.hexdigest() == expected.hexdigest()


@pytest.mark.parametrize("row_bits", [3, 10])
def test_one_number_in_more_rows_than_a_partition_may_have_in_memory_is_kept_once(row_bits: int) -> None:
    rows = 40 << row_bits
    with DistinctNumbers(row_bits=row_bits) as distinct:
        distinct.add(b"+12025550101\n" + b"+12025550100\n" * rows + b"+12025550102\n", Others())
        assert distinct.find_duplicates() == rows - 1
        assert b"".join(distinct.kept_blocks()) == as_lines([12025550101, 12025550100, 12025550102])


def test_one_number_in_millions_of_rows_takes_no_more_memory_than_different_ones() -> None:
    imports = "import numpy; from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers"
    block = """
        lines = b"+12025550100\\n" * 80_000
        with DistinctNumbers() as distinct:
            for _ in range(60):
                distinct.add(lines, None)
            assert distinct.find_duplicates() == 60 * 80_000 - 1
            assert b"".join(distinct.kept_blocks()) == b"+12025550100\\n"
    """
    assert peak_memory_of(imports, block) < 90 << 10


def test_a_block_may_end_anywhere_and_be_larger_than_what_is_read_at_a_time() -> None:
    lines = [b"+999%08d" % number for number in range(90_000)]
    lines[40_000] = b" " + lines[3]
    block = b"\n".join(lines) + b"\n"
    assert len(block) > 1 << 20
    with DistinctNumbers() as distinct:
        distinct.add(block, Others())
        distinct.add(lines[50_000] + b"\n", Others())
        assert distinct.find_duplicates() == 2
        assert b"".join(distinct.kept_blocks()) == b"\n".join(lines[:40_000] + lines[40_001:]) + b"\n"


def test_a_list_of_nothing_has_nothing() -> None:
    with DistinctNumbers() as distinct:
        assert distinct.find_duplicates() == 0
        assert (distinct.kept, distinct.lines_read, list(distinct.kept_blocks())) == (0, 0, [])
        assert sum(len(keys) for keys, _ in distinct.partitions()) == 0


@pytest.mark.parametrize("number", [0, 9, -12, 10**15])
def test_what_is_no_number_is_refused_instead_of_taken_for_another(number: int) -> None:
    with DistinctNumbers() as distinct, pytest.raises(ValueError, match="2 to 15 digits"):
        distinct.add(b"x\n", lambda _row, _line: number)


def test_half_a_line_is_refused() -> None:
    with DistinctNumbers() as distinct, pytest.raises(ValueError, match="line end"):
        distinct.add(b"+12025550100\n+1202", Others())


def test_its_files_have_no_names_and_are_closed_with_it(tmp_path: Path) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    with DistinctNumbers(tmp_path) as distinct:
        distinct.add(b"+12025550100\n", Others())
        assert list(tmp_path.iterdir()) == []
        assert len([*Path("/proc/self/fd").iterdir()]) == before + 2
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_rows_of_which_the_disk_lost_some_are_not_returned() -> None:
    scatter = Scatter(0x2545F4914F6CD)
    keys = np.arange(12025500000, 12025540000, dtype=np.uint64)
    with spool_file(None) as file, closing(DealtRows(file, scatter)) as rows:
        rows.add(keys)
        rows.finish()
        last = (1 << rows.partition_bits) - 1
        file.truncate(8 * len(keys) - 1)
        with pytest.raises(OSError, match="a spool file is shorter than what was written to it"):
            next(rows.partition(last))
        # Those of the others are there in full.
        found = partitions_of(scatter.scattered(keys), rows.partition_bits)
        for partition in range(last):
            [part] = rows.partition(partition)
            assert part.positions.tolist() == np.flatnonzero(found == partition).tolist()


@pytest.mark.parametrize("keeps", [True, False])
def test_lines_of_which_the_disk_lost_some_are_not_returned(keeps: bool) -> None:
    """Not even where none of them is kept: then nothing on that disk can be relied on."""
    text = as_lines(list(range(12025550100, 12025550200)))
    with spool_file(None) as file, closing(LineSpool(file)) as lines:
        lines.add(text, 100)
        lines.finish()
        file.truncate(len(text) - 1)
        with pytest.raises(OSError, match="a spool file is shorter than what was written to it"):
            next(lines.blocks(np.full(100, keeps)))
