"""Parquet: one column as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.preparation.sources.cells import cell_lines
from airflow_provider_ekyc.preparation.sources.columns import column_of
from airflow_provider_ekyc.preparation.sources.options import TableOptions
from airflow_provider_ekyc.preparation.sources.reading import list_error

_BATCH_ROWS: Final = 1 << 16
_BUFFER_BYTES: Final = 1 << 20


def parquet_blocks(file: BinaryIO, options: TableOptions, name: str) -> Iterator[bytes]:
    """
    Read one column of a Parquet file, a batch at a time.

    :param file: seekable
    :param options: which column
    :param name: of the list, for messages
    :return: one line for each row, in blocks; a null is a blank line
    :raises EkycNumbersError: if it is damaged, has no such column, or that is neither of text nor of whole numbers
    :raises EkycSettingsError: if the extra ``parquet`` is not installed
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise EkycSettingsError(
            "A Parquet file needs the package pyarrow. Nothing was sent. Install "
            '"airflow-provider-ekyc[parquet]" on the workers.'
        ) from None
    try:
        # Not pre-buffered, and through a buffer: a row group is never whole in memory.
        table = parquet.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        schema = table.schema_arrow
        place = column_of(schema.names, options, name)
        _check_type(pyarrow, schema.types[place], name)
        column = schema.names[place]
        if schema.names.count(column) > 1:
            raise list_error(name, "has several columns of one name", "Write it with another name for each column.")
        for batch in table.iter_batches(_BATCH_ROWS, columns=[column]):
            yield cell_lines(["" if cell is None else str(cell) for cell in batch.column(0).to_pylist()])
    except MemoryError:  # also pyarrow's own
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise list_error(
            name,
            f"is a damaged Parquet file, or one with features that pyarrow can't read ({type(error).__name__})",
            "Write it again.",
        ) from None


def _check_type(pyarrow: Any, kind: Any, name: str) -> None:
    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    is_text = str(kind) in ("string", "large_string", "string_view")
    is_whole = types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0)
    if not is_text and not is_whole:
        # A floating-point number does not say whether digits were lost.
        raise list_error(
            name, f"has numbers of the type {kind}", "Write the column as text, or as whole numbers of 64 bits."
        )
