"""A history that is kept as Parquet files under one prefix, as ``EkycResultsToS3Operator`` lands them."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ekyc.arguments import read_text, split_s3_connection
from airflow_provider_ekyc.counted import counted
from airflow_provider_ekyc.exceptions import EkycError, EkycHistoryError, EkycSettingsError
from airflow_provider_ekyc.history.files import (
    NOTHING_SENT,
    HistoryFile,
    HistoryFolder,
    Kind,
    damaged_error,
    kind_of,
    schema_error,
)
from airflow_provider_ekyc.history.footer import (
    COLUMNS,
    NUMBER,
    REGISTERED,
    TASK_TYPE,
    VERIFIED_AT,
    Chosen,
    Group,
    choose,
    schema_problem,
    time_unit,
)
from airflow_provider_ekyc.history.in_order import in_order
from airflow_provider_ekyc.history.local_files import LocalFolder
from airflow_provider_ekyc.history.ranged_file import RangedFile
from airflow_provider_ekyc.history.s3_files import S3Folder
from airflow_provider_ekyc.history.stored_files import StoredFolder
from airflow_provider_ekyc.numbers.address import LocalPath, read_address

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import parquet

log = logging.getLogger(__name__)

#: Rows of a batch.
BATCH_ROWS: Final = 1 << 16

# Requests at once: the S3 client keeps 10 connections.
_THREADS: Final = 8
# Footers read, and parts fetched, before they are used.
_FOOTERS_AHEAD: Final = 16
_PARTS_AHEAD: Final = 4
# Read from the end of a file at once: the footer of 100 row groups, or all of a small file.
_TAIL_BYTES: Final = 64 << 10
# No footer is larger: of what is, the length is wrong.
_FOOTER_BYTES: Final = 256 << 20
# Fetched by one request, where the columns of neighbouring groups have not more than this between them.
_PART_BYTES: Final = 4 << 20
_GAP_BYTES: Final = 256 << 10
# A store receives a file after the API has said when its task was done. Days between their clocks at the most.
_RECEIVED_BEFORE: Final = timedelta(days=2)
_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"


class ParquetFiles:
    """
    The results under a prefix. Read once; see :class:`airflow_provider_ekyc.history.source.HistorySource`.

    :param uri: of a prefix, a directory or one file: ``s3://bucket/prefix/``, a path on the worker, or a URI that
        Airflow's object storage knows; also as a ``Path`` or an ``ObjectStoragePath``
    :param aws_conn_id: AWS connection for ``s3://``, unless the address names one; None uses boto3's own search
    :param conn_id: Airflow connection for other stores
    :raises EkycSettingsError: if the URI is empty or no address
    """

    def __init__(self, uri: object, *, aws_conn_id: str | None = None, conn_id: str | None = None) -> None:
        self._folder = open_folder(uri, aws_conn_id, conn_id)
        self.shown = self._folder.shown
        self.files_read = 0
        self.files_skipped = 0
        self.is_complete = True
        self._kinds: Counter[Kind] = Counter()

    def batches(self, since: datetime | None, task_type: str) -> Iterator[pyarrow.RecordBatch]:
        """
        Yield the rows of a task type, file by file in the order of their names.

        Where a time is given, a file is left out without any request for it if S3 received it two days or more before
        that time; and a row group of which the statistics say that it is too old, or of other task types.

        :raises EkycHistoryError: if the store does not list or return the files, if one is damaged, has another schema
            or changes meanwhile, or if there are files but none of them is Parquet
        :raises EkycSignInError: if the AWS connection can't be used, or not now
        """
        pool = ThreadPoolExecutor(_THREADS, "ekyc-history")
        try:
            footers = in_order(pool, partial(_read_footer, since, task_type), self._listed(since), _FOOTERS_AHEAD)
            for part in in_order(pool, _fetch, self._parts(footers), _PARTS_AHEAD):
                yield from _read_part(part, task_type)
        finally:
            pool.shutdown(cancel_futures=True)
        self._log_other_files()

    def _listed(self, since: datetime | None) -> Iterator[HistoryFile]:
        """Yield the Parquet files that can matter by what the listing says of them."""
        received_before = None if since is None else since - _RECEIVED_BEFORE
        for path, file in self._folder.files():
            kind = kind_of(path) if path else Kind.PARQUET  # what is itself named is meant
            self._kinds[kind] += 1
            if kind is not Kind.PARQUET or file is None:
                continue
            if received_before is not None and file.received_at is not None and file.received_at < received_before:
                self.files_skipped += 1
                self.is_complete = False
                continue
            yield file
        if not self._kinds[Kind.PARQUET] and self._kinds[Kind.OTHER]:
            raise EkycHistoryError(
                f"{self.shown} has {counted(self._kinds[Kind.OTHER], 'file')}, but none whose name ends in .parquet. "
                f"{NOTHING_SENT} A retry can't help. A history is what EkycResultsToS3Operator lands with "
                f"output_format='parquet': correct history_uri, then clear this task.",
                retryable=False,
            )

    def _parts(self, footers: Iterator[_Footer]) -> Iterator[_Part]:
        for footer in footers:
            if footer.chosen.too_old:
                self.is_complete = False
            if footer.chosen.groups:
                self.files_read += 1
            else:
                self.files_skipped += 1
            yield from _parts_of(footer)

    def _log_other_files(self) -> None:
        if others := self._kinds[Kind.OTHER]:
            log.warning(
                "%s has %s whose name does not end in .parquet. Passed over: no number counts as "
                "verified because of them.",
                self.shown,
                counted(others, "file"),
            )
        if not self._kinds[Kind.PARQUET]:
            log.warning(
                "%s has no file yet, so each number is new. Check history_uri if this is not the first run.", self.shown
            )


def open_folder(uri: object, aws_conn_id: str | None, conn_id: str | None) -> HistoryFolder:
    """
    Return the folder that a URI names; no request is sent.

    :raises EkycSettingsError: if it is empty or no address
    """
    text = read_text("history_uri", uri)
    own_conn_id, address = split_s3_connection(text)
    if s3 := re.fullmatch(r"(?i:s3[an]?)://([^/]*)/*(.*)", address, re.DOTALL):
        bucket, key = s3[1], s3[2].rstrip("/")
        if not bucket:
            raise EkycSettingsError(f"history_uri names no bucket. {NOTHING_SENT} It is s3://bucket/prefix/.")
        if "*" in key:  # taken as it is, it would be a prefix without objects, which looks like a first run
            raise EkycSettingsError(
                f"history_uri is a prefix, of which all folders are read, not a glob. {NOTHING_SENT} Leave out what "
                f"comes from the first asterisk on."
            )
        # s3://bucket/results must not read results_of_others/ as well.
        prefix = key if not key or kind_of(key) is Kind.PARQUET else f"{key}/"
        return S3Folder(bucket, prefix, own_conn_id or aws_conn_id)
    other = read_address(text)
    if isinstance(other, LocalPath):
        return LocalFolder(other.path)
    return StoredFolder(other, conn_id)  # type: ignore[arg-type]  # s3:// was read above


@dataclass(frozen=True, slots=True)
class _Footer:
    """A file whose footer was read."""

    file: HistoryFile
    metadata: parquet.FileMetaData
    unit: str
    chosen: Chosen
    tail: tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class _Part:
    """Row groups of a file that are fetched together, and their bytes once they are."""

    footer: _Footer
    groups: list[Group]
    fetched: list[tuple[int, bytes]]


def _read_footer(since: datetime | None, task_type: str, file: HistoryFile) -> _Footer:
    """
    Read what a file says of itself.

    :raises EkycHistoryError: if it is damaged, or another writer's
    """
    import pyarrow
    from pyarrow import parquet

    start = max(0, file.size - _TAIL_BYTES)
    tail = file.read(start, file.size - start)
    if tail[-4:] == _ENCRYPTED:
        raise schema_error(file.shown, "is encrypted by its writer")
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if len(tail) < 12 or tail[-4:] != _MAGIC or not 8 < length <= min(file.size - 4, _FOOTER_BYTES):
        raise damaged_error(file.shown, "it does not end as one")
    footer = tail[-length:] if length <= len(tail) else file.read(file.size - length, length)
    try:
        metadata = parquet.read_metadata(pyarrow.BufferReader(footer))
        schema = metadata.schema.to_arrow_schema()
        problem = schema_problem(schema)
        unit = None if problem else time_unit(metadata)
        if problem is None and unit is not None:
            chosen = choose(metadata, unit, since, task_type)
    except MemoryError:  # Arrow's is an ArrowException, too
        raise
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise damaged_error(file.shown, f"its footer can't be read: {type(error).__name__}") from None
    if problem is not None or unit is None:
        raise schema_error(file.shown, problem or "has a column verified_at that is not a timestamp in UTC")
    for group in chosen.groups:
        if not 0 <= group.start < group.end <= file.size:
            raise damaged_error(file.shown, "its footer names bytes that it does not have")
    return _Footer(file, metadata, unit, chosen, (start, tail))


def _parts_of(footer: _Footer) -> Iterator[_Part]:
    """Join row groups that lie beside each other, up to the bytes of one request."""
    groups: list[Group] = []
    for group in footer.chosen.groups:
        if groups and (group.end - groups[0].start > _PART_BYTES or group.start - groups[-1].end > _GAP_BYTES):
            yield _Part(footer, groups, [])
            groups = []
        groups.append(group)
    if groups:
        yield _Part(footer, groups, [])


def _fetch(part: _Part) -> _Part:
    """Fetch the bytes of a part by one request; those of a larger row group are read one range after the other."""
    start, end = part.groups[0].start, part.groups[-1].end
    tail_start, tail = part.footer.tail
    if tail_start <= start:
        part.fetched.append((tail_start, tail))
    elif end - start <= 2 * _PART_BYTES:
        part.fetched.append((start, part.footer.file.read(start, end - start)))
    return part


def _read_part(part: _Part, task_type: str) -> Iterator[pyarrow.RecordBatch]:
    """
    Read the rows of a task type.

    :raises EkycHistoryError: if the file is damaged
    """
    import pyarrow
    from pyarrow import parquet

    file = part.footer.file
    try:
        opened = parquet.ParquetFile(
            RangedFile(file, part.fetched),
            metadata=part.footer.metadata,
            buffer_size=_PART_BYTES,
            pre_buffer=False,
        )
        for group in part.groups:
            kind = pyarrow.timestamp(part.footer.unit, "UTC")
            for batch in opened.iter_batches(BATCH_ROWS, [group.index], list(group.columns), use_threads=False):
                yield _columns_of(batch, group, kind, task_type)
    except (EkycError, MemoryError):  # Arrow's own MemoryError is an ArrowException, too
        raise
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise damaged_error(file.shown, f"its rows can't be read: {type(error).__name__}") from None


def _columns_of(batch: pyarrow.RecordBatch, group: Group, kind: Any, task_type: str) -> pyarrow.RecordBatch:
    import pyarrow
    from pyarrow import compute

    batch = _without_views(batch)
    if TASK_TYPE in group.columns:
        batch = batch.filter(compute.equal(batch.column(TASK_TYPE), task_type))
    if group.verified_at is None:
        times = batch.column(VERIFIED_AT)
    else:
        times = pyarrow.repeat(pyarrow.scalar(group.verified_at, kind), len(batch))
    return pyarrow.RecordBatch.from_arrays([batch.column(NUMBER), batch.column(REGISTERED), times], list(COLUMNS))


def _without_views(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """Return text as text where a file notes it as Arrow's views of it (DataFusion), which few functions know."""
    import pyarrow

    if "string_view" not in map(str, batch.schema.types):
        return batch
    columns = [
        # pyarrow 16 can't cast them.
        pyarrow.array(column.to_pylist(), "string") if str(column.type) == "string_view" else column
        for column in batch.columns
    ]
    return pyarrow.RecordBatch.from_arrays(columns, batch.schema.names)
