from __future__ import annotations

import csv
import hashlib
import io

from airflow_provider_ekyc.preparation.rejects import LONGEST_VALUE, Rejects
from airflow_provider_ekyc.preparation.sources.cells import UNREADABLE_ROW
from airflow_provider_ekyc.spool import spool_file


def test_rows_are_written_as_csv_with_the_sums_of_the_file() -> None:
    rows = [
        ("a.csv", 1, "not a number", b'x, "y"'),
        ("a.csv", 7, "not a number", "é".encode() + b"\xff"),
        ("a.csv", 8, "another number of columns", f"{UNREADABLE_ROW}2,x".encode()),
        ("b,c.csv", 10**7, "too long", b"1" * 5000 + b"\n"),
    ]
    with spool_file(None) as spool:
        rejects = Rejects(spool)
        for row in rows:
            rejects.add(*row)
        sums = rejects.finish()
        spool.seek(0)
        content = spool.read()
    assert (sums.size, sums.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    found = list(csv.reader(io.StringIO(content.decode())))
    assert found == [
        ["file", "row", "reason", "value"],
        ["a.csv", "1", "not a number", 'x, "y"'],
        ["a.csv", "7", "not a number", "é\ufffd"],
        ["a.csv", "8", "another number of columns", "2,x"],
        ["b,c.csv", "10000000", "too long", "1" * LONGEST_VALUE],
    ]


def test_many_rows_are_not_kept_in_memory() -> None:
    with spool_file(None) as spool:
        rejects = Rejects(spool)
        for row in range(20_000):
            rejects.add("a.csv", row, "not a number", b"x" * 100)
        assert spool.tell() > 1_000_000
        assert rejects.finish().size == spool.tell()
