"""Records as files in a directory that all workers share."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from airflow_provider_ekyc.exceptions import EkycJournalError

_SUFFIX = ".json"


class LocalStore:
    """
    Files in a directory, readable by their owner alone.

    :param root: of all records
    :param folders: the names of the directories below it that lead to this task's run
    """

    kind: ClassVar[str] = "directory"

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
        """Write the file atomically and to the disk; a lock excludes other writers."""
        path = self._path(name)
        part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self._folder / ".lock"):
                if self.read(name) != replacing:
                    return False
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(path)
                _sync_directory(self._folder)
        except OSError as error:
            raise self._unusable(error) from None
        return True

    def names(self, prefix: str) -> list[str] | None:
        """Return the names of the files."""
        try:
            return sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"{prefix}*{_SUFFIX}"))
        except OSError as error:
            raise self._unusable(error) from None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"

    def _unusable(self, error: OSError) -> EkycJournalError:
        # A retry may succeed, unless the path is not valid.
        may_pass = error.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP)
        return EkycJournalError(
            f"The journal below {self._root} can't be used ({error.strerror}), so it is not known whether this list "
            f"was submitted before. Nothing was sent. "
            f"{'A retry reads it again.' if may_pass else 'Correct journal_uri.'}",
            retryable=may_pass,
        )


#: A lock of the file system excludes other processes, not other threads of this one.
_THREADS = threading.Lock()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """
    Hold a lock, which the system releases when the process ends, however it ends.

    ``lockf`` on a file, because NFS sends that to its server; ``flock`` on a directory is local to one machine.
    """
    with _THREADS, os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _safe(part: str) -> str:
    """Return a DAG's or a task's id as the name of one directory, within the 255 bytes of a file name."""
    short = part.encode()[:200].decode(errors="ignore")
    return f"_{short}" if short in (".", "..") else short
