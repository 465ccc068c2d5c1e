"""Rows of a result as a Parquet file that engines read alike: text, booleans, UTC times, zstd."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.results.output.output_format import NUMBER_DESCRIPTION, Column, OutputFormat, RowContext
from airflow_provider_ekyc.results.read_ahead import read_ahead
from airflow_provider_ekyc.results.table.answers import meaning

if TYPE_CHECKING:
    import pyarrow

    from airflow_provider_ekyc.results.archive.check import ArchiveReader
    from airflow_provider_ekyc.results.table.rows import Rows

# docs/warehouse.md has the tables that go with them.
_COLUMNS = (
    Column("number", "string", NUMBER_DESCRIPTION),
    Column("registered", "bool", "true for yes, false for no, null for unknown"),
    Column("answer", "string", "the API's own word"),
    Column("task_type", "string", "what was verified"),
    Column("verified_at", "timestamp[us, tz=UTC]", "when the remote task was done"),
    Column("ekyc_task_id", "string", "the remote task"),
)

_GROUP_ROWS = 1_000_000
_GROUP_BYTES = 32 * 1024 * 1024  # of lines: answers may be long, and each another
_REGISTERED = {"yes": True, "no": False, "unknown": None}


def _write_parquet(reader: ArchiveReader, rows: Iterator[Rows], context: RowContext) -> Generator[bytes, None, None]:
    """
    Write the rows in groups of about a million.

    Rows are unpacked and checked in a thread of their own, beside the encoding. Statistics leave out the number:
    results are in no order, so that a group's smallest and largest number would exclude nothing.
    """
    from pyarrow import parquet

    others = [column.name for column in _COLUMNS if column.name != "number"]
    written = _Written()
    writer = parquet.ParquetWriter(
        written,
        _schema(),
        compression="zstd",
        use_dictionary=[name for name in others if name != "registered"],
        write_statistics=others,
        # Words are passed as dictionaries, which is how they are stored; they are read as text.
        store_schema=False,
    )
    # The writer is closed in any case, or it would write its footer when it is collected.
    with closing(read_ahead(rows)) as ready, writer:
        group: list[pyarrow.Table] = []
        group_bytes = 0
        for block in ready:
            group.append(_table(block, context))
            group_bytes += len(block.lines)
            if sum(map(len, group)) >= _GROUP_ROWS or group_bytes >= _GROUP_BYTES:
                yield from _write_group(writer, group, written)
                group, group_bytes = [], 0
        if group:
            yield from _write_group(writer, group, written)
    yield from written.blocks()


def _write_group(writer: Any, group: list[pyarrow.Table], written: _Written) -> Iterator[bytes]:
    import pyarrow

    table = pyarrow.concat_tables(group)
    writer.write_table(table, row_group_size=len(table))
    yield from written.blocks()


def _schema() -> pyarrow.Schema:
    import pyarrow

    words = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    types = {
        "number": pyarrow.string(),
        "registered": pyarrow.bool_(),
        "verified_at": pyarrow.timestamp("us", "UTC"),
    }
    return pyarrow.schema(
        [
            pyarrow.field(column.name, types.get(column.name, words), column.name not in ("number", "answer"))
            for column in _COLUMNS
        ]
    )


def _table(rows: Rows, context: RowContext) -> pyarrow.Table:
    import pyarrow

    from airflow_provider_ekyc.results.output.arrow_columns import read_columns

    number, answer = read_columns(rows)
    meanings = pyarrow.array([_REGISTERED[meaning(word)] for word in answer.dictionary.to_pylist()], pyarrow.bool_())
    first = pyarrow.repeat(pyarrow.scalar(0, pyarrow.int32()), len(number))

    def same(word: str) -> Any:
        return pyarrow.DictionaryArray.from_arrays(first, pyarrow.array([word]))

    schema = _schema()
    verified_at = pyarrow.scalar(context.verified_at, schema.field("verified_at").type)
    columns = {
        "number": number,
        "registered": meanings.take(answer.indices),
        "answer": answer,
        "task_type": same(context.task_type),
        "verified_at": pyarrow.repeat(verified_at, len(number)),
        "ekyc_task_id": same(context.ekyc_task_id),
    }
    return pyarrow.table(columns, schema=schema)


class _Written:
    """The file as pyarrow writes to it: what was written since the last call of ``blocks``."""

    closed = False

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        self._blocks.append(data)
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Do nothing: what is written is written."""

    def close(self) -> None:
        """Keep what was written."""

    def blocks(self) -> list[bytes]:
        blocks, self._blocks = self._blocks, []
        return blocks


PARQUET = OutputFormat(
    "parquet",
    "application/vnd.apache.parquet",
    "as Parquet",
    lambda task_type: _COLUMNS,
    _write_parquet,
    {"pyarrow": "'airflow-provider-ekyc[parquet]'"},
)
