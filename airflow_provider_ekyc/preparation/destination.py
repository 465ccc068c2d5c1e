"""Where prepared files are written: a directory, a prefix in S3, or a place that Airflow's object storage opens."""

from __future__ import annotations

from typing import Final, Protocol

from airflow_provider_ekyc.exceptions import EkycDestinationError
from airflow_provider_ekyc.numbers.address import shown_path
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.spool import Spool

NOTHING_CHARGED: Final = "Nothing was submitted or charged."


class Destination(Protocol):
    """A place for files, each by its name. An existing file of the same name is replaced."""

    def uri(self, name: str) -> str:
        """Return the address of a file, as ``EkycSubmitOperator`` reads it."""
        ...

    def prepare(self) -> None:
        """
        Check what can be checked before anything is read.

        :raises EkycSettingsError: if files can't be written with these arguments
        """
        ...

    def read(self, name: str) -> bytes | None:
        """
        Return a small file, None if there is none of this name.

        :raises EkycDestinationError: if it can't be read
        """
        ...

    def size(self, name: str) -> int | None:
        """
        Return the bytes of a file, None if there is none of this name.

        :raises EkycDestinationError: if that is not known
        """
        ...

    def write(self, name: str, file: Spool, sums: FileSums, content_type: str) -> None:
        """
        Write a file, whole or not at all where the store can do that.

        :param file: its content
        :param sums: of the content
        :param content_type: media type, for stores that keep one
        :raises EkycDestinationError: if it can't be written
        """
        ...

    def create(self, name: str, body: bytes) -> bool:
        """
        Write a small file, unless one of this name is there.

        :return: whether it was written
        :raises EkycDestinationError: if it can't be written
        """
        ...


def not_written(uri: str, why: str, advice: str, *, retryable: bool) -> EkycDestinationError:
    """
    Return the error of a file that can't be written.

    :param uri: of the file
    :param why: a few words
    :param advice: what to do, as whole sentences
    """
    then = "A retry writes the same files." if retryable else "A retry can't help. Then clear this task."
    return EkycDestinationError(
        f"{advice} {shown_path(uri)} can't be written ({why}). {NOTHING_CHARGED} {then}", retryable=retryable
    )


def not_known(uri: str, why: str, advice: str, *, retryable: bool) -> EkycDestinationError:
    """
    Return the error of a file of which it is not known whether it is there.

    :param uri: of the file
    :param why: a few words
    :param advice: what to do, as whole sentences
    """
    then = "A retry looks again." if retryable else "A retry can't help. Then clear this task."
    return EkycDestinationError(
        f"{advice} It is not known whether {shown_path(uri)} exists ({why}). Nothing was submitted or charged by this "
        f"try. {then}",
        retryable=retryable,
    )


def check_size(uri: str, size: int | None, expected: int) -> None:
    """
    Compare the size of a file that was written.

    :param size: as its store reports it, None if there is no such file
    :raises EkycDestinationError: if it is another
    """
    if size != expected:
        found = "is not there" if size is None else f"has {size:,} bytes"
        raise EkycDestinationError(
            f"{shown_path(uri)} {found} after {expected:,} bytes were written. {NOTHING_CHARGED} A retry writes the "
            f"same files. If the error persists, check the store.",
            retryable=True,
        )
