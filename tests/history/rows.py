"""Rows of a history, and sources and candidates that hold them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pyarrow

from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SCHEMA = pyarrow.schema(
    {"number": pyarrow.string(), "registered": pyarrow.bool_(), "verified_at": pyarrow.timestamp("us", "UTC")}
)


class Row(NamedTuple):
    """A row of the history; ``age`` is counted back from ``NOW``."""

    number: str
    registered: bool | None
    age: timedelta | None
    task_type: str | None = "amazon"

    @property
    def verified_at(self) -> datetime | None:
        return None if self.age is None else NOW - self.age


class Rows:
    """A history in memory, which leaves out what is too old."""

    shown = "rows in memory"

    def __init__(self, rows: Sequence[Row], batch: int = 3) -> None:
        self.rows, self.batch = rows, batch
        self.files_read = self.files_skipped = 0
        self.is_complete = True

    def batches(self, since: datetime | None, task_type: str) -> Iterator[pyarrow.RecordBatch]:
        own = [row for row in self.rows if row.task_type == task_type]
        rows = [row for row in own if since is None or (row.verified_at is not None and row.verified_at > since)]
        self.is_complete = len(rows) == len(own)
        for start in range(0, len(rows), self.batch):
            part = rows[start : start + self.batch]
            values = [[row.number for row in part], [row.registered for row in part], [row.verified_at for row in part]]
            arrays = [pyarrow.array(column, field.type) for column, field in zip(values, SCHEMA, strict=True)]
            yield pyarrow.RecordBatch.from_arrays(arrays, schema=SCHEMA)


@contextmanager
def candidates(numbers: Iterable[int], row_bits: int = 22) -> Iterator[DistinctNumbers]:
    """Numbers that may be verified; duplicates are left out."""
    with DistinctNumbers(row_bits=row_bits) as distinct:
        distinct.add(b"".join(b"+%d\n" % number for number in numbers), lambda row, line: None)
        distinct.find_duplicates()
        yield distinct


def kept_numbers(numbers: DistinctNumbers) -> list[int]:
    return [int(line) for line in b"".join(numbers.kept_blocks()).split()]
