"""Rows of a result as a Parquet file that engines read alike: text, booleans, UTC times, zstd."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.results.rows import Rows, meaning

if TYPE_CHECKING:
    import pyarrow

#: Names and types, as Arrow names them; ``docs/warehouse.md`` has the tables that go with them.
COLUMNS = (
    ("number", "string"),
    ("registered", "bool"),
    ("answer", "string"),
    ("task_type", "string"),
    ("verified_at", "timestamp[us, tz=UTC]"),
    ("ekyc_task_id", "string"),
)

_CHUNK = 4 * 1024 * 1024  # bytes of lines that are parsed at a time; about 240,000 rows
_GROUP_ROWS = 1_000_000
_REGISTERED = {"yes": True, "no": False, "unknown": None}


class ParquetFile:
    """
    Writes rows to a file. A context manager: the file is whole when the block has ended without an error.

    A thread parses and encodes one piece while the next one is unpacked and checked. Statistics leave out the
    number: results are in no order, so that a group's smallest and largest number would exclude nothing.

    :param file: binary; written from here on, never read or moved
    :param task_type: the same in each row
    :param verified_at: when the remote task was done, aware; or None
    :param ekyc_task_id: the same in each row
    :raises EkycSettingsError: if ``pyarrow`` is not installed
    """

    def __init__(self, file: Any, *, task_type: str, verified_at: datetime | None, ekyc_task_id: str) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ModuleNotFoundError:
            raise EkycSettingsError(
                "output_format='parquet' needs pyarrow: pip install 'airflow-provider-ekyc[parquet]'. Nothing was "
                "asked."
            ) from None
        types = {"string": pyarrow.string(), "bool": pyarrow.bool_()}
        utc = pyarrow.timestamp("us", "UTC")
        self._schema = pyarrow.schema(
            [pyarrow.field(name, types.get(kind, utc), name not in ("number", "answer")) for name, kind in COLUMNS]
        )
        self._same = {
            "task_type": pyarrow.scalar(task_type),
            "verified_at": pyarrow.scalar(verified_at, utc),
            "ekyc_task_id": pyarrow.scalar(ekyc_task_id),
        }
        others = [name for name, _ in COLUMNS if name != "number"]
        self._target = _Target(file)
        self._writer = parquet.ParquetWriter(
            self._target,
            self._schema,
            compression="zstd",
            use_dictionary=[name for name in others if name != "registered"],
            write_statistics=others,
        )
        self._pool = ThreadPoolExecutor(1, "ekyc-parquet")
        self._pending: Future[None] | None = None
        self._lines: list[bytes] = []
        self._size = 0
        self._group: list[pyarrow.Table] = []

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        whole = False
        try:
            if kind is None:
                self._hand_over()
                self._await()
                self._write_group()
                self._writer.close()
                whole = True
        finally:
            self._pool.shutdown()
            if not whole:
                # It would write its footer when it is collected, into a file that is closed by then.
                self._target.file = None
                self._writer.close()

    def take(self, rows: Rows) -> None:
        """Write rows; what goes wrong with them may be raised by a later call."""
        self._lines.append(rows.lines)
        self._size += len(rows.lines)
        if self._size >= _CHUNK:
            self._hand_over()

    def _hand_over(self) -> None:
        self._await()
        if self._lines:
            self._pending = self._pool.submit(self._encode, self._lines)
            self._lines, self._size = [], 0

    def _await(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _encode(self, lines: list[bytes]) -> None:
        self._group.append(self._table(b"".join(lines)))
        if sum(len(table) for table in self._group) >= _GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow

        if self._group:
            table = pyarrow.concat_tables(self._group)
            self._group = []
            self._writer.write_table(table, row_group_size=len(table))

    def _table(self, lines: bytes) -> pyarrow.Table:
        import pyarrow
        from pyarrow import csv

        words = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        read = csv.read_csv(
            pyarrow.py_buffer(lines),
            csv.ReadOptions(column_names=["number", "answer"], block_size=len(lines) // 2 + 1024),
            csv.ParseOptions(quote_char=False),
            csv.ConvertOptions(column_types={"number": pyarrow.string(), "answer": words}, strings_can_be_null=False),
        )
        answer = read["answer"].combine_chunks()
        columns: dict[str, Any] = {
            "number": read["number"],
            "registered": _registered(answer),
            "answer": answer.cast(pyarrow.string()),
        }
        columns |= {name: pyarrow.repeat(value, len(read)) for name, value in self._same.items()}
        return pyarrow.table(columns, schema=self._schema)


class _Target:
    """The file as pyarrow writes to it."""

    closed = False

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, data: bytes) -> int:
        return len(data) if self.file is None else int(self.file.write(data))

    def tell(self) -> int:
        return 0 if self.file is None else int(self.file.tell())

    def flush(self) -> None:
        """Do nothing: what is written is written."""

    def close(self) -> None:
        """Leave the file open: it is read when everything is written."""


def _registered(answer: Any) -> Any:
    import pyarrow

    meanings = [_REGISTERED[meaning(word)] for word in answer.dictionary.to_pylist()]
    return pyarrow.array(meanings, pyarrow.bool_()).take(answer.indices)
