"""Numbers in ascending order: in memory, and in runs on disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from airflow_provider_ekyc.results.compare import ascending
from airflow_provider_ekyc.results.compare.ascending import Ascending
from airflow_provider_ekyc.spool import Spool, spool_file


@pytest.fixture
def file() -> Iterator[Spool]:
    with spool_file(None) as opened:
        yield opened


def shuffled(count: int, seed: int = 7) -> Any:
    return np.random.default_rng(seed).permutation(np.arange(count, dtype=np.uint64) * np.uint64(3))


def in_order(found: Ascending) -> list[list[int]]:
    blocks = list(found.blocks())
    assert {block.dtype for block in blocks} == {np.dtype(np.uint64)}
    return [block.tolist() for block in blocks]


def test_few_numbers_are_sorted_in_memory(file: Spool) -> None:
    found = Ascending(file)
    assert in_order(found) == [[]]
    for numbers in ([30, 10], [], [20]):
        found.add(np.array(numbers, np.uint64))
    assert in_order(found) == [[10, 20, 30]]
    assert file.seek(0, 2) == 0


@pytest.mark.parametrize(("run", "merged"), [(100, 8), (100, 1000), (7, 2), (64, 16), (1, 4)])
@pytest.mark.parametrize("batch", [1, 10, 64])
def test_many_numbers_are_in_order_over_all_blocks(
    run: int, merged: int, batch: int, file: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ascending, "_RUN", run)
    monkeypatch.setattr(ascending, "_MERGED", merged)
    file.write(b"what was written before")
    found = Ascending(file)
    numbers = shuffled(640)
    for start in range(0, 640, batch):
        found.add(numbers[start : start + batch])
    blocks = in_order(found)
    assert [number for block in blocks for number in block] == list(range(0, 1920, 3))
    assert file.seek(0, 2) > len(b"what was written before")


def test_a_run_is_written_once_it_is_full(file: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ascending, "_RUN", 10)
    found = Ascending(file)
    sizes = []
    for numbers in (shuffled(9), np.array([100], np.uint64), shuffled(9) + np.uint64(1), shuffled(2) + np.uint64(50)):
        found.add(numbers)
        sizes.append(file.seek(0, 2))
    assert sizes == [0, 80, 80, 80 + 88]


@pytest.mark.parametrize("merged", [4, 16, 64])
def test_no_more_of_each_run_is_held_than_is_merged(merged: int, file: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ascending, "_RUN", 500)
    monkeypatch.setattr(ascending, "_MERGED", merged)
    found = Ascending(file)
    for start in range(0, 2000, 500):
        found.add(shuffled(2000)[start : start + 500])
    blocks = in_order(found)
    assert [number for block in blocks for number in block] == list(range(0, 6000, 3))
    # Half of what is merged is left of a run when more of it is read.
    assert max(map(len, blocks)) <= 4 * (merged + merged // 2)
