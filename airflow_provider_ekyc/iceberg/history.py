"""A history of landed results in an Iceberg table, read by pyiceberg's pruning."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.exceptions import EkycHistoryError
from airflow_provider_ekyc.iceberg.catalog import CatalogConnection, read_table_name
from airflow_provider_ekyc.iceberg.failures import CatalogCallError
from airflow_provider_ekyc.iceberg.file_failures import files_explained
from airflow_provider_ekyc.iceberg.plain_files import read_plain
from airflow_provider_ekyc.numbers.address import shown_path
from airflow_provider_ekyc.redaction import without_query

if TYPE_CHECKING:
    import pyarrow
    from pyiceberg.table import FileScanTask, Table

log = logging.getLogger(__name__)

_COLUMNS = ("number", "registered", "verified_at")
#: What is read, as Iceberg names its types.
_TYPES = {"number": "string", "registered": "boolean", "verified_at": "timestamptz", "task_type": "string"}
_BATCH_ROWS = 64 * 1024


class IcebergHistory:
    """
    The rows of an Iceberg table, as a ``HistorySource``: deleted rows are not yielded.

    A table that does not exist yet, or has no rows, is an empty history; its namespace must exist.

    :param table: with its namespace
    :param conn_id: Airflow connection of type ``iceberg``
    """

    def __init__(self, table: str, conn_id: str = "iceberg_default") -> None:
        self._table = read_table_name("history_table", table)
        self._catalog = CatalogConnection(conn_id)
        self.shown = f"Iceberg table {self._table} of connection {conn_id!r}"
        self.files_read = 0
        self.files_skipped = 0
        self.is_complete = True

    def batches(self, since: datetime | None, task_type: str) -> Iterator[pyarrow.RecordBatch]:
        """
        Yield the rows of a task type out of the files that may have one that was verified after a time.

        :param since: with a time zone; None: all rows are yielded
        :param task_type: rows of other task types, and of none, are left out
        :return: batches of up to 65,536 rows, with the columns ``number``, ``registered`` and ``verified_at``
        :raises EkycHistoryError: if the table can't be read, or is none of landed results
        :raises EkycSettingsError: if Airflow has no such connection, or the Iceberg provider is too old
        """
        try:
            table = self._catalog.load_table(self._table)
            if table is None:
                self._check_namespace()
                log.warning("There is no %s: nothing counts as verified. It is made by the first landing.", self.shown)
                return
            self._check_columns(table)
            with self._catalog.explained():
                yield from self._rows(table, since, task_type)
        except CatalogCallError as error:
            problem = error.problem
            then = "may help" if problem.retryable else "can't help"
            raise EkycHistoryError(
                f"The history, {self.shown}, can't be read ({problem.shown}). Nothing was sent. A retry {then}. "
                f"{problem.advice}",
                retryable=problem.retryable,
            ) from None

    def _check_namespace(self) -> None:
        if not self._catalog.has_namespace_of(self._table):
            raise EkycHistoryError(
                f"Correct history_table, or create its namespace: the catalog has no namespace of the history, "
                f"{self.shown}. Nothing was sent. A retry can't help. Then clear this task."
            )

    def _check_columns(self, table: Table) -> None:
        schema = table.schema()
        types = {field.name: str(field.field_type) for field in schema.fields}
        wrong = [
            f"{name} is {types[name]}, not {kind}" if name in types else f"it has no column {name}"
            for name, kind in _TYPES.items()
            if types.get(name) != kind
        ]
        if wrong:
            raise EkycHistoryError(
                f"The history, {self.shown}, is no table of landed results: {'; '.join(wrong)}. Nothing was sent. "
                f"Correct history_table, then clear this task."
            )

    def _rows(self, table: Table, since: datetime | None, task_type: str) -> Iterator[pyarrow.RecordBatch]:
        from pyiceberg import expressions
        from pyiceberg.io.pyarrow import ArrowScan

        make: Any = expressions  # pydantic's models, whose positional arguments mypy does not see

        snapshot = table.current_snapshot()
        if snapshot is None:
            return
        of_type = make.EqualTo("task_type", task_type)
        wanted = of_type
        if since is not None:
            wanted = make.And(of_type, make.GreaterThan("verified_at", since.isoformat()))
        scan = table.scan(row_filter=wanted, selected_fields=_COLUMNS)
        with files_explained(self.shown, "a list of its files"):
            tasks = list(scan.plan_files())
        total = _count_of_files(snapshot)
        self.files_skipped = max(0, (total or 0) - len(tasks))
        # Files of other task types count as well: False where it isn't certain.
        self.is_complete = since is None or total == len(tasks)
        # A row of a file that is read at all is yielded, however old it is.
        reader = ArrowScan(table.metadata, table.io, scan.projection(), of_type)
        for task in tasks:
            self.files_read += 1
            with files_explained(self.shown, shown_path(without_query(task.file.file_path))):
                plain = read_plain(table, task, _COLUMNS, task_type, _BATCH_ROWS)
                for batch in _batches_of(reader, task) if plain is None else plain:
                    for start in range(0, len(batch), _BATCH_ROWS):
                        yield batch.slice(start, _BATCH_ROWS)


def _batches_of(reader: Any, task: FileScanTask) -> Iterator[pyarrow.RecordBatch]:
    """
    Read one file by pyiceberg, without its deleted rows, in batches as Arrow reads them.

    ``to_record_batches`` has all of a file in memory, which a compacted one may not fit; the generator that it
    collects has not. Where a release has no such generator, the whole file is read.
    """
    from pyiceberg.io import pyarrow as reading

    rows = getattr(reader, "_record_batches_from_scan_tasks_and_deletes", None)
    deletes = getattr(reading, "_read_all_delete_files", None)
    if rows is None or deletes is None:
        yield from reader.to_record_batches([task])
    else:
        yield from rows([task], deletes(reader._io, [task]))


def _count_of_files(snapshot: Any) -> int | None:
    """Return the data files of a snapshot, or None if it does not say."""
    summary = snapshot.summary
    total = None if summary is None else summary.additional_properties.get("total-data-files")
    return int(total) if total is not None and total.isdigit() else None
