"""Rows of a result as a Parquet file that engines read alike: text, booleans, UTC times, zstd."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from airflow_provider_ekyc.results.output.output_format import NUMBER_DESCRIPTION, Column, OutputFormat, RowContext
from airflow_provider_ekyc.results.read_ahead import read_ahead

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
_OF_ROWS, _OF_TASK = ("number", "registered", "answer"), ("task_type", "verified_at", "ekyc_task_id")

_GROUP_ROWS = 250_000  # a million would take 35 MiB more, in the group and in what is read meanwhile
_GROUP_BYTES = 32 * 1024 * 1024  # of columns: answers may be long, and each another
_BATCH_ROWS = 16 * 1024  # encoded at a time: of fewer, statistics cost more
_WRITE_BYTES = 256 * 1024  # what is less is joined before it is passed to Python


def _write_parquet(reader: ArchiveReader, rows: Iterator[Rows], context: RowContext) -> Generator[bytes, None, None]:
    """
    Write the rows in groups of about 250,000.

    Rows are unpacked and checked, and read into columns, in threads of their own, beside the encoding. Statistics
    leave out the number and the answer: results are in no order, so that a group's smallest and largest would exclude
    nothing. What is the same in all rows is a few bytes a page, uncompressed.
    """
    import pyarrow
    from pyarrow import parquet

    from airflow_provider_ekyc.results.output.arrow_columns import read_columns

    schema = _schema()
    written = _Written()
    file = pyarrow.output_stream(written, compression=None, buffer_size=_WRITE_BYTES)
    writer = parquet.ParquetWriter(
        file,
        schema,
        compression={"number": "zstd", "answer": "zstd"},
        use_dictionary=["answer", *_OF_TASK],
        write_statistics=["registered", *_OF_TASK],
        write_batch_size=_BATCH_ROWS,
        # Words are passed as dictionaries, which is how they are stored; they are read as text.
        store_schema=False,
    )

    def write_group(group: list[pyarrow.Table]) -> list[bytes]:
        table = _with_task(pyarrow.concat_tables(group), context, schema)
        writer.write_table(table, row_group_size=len(table))
        return written.blocks()

    columns = (pyarrow.table(read_columns(block), _OF_ROWS) for block in rows)
    # The writer is closed in any case, or it would write its footer when it is collected.
    with closing(read_ahead(columns)) as ready, writer:
        group: list[pyarrow.Table] = []
        for table in ready:
            group.append(table)
            if sum(map(len, group)) >= _GROUP_ROWS or sum(table.nbytes for table in group) >= _GROUP_BYTES:
                yield from write_group(group)
                group = []
        if group:
            yield from write_group(group)
    file.close()
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


def _with_task(rows: pyarrow.Table, context: RowContext, schema: pyarrow.Schema) -> pyarrow.Table:
    """Add what is the same for all rows."""
    import pyarrow

    first = pyarrow.repeat(pyarrow.scalar(0, pyarrow.int32()), len(rows))
    same = [
        pyarrow.DictionaryArray.from_arrays(first, pyarrow.array([context.task_type]), safe=False),
        pyarrow.repeat(pyarrow.scalar(context.verified_at, schema.field("verified_at").type), len(rows)),
        pyarrow.DictionaryArray.from_arrays(first, pyarrow.array([context.ekyc_task_id]), safe=False),
    ]
    return pyarrow.Table.from_arrays([*rows.columns, *same], schema=schema)


class _Written:
    """The file as pyarrow writes to it: what was written since the last call of ``blocks``."""

    closed = False

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._blocks.append(data)
        return len(data)

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
