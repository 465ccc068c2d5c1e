"""What the warehouse table is made as, and whether a table that exists can have a landed file as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ekyc.results.output.parquet import PARQUET

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

#: Types of the landed file's columns, as Arrow names them, and as Iceberg does.
_TYPES: Final = {"string": "string", "bool": "boolean", "timestamp[us, tz=UTC]": "timestamptz"}
#: Columns of the landed file that have no null.
_REQUIRED: Final = frozenset({"number", "answer"})
#: Columns with one value in a landed file: only by these can a table be partitioned that is to have it as it is.
_CONSTANT: Final = frozenset({"task_type", "verified_at", "ekyc_task_id"})

#: Of Iceberg's table format, the newest that pyiceberg (0.12) writes.
_NEWEST_FORMAT: Final = 2

#: Properties of a table that is made here, beside its name mapping.
_PROPERTIES: Final = {
    # Files are found by the remote id, so its statistics are not to be cut off after 16 characters.
    "write.metadata.metrics.column.ekyc_task_id": "full",
    # A compaction would write the smallest and the largest number of each file into the table's metadata.
    "write.metadata.metrics.column.number": "none",
    "write.metadata.metrics.column.answer": "none",
    # Each landing adds a manifest; from 100 on they are joined, so that a look at the table stays short.
    "commit.manifest-merge.enabled": "true",
}


def columns() -> dict[str, str]:
    """Return the columns of a landed file, each with its type as Iceberg names it."""
    return {column.name: _TYPES[column.type] for column in PARQUET.columns("")}


def creation_arguments() -> dict[str, Any]:
    """
    Return pyiceberg's arguments for a new table.

    The schema is that of the landed Parquet file, in its order; partitioned by the day of ``verified_at`` in UTC (a
    file without that time is in the partition null); with a name mapping, since a landed file has no field ids.
    """
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import DayTransform
    from pyiceberg.types import BooleanType, NestedField, StringType, TimestamptzType

    types = {"string": StringType(), "boolean": BooleanType(), "timestamptz": TimestamptzType()}
    fields = [
        NestedField(place, column.name, types[_TYPES[column.type]], column.name in _REQUIRED, column.description)
        for place, column in enumerate(PARQUET.columns(""), start=1)
    ]
    schema = Schema(*fields)
    day = PartitionField(schema.find_field("verified_at").field_id, 1000, DayTransform(), "verified_at_day")
    mapping = {"schema.name-mapping.default": schema.name_mapping.model_dump_json()}
    return {"schema": schema, "partition_spec": PartitionSpec(day), "properties": {**_PROPERTIES, **mapping}}


def problems_of(table: Table) -> list[str]:
    """Say why a table can't have a landed file as it is, in parts of a sentence; empty if it can."""
    if table.metadata.format_version > _NEWEST_FORMAT:
        return [f"it has Iceberg's format version {table.metadata.format_version}, which pyiceberg does not write"]
    schema = table.schema()
    return [*_of_columns(schema), *_of_partitioning(table, schema), *_of_mapping(table, schema)]


def _of_columns(schema: Schema) -> Iterator[str]:
    fields = {field.name: field for field in schema.fields}
    for name, kind in columns().items():
        field = fields.pop(name, None)
        if field is None:
            yield f"it has no column {name}"
        elif str(field.field_type) != kind:
            yield f"its column {name} is {field.field_type}, not {kind}"
        elif field.required and name not in _REQUIRED:
            yield f"its column {name} is required, and a result may have none"
    for field in fields.values():
        if field.required:
            yield f"its column {field.name} is required, and a result has no such column"


def _of_partitioning(table: Table, schema: Schema) -> Iterator[str]:
    for field in table.spec().fields:
        source = schema.find_column_name(field.source_id)
        if source not in _CONSTANT:
            yield f"it is partitioned by {source}, of which a result has many values"
        elif not field.transform.preserves_order:
            yield f"it is partitioned by {field.transform} of {source}, which can't be read from a file's statistics"


def _of_mapping(table: Table, schema: Schema) -> Iterator[str]:
    """Find columns that would be read as null: a landed file has no field ids, only names."""
    mapping = table.metadata.name_mapping()
    if mapping is None:
        return  # add_files sets one
    ids = {name: field.field_id for field in mapping.root for name in field.names}
    for field in schema.fields:
        if field.name in columns() and ids.get(field.name) != field.field_id:
            yield f"its name mapping (schema.name-mapping.default) does not name its column {field.name}"
