"""Rows dealt out to parts: each row is in the part of its bits, and equal rows are together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from airflow_provider_ekyc.results.compare import parts as module
from airflow_provider_ekyc.results.compare.parts import PARTS, Parts


def random_rows(count: int) -> Any:
    return np.random.default_rng(7).integers(2**63, size=count, dtype=np.uint64) * np.uint64(2)


def part_of(rows: Any, level: int) -> list[int]:
    return (rows >> np.uint64(56 - 8 * level) & np.uint64(255)).tolist()


@pytest.mark.parametrize("level", [0, 1])
def test_a_row_is_in_the_part_of_its_bits(level: int) -> None:
    rows = random_rows(5000)
    parts = Parts(level, 6000)
    assert (parts.size, parts.room) == (0, 6000)
    for start in range(0, 5000, 2000):
        parts.add(rows[start : start + 2000].copy())
    assert (parts.size, parts.room) == (5000, 1000)
    assert sorted(parts.rows().tolist()) == sorted(rows.tolist())
    in_part = part_of(rows, level)
    for first, end in ((0, 1), (0, 7), (100, 103), (255, PARTS)):
        expected = [row for row, part in zip(rows.tolist(), in_part, strict=True) if first <= part < end]
        assert sorted(parts.rows(first, end).tolist()) == sorted(expected)


def test_there_is_room_for_exactly_as_many_rows_as_were_asked_for() -> None:
    for most in (1, 3000, module.BATCH, module.BATCH + 1):
        assert Parts(0, most).room == most


def test_groups_have_all_rows_and_as_many_as_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP", 100)
    rows = random_rows(5000)
    parts = Parts(0, 5000)
    parts.add(rows[:2000].copy())
    parts.add(rows[2000:].copy())
    groups = list(parts.groups())
    sizes = [len(parts.rows(*group)) for group in groups]
    single = np.bincount(part_of(rows, 0), minlength=PARTS).tolist()
    assert sum(sizes) == 5000
    assert [first for first, _ in groups] == [0, *(end for _, end in groups[:-1])]
    assert groups[-1][1] == PARTS
    assert max(sizes) <= 100
    for size, (_, end) in zip(sizes[:-1], groups[:-1], strict=True):
        assert size + single[end] > 100, "the next part has room in the group"


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([100, 1], [(0, 1), (1, PARTS)]),
        ([60, 40, 1], [(0, 2), (2, PARTS)]),
        ([101, 101], [(0, 1), (1, 2)]),
        ([0, 0, 5], [(0, PARTS)]),
        ([], []),
    ],
)
def test_a_group_ends_where_the_next_part_would_be_too_much(
    sizes: list[int], groups: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP", 100)
    rows = [np.arange(size, dtype=np.uint64) + np.uint64(part << 56) for part, size in enumerate(sizes)]
    parts = Parts(0, 1000)
    for each in rows:
        parts.add(each)
    assert list(parts.groups()) == groups


def test_what_fills_a_part_is_kept_once_and_what_does_not_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SKEWED", 50)
    few, many = Parts(0, 200), Parts(0, 200)
    few.add(np.full(50, 7, np.uint64))
    many.add(np.concatenate([np.full(51, 7, np.uint64), np.array([2**63, 2**63], np.uint64)]))
    assert few.rows().tolist() == [7] * 50
    assert many.rows().tolist() == [7, 2**63]
    assert many.room == 198


def test_batches_are_handed_out_with_the_places_of_their_parts() -> None:
    rows = random_rows(3000)
    parts = Parts(0, 3000)
    parts.add(rows[:1000].copy())
    parts.add(rows[1000:].copy())
    drained = [(batch.copy(), bounds.tolist()) for batch, bounds in parts.drained()]
    assert [len(batch) for batch, _ in drained] == [1000, 2000]
    for batch, bounds in drained:
        assert (len(bounds), bounds[0], bounds[-1]) == (PARTS + 1, 0, len(batch))
        in_part = part_of(batch, 0)
        for part in range(PARTS):
            assert set(in_part[bounds[part] : bounds[part + 1]]) <= {part}
    assert (parts.size, parts.room, list(parts.drained())) == (0, 3000, [])
