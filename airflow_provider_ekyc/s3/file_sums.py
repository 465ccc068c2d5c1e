"""The sums of a file, made while it is written: of the whole, and of each part that it may be uploaded in."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import BinaryIO

#: Bytes of a part: at 80 MB/s, which is what a connection to S3 gives, a tenth of a second. S3 accepts 5 MiB to 5 GiB.
PART_SIZE = 8 * 1024**2

#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MOST_PARTS = 10_000

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileSums:
    """
    The SHA-256 sums of a file.

    :param size: bytes of the file
    :param sha256: hex digest of all of them
    :param parts: of each part; all have ``part_size`` bytes, but for the last
    """

    size: int
    sha256: str
    parts: tuple[bytes, ...] = field(repr=False)
    part_size: int = PART_SIZE

    @property
    def of_parts(self) -> str:
        """The checksum that S3 keeps of an object in these parts, as it writes it."""
        return f"{base64.b64encode(hashlib.sha256(b''.join(self.parts)).digest()).decode()}-{len(self.parts)}"


class Summing:
    """Makes the sums of a file of its blocks, in order."""

    def __init__(self, part_size: int = PART_SIZE) -> None:
        self._part_size, self.size = part_size, 0
        self._whole, self._part = hashlib.sha256(), hashlib.sha256()
        self._parts: list[bytes] = []

    def add(self, block: bytes | memoryview) -> None:
        """Add the next bytes of the file."""
        self._whole.update(block)
        rest = memoryview(block)
        while rest:
            piece = rest[: self._part_size - self.size % self._part_size]
            rest = rest[len(piece) :]
            self._part.update(piece)
            self.size += len(piece)
            if self.size % self._part_size == 0:
                self._parts.append(self._part.digest())
                self._part = hashlib.sha256()

    def sums(self) -> FileSums:
        """Return the sums of all that was added."""
        last = [self._part.digest()] if self.size % self._part_size else []
        return FileSums(self.size, self._whole.hexdigest(), (*self._parts, *last), self._part_size)


def sums_of(file: BinaryIO, part_size: int = PART_SIZE) -> FileSums:
    """Read a file from its start for its sums."""
    file.seek(0)
    summing = Summing(part_size)
    while block := file.read(_BLOCK):
        summing.add(block)
    return summing.sums()
