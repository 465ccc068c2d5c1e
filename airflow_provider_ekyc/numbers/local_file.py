"""A regular file on the worker, read as it was when it was opened."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable
from typing import Final

from airflow_provider_ekyc.exceptions import EkycError, EkycNumbersError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.address import NOTHING_SENT, LocalPath, contents_error, shown_path
from airflow_provider_ekyc.numbers.opened_source import OpenedSource, refuse_change

_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_local_file(path: str) -> OpenedSource:
    """
    Open a file.

    Whatever is no regular file is refused before it is opened: opening a FIFO waits for its writer, and opening a
    device may do anything. Links are followed, ``/dev/stdin`` among them; so it is read if it refers to a
    regular file.

    :param path: absolute, or counted from wherever the worker was started
    :raises EkycNumbersError: if there is no such file, or there is no permission to read it
    :raises EkycUnreadableInputError: if it can't be read just now
    """
    shown = LocalPath(path).shown
    try:
        _refuse_other_kinds(shown, os.stat(path))
        # O_NONBLOCK, should it have been replaced by a FIFO meanwhile; on a regular file it has no effect.
        file = io.FileIO(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY), "rb")
    except (OSError, ValueError) as error:
        raise _not_opened(path, shown, error) from None
    try:
        opened = os.fstat(file.fileno())
        _refuse_other_kinds(shown, opened)
    except BaseException:
        file.close()
        raise
    before = _state(opened)

    def check_end(position: int) -> None:
        # The open file shows what was written to it; the path, whether another file was put in its place.
        refuse_change(shown, before, _state(os.fstat(file.fileno())))
        refuse_change(shown, before, _state_at(path))
        if position != opened.st_size:
            raise EkycNumbersError(
                f"{shown} returned {position:,} bytes while its size is {opened.st_size:,}, as files of /proc and /sys "
                f"do; so it is not known whether it changed. {NOTHING_SENT} Copy it to a file on a disk."
            )

    return OpenedSource(file, shown, None, check_end, _failure_of)


def _state(status: os.stat_result) -> dict[str, object]:
    return {
        "size": status.st_size,
        "time": status.st_mtime_ns,
        "inode": (status.st_dev, status.st_ino),
        # Shows a change of content after which the old modification time was set again (rsync --times, touch -r).
        "change time": status.st_ctime_ns,
    }


def _state_at(path: str) -> dict[str, object] | None:
    try:
        return _state(os.stat(path))
    except OSError:  # deleted or not reachable: it is not what was opened
        return None


def _refuse_other_kinds(shown: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "no regular file")
    raise EkycNumbersError(
        f"{shown} is {kind}, not a file. {NOTHING_SENT} Write the numbers to a regular file, and set numbers to its "
        f"path."
    )


def _failure_of(error: Exception) -> tuple[str, str]:
    why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
    return why, "If the error persists, check the disk or the mount."


def _not_opened(path: str, shown: str, error: OSError | ValueError) -> EkycError:
    code = error.errno if isinstance(error, OSError) else None
    is_too_long = code == errno.ENAMETOOLONG or isinstance(error, ValueError)
    if (is_too_long or isinstance(error, FileNotFoundError)) and (contents := contents_error(path)) is not None:
        return contents
    if isinstance(error, FileNotFoundError):
        relative = "" if os.path.isabs(path) else f" ({shown_path(path)!r} counts from where this worker was started)"
        return EkycNumbersError(
            f"There is no file {shown} on this worker{relative}. {NOTHING_SENT} Check the path, whether the step that "
            f"writes it ran on the same worker, and whether the directory is mounted here."
        )
    if is_too_long:
        return EkycNumbersError(
            f"numbers has {len(path):,} characters, which is too long for a path or for a name in it (it is not "
            f"quoted, since it may contain numbers). {NOTHING_SENT} Set numbers to the path of a file."
        )
    if isinstance(error, NotADirectoryError):
        return EkycNumbersError(
            f"{shown} can't be there: a part of its path is a file, not a directory. {NOTHING_SENT} Check the path."
        )
    if isinstance(error, PermissionError):
        return EkycNumbersError(
            f"This worker's user has no permission to read {shown}. {NOTHING_SENT} Grant it read access to the file, "
            f"and search access to the directories above it."
        )
    if code == errno.ELOOP:
        return EkycNumbersError(f"{shown} is a link that leads to itself. {NOTHING_SENT} Correct the link.")
    return EkycUnreadableInputError(
        f"{shown} could not be opened ({os.strerror(code) if code else type(error).__name__}). {NOTHING_SENT} A retry "
        f"reads it again; if the error persists, check the disk or the mount."
    )
