"""A source that was opened: read to its end, which must be the end of what was opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_ekyc.exceptions import EkycError, EkycUnreadableInputError


class ByteReader(Protocol):
    """What is read as an input: a file, an object, or what reads one of these."""

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes; none only at the end."""


class ByteStream(ByteReader, Protocol):
    """What files, S3 and fsspec return."""

    def close(self) -> None:
        """Return the connection."""


def name_of(error: Exception) -> tuple[str, str]:
    """Return the class of an error, and no advice."""
    return type(error).__name__, ""


def _accept_any_end(position: int) -> None:
    """Check nothing."""


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """
    A source that was opened.

    :param stream: its bytes
    :param shown: its address, for messages
    :param size: bytes that its store announced, or None if it did not
    :param check_end: is called once at the end, with the count of bytes that were read; raises if the source is no
        longer what it was at the first byte
    :param failure_of: returns what an error of its stream means, and what to do (or nothing)
    """

    stream: ByteStream
    shown: str
    size: int | None
    check_end: Callable[[int], None] = _accept_any_end
    failure_of: Callable[[Exception], tuple[str, str]] = name_of


class WholeStream:
    """
    Reads a stream to its end, and fails if that end is early or belongs to other content.

    Half an input, or a mixture of two, would be accepted and charged without any error. botocore compares lengths
    itself, but not each version for each kind of ``read``; other stores may not.

    :param source: what was opened
    :param stream: its bytes; is closed with this
    """

    def __init__(self, source: OpenedSource, stream: ByteStream) -> None:
        self._source = source
        self._stream = stream
        self._is_checked = False
        self._position = 0
        #: Its address, for messages.
        self.shown = source.shown

    def read(self, size: int, /) -> bytes:
        """
        Read up to ``size`` bytes; ``b""`` at the end, and only if that is the end of what was opened.

        :param size: positive, or 0: an input is never read whole
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
            raise self._reading_error(*self._source.failure_of(error)) from None
        self._position += len(data)
        if not data and not self._is_checked:
            self._source.check_end(self._position)
            if self._source.size is not None and self._position < self._source.size:
                raise self._reading_error("it ended early", "")
            self._is_checked = True
        return data

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _reading_error(self, why: str, advice: str) -> EkycUnreadableInputError:
        size = "an unknown number of" if self._source.size is None else f"{self._source.size:,}"
        return EkycUnreadableInputError(
            f"Reading stopped after {self._position:,} of {size} bytes of {self._source.shown} ({why}). Nothing was "
            f"sent; a retry reads it again. {advice}".rstrip()
        )


def refuse_change(shown: str, before: Mapping[str, object], after: Mapping[str, object] | None) -> None:
    """
    Refuse a source that changed between the first and the last byte: what was read may be a mixture. Pure.

    :param shown: the address, for the message
    :param before: what its store reported at the first byte: size, time, ETag and the like, by name
    :param after: the same at the last byte; None if it is gone. What only one of the two has is not compared
    :raises EkycUnreadableInputError: naming what changed
    """
    if after is None:
        what = "it was deleted or renamed"
    elif names := [name for name in before if name in after and before[name] != after[name]]:
        what = f"its {', '.join(names)}"
    else:
        return
    raise EkycUnreadableInputError(
        f"{shown} changed while it was read ({what}). Nothing was sent; a retry reads it again. Start this task after "
        f"the step that writes the input, or let that step write under another name and rename it at its end."
    )
