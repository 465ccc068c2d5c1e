"""
A landed file in an Iceberg table, exactly once.

What the table holds decides: rows with this remote id. Properties of snapshots expire, and paths end with a
compaction. The look and the commit are on one snapshot, which the catalog compares: where anything was committed in
between it refuses, and the table is looked at again. So it is after a lost answer.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import EkycIcebergError
from airflow_provider_ekyc.iceberg.catalog import CatalogConnection
from airflow_provider_ekyc.iceberg.definition import creation_arguments, problems_of
from airflow_provider_ekyc.iceberg.failures import CatalogCallError, CatalogProblem
from airflow_provider_ekyc.redaction import without_query

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from airflow_provider_ekyc.s3.result_object import Landed

log = logging.getLogger(__name__)

#: Of a look or a commit within one try of the task: some five minutes, through which 100 other writers can commit.
_RETRIES: Final = Retries(attempts=12, seconds=300.0, first_wait=0.5, longest_wait=30.0)
_PAID: Final = "The submission is already paid for and will not be charged again."
_TASK_ID: Final = "ekyc-task-id"


@dataclass(frozen=True, slots=True)
class Committed:
    """
    A result in an Iceberg table.

    :param table: with its namespace
    :param snapshot_id: that added it; where the table does not keep that one any more, the one that it was found in
    :param location: of the table's files
    :param catalog: names the catalog for lineage: a REST catalog's URI, or the connection
    """

    table: str
    snapshot_id: int
    location: str
    catalog: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for an XCom; the snapshot as text, since it has more digits than JavaScript's numbers."""
        return {"iceberg_table": self.table, "iceberg_snapshot_id": str(self.snapshot_id)}


@dataclass(frozen=True, slots=True)
class _Found:
    """
    Rows of a remote task in a table.

    :param size: bytes of the landed file as the table names it; None if the rows are in other files
    """

    size: int | None


@dataclass(frozen=True, slots=True)
class _Named:
    """
    A data file that a table names.

    :param ekyc_task_id: of the snapshot that added it; None if that has expired, or does not say
    :param rows: as the table counts them
    """

    ekyc_task_id: str | None
    rows: int

    def may_be_of(self, ekyc_task_id: str) -> bool:
        """Return whether it may be of a remote task of which the table has no row: one whose numbers all failed."""
        if self.ekyc_task_id is None:
            return self.rows == 0
        return self.ekyc_task_id == ekyc_task_id

    @property
    def problem(self) -> CatalogProblem:
        """Why nothing else may land at the key: the table would read it as what it has added."""
        owner = f"another remote task ({self.ekyc_task_id})" if self.ekyc_task_id else "another result"
        rows = ", or delete its rows from the table first" if self.rows else ""
        return CatalogProblem(
            f"it names this s3_key as the file of {owner}, whose object was deleted or replaced",
            f"Use another s3_key{rows} (docs/iceberg.md).",
            retryable=False,
        )


class WarehouseTable:
    """
    An Iceberg table that has results of this package.

    :param table: with its namespace
    :param conn_id: Airflow connection of type ``iceberg``
    """

    def __init__(self, table: str, conn_id: str) -> None:
        self._name = table
        self._catalog = CatalogConnection(conn_id)
        self._shown = f"Iceberg table {table} (connection {conn_id!r})"

    def prepare(self, ekyc_task_id: str, s3_uri: str) -> None:
        """
        Make the table if it is not there, and look whether it can have the result, before anything is downloaded.

        :param s3_uri: where the result is, or will be
        :raises EkycIcebergError: if it can't have the result, or can't be used
        :raises EkycSettingsError: if Airflow has no such connection, or the Iceberg provider is too old
        """

        def look() -> None:
            with self._errors(f"Nothing was downloaded by this try. {_PAID}", "", "Then clear this task."):
                table = self._load()
                if _find(table, ekyc_task_id, s3_uri) is not None:
                    log.info("%s has rows of remote task %s already.", self._shown, ekyc_task_id)
                    return
                named = _named(table, s3_uri)
                if named is not None and not named.may_be_of(ekyc_task_id):
                    raise CatalogCallError(named.problem)

        retrying(_RETRIES, log, kinds=EkycIcebergError)(look)

    def add(self, landed: Landed) -> Committed:
        """
        Add a landed file, unless the table has its rows already.

        :raises EkycIcebergError: if it is not known to be in the table; a further try looks first
        """
        so_far = f"The result has landed at {landed.s3_uri}; its rows may not be in the table yet. {_PAID}"

        def add() -> Committed:
            with self._errors(so_far, " and adds the rows without a download", "Then clear this task."):
                return self._add(self._load(), landed)

        return retrying(_RETRIES, log, kinds=EkycIcebergError)(add)

    @contextmanager
    def _errors(self, so_far: str, then: str, last: str) -> Iterator[None]:
        """Say what a failed call means."""
        try:
            with self._catalog.explained():
                yield
        except CatalogCallError as error:
            problem = error.problem
            again = f"A retry may help{then}." if problem.retryable else "A retry can't help."
            end = "" if problem.retryable else f" {last}"
            raise EkycIcebergError(
                f"{self._shown} can't be used ({problem.shown}). {so_far} {again} {problem.advice}{end}",
                retryable=problem.retryable,
            ) from None

    def _load(self) -> Table:
        table = self._catalog.load_table(self._name)
        if table is None:
            table = self._create()
        if problems := problems_of(table):
            raise CatalogCallError(
                CatalogProblem(
                    f"it can't have the result as it is landed: {'; '.join(problems)}",
                    "Name another table, which is made if it is not there, or change this one (docs/iceberg.md).",
                    retryable=False,
                )
            )
        return table

    def _create(self) -> Table:
        from pyiceberg.exceptions import TableAlreadyExistsError

        catalog = self._catalog.open()
        with self._catalog.explained(of_connection=True):  # as a connection without a warehouse fails
            try:
                table = catalog.create_table(self._name, **creation_arguments())
            except TableAlreadyExistsError:
                return catalog.load_table(self._name)  # another task has made it at the same time
        log.info("Created %s, partitioned by the day of verified_at.", self._shown)
        return table

    def _add(self, table: Table, landed: Landed) -> Committed:
        found = _find(table, landed.ekyc_task_id, landed.s3_uri)
        if found is None and (named := _named(table, landed.s3_uri)) is not None:
            if landed.rows or not named.may_be_of(landed.ekyc_task_id):
                raise CatalogCallError(named.problem)
            found = _Found(None)
        if found is None:
            commits = _CommitsOnce(table.catalog)
            table.catalog = commits  # type: ignore[assignment]  # it has the methods of the one it stands before
            properties = {_TASK_ID: landed.ekyc_task_id, "ekyc-sha256": landed.sha256, "ekyc-rows": str(landed.rows)}
            # Whether it names the file already was looked at just now, in the same snapshot.
            table.add_files([landed.s3_uri], snapshot_properties=properties, check_duplicate_files=False)
            committed = self._committed(table, landed.ekyc_task_id)
            log.info("Added %s to %s: snapshot %d.", landed.s3_uri, self._shown, committed.snapshot_id)
            return committed
        if found.size not in (None, landed.size):
            raise CatalogCallError(
                CatalogProblem(
                    f"it names the landed object with {found.size:,} bytes, which has {landed.size:,}: the object was "
                    f"deleted or replaced after it had been added",
                    f"Delete the rows of this remote task from the table (ekyc_task_id = {landed.ekyc_task_id!r}).",
                    retryable=False,
                )
            )
        log.info("%s has the rows of %s already; nothing was added.", self._shown, landed.s3_uri)
        return self._committed(table, landed.ekyc_task_id)

    def _committed(self, table: Table, ekyc_task_id: str) -> Committed:
        uri = str(table.catalog.properties.get("uri", ""))
        return Committed(
            table=self._name,
            snapshot_id=_snapshot_of(table, ekyc_task_id),
            location=table.location(),
            catalog=without_query(uri)
            if uri.startswith(("http://", "https://"))
            else f"iceberg://{self._catalog.conn_id}",
        )


class _CommitsOnce:
    """
    A catalog for one commit, which is made or not, and never repeated.

    pyiceberg repeats an append that another writer's commit has made void, on top of that commit, without a look at
    what it holds: two tries of one task would add the file twice. And it deletes what it has written, although an
    answer "conflict" may be that to its own first request. It does neither for an exception that it does not know.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def commit_table(self, *arguments: Any, **named: Any) -> Any:
        from pyiceberg.exceptions import CommitFailedException

        try:
            return self._catalog.commit_table(*arguments, **named)
        except CommitFailedException:
            raise CatalogCallError(
                CatalogProblem(
                    "another writer has changed it at the same time",
                    "If it persists, let fewer tasks land at a time (max_active_tis_per_dag).",
                    retryable=True,
                )
            ) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)


def _find(table: Table, ekyc_task_id: str, s3_uri: str) -> _Found | None:
    """Look for rows of a remote task in a table as it was loaded, in the files that may have some."""
    from pyiceberg import expressions
    from pyiceberg.io.pyarrow import ArrowScan

    if table.current_snapshot() is None:
        return None
    make: Any = expressions  # pydantic's models, whose positional arguments mypy does not see
    of_task = make.EqualTo("ekyc_task_id", ekyc_task_id)
    scan = table.scan(row_filter=of_task, selected_fields=("ekyc_task_id",))
    tasks = list(scan.plan_files())
    for task in tasks:
        if task.file.file_path == s3_uri:
            return _Found(task.file.file_size_in_bytes)
    # A compacted file has the rows of many remote tasks, so that its statistics do not decide.
    rows = ArrowScan(table.metadata, table.io, scan.projection(), of_task, limit=1)
    has_rows = any(len(batch) for batch in rows.to_record_batches(tasks))
    return _Found(None) if has_rows else None


def _named(table: Table, s3_uri: str) -> _Named | None:
    """Return the data file of the current snapshot at a path, also one without a row, which no scan finds."""
    from pyiceberg.manifest import ManifestContent

    snapshot = table.current_snapshot()
    if snapshot is None:
        return None
    for manifest in snapshot.manifests(table.io):
        if manifest.content == ManifestContent.DELETES:
            continue
        for entry in manifest.fetch_manifest_entry(table.io):
            if entry.data_file.file_path == s3_uri:
                added_by = None if entry.snapshot_id is None else table.snapshot_by_id(entry.snapshot_id)
                return _Named(_task_of(added_by), entry.data_file.record_count)
    return None


def _task_of(snapshot: Snapshot | None) -> str | None:
    """Return the remote task that a snapshot says it is of."""
    if snapshot is None or snapshot.summary is None:
        return None
    return snapshot.summary.additional_properties.get(_TASK_ID)


def _snapshot_of(table: Table, ekyc_task_id: str) -> int:
    """Return the snapshot that added a remote task's rows; the current one if that has expired."""
    for snapshot in reversed(table.metadata.snapshots):
        if _task_of(snapshot) == ekyc_task_id:
            return snapshot.snapshot_id
    return cast("Snapshot", table.current_snapshot()).snapshot_id
