"""Which parts of a Parquet file can matter, by what its footer says of them. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ekyc.history.times import ticks_at

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import parquet

#: Columns of each batch.
NUMBER, REGISTERED, VERIFIED_AT, TASK_TYPE = "number", "registered", "verified_at", "task_type"
COLUMNS: Final = (NUMBER, REGISTERED, VERIFIED_AT)

_UNITS: Final = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}


@dataclass(frozen=True, slots=True)
class Group:
    """
    A row group that can matter.

    :param index: its place in the file
    :param columns: what has to be read of it
    :param verified_at: what ``verified_at`` is in each row, as a count of the type's unit; None if it has to be read
    :param start: where the first of the columns begins in the file
    :param end: where the last of them ends
    """

    index: int
    columns: tuple[str, ...]
    verified_at: int | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """
    The row groups of a file that can matter.

    :param groups: in the order of the file
    :param too_old: whether rows of the task type may have been left out
    """

    groups: list[Group]
    too_old: bool


def schema_problem(schema: pyarrow.Schema) -> str | None:
    """
    Return what is wrong with the schema of a file, or None if it can be a landed result.

    Columns that are not needed are not looked at.
    """
    from pyarrow import types

    def is_text(kind: Any) -> bool:
        kind = kind.value_type if types.is_dictionary(kind) else kind
        return bool(types.is_string(kind) or types.is_large_string(kind)) or str(kind) == "string_view"

    kinds = {
        NUMBER: (is_text, "text"),
        REGISTERED: (types.is_boolean, "a boolean"),
        VERIFIED_AT: (lambda kind: types.is_timestamp(kind) and kind.tz is not None, "a timestamp in UTC"),
        TASK_TYPE: (is_text, "text"),
    }
    for name, (is_kind, kind) in kinds.items():
        found = [field.type for field in schema if field.name == name]
        if not found:
            return f"has no column {name}"
        if len(found) > 1:
            return f"has more than one column {name}"
        if not is_kind(found[0]):
            return f"has a column {name} that is not {kind}"
    return None


def time_unit(metadata: parquet.FileMetaData) -> str | None:
    """
    Return the unit of ``verified_at`` in a file and in its statistics; None if that is not known.

    The type that Arrow reads it as may have another one, which its writer has noted.
    """
    for place in range(len(metadata.schema)):
        column = metadata.schema.column(place)
        if column.path == VERIFIED_AT:
            return _UNITS.get(json.loads(column.logical_type.to_json()).get("timeUnit"))
    return None


def choose(metadata: parquet.FileMetaData, unit: str, since: datetime | None, task_type: str) -> Chosen:
    """
    Choose the row groups that can hold a row of a task type that was verified after a time.

    Only what the statistics exclude is left out: without them a group is read.

    :param metadata: of a file whose schema is right
    :param unit: of its ``verified_at``, as :func:`time_unit` returns it
    :param since: with a time zone; None if no time is too old
    """
    places = {metadata.schema.column(place).path: place for place in range(len(metadata.schema))}
    wanted = task_type.encode()
    oldest = None if since is None else ticks_at(since, unit)
    groups, too_old = [], False
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        if not group.num_rows:
            continue
        types = _Bounds.of(group, places[TASK_TYPE])
        if types.all_null or types.excludes(wanted):
            continue
        times = _Bounds.of(group, places[VERIFIED_AT])
        if oldest is not None and (times.all_null or (times.greatest is not None and times.greatest <= oldest)):
            too_old = True
            continue
        columns = [NUMBER, REGISTERED]
        if not times.is_one:
            columns.append(VERIFIED_AT)
        if not (types.is_one and types.least == wanted):
            columns.append(TASK_TYPE)
        ranges = [_byte_range(group.column(places[name])) for name in columns]
        groups.append(
            Group(
                index,
                tuple(columns),
                times.least if times.is_one else None,
                min(start for start, _ in ranges),
                max(end for _, end in ranges),
            )
        )
    return Chosen(groups, too_old)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """
    What the statistics of a column say of a row group.

    :param least: no value is less; None if that is not known
    :param greatest: no value is greater; None if that is not known
    :param no_null: whether it is certain that no row is null
    :param all_null: whether it is certain that each row is
    """

    least: Any
    greatest: Any
    no_null: bool
    all_null: bool

    @classmethod
    def of(cls, group: parquet.RowGroupMetaData, place: int) -> _Bounds:
        found = group.column(place).statistics
        if found is None:
            return cls(None, None, no_null=False, all_null=False)
        nulls = found.null_count if found.has_null_count else None
        least, greatest = (found.min_raw, found.max_raw) if found.has_min_max else (None, None)
        return cls(least, greatest, no_null=nulls == 0, all_null=nulls == group.num_rows)

    @property
    def is_one(self) -> bool:
        """Whether each row has the same value."""
        return self.no_null and self.least is not None and self.least == self.greatest

    def excludes(self, value: Any) -> bool:
        return self.least is not None and not self.least <= value <= self.greatest


def _byte_range(column: parquet.ColumnChunkMetaData) -> tuple[int, int]:
    start = column.data_page_offset
    # 0 where there is none: some writers set it all the same.
    if column.dictionary_page_offset:
        start = min(start, column.dictionary_page_offset)
    return start, start + column.total_compressed_size
