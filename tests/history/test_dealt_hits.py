"""``history/dealt_hits.py``: rows on disk, partition by partition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from airflow_provider_ekyc.exceptions import EkycSpoolError
from airflow_provider_ekyc.history import dealt_hits
from airflow_provider_ekyc.history.dealt_hits import DealtHits
from airflow_provider_ekyc.spool import Spool, spool_file


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("batch", [7, 64, 1000])
@pytest.mark.parametrize("partition_bits", [0, 3, 8])
def test_each_row_is_in_its_partition(
    monkeypatch: pytest.MonkeyPatch, columns: int, batch: int, partition_bits: int
) -> None:
    monkeypatch.setattr(dealt_hits, "_BATCH", batch)
    rows = np.random.default_rng(1).integers(0, 1 << 64, (columns, 500), np.uint64)
    rows[0, 300:] |= np.uint64(255 << 56)  # more than one batch in one partition
    with spool_file(None) as file:
        hits = DealtHits(file, columns, partition_bits)
        for start in range(0, 500, 50):
            hits.add(*rows[:, start : start + 50])
        hits.finish()
        for partition in range(1 << partition_bits):
            found = list(hits.partition(partition))
            assert all(part.shape[1] <= batch for part in found)
            expected = rows[:, [int(row) >> 64 - partition_bits == partition for row in rows[0]]]
            assert np.array_equal(np.concatenate([np.empty((columns, 0), np.uint64), *found], axis=1), expected)


def test_a_full_disk_is_an_error() -> None:
    with open("/dev/full", "r+b", buffering=0) as full, Spool(full.fileno(), "r+b", closefd=False) as file:
        hits = DealtHits(file, 1, 8)
        hits.add(np.arange(10, dtype=np.uint64))
        with pytest.raises(EkycSpoolError, match="the disk is full"):
            hits.finish()


def test_a_file_that_was_cut_is_an_error(tmp_path: Path) -> None:
    with spool_file(tmp_path) as file:
        hits = DealtHits(file, 1, 8)
        hits.add(np.arange(10, dtype=np.uint64))
        hits.finish()
        file.truncate(8)
        with pytest.raises(OSError, match="shorter"):
            list(hits.partition(0))
