"""What the S3 client reads of a file that it uploads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from airflow_provider_ekyc.exceptions import EkycError

#: Bytes of a block. The client asks for 16 KiB at a time, and so many calls cost more than the sending.
_BLOCK = 1024 * 1024


class FileWithDescriptor(Protocol):
    """A file of the operating system, such as a spool."""

    def fileno(self) -> int:
        """Return its descriptor."""


class UploadEndedError(BaseException):
    """
    The upload ends before its last bytes, so that the store keeps nothing of it.

    Not an ``Exception``: the S3 client would wrap it, and in some of its modes send the body again.

    :param found: S3's answer to a HEAD, if an object is at the key
    :param failure: why S3 did not say whether one is
    """

    def __init__(self, found: Mapping[str, Any], failure: EkycError | None = None) -> None:
        super().__init__()
        self.found, self.failure = found, failure


class FileBody:
    """
    Bytes of a file, as much of a binary file as the S3 client needs. The file itself is not moved.

    :param start: the first of them
    :param size: how many
    :param before_block: is called before each block, with whether it is the last one; what it raises ends the upload
    """

    def __init__(
        self, file: FileWithDescriptor, start: int, size: int, before_block: Callable[[bool], None] | None = None
    ) -> None:
        self._descriptor, self._start, self._size = file.fileno(), start, size
        self._before_block = before_block
        self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, as files do."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read the next block; it may be larger than asked for."""
        left = max(self._size - self._at, 0)
        wanted = left if size < 0 else min(left, max(size, _BLOCK))
        # The client reads once more at the end, which is no block, unless there is nothing else.
        if self._before_block is not None and (wanted or not self._size):
            self._before_block(wanted == left)
        block = os.pread(self._descriptor, wanted, self._start + self._at)
        self._at += len(block)
        return block
