"""What the table is made as, and which tables that exist can have a landed file as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
)
from pyiceberg.types import BooleanType, IcebergType, LongType, NestedField, StringType, TimestampType, TimestamptzType

from airflow_provider_ekyc.exceptions import EkycIcebergError
from airflow_provider_ekyc.iceberg.commit import WarehouseTable
from airflow_provider_ekyc.iceberg.definition import columns, creation_arguments, problems_of
from tests.iceberg.conftest import NAMESPACE, TABLE, Land

PAGE = Path(__file__).parents[2] / "docs" / "iceberg.md"
TYPES: dict[str, IcebergType] = {
    "number": StringType(),
    "registered": BooleanType(),
    "answer": StringType(),
    "task_type": StringType(),
    "verified_at": TimestamptzType(),
    "ekyc_task_id": StringType(),
}
OTHERS_FIRST = ("owner", *reversed(TYPES))


def schema_of(changes: dict[str, Any] | None = None, required: tuple[str, ...] = ()) -> Schema:
    """The columns in another order, with an optional one more, and with changes: a type, or None for no such column."""
    types = {"owner": StringType(), **TYPES, **(changes or {})}
    names = [*OTHERS_FIRST, *(types.keys() - set(OTHERS_FIRST))]
    return Schema(
        *(
            NestedField(place, name, types[name], required=name in required)
            for place, name in enumerate(names, start=1)
            if types[name] is not None
        )
    )


def spec_of(schema: Schema, column: str, transform: Transform[Any, Any]) -> PartitionSpec:
    return PartitionSpec(PartitionField(schema.find_field(column).field_id, 1000, transform, "a_partition"))


def test_the_table_that_is_made(catalog: Catalog) -> None:
    WarehouseTable(TABLE, "iceberg_default").prepare("any", "s3://nowhere/else")

    table = catalog.load_table(TABLE)
    assert [(field.name, str(field.field_type), field.required) for field in table.schema().fields] == [
        ("number", "string", True),
        ("registered", "boolean", False),
        ("answer", "string", True),
        ("task_type", "string", False),
        ("verified_at", "timestamptz", False),
        ("ekyc_task_id", "string", False),
    ]
    (partition,) = table.spec().fields
    assert (table.schema().find_column_name(partition.source_id), str(partition.transform)) == ("verified_at", "day")
    assert problems_of(table) == []
    assert table.properties == creation_arguments()["properties"]


def test_the_page_names_columns_and_properties() -> None:
    page = PAGE.read_text()

    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)`", page, re.MULTILINE))
    assert rows == columns()
    for name, value in creation_arguments()["properties"].items():
        assert f"`{name}`" in page
        assert name == "schema.name-mapping.default" or f"| `{value}` |" in page


@pytest.mark.parametrize(
    ("column", "transform"),
    [
        ("", None),
        ("verified_at", MonthTransform()),
        ("task_type", IdentityTransform()),
        ("ekyc_task_id", TruncateTransform(4)),
    ],
)
def test_another_table_that_can_have_a_result(column: str, transform: Any, catalog: Catalog, land: Land) -> None:
    schema = schema_of(required=("number",))
    spec = {"partition_spec": spec_of(schema, column, transform)} if column else {}
    catalog.create_table(TABLE, schema, **spec)
    table = WarehouseTable(TABLE, "iceberg_default")

    landed = land(0)
    table.prepare(landed.ekyc_task_id, landed.s3_uri)
    table.add(landed)
    table.add(land(1, verified_at=None))

    rows = catalog.load_table(TABLE).scan().to_arrow().to_pylist()
    assert sorted(row["ekyc_task_id"] for row in rows) == [land(0).ekyc_task_id] * 3 + [land(1).ekyc_task_id] * 3
    assert all(row["number"].startswith("+999") and row["answer"] for row in rows)
    assert {row["owner"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("changes", "required", "problem"),
    [
        ({"registered": StringType()}, (), "its column registered is string, not boolean"),
        ({"verified_at": TimestampType()}, (), "its column verified_at is timestamp, not timestamptz"),
        ({"answer": None, "number": LongType()}, (), "its column number is long, not string; it has no column answer"),
        ({}, ("task_type",), "its column task_type is required, and a result may have none"),
        ({}, ("owner",), "its column owner is required, and a result has no such column"),
    ],
)
def test_a_table_of_another_schema(
    changes: dict[str, Any], required: tuple[str, ...], problem: str, catalog: Catalog
) -> None:
    catalog.create_table(TABLE, schema_of(changes, required))

    refuse(problem)


@pytest.mark.parametrize(
    ("column", "transform", "problem"),
    [
        ("number", TruncateTransform(4), "it is partitioned by number, of which a result has many values"),
        ("registered", IdentityTransform(), "it is partitioned by registered, of which a result has many values"),
        ("ekyc_task_id", BucketTransform(8), r"it is partitioned by bucket\[8\] of ekyc_task_id, which can't be read"),
    ],
)
def test_a_table_of_a_partitioning_that_a_landed_file_can_not_have(
    column: str, transform: Any, problem: str, catalog: Catalog
) -> None:
    schema = schema_of()
    catalog.create_table(TABLE, schema, partition_spec=spec_of(schema, column, transform))

    refuse(problem)


def test_a_table_whose_name_mapping_misses_a_column(catalog: Catalog) -> None:
    table = catalog.create_table(TABLE, schema_of())
    mapping = table.schema().name_mapping.model_dump_json().replace('"number"', '"msisdn"')
    with table.transaction() as transaction:
        transaction.set_properties(**{"schema.name-mapping.default": mapping})

    refuse(r"its name mapping \(schema.name-mapping.default\) does not name its column number")


@pytest.mark.parametrize("version", ["1", "2"])
def test_format_versions_that_pyiceberg_writes(version: str, catalog: Catalog, land: Land) -> None:
    arguments = creation_arguments()
    arguments["properties"] = {**arguments["properties"], "format-version": version}
    catalog.create_table(TABLE, **arguments)
    table = WarehouseTable(TABLE, "iceberg_default")
    for _ in range(2):
        table.prepare(land(0).ekyc_task_id, land(0).s3_uri)
        table.add(land(0))

    assert len(catalog.load_table(TABLE).scan().to_arrow()) == 3


def test_a_format_version_that_pyiceberg_does_not_write(catalog: Catalog) -> None:
    arguments = creation_arguments()
    with pytest.raises(NotImplementedError):  # should this fail some day, the version can be allowed
        catalog.create_table(TABLE, **{**arguments, "properties": {"format-version": "3"}})
    table = catalog.create_table(TABLE, **arguments)
    table.metadata = table.metadata.model_copy(update={"format_version": 3})

    assert problems_of(table) == ["it has Iceberg's format version 3, which pyiceberg does not write"]


def test_a_namespace_that_is_not_there(catalog: Catalog) -> None:
    catalog.drop_namespace(NAMESPACE)

    refuse("NoSuchNamespaceError.*Create what the message names")


def refuse(problem: str) -> None:
    """Look before the download, and expect an error for good."""
    with pytest.raises(EkycIcebergError, match=problem) as caught:
        WarehouseTable(TABLE, "iceberg_default").prepare("any", "s3://nowhere/else")
    assert not caught.value.retryable
    assert "Nothing was downloaded by this try." in caught.value.message
    assert "Then clear this task." in caught.value.message
