"""A list can't choose the partition of its lines, and the result does not depend on the key."""

from __future__ import annotations

from itertools import count, islice
from zlib import crc32

import pytest

from airflow_provider_ekyc.numbers.duplicates import PARTITIONS, DuplicateFinder
from airflow_provider_ekyc.spool import spool_file

KEYS = [bytes(16), b"made-up-key-0001", bytes(range(16))]


def numbers() -> list[bytes]:
    """Return 12,800 numbers that CRC-32 puts into one of 128 partitions."""
    chosen = (line for number in count() if not crc32(line := b"+999%09d" % number) & (PARTITIONS - 1))
    return list(islice(chosen, 100 * PARTITIONS))


@pytest.mark.parametrize("key", KEYS)
def test_numbers_that_share_a_crc_partition_are_spread_evenly(key: bytes) -> None:
    lines = numbers()
    with spool_file(None) as file:
        finder = DuplicateFinder(file, key)
        finder.add(lines[:5000])
        finder.add(lines[5000:])
        sizes = finder.partition_lines
        assert sum(sizes) == len(lines)
        # 100 on average; of 128 partitions one with 160 has a chance of 1 in a million.
        assert max(sizes) < 160
        keep, duplicates = finder.first_occurrences()
    assert (sum(keep), duplicates) == (len(lines), 0)


def test_another_key_makes_other_partitions_and_finds_the_same() -> None:
    lines = [b"+999%09d" % (number % 700) for number in range(1000)]
    partitions, found = set(), set()
    for key in KEYS:
        with spool_file(None) as file:
            finder = DuplicateFinder(file, key)
            finder.add(lines)
            partitions.add(tuple(finder.partition_lines))
            keep, duplicates = finder.first_occurrences()
            found.add((bytes(keep), duplicates))
    assert len(partitions) == len(KEYS)
    assert found == {(b"\x01" * 700 + b"\x00" * 300, 300)}
