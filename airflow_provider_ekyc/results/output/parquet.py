"""Rows of a result as a Parquet file that engines read alike: text, booleans, UTC times, zstd."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.results.output.arrow_columns import read_columns
from airflow_provider_ekyc.results.table.answers import meaning
from airflow_provider_ekyc.results.table.rows import Rows

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
_AHEAD = 2  # chunks that may wait to be parsed
_GROUP_ROWS = 1_000_000
_GROUP_BYTES = 32 * 1024 * 1024  # of lines: answers may be long, and each another
_REGISTERED = {"yes": True, "no": False, "unknown": None}


class ParquetFile:
    """
    Writes rows to a file. A context manager: the file is whole when the block has ended without an error.

    One thread parses and another encodes while the next rows are unpacked and checked. Statistics leave out the
    number: results are in no order, so that a group's smallest and largest number would exclude nothing.

    :param file: binary; written from here on, never read or moved
    :param task_type: the same in each row
    :param verified_at: when the remote task was done, aware; or None
    :param ekyc_task_id: the same in each row
    """

    def __init__(self, file: Any, *, task_type: str, verified_at: datetime | None, ekyc_task_id: str) -> None:
        import pyarrow
        from pyarrow import parquet

        words = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        utc = pyarrow.timestamp("us", "UTC")
        types = {"number": pyarrow.string(), "registered": pyarrow.bool_(), "verified_at": utc}
        self._schema = pyarrow.schema(
            [pyarrow.field(name, types.get(name, words), name not in ("number", "answer")) for name, _ in COLUMNS]
        )
        self._verified_at = pyarrow.scalar(verified_at, utc)
        self._same = {"task_type": task_type, "ekyc_task_id": ekyc_task_id}
        others = [name for name, _ in COLUMNS if name != "number"]
        self._target = _Target(file)
        self._writer = parquet.ParquetWriter(
            self._target,
            self._schema,
            compression="zstd",
            use_dictionary=[name for name in others if name != "registered"],
            write_statistics=others,
            # Words are handed over as dictionaries, which is how they are stored; read, they are text.
            store_schema=False,
        )
        # One thread each, so that rows stay in order.
        self._parser = ThreadPoolExecutor(1, "ekyc-parse")
        self._encoder = ThreadPoolExecutor(1, "ekyc-encode")
        self._parsed: deque[Future[None]] = deque()
        self._encoded: Future[None] | None = None
        self._lines: list[bytes] = []
        self._answers: set[str] = set()
        self._size = 0
        self._group: list[pyarrow.Table] = []
        self._group_rows = self._group_bytes = 0

    def __enter__(self) -> ParquetFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        whole = False
        try:
            if kind is None:
                self._finish()
                whole = True
        finally:
            self._parser.shutdown()
            self._encoder.shutdown()
            if not whole:
                # It would write its footer when it is collected, into a file that is closed by then.
                self._target.file = None
                self._writer.close()

    def take(self, rows: Rows) -> None:
        """Write rows; what goes wrong with them may be raised by a later call."""
        self._lines.append(rows.lines)
        self._answers.update(rows.answers)
        self._size += len(rows.lines)
        if self._size >= _CHUNK:
            self._hand_over()
            if len(self._parsed) > _AHEAD:
                self._parsed.popleft().result()

    def _hand_over(self) -> None:
        self._parsed.append(self._parser.submit(self._parse, self._lines, self._answers))
        self._lines, self._answers, self._size = [], set(), 0

    def _parse(self, lines: list[bytes], answers: set[str]) -> None:
        text = b"".join(lines)
        table = self._table(text, answers)
        self._group.append(table)
        self._group_rows += len(table)
        self._group_bytes += len(text)
        if self._group_rows >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._pass_on()

    def _pass_on(self) -> None:
        import pyarrow

        table = pyarrow.concat_tables(self._group)
        self._group, self._group_rows, self._group_bytes = [], 0, 0
        if self._encoded is not None:
            self._encoded.result()
        self._encoded = self._encoder.submit(self._writer.write_table, table, row_group_size=len(table))

    def _finish(self) -> None:
        if self._lines:
            self._hand_over()
        for parsed in self._parsed:
            parsed.result()
        if self._group:
            self._pass_on()
        if self._encoded is not None:
            self._encoded.result()
        self._writer.close()

    def _table(self, lines: bytes, answers: set[str]) -> pyarrow.Table:
        import pyarrow

        number, answer = read_columns(lines, answers)
        columns: dict[str, Any] = {
            "number": number,
            "registered": _registered(answer),
            "answer": answer,
            "verified_at": pyarrow.repeat(self._verified_at, len(number)),
        }
        first = pyarrow.repeat(pyarrow.scalar(0, pyarrow.int32()), len(number))
        for name, value in self._same.items():
            columns[name] = pyarrow.DictionaryArray.from_arrays(first, pyarrow.array([value]))
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
