"""The files of a folder that may hold a history: what each kind of store has to offer, and which names count. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

from airflow_provider_ekyc.exceptions import EkycHistoryError

NOTHING_SENT: Final = "Nothing was sent."


class HistoryFile(Protocol):
    """A file as its store listed it."""

    @property
    def shown(self) -> str:
        """Its address, for messages: without a number, a query or credentials."""
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def received_at(self) -> datetime | None:
        """When the store itself received it, by the store's clock; None where anybody may have set that time."""
        ...

    def read(self, start: int, size: int) -> bytes:
        """
        Read a range of the file as it was listed; from any thread.

        :raises EkycHistoryError: if the file is another one by now, is gone, or can't be read
        """
        ...


class HistoryFolder(Protocol):
    """A folder and all folders below it."""

    #: Its address, for messages.
    shown: str

    def files(self) -> Iterator[tuple[str, HistoryFile | None]]:
        """
        Yield each file with its path below the folder, which is empty if the folder is itself a file.

        :return: None for a file that is not Parquet by its name: it may be looked at no further
        :raises EkycHistoryError: if the store does not say for certain which files there are, or one is gone already
        :raises EkycSignInError: if a connection can't be used, or not now
        """
        ...


class Kind(Enum):
    """What the name of a file says."""

    PARQUET = "Parquet"
    HIDDEN = "hidden"
    OTHER = "other"


def kind_of(path: str) -> Kind:
    """
    Return what a path below the folder says.

    What begins with ``_`` or ``.`` is hidden, as for Hive, Spark, Athena and pyarrow: ``_SUCCESS``, and
    ``_temporary/`` with files that a writer has not finished.
    """
    if any(part.startswith(("_", ".")) for part in path.split("/")):
        return Kind.HIDDEN
    return Kind.PARQUET if path.lower().endswith(".parquet") else Kind.OTHER


def changed_error(shown: str, what: str) -> EkycHistoryError:
    """
    Return the error for a file that is no longer the one that was listed.

    :param what: what has happened to it, such as ``it was deleted or renamed``
    """
    return EkycHistoryError(
        f"{shown} changed while the history was read ({what}). {NOTHING_SENT} A retry reads it again. If it happens "
        f"again, let the task that lands results finish before this one.",
        retryable=True,
    )


def damaged_error(shown: str, why: str) -> EkycHistoryError:
    """Return the error for a file that can't be read as Parquet."""
    return EkycHistoryError(
        f"{shown} is damaged, or no Parquet file ({why}). {NOTHING_SENT} A retry can't help. Land the result again "
        f"with replace=True, or move the file out of the history: its numbers then count as not verified. Then clear "
        f"this task.",
        retryable=False,
    )


def schema_error(shown: str, problem: str) -> EkycHistoryError:
    """
    Return the error for a file that another writer has written.

    :param problem: such as ``has no column verified_at``
    """
    return EkycHistoryError(
        f"{shown} {problem}. {NOTHING_SENT} A retry can't help. A history has the columns that "
        f"EkycResultsToS3Operator lands with output_format='parquet'. Set history_uri to a prefix that holds only "
        f"these, then clear this task.",
        retryable=False,
    )
