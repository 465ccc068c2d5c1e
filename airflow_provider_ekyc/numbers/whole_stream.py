"""A stream that tells its end from a connection that broke, and from a source that changed meanwhile."""

from __future__ import annotations

import io

from airflow_provider_ekyc.exceptions import EkycError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.opened_source import ClosableStream, OpenedSource


class WholeStream(io.RawIOBase):
    """
    Reads a stream to its end, and fails if that end comes early or is that of another content.

    Half an input, or a mixture of two, would be accepted and paid for without a word. botocore compares lengths
    itself, but not each version for each kind of ``read``; other stores may not.

    :param source: what was opened
    :param stream: its bytes; is closed with this
    """

    def __init__(self, source: OpenedSource, stream: ClosableStream) -> None:
        super().__init__()
        self._source = source
        self._stream = stream
        self._is_checked = False
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """
        Read up to ``size`` bytes; ``b""`` at the end, and only if that is the end of what was opened.

        :param size: must be positive: an input is never read whole
        :raises EkycUnreadableInputError: if the connection broke, the stream ended early, or the source changed
        """
        if size < 0:
            raise ValueError("an input is read in blocks, never whole")
        if size == 0:
            return b""
        try:
            data = self._stream.read(size)
        except EkycError:
            raise
        except Exception as error:  # noqa: BLE001  each store has errors of its own
            raise self._broken(*self._source.failure_of(error)) from None
        self._position += len(data)
        if not data and not self._is_checked:
            self._source.check_end(self._position)
            if self._source.size is not None and self._position < self._source.size:
                raise self._broken("it ended early", "")
            self._is_checked = True
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

    def _broken(self, why: str, advice: str) -> EkycUnreadableInputError:
        size = "an unknown number of" if self._source.size is None else f"{self._source.size:,}"
        return EkycUnreadableInputError(
            f"Reading broke off after {self._position:,} of {size} bytes of {self._source.shown} ({why}). Nothing "
            f"was sent; a retry reads it again. {advice}".rstrip()
        )
