"""Records as files in a directory that all workers share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_ekyc.exceptions import EkycJournalError

_SUFFIX = ".json"


class LocalStore:
    """
    Files in a directory, readable by their owner alone.

    :param root: of all records
    :param folders: the names of the directories below it that lead to this task's run
    """

    is_atomic = True

    def __init__(self, root: Path, folders: tuple[str, ...]) -> None:
        self._root = root
        self._folder = root.joinpath(*(_safe(folder) for folder in folders))

    def address(self, name: str) -> str:
        """Return the path."""
        return str(self._path(name))

    def read(self, name: str) -> bytes | None:
        """Return the file's content, or None if there is no such file."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from None

    def write(self, name: str, body: bytes, *, replacing: bytes | None) -> bool:
        """Write the file, whole or not at all, and to the disk; a lock on the directory keeps two writers apart."""
        path = self._path(name)
        part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self._folder) as directory:
                if self.read(name) != replacing:
                    return False
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
                os.fsync(directory)
        except OSError as error:
            raise self._unusable(error) from None
        return True

    def names(self) -> list[str] | None:
        """Return the names of the files."""
        try:
            return sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"[!.]*{_SUFFIX}"))
        except OSError as error:
            raise self._unusable(error) from None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"

    def _unusable(self, error: OSError) -> EkycJournalError:
        return EkycJournalError(
            f"The journal below {self._root} can't be used ({error.strerror}), so it is not known whether this list "
            f"was submitted before. Nothing was sent. A retry looks again.",
            retryable=True,
        )


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold a lock that the kernel gives back when the process ends, however it ends; yield the directory."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _safe(part: str) -> str:
    """Keep a DAG's or a task's id from naming another directory."""
    return f"_{part}" if part in (".", "..") else part
