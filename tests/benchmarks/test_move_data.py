"""The rows that moves are measured on: each number once, always the same; the archive around them is a real one."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dev.benchmarks.move_data import Archive, NoRoom, Size, archive
from dev.benchmarks.move_rows import BLOCK_ROWS, Rows

ROWS = BLOCK_ROWS + 50_000
SMALL = Size("small", 2_000, 6)


@pytest.fixture(scope="module")
def table() -> bytes:
    return b"".join(Rows().table(ROWS))


@pytest.fixture(scope="module")
def digits(table: bytes) -> np.ndarray:
    return np.array([int(line[4:13]) for line in table.splitlines()])


def test_every_row_is_a_number_of_no_country_and_an_answer(table: bytes) -> None:
    rows = list(csv.reader(io.StringIO(table.decode())))
    assert len(rows) == ROWS
    assert all(number.startswith("+999") and len(number) == 13 and number[1:].isdigit() for number, _ in rows)
    answers = Counter(answer for _, answer in rows)
    assert set(answers) == {"yes", "no"}
    assert answers["yes"] / ROWS == pytest.approx(0.35, abs=0.01)


def test_every_number_is_there_once(digits: np.ndarray) -> None:
    assert len(np.unique(digits)) == ROWS


def test_the_numbers_are_spread_as_if_drawn(digits: np.ndarray) -> None:
    for values in (digits // 10**8, digits % 10, digits // 10**4 % 10):
        assert np.bincount(values, minlength=10) / ROWS == pytest.approx([0.1] * 10, abs=0.01)
    steps = np.diff(digits)
    assert len(np.unique(steps)) > 0.99 * len(steps)


def test_rows_do_not_depend_on_how_many_there_are(table: bytes) -> None:
    first = b"".join(Rows().table(1_000))
    assert table.startswith(first[: first.rindex(b",")])


def test_the_numbers_alone_are_the_same_in_another_order(digits: np.ndarray) -> None:
    alone = np.array([int(line[4:]) for block in Rows().numbers(ROWS) for line in block.splitlines()])
    assert (alone == digits[::-1]).all()


def test_an_archive_is_what_is_said_of_it(tmp_path: Path) -> None:
    made = archive(SMALL, tmp_path)
    assert (made.size, made.sha256) == (
        made.path.stat().st_size,
        hashlib.sha256(made.path.read_bytes()).hexdigest(),
    )
    with zipfile.ZipFile(made.path) as opened:
        assert opened.namelist() == ["amazon.csv"]
        text = opened.read("amazon.csv")
    assert text.startswith(b"Number,amazon\n+999")
    assert (made.csv_size, made.csv_sha256) == (len(text), hashlib.sha256(text).hexdigest())
    assert (made.rows, made.yes) == (2_000, text.count(b",yes\n"))
    assert len(made.numbers_path.read_text().splitlines()) == made.rows


def test_an_archive_is_the_same_everywhere(tmp_path: Path) -> None:
    one, two = (archive(SMALL, tmp_path / name) for name in ("one", "two"))
    assert (one.sha256, one.csv_sha256) == (two.sha256, two.csv_sha256)


def rewritten(made: Archive) -> Archive:
    return archive(SMALL, made.path.parent)


def half_made(made: Archive) -> Archive:
    made.path.with_suffix(".json").unlink()
    made.path.write_bytes(b"half")
    return archive(SMALL, made.path.parent)


@pytest.mark.parametrize(("again", "is_anew"), [(rewritten, False), (half_made, True)])
def test_an_archive_is_made_once_unless_it_is_half_made(
    tmp_path: Path, again: Callable[[Archive], Archive], is_anew: bool
) -> None:
    made = archive(SMALL, tmp_path)
    made.path.touch()
    before = made.path.stat().st_mtime_ns
    assert again(made) == made
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256
    assert (made.path.stat().st_mtime_ns != before) is is_anew


def test_a_large_one_is_not_begun_where_there_is_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=8 * 2**30))
    with pytest.raises(NoRoom, match=r"2200mb: 8\.0 GiB free of the 8\.7 GiB"):
        archive(Size("2200mb", 345_000_000, 1), tmp_path)
    assert list(tmp_path.iterdir()) == []
