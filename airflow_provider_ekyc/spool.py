"""
Spool files that have no name.

They hold personal data on a worker's disk. Without a name no other user can open them, and the kernel frees
them when the process ends, however it ends: after a ``kill -9`` nothing is left to sweep.
"""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow_provider_ekyc.exceptions import EkycSpoolError

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file may not grow this large there",
}
_UNUSABLE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS})


class Spool(io.FileIO):
    """A file without a name. Unbuffered, so that a full disk shows in ``write`` and never again in ``close``."""

    directory: str | os.PathLike[str] | None = None

    def write(self, data: Any) -> int:
        """
        Write all of ``data``.

        :raises EkycSpoolError: if the disk is full, naming the directory and how to take another
        """
        return self._write_all(data, lambda rest, _: super(Spool, self).write(rest) or 0)

    def write_at(self, data: Any, offset: int) -> int:
        """
        Write all of ``data`` at an offset, from any thread; the file's position is neither used nor moved.

        :raises EkycSpoolError: as :meth:`write`
        """
        return self._write_all(data, lambda rest, done: os.pwrite(self.fileno(), rest, offset + done))

    def _write_all(self, data: Any, write: Callable[[memoryview, int], int]) -> int:
        """Write with a function that is given the rest, and how much is done; it may write a part of the rest."""
        whole, done = memoryview(data).cast("B"), 0
        try:
            while done < len(whole):
                done += write(whole[done:], done)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise _spool_error(self.directory, _FULL[error.errno]) from None
        return done


@contextmanager
def spool_file(spool_dir: str | os.PathLike[str] | None) -> Iterator[Spool]:
    """
    Open an empty file without a name, for writing and reading; it is gone when the block ends.

    It is made by ``O_TMPFILE`` where the file system knows that (ext4, xfs, btrfs, tmpfs), otherwise with
    mode 0600 and unlinked at once (see :func:`tempfile.TemporaryFile`).

    :param spool_dir: directory to make it in, default the system's (``TMPDIR``)
    :raises EkycSpoolError: if the directory can't be used, or is full
    """
    try:
        with tempfile.TemporaryFile(buffering=0, dir=spool_dir) as file:
            spool = Spool(os.dup(file.fileno()), "r+b")
    except OSError as error:
        reason = _FULL.get(error.errno or 0)
        if reason is None and error.errno not in _UNUSABLE:
            raise  # such as too many open files: says by itself what it is, and a retry may help
        raise _spool_error(spool_dir, reason or f"no file can be made there ({error.strerror or error})") from None
    spool.directory = spool_dir
    with spool:
        yield spool


def _spool_error(spool_dir: str | os.PathLike[str] | None, reason: str) -> EkycSpoolError:
    # gettempdir() looks for a directory that takes a file, and raises when all of them are full.
    if spool_dir is not None:
        place = os.path.abspath(os.fspath(spool_dir))
    else:
        place = tempfile.tempdir or "the system's temporary directory"
    return EkycSpoolError(
        f"The temporary file in {place} can't be written: {reason}. Nothing was sent or landed by this try. Free some "
        f"space (about three times the size of the input, or four times that of the result), or set spool_dir (or "
        f"TMPDIR on the worker) to a directory on a larger disk. A retry is safe."
    )
