"""A history in a directory of the worker."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from airflow_provider_ekyc.exceptions import EkycHistoryError
from airflow_provider_ekyc.history.files import NOTHING_SENT, HistoryFile, Kind, changed_error, kind_of
from airflow_provider_ekyc.numbers.address import shown_path

# Errors that pass by themselves at best; the others need somebody.
_PERMANENT: Final = (FileNotFoundError, NotADirectoryError, PermissionError)


class LocalFolder:
    """
    All files in a directory, and in the directories below; links are followed.

    :param path: absolute, or counted from wherever the worker was started; of a directory or of one file
    """

    def __init__(self, path: str) -> None:
        self._path = os.path.abspath(path)
        self.shown = shown_path(self._path)

    def files(self) -> Iterator[tuple[str, HistoryFile | None]]:
        """
        Yield each file, in the order of the names.

        :raises EkycHistoryError: if there is no such directory, or it can't be listed: the disk may not be mounted
        """
        try:
            if not os.path.isdir(self._path):
                yield "", _file(self._path)
                return
            yield from _files_in(self._path, "", ())
        except OSError as error:
            raise self._error(error) from None

    def _error(self, error: OSError) -> EkycHistoryError:
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        is_absent = isinstance(error, FileNotFoundError)
        advice = (
            "If this is the first run, create the directory; otherwise check history_uri and whether the disk is "
            "mounted on this worker."
            if is_absent
            else "Check the permissions of this worker's user, and the disk or the mount."
        )
        retryable = not isinstance(error, _PERMANENT)
        then = "may help" if retryable else "can't help"
        return EkycHistoryError(
            f"The history in {self.shown} can't be listed ({why}). {NOTHING_SENT} A retry {then}. {advice}",
            retryable=retryable,
        )


def _files_in(
    directory: str, below: str, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, HistoryFile | None]]:
    status = os.stat(directory)
    identity = (status.st_dev, status.st_ino)
    if identity in above:  # a link to a directory that it is in
        return
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        path = os.path.join(directory, name)
        if os.path.isdir(path):
            yield from _files_in(path, f"{below}{name}/", (*above, identity))
        elif kind_of(f"{below}{name}") is not Kind.PARQUET:
            yield f"{below}{name}", None
        else:
            yield f"{below}{name}", _listed_file(path)


def _listed_file(path: str) -> _LocalFile:
    try:
        return _file(path)
    except FileNotFoundError:
        if os.path.islink(path):  # to a file that is not there
            raise
        raise changed_error(shown_path(path), "it was deleted or renamed") from None


def _file(path: str) -> _LocalFile:
    status = os.stat(path)
    return _LocalFile(path, status.st_size, _state(status), stat.S_ISREG(status.st_mode))


def _state(status: os.stat_result) -> tuple[int, ...]:
    # The change time shows a change of content after which the old modification time was set again (rsync --times).
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@dataclass(frozen=True, slots=True)
class _LocalFile:
    """A file as it was listed."""

    path: str
    size: int
    state: tuple[int, ...]
    is_regular: bool
    #: Programs that copy or unpack set the times of a file as they like.
    received_at: datetime | None = None

    @property
    def shown(self) -> str:
        return shown_path(self.path)

    def read(self, start: int, size: int) -> bytes:
        """Read a range of the file that was listed: its state is looked at before and after."""
        if not self.is_regular:  # opening a FIFO would wait for its writer
            raise EkycHistoryError(
                f"{self.shown} is no regular file. {NOTHING_SENT} A retry can't help. Move it out of the history.",
                retryable=False,
            )
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except FileNotFoundError:
            raise changed_error(self.shown, "it was deleted or renamed") from None
        except OSError as error:
            raise self._error(error) from None
        try:
            is_same = _state(os.fstat(descriptor)) == self.state
            parts = []
            while is_same and size:
                part = os.pread(descriptor, size, start)
                if not part:
                    is_same = False
                parts.append(part)
                start += len(part)
                size -= len(part)
            is_same = is_same and _state(os.fstat(descriptor)) == self.state
        except OSError as error:
            raise self._error(error) from None
        finally:
            os.close(descriptor)
        if not is_same:
            raise changed_error(self.shown, "it was replaced or written to")
        return b"".join(parts)

    def _error(self, error: OSError) -> EkycHistoryError:
        retryable = not isinstance(error, _PERMANENT)
        then = "may help" if retryable else "can't help"
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        return EkycHistoryError(
            f"{self.shown}, a file of the history, can't be read ({why}). {NOTHING_SENT} A retry {then}. Check the "
            f"permissions of this worker's user, and the disk or the mount.",
            retryable=retryable,
        )
