"""A body that looks at its key once more before its last bytes are sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from airflow_provider_ekyc.exceptions import EkycError


class BrokenOff(BaseException):
    """
    The key is taken, or S3 does not say whether it is: the upload ends before its last bytes.

    So the store keeps nothing of it.

    Not an ``Exception``: the S3 client would wrap it, and in some of its modes send the body again.

    :param found: S3's answer to the HEAD
    :param failure: why there is none
    """

    def __init__(self, found: Mapping[str, Any], failure: EkycError | None = None) -> None:
        super().__init__()
        self.found, self.failure = found, failure


class WatchedBody:
    """
    As much of a binary file as the S3 client needs of a body.

    Without TLS the client reads the body twice, the first time to sign it; then it is looked twice.

    :param file: seekable
    :param size: bytes of it
    :param look: returns S3's answer to a HEAD; None or ``{}`` if there is nothing, or nothing that may be read
    """

    def __init__(self, file: BinaryIO, size: int, look: Callable[[], Mapping[str, Any] | None]) -> None:
        self._file, self._size, self._look = file, size, look

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place, as files do."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """
        Read; before the last bytes are returned, look.

        :raises BrokenOff: if an object is there, or S3 does not say whether one is
        """
        at = self._file.tell()
        block = self._file.read(size)
        is_last = at < self._size <= at + len(block)
        if is_last or not self._size:
            try:
                found = self._look()
            except EkycError as error:
                raise BrokenOff({}, error) from None
            if found:
                raise BrokenOff(found)
        return block
