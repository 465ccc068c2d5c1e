"""Which ranges of a result are requested, and whether an answer is the range that was requested. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_ekyc.api.result_stream import ResultHead

#: Bytes of a file's end that are requested first; a list of three members has 200.
TAIL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """
    One version of the object: answers with the same strong ETag and size are of the same bytes.

    :param etag: strong, or None: then no answer can be distinguished from that of another version
    :param size: bytes, or None if the server does not say
    """

    etag: str | None = None
    size: int | None = None


@dataclass(slots=True)
class ByteRange:
    """
    A range of the object, or what is left of it.

    :param at: offset of the first byte that is not there yet
    :param end: offset behind its last byte; None for all that follows
    """

    at: int
    end: int | None

    @property
    def last(self) -> int | None:
        """Offset of its last byte, as ``Range`` has it."""
        return None if self.end is None else self.end - 1


class Fit(StrEnum):
    """What the answer to a range is."""

    SAME = "the range"
    CHANGED = "of another version"
    OTHER = "not the range, or of an unknown version"


def version_in(head: ResultHead) -> Version:
    """Return the version that an answer is of."""
    return Version(head.strong_etag, head.length)


def is_same_version(head: ResultHead, version: Version) -> bool:
    """Return whether an answer is certainly of this version."""
    sizes = {head.length, version.size} - {None}
    return version.etag is not None and head.strong_etag == version.etag and len(sizes) < 2


def knows_ranges(head: ResultHead, wanted: ByteRange) -> bool:
    """Return whether the answer to the first range is that range, with an ETag to compare further answers with."""
    if head.end is None or head.length is None or head.strong_etag is None or wanted.end is None:
        return False
    return (head.start, head.end) == (wanted.at, min(wanted.end, head.length))


def is_whole(head: ResultHead) -> bool:
    """Return whether the whole object follows."""
    return head.start == 0 and (head.end is None or head.end == head.length)


def fit(head: ResultHead, wanted: ByteRange, version: Version) -> Fit:
    """Compare the head of an answer with a range of a known version that was requested."""
    if head.etag not in (None, version.etag) or head.length not in (None, version.size):
        return Fit.CHANGED
    is_known = (head.etag, head.length) == (version.etag, version.size)
    return Fit.SAME if is_known and (head.start, head.end) == (wanted.at, wanted.end) else Fit.OTHER


def tail_start(size: int, range_size: int) -> int:
    """Return where the end of an object that has several ranges begins: the range that is requested before others."""
    return max(range_size, size - min(TAIL, range_size))


def is_end(head: ResultHead, count: int) -> bool:
    """Return whether an answer is the last bytes of the object: so many, or all if there are fewer."""
    return head.length is not None and (head.start, head.end) == (max(0, head.length - count), head.length)


def further_ranges(size: int, range_size: int, connections: int) -> list[ByteRange]:
    """
    Divide what follows the first range, in the order of the file.

    Its end is a range of its own, to be requested first: a zip archive's list of members is there.

    :param size: bytes of the object
    :param range_size: bytes of each range; with one connection all before the end is one range
    """
    tail_at = tail_start(size, range_size)
    step = range_size if connections > 1 else max(size, 1)
    starts = [*range(range_size, tail_at, step), *([tail_at] if tail_at < size else [])]
    return [ByteRange(start, end) for start, end in zip(starts, [*starts[1:], size], strict=True)] if starts else []
