"""The benchmark of freshness: its data, and that its methods leave the same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.benchmarks import freshness_data, freshness_methods, move_rows
from dev.benchmarks.freshness import job_of
from dev.benchmarks.freshness_data import HISTORIES, History, history


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> History:
    for module in (move_rows, freshness_data):
        monkeypatch.setattr(module, "BLOCK_ROWS", 1000)
    monkeypatch.setattr(freshness_data, "FOLDER", tmp_path)
    monkeypatch.setitem(HISTORIES, "small", History("small", blocks=2, known=60, new=80))
    return history("small")


@pytest.mark.parametrize(
    "method", [freshness_methods.ours, freshness_methods.duckdb_text, freshness_methods.polars_text]
)
def test_each_method_leaves_the_numbers_that_are_not_in_the_history(small: History, tmp_path: Path, method) -> None:
    lines = small.candidates.read_bytes().splitlines()
    assert (len(lines), len(set(lines)), small.lines, small.rows) == (200, 200, 200, 2000)
    assert len(list(small.files.glob("*.parquet"))) == 6
    job = job_of(small)(str(tmp_path))
    count, total = method(**job)
    left = Path(job["target"]).read_bytes().split()
    assert count == len(left) == 80
    assert total == sum(int(number) for number in left)
    assert set(left) <= set(lines)
    # The order of the list is ours to keep.
    assert method is not freshness_methods.ours or left == [line for line in lines if line in set(left)]


def test_a_history_is_made_once(small: History) -> None:
    made = {path: path.stat().st_mtime_ns for path in small.folder.rglob("*")}
    assert history("small") == small
    assert made == {path: path.stat().st_mtime_ns for path in small.folder.rglob("*")}
