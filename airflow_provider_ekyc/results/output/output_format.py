"""What an output format consists of: one record, which names its writer."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_ekyc.results.archive.check import ArchiveReader
    from airflow_provider_ekyc.results.table.rows import Rows

#: What the column of the number holds, for lineage.
NUMBER_DESCRIPTION = "the number, with its plus; personal data"


class Column(NamedTuple):
    """A column of an output, for lineage and for Parquet's schema; types as Arrow names them."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True)
class RowContext:
    """
    What is the same for all rows.

    :param task_type: what was verified
    :param verified_at: when the remote task was done, aware; or None if the API does not say
    """

    ekyc_task_id: str
    task_type: str
    verified_at: datetime | None


#: Yields the bytes of the object, out of the rows of an archive that is read meanwhile.
Writer = Callable[["ArchiveReader", "Iterator[Rows]", RowContext], "Generator[bytes, None, None]"]


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """
    An output format.

    :param name: value of the operator's argument ``output_format``
    :param media_type: the object's ``Content-Type``
    :param description: for lineage
    :param columns: the columns for a task type; none if the object is as the vendor made it
    :param writer: makes the object; None if the archive itself is the object
    :param modules: modules that it needs beside those of every transfer, each with what to install
    """

    name: str
    media_type: str
    description: str
    columns: Callable[[str], tuple[Column, ...]] = lambda task_type: ()
    writer: Writer | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
