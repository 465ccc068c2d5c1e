"""What the benchmark's S3 remembers of objects and uploads: all but their bytes. No I/O, and no lock of its own."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

#: What S3 takes for each part but the last.
LEAST_PART = 5 * 1024 * 1024


class Refused(Exception):
    """
    S3's refusal of a request.

    :param status: such as ``412 Precondition Failed``
    :param code: S3's code
    """

    def __init__(self, status: str, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


PRECONDITION = ("412 Precondition Failed", "PreconditionFailed")
NO_UPLOAD = ("404 Not Found", "NoSuchUpload")


@dataclass(frozen=True, slots=True)
class Stored:
    """
    An object, or a part of an upload.

    :param size: bytes
    :param etag: quotes included; made up, since an MD5 would cost more than the transfer
    :param headers: what a HEAD shows again: metadata, media type, checksums, by lower-case name
    """

    size: int
    etag: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Upload:
    """
    An upload in parts that is not complete.

    :param path: of its object
    :param headers: of its object
    :param parts: by number; a later one of the same number replaces an earlier one
    """

    path: str
    headers: Mapping[str, str]
    parts: dict[int, Stored] = field(default_factory=dict)


@dataclass(slots=True)
class Objects:
    """
    All objects and uploads.

    :param stored: objects, by bucket and key
    :param uploads: by upload id
    """

    stored: dict[str, Stored] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    _number: itertools.count[int] = field(default_factory=itertools.count)

    def check(self, path: str, headers: Mapping[str, str]) -> None:
        """
        Check the conditions of a write.

        :param headers: of the request: ``If-None-Match: *``, or ``If-Match`` with an ETag
        :raises Refused: if they do not hold
        """
        found = self.stored.get(path)
        if headers.get("if-none-match") == "*" and found:
            raise Refused(*PRECONDITION)
        if (wanted := headers.get("if-match")) and (found is None or found.etag != wanted):
            raise Refused(*PRECONDITION)

    def put(self, path: str, size: int, headers: Mapping[str, str]) -> Stored:
        """
        Store an object whose body is there whole.

        :raises Refused: if a condition does not hold
        """
        self.check(path, headers)
        self.stored[path] = Stored(size, self._etag(), shown(headers))
        return self.stored[path]

    def create(self, path: str, headers: Mapping[str, str]) -> str:
        """Begin an upload in parts; return its id."""
        upload_id = f"upload-{next(self._number)}"
        self.uploads[upload_id] = Upload(path, shown(headers))
        return upload_id

    def put_part(self, path: str, upload_id: str, number: int, size: int, headers: Mapping[str, str]) -> Stored:
        """
        Store a part whose body is there whole.

        :raises Refused: if there is no such upload (any more), or S3 has no such part numbers
        """
        upload = self.upload(path, upload_id)
        if not 1 <= number <= 10_000:
            raise Refused("400 Bad Request", "InvalidArgument")
        upload.parts[number] = Stored(size, self._etag(), shown(headers))
        return upload.parts[number]

    def complete(self, path: str, upload_id: str, listed: list[tuple[int, str]], headers: Mapping[str, str]) -> Stored:
        """
        Make an object of parts.

        :param listed: number and ETag of each part
        :raises Refused: for parts that are unknown, too small or out of order, or a condition that does not hold
        """
        upload = self.upload(path, upload_id)
        numbers = [number for number, _ in listed]
        if numbers != sorted(set(numbers)):
            raise Refused("400 Bad Request", "InvalidPartOrder")
        parts = [upload.parts.get(number) for number in numbers]
        found = [part for part, (_, etag) in zip(parts, listed, strict=True) if part and part.etag == etag]
        if not found or len(found) != len(listed):
            raise Refused("400 Bad Request", "InvalidPart")
        if any(part.size < LEAST_PART for part in found[:-1]):
            raise Refused("400 Bad Request", "EntityTooSmall")
        self.check(path, headers)
        del self.uploads[upload_id]
        etag = f'{self._etag()[:-1]}-{len(found)}"'
        self.stored[path] = Stored(sum(part.size for part in found), etag, upload.headers)
        return self.stored[path]

    def abort(self, path: str, upload_id: str) -> None:
        """
        Drop an upload and its parts.

        :raises Refused: if there is no such upload (any more)
        """
        self.upload(path, upload_id)
        del self.uploads[upload_id]

    def upload(self, path: str, upload_id: str) -> Upload:
        """
        Return an upload.

        :raises Refused: if there is no such upload (any more)
        """
        upload = self.uploads.get(upload_id)
        if upload is None or upload.path != path:
            raise Refused(*NO_UPLOAD)
        return upload

    def _etag(self) -> str:
        return f'"{next(self._number):032x}"'


def shown(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those headers of a request that a HEAD of the object shows again."""
    kept = ("x-amz-meta-", "x-amz-checksum-")
    return {name: value for name, value in headers.items() if name.startswith(kept) or name == "content-type"}
