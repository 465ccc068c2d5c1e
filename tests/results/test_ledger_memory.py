"""A ledger holds a bounded number of rows in memory, however many there are: measured in a process of its own."""

from __future__ import annotations

import pytest

from tests.peak_memory import peak_memory_of


@pytest.mark.parametrize(("held", "rows", "most_mib"), [(2, 4_000_000, 28), (8, 4_000_000, 44)])
def test_memory_is_bounded_by_neither_numbers_nor_the_length_of_a_line(held: int, rows: int, most_mib: int) -> None:
    imports = f"""
        import numpy as np
        from airflow_provider_ekyc.submission.record import Submission
        from airflow_provider_ekyc.results.compare import ledger as ledger_module
        from airflow_provider_ekyc.results.compare.ledger import NumberLedger
        from airflow_provider_ekyc.results.compare.tally import NO, YES
        from airflow_provider_ekyc.results.compare.unmatched import NotCompared, spool_sent
        from airflow_provider_ekyc.spool import spool_file
        ledger_module._HELD = {held} << 18
    """
    block = f"""
        with spool_file(None) as file, spool_file(None) as target:
            ledger = NumberLedger(file)
            submission = Submission("d1", "amazon", "", 1, 0, 0, 1, 0, 0, None, "")
            assert isinstance(spool_sent(OneLine(), submission, ledger), NotCompared)
            for start in range(0, {rows}, 20_000):
                keys = np.arange(start, start + 20_000, dtype=np.uint64)
                ledger.add_returned(keys, np.where(keys & np.uint64(1), np.uint8(YES), np.uint8(NO)))
                ledger.add_sent(keys + np.uint64({rows // 2}))
            found = ledger.unmatched(target)
            assert (found.sent, found.returned, found.count, found.unexpected) == {(rows, rows, rows // 2, rows // 2)}
    """
    assert peak_memory_of(imports, block) < most_mib << 10  # the numbers themselves are 61 MiB
