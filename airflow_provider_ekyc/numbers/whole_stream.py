"""A stream that tells its end from a connection that broke."""

from __future__ import annotations

import io
from typing import Protocol

from airflow_provider_ekyc.exceptions import EkycUnreadableInputError


class ClosableStream(Protocol):
    """What S3 and fsspec hand out."""

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes, none only at the end."""

    def close(self) -> None:
        """Give the connection back."""


class WholeStream(io.RawIOBase):
    """
    Reads a stream to its end, and fails if that end comes early.

    Half an input would be accepted and paid for without a word. botocore compares lengths itself, but not
    each version for each kind of ``read``; other stores may not.

    :param stream: is closed with this
    :param size: bytes that the store announced, or None if it did not
    :param shown: the address, for messages
    :param broken_by: the store's own exceptions for a connection that broke
    """

    def __init__(
        self,
        stream: ClosableStream,
        *,
        size: int | None,
        shown: str,
        broken_by: tuple[type[Exception], ...] = (),
    ) -> None:
        super().__init__()
        self._stream = stream
        self._size = size
        self._shown = shown
        self._broken_by = broken_by
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """
        Read up to ``size`` bytes; ``b""`` at the end, and only if all announced bytes came.

        :param size: must be positive: an input is never read whole
        :raises EkycUnreadableInputError: if the connection broke or the stream ended early
        """
        if size < 0:
            raise ValueError("an input is read in blocks, never whole")
        if size == 0:
            return b""
        try:
            data = self._stream.read(size)
        except self._broken_by:
            raise self._broken() from None
        self._position += len(data)
        if not data and self._size is not None and self._position < self._size:
            raise self._broken()
        return data

    # typeshed asks for any buffer; io's own readers, the only callers, pass these.
    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into ``buffer``, with the same check."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the stream below too."""
        if not self.closed:
            self._stream.close()
        super().close()

    def _broken(self) -> EkycUnreadableInputError:
        size = "an unknown number of" if self._size is None else f"{self._size:,}"
        return EkycUnreadableInputError(
            f"The connection broke after {self._position:,} of {size} bytes of {self._shown}. Nothing was "
            "sent; a retry reads it again."
        )
