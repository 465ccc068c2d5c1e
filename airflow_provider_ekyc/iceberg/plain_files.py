"""
Data files without deleted rows, read by Arrow itself.

pyiceberg's reader has a hundred and more MiB of a file in memory, and takes ten times as long for three columns of it.
It is left what needs it: delete files, columns that a file does not have, other types and other formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pyarrow
    from pyiceberg.table import FileScanTask, Table

_FIELD_ID: Final = b"PARQUET:field_id"


def read_plain(
    table: Table, task: FileScanTask, columns: Sequence[str], task_type: str, batch_rows: int
) -> Iterator[pyarrow.RecordBatch] | None:
    """
    Read rows of one file as the table names its columns.

    :param task: the file, as planned
    :param columns: to read
    :param task_type: rows of others, and of none, are left out
    :param batch_rows: rows of a batch at the most
    :return: None if the file is not plain; nothing but its footer was read then
    """
    from pyarrow import parquet
    from pyiceberg.manifest import FileFormat

    if task.delete_files or task.file.file_format != FileFormat.PARQUET:
        return None
    stream = table.io.new_input(task.file.file_path).open()
    try:
        file = parquet.ParquetFile(stream, pre_buffer=False)
        names = _names_in(file.schema_arrow, table, [*columns, "task_type"])
    except BaseException:
        stream.close()
        raise
    if names is None:
        stream.close()
        return None
    return _batches(stream, file, names, columns, task_type, batch_rows)


def _batches(
    stream: Any,
    file: Any,
    names: Mapping[str, str],
    columns: Sequence[str],
    task_type: str,
    batch_rows: int,
) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow
    from pyarrow import compute

    with closing(stream):
        for batch in file.iter_batches(batch_rows, columns=list(names.values()), use_threads=False):
            is_wanted = compute.equal(batch.column(names["task_type"]), task_type)
            wanted = pyarrow.RecordBatch.from_arrays([batch.column(names[name]) for name in columns], list(columns))
            if is_wanted.true_count != len(batch):
                wanted = wanted.filter(is_wanted)
            if len(wanted):
                yield wanted


def _names_in(schema: pyarrow.Schema, table: Table, columns: Sequence[str]) -> dict[str, str] | None:
    """
    Find how a file names columns of the table: by field ids or, where it has none, by the table's name mapping.

    :return: None if it lacks one, or has another type of it
    """
    ids = {int(field.metadata[_FIELD_ID]): field.name for field in schema if _FIELD_ID in (field.metadata or {})}
    if not ids:
        mapping = table.metadata.name_mapping()
        mapped = {} if mapping is None else {name: field.field_id for field in mapping.root for name in field.names}
        ids = {identifier: name for name in schema.names if (identifier := mapped.get(name)) is not None}
    found = {}
    for column in columns:
        name = ids.get(table.schema().find_field(column).field_id)
        if name is None or schema.names.count(name) != 1 or not _is_plain(column, schema.field(name).type):
            return None
        found[column] = name
    return found


def _is_plain(column: str, kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    if column == "registered":
        return bool(types.is_boolean(kind))
    if column == "verified_at":
        return bool(types.is_timestamp(kind)) and kind.tz is not None
    return bool(types.is_string(kind) or types.is_large_string(kind))
