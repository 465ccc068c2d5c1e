"""``history/bit_filter.py``: which numbers may be candidates."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_provider_ekyc.history.bit_filter import BitFilter
from airflow_provider_ekyc.numbers.dealt_rows import Scatter, partitions_of

SCATTER = Scatter(0x1D2E3F4A5B6C7)


@pytest.mark.parametrize("partition_bits", [0, 3, 8])
@pytest.mark.parametrize(("count", "most_others"), [(1, 0.001), (100_000, 0.12)])
def test_each_candidate_passes_and_few_others_do(count: int, most_others: float, partition_bits: int) -> None:
    random = np.random.default_rng(1)
    candidates = SCATTER.scattered(random.integers(10**11, 10**12, count, np.uint64))
    others = SCATTER.scattered(random.integers(10**12, 10**13, 100_000, np.uint64))
    found = BitFilter(count, partition_bits)
    for partition in range(1 << partition_bits):
        found.add(partition, candidates[partitions_of(candidates, partition_bits) == partition])
    assert found.may_have(candidates).all()
    assert found.may_have(others).mean() < most_others


def test_without_candidates_none_passes() -> None:
    assert not BitFilter(0, 8).may_have(SCATTER.scattered(np.arange(1000, dtype=np.uint64))).any()
