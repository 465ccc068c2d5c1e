"""The Iceberg table of a row: a SQL catalog, a REST catalog in front of it, a warehouse in a bucket of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow
from pyarrow import parquet
from pyiceberg.catalog import load_catalog
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import IdentityTransform

from airflow_provider_ekyc.iceberg.definition import creation_arguments
from airflow_provider_ekyc.sandbox import expected_answer
from dev.stack.s3_server import S3Server
from dev.testing.rest_catalog import RestCatalogServer, lost, unsent
from tests.conftest import BUCKET, WAREHOUSE
from tests.outcomes.stage import Stage

TABLE = "ekyc.results"
_ALWAYS = 100


class IcebergTable:
    """
    A table, and what a row does to it.

    :param stage: arranged, with a remote task
    :param server: has the warehouse
    :param define: sets the variable of an Airflow connection
    :param key: where the result will be
    """

    def __init__(self, stage: Stage, server: S3Server, define: Callable[[str, str], None], key: str) -> None:
        self._stage, self._server, self._define = stage, server, define
        self._place = f"{BUCKET}/{key}"
        self._properties = server.iceberg_properties(
            f"sqlite:///{stage.folder.parent}/catalog.db", f"s3://{WAREHOUSE}/{stage.folder.parent.name}"
        )
        self._catalog = load_catalog("iceberg_default", **self._properties)
        self._catalog.create_namespace("ekyc")
        self._rest = stage.servers.enter_context(RestCatalogServer(self._catalog))
        self._own = f"{WAREHOUSE}/{stage.folder.parent.name}"
        self._others = 0

    def arrange(self, what: str) -> None:
        """Make the table so, and have the operator add to it."""
        self._stage.operator |= {"output_format": "parquet", "iceberg_table": TABLE}
        self._connect(type="rest", uri=self._rest.url)
        self._stage.repairs.append(self._rest.faults.clear)
        if what not in ("not there", "of another schema", "partitioned by the number", "with a wrong secret"):
            self._catalog.create_table(TABLE, **creation_arguments())
        getattr(self, "_" + what.replace(" ", "_"), lambda: None)()

    def check(self, result: Mapping[str, Any], answers: Mapping[str, str]) -> None:
        """Read the table, and compare its rows of the remote task with what has landed, and with the XCom."""
        table = self._catalog.load_table(result["iceberg_table"])
        rows = table.scan(row_filter=EqualTo("ekyc_task_id", result["ekyc_task_id"])).to_arrow().to_pylist()
        assert sorted((row["number"], row["answer"]) for row in rows) == sorted(answers.items())
        assert table.snapshot_by_id(int(result["iceberg_snapshot_id"])) is not None

    def _connect(self, **changes: str) -> None:
        connection = {"conn_type": "iceberg", "extra": {**self._properties, **changes}}
        self._define("AIRFLOW_CONN_ICEBERG_DEFAULT", json.dumps(connection))

    def _has_the_rows_in_another_file(self) -> None:
        numbers = self._stage.numbers.read_text().split()
        self._add(f"{self._own}/compacted.parquet", self._stage.ekyc_task_id, numbers)

    def _names_the_object_as_it_was_before(self) -> None:
        self._names_the_key_for(self._stage.ekyc_task_id)

    def _names_the_key_for_another_task(self) -> None:
        self._names_the_key_for("another-task")

    def _names_the_key_for(self, ekyc_task_id: str) -> None:
        """Have the table name the key as a remote task's file, and the object gone, until its rows are deleted."""
        self._add(self._place, ekyc_task_id, ["+9990000000000"])
        self._server.client().delete_object(Bucket=BUCKET, Key=self._place.partition("/")[2])

        def delete() -> None:
            self._catalog.load_table(TABLE).delete(EqualTo("ekyc_task_id", ekyc_task_id))

        self._stage.repairs.append(delete)

    def _another_writer_once(self) -> None:
        self._rest.faults["commit"].append(self._commit_first)

    def _another_writer_always(self) -> None:
        self._rest.faults["commit"] += [self._commit_first] * _ALWAYS

    def _answer_lost_once(self) -> None:
        self._rest.faults["commit"].append(lost)

    def _silent(self) -> None:
        self._rest.faults["config"] += [unsent] * _ALWAYS

    def _silent_at_the_commit(self) -> None:
        self._rest.faults["commit"] += [unsent] * _ALWAYS

    def _without_a_connection(self) -> None:
        self._stage.operator["iceberg_conn_id"] = "not_there"
        self._stage.repairs.append(lambda: self._stage.operator.pop("iceberg_conn_id", None))

    def _without_a_namespace(self) -> None:
        self._stage.operator["iceberg_table"] = "elsewhere.results"
        self._stage.repairs.append(lambda: self._catalog.create_namespace("elsewhere"))

    def _with_a_wrong_secret(self) -> None:
        self._connect(**{"s3.secret-access-key": "made-up-wrong"})
        self._stage.repairs.append(self._connect)

    def _of_another_schema(self) -> None:
        self._catalog.create_table(TABLE, pyarrow.schema([pyarrow.field("number", pyarrow.int64())]))
        self._stage.repairs.append(lambda: self._catalog.drop_table(TABLE))

    def _partitioned_by_the_number(self) -> None:
        by_number = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "by_number"))
        self._catalog.create_table(TABLE, **{**creation_arguments(), "partition_spec": by_number})
        self._stage.repairs.append(lambda: self._catalog.drop_table(TABLE))

    def _commit_first(self, reply: Callable[[], bytes]) -> bytes:
        self._others += 1
        self._add(f"{self._own}/other-{self._others}.parquet", "another-task", ["+9990000000000"])
        return reply()

    def _add(self, place: str, ekyc_task_id: str, numbers: list[str]) -> None:
        """Write a file as another writer of the table does, and add it."""
        columns = {
            "number": numbers,
            "answer": [expected_answer(number) for number in numbers],
            "ekyc_task_id": [ekyc_task_id] * len(numbers),
        }
        schema = pyarrow.schema([pyarrow.field(name, pyarrow.string(), name == "ekyc_task_id") for name in columns])
        sink = pyarrow.BufferOutputStream()
        parquet.write_table(pyarrow.table(columns, schema=schema), sink)
        bucket, _, key = place.partition("/")
        self._server.client().put_object(Bucket=bucket, Key=key, Body=sink.getvalue().to_pybytes())
        self._catalog.load_table(TABLE).add_files([f"s3://{place}"], snapshot_properties={"ekyc-task-id": ekyc_task_id})
