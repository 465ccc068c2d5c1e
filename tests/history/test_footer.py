"""``history/footer.py``: what a footer says of a file, and what can't be known of it."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from airflow_provider_ekyc.history.footer import choose, schema_problem, time_unit
from tests.history.rows import DAY, NOW

SINCE = NOW - 30 * DAY
OLD, YOUNG = SINCE, NOW
EXACT = pyarrow.timestamp("us", "UTC")


def metadata_of(
    times: list[datetime | None], types: list[str | None], kind: pyarrow.DataType = EXACT, **options: Any
) -> parquet.FileMetaData:
    table = pyarrow.table(
        {
            "number": pyarrow.array([f"+1202555010{row}" for row in range(len(times))]),
            "registered": pyarrow.array([True] * len(times)),
            "verified_at": pyarrow.array(times, kind),
            "task_type": pyarrow.array(types, pyarrow.string()),
        }
    )
    file = BytesIO()
    parquet.write_table(table, file, **options)
    return parquet.read_metadata(file)


@pytest.mark.parametrize(
    ("times", "types", "columns", "too_old"),
    [
        ([YOUNG, YOUNG], ["amazon", "amazon"], ("number", "registered"), False),
        ([YOUNG, OLD], ["amazon", "amazon"], ("number", "registered", "verified_at"), False),
        ([YOUNG, None], ["amazon", "amazon"], ("number", "registered", "verified_at"), False),
        ([YOUNG, YOUNG], ["amazon", "ws"], ("number", "registered", "task_type"), False),
        ([YOUNG, YOUNG], ["amazon", None], ("number", "registered", "task_type"), False),
        ([YOUNG, YOUNG], ["aa", "zz"], ("number", "registered", "task_type"), False),
        ([OLD, OLD - DAY], ["amazon", "amazon"], None, True),
        ([None, None], ["amazon", "amazon"], None, True),
        ([YOUNG, OLD], ["ws", "ws"], None, False),
        ([YOUNG, OLD], ["Amazon", "Amazon"], None, False),
        ([YOUNG, OLD], [None, None], None, False),
        ([], [], None, False),
    ],
)
def test_a_group_is_read_unless_its_statistics_exclude_it(
    times: list[datetime | None], types: list[str | None], columns: tuple[str, ...] | None, too_old: bool
) -> None:
    chosen = choose(metadata_of(times, types), "us", SINCE, "amazon")
    assert [group.columns for group in chosen.groups] == ([columns] if columns else [])
    assert chosen.too_old is too_old


@pytest.mark.parametrize("statistics", [False, ["verified_at"], ["task_type"]])
def test_what_has_no_statistics_is_read(statistics: Any) -> None:
    chosen = choose(metadata_of([OLD], ["amazon"], write_statistics=statistics), "us", NOW - 60 * DAY, "amazon")
    assert len(chosen.groups) == 1
    absent = {"verified_at", "task_type"} - set(statistics or [])
    assert absent <= set(chosen.groups[0].columns)


@pytest.mark.parametrize("kind", ["ms", "us", "ns"])
def test_times_are_compared_in_the_unit_of_the_file(kind: str) -> None:
    metadata = metadata_of([OLD, OLD], ["amazon"] * 2, pyarrow.timestamp(kind, "Asia/Kolkata"))
    assert time_unit(metadata) == kind
    assert choose(metadata, kind, OLD, "amazon").too_old
    assert not choose(metadata, kind, OLD - DAY, "amazon").too_old
    assert choose(metadata, kind, None, "amazon").groups[0].verified_at is not None


def test_seconds_are_milliseconds_in_a_file() -> None:
    assert time_unit(metadata_of([OLD], ["amazon"], pyarrow.timestamp("s", "UTC"))) == "ms"


def test_each_group_is_chosen_by_itself() -> None:
    metadata = metadata_of([OLD, YOUNG, OLD, YOUNG], ["amazon", "amazon", "amazon", "ws"], row_group_size=1)
    chosen = choose(metadata, "us", SINCE, "amazon")
    assert ([group.index for group in chosen.groups], chosen.too_old) == ([1], True)
    group = chosen.groups[0]
    assert 4 <= group.start < group.end


RIGHT = {"number": "string", "registered": "bool", "verified_at": EXACT, "task_type": "string"}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"dt": "string"}, None),
        ({"number": pyarrow.large_string(), "task_type": pyarrow.dictionary(pyarrow.int8(), "string")}, None),
        ({"verified_at": None}, "has no column verified_at"),
        ({"number": "int64"}, "has a column number that is not text"),
        ({"number": pyarrow.dictionary(pyarrow.int8(), "int64")}, "has a column number that is not text"),
        ({"registered": "string"}, "has a column registered that is not a boolean"),
        ({"verified_at": pyarrow.timestamp("us")}, "has a column verified_at that is not a timestamp in UTC"),
        ({"verified_at": "string"}, "has a column verified_at that is not a timestamp in UTC"),
        ({"task_type": "int32"}, "has a column task_type that is not text"),
    ],
)
def test_the_schema_of_another_writer_is_recognized(changes: dict[str, Any], problem: str | None) -> None:
    columns = {name: kind for name, kind in (RIGHT | changes).items() if kind is not None}
    assert schema_problem(pyarrow.schema(columns)) == problem


def test_a_column_that_is_there_twice_is_a_problem() -> None:
    fields = [*pyarrow.schema(RIGHT), pyarrow.field("number", pyarrow.string())]
    assert schema_problem(pyarrow.schema(fields)) == "has more than one column number"
