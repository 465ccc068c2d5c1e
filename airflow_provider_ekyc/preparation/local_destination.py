"""Prepared files in a directory that all workers share."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, cast

from airflow_provider_ekyc.exceptions import EkycDestinationError
from airflow_provider_ekyc.preparation.destination import check_size, not_known, not_written
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.spool import Spool

_SPACE: Final = "Free some space, or set destination_uri to a directory on a larger disk."
_ADVICE: Final = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
    errno.EACCES: "Grant this worker's user write access to the directory.",
    errno.EPERM: "Grant this worker's user write access to the directory.",
    errno.EROFS: "Set destination_uri to a directory that can be written to: this one is read-only.",
    errno.ENOTDIR: "Correct destination_uri: a part of it is a file, not a directory.",
    errno.EEXIST: "Correct destination_uri: a part of it is a file, not a directory.",
    errno.EISDIR: "Remove the directory that has the name of this file.",
    errno.ENAMETOOLONG: "Set destination_uri to a shorter path.",
    errno.ELOOP: "Correct the link in destination_uri that leads to itself.",
}
#: What passes once somebody has freed some space, or by itself.
_RETRYABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: Of a file system, or a kernel, that knows no files without a name.
_NOT_KNOWN: Final = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
#: Of a file system that knows one name per file, such as gcsfuse.
_ONE_NAME: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
_BLOCK: Final = 1 << 20


class LocalDestination:
    """
    Files in a directory, readable by their owner alone.

    A file gets its name once it is whole and on the disk.

    :param directory: made with the first file if it is not there; a relative one counts from where the worker was
        started
    """

    def __init__(self, directory: str) -> None:
        self._directory = Path(os.path.abspath(directory or "/"))

    def uri(self, name: str) -> str:
        """Return the absolute path."""
        return str(self._directory / name)

    def prepare(self) -> None:
        """Make the directory, and check that files can be made in it."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self._temporary("probe")
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            probe.unlink()
        except (OSError, ValueError) as error:
            raise _not_written(str(self._directory), error) from None

    def read(self, name: str) -> bytes | None:
        """Return the file's content, None if there is no such file."""
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _not_known(self.uri(name), error) from None

    def size(self, name: str) -> int | None:
        """Return the bytes of the file, None if there is no such file."""
        try:
            return (self._directory / name).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _not_known(self.uri(name), error) from None

    def write(self, name: str, file: Spool, sums: FileSums, content_type: str) -> None:
        """Write the file atomically and to the disk."""

        def fill(target: BinaryIO) -> None:
            file.seek(0)
            while block := file.read(_BLOCK):
                _write_all(target, block)
            check_size(self.uri(name), os.fstat(target.fileno()).st_size, sums.size)

        path, part = self._directory / name, self._temporary(name)
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                if not _make_linked(part, fill):
                    _make_named(part, fill)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
            _sync_directory(self._directory)
        except OSError as error:
            raise _not_written(str(path), error) from None

    def create(self, name: str, body: bytes) -> bool:
        """Write the file to the disk, and give it its name, which fails if that is taken."""

        def fill(target: BinaryIO) -> None:
            _write_all(target, body)

        path, part = self._directory / name, self._temporary(name)
        try:
            if not _make_linked(path, fill):
                try:
                    _make_named(part, fill)
                    _link(part, path, fill)
                finally:
                    part.unlink(missing_ok=True)
            _sync_directory(self._directory)
        except FileExistsError:
            return False
        except OSError as error:
            raise _not_written(str(path), error) from None
        return True

    def _temporary(self, name: str) -> Path:
        return self._directory / f".{name}.{os.getpid()}.{os.urandom(4).hex()}.part"


def _make_linked(path: Path, fill: Callable[[BinaryIO], None]) -> bool:
    """
    Make a file that was not there, and that has no name before it is whole and on the disk: a kill leaves nothing.

    :param fill: writes the content
    :return: whether it is made; False where the file system does not know that (``O_TMPFILE``: ext4, xfs, btrfs, tmpfs)
    :raises FileExistsError: if there is one
    """
    descriptor = _open_unnamed(path.parent)
    if descriptor is None:
        return False
    with os.fdopen(descriptor, "wb", 0) as file:
        fill(cast("BinaryIO", file))
        os.fsync(descriptor)
        # With a descriptor Python calls linkat() to follow the link, as open(2) shows it; it is not looked at.
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)
    return True


def _make_named(path: Path, fill: Callable[[BinaryIO], None]) -> None:
    """
    Make a file that was not there; a kill may leave a part of it.

    :param fill: writes the content
    :raises FileExistsError: if there is one
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb", 0) as file:
            fill(cast("BinaryIO", file))
            os.fsync(descriptor)
    except BaseException:
        path.unlink()
        raise


def _link(part: Path, path: Path, fill: Callable[[BinaryIO], None]) -> None:
    """
    Give a file another name as well; where it can't have two, make it anew.

    :raises FileExistsError: if the name is taken
    """
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in _ONE_NAME:
            raise
        _make_named(path, fill)


def _open_unnamed(directory: Path) -> int | None:
    """Open a new file without a name, None where that is not known, as on NFS."""
    try:
        return os.open(directory, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except (OSError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno not in _NOT_KNOWN:
            raise
        return None


def _write_all(file: BinaryIO, body: bytes) -> None:
    rest = memoryview(body)
    while rest:
        rest = rest[file.write(rest) :]


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_written(path: str, error: OSError | ValueError) -> EkycDestinationError:
    code = error.errno if isinstance(error, OSError) else None
    why = os.strerror(code) if code else type(error).__name__
    advice = _ADVICE.get(code or 0, "Check the disk or the mount.")
    return not_written(path, why, advice, retryable=code in _RETRYABLE or code not in _ADVICE)


def _not_known(path: str, error: OSError) -> EkycDestinationError:
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    if isinstance(error, PermissionError):
        return not_known(path, why, "Grant this worker's user read access to the directory.", retryable=False)
    return not_known(path, why, "Check the disk or the mount.", retryable=True)
