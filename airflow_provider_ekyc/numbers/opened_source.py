"""What each kind of store hands to the reader of an input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class ClosableStream(Protocol):
    """What files, S3 and fsspec hand out."""

    def read(self, size: int, /) -> bytes:
        """Read up to ``size`` bytes, none only at the end."""

    def close(self) -> None:
        """Give the connection back."""


def name_of(error: Exception) -> tuple[str, str]:
    """Return the class of an error, and no advice."""
    return type(error).__name__, ""


def _nothing_to_check(position: int) -> None:
    """Accept any end."""


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """
    A source that was opened.

    :param stream: its bytes
    :param shown: its address, for messages
    :param size: bytes that its store announced, or None if it did not
    :param check_end: is called once at the end, with the count of bytes that were read; raises if the source is no
        longer what it was at the first byte
    :param failure_of: says what an error of its stream means, and what to do (or nothing)
    """

    stream: ClosableStream
    shown: str
    size: int | None
    check_end: Callable[[int], None] = _nothing_to_check
    failure_of: Callable[[Exception], tuple[str, str]] = name_of
