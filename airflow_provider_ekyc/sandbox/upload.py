"""The multipart body of a submission, streamed to disk."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

_CHUNK_BYTES = 1 << 16
_TASK_TYPE = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
_LONGEST_TASK_TYPE_BYTES = 200

MALFORMED = (ValueError, AssertionError, LookupError, RuntimeError, HttpProcessingError)
"""What aiohttp raises while it reads a form that is none."""


class TooLarge(Exception):
    """The file is larger than the sandbox accepts."""


class BadForm(Exception):
    """The body is not the form that the call wants; the message says what is missing."""


@dataclass(frozen=True)
class Upload:
    """A submission's form, with the file on disk.

    :param task_type: as it was sent.
    :param sha256: of the file's content, hexadecimal.
    """

    task_type: str
    sha256: str


class _Spool:
    def __init__(self, path: Path, most_bytes: int | None) -> None:
        self._file = path.open("wb")
        self._digest = hashlib.sha256()
        self._left = most_bytes

    def __enter__(self) -> _Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, chunk: bytes) -> None:
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLarge
        self._digest.update(chunk)
        self._file.write(chunk)

    def sha256(self) -> str:
        return self._digest.hexdigest()


async def _spool(part: BodyPartReader, path: Path, most_bytes: int | None) -> str:
    with _Spool(path, most_bytes) as spool:
        while chunk := await part.read_chunk(_CHUNK_BYTES):
            spool.write(chunk)
        return spool.sha256()


async def _short_text(part: BodyPartReader) -> str:
    text = b""
    while chunk := await part.read_chunk(_CHUNK_BYTES):
        text += chunk
        if len(text) > _LONGEST_TASK_TYPE_BYTES:
            raise BadForm("task_type is too long")
    if not _TASK_TYPE.fullmatch(text.strip()):
        raise BadForm("task_type is missing or has other characters than letters, digits, dots and dashes")
    return text.strip().decode("ascii")


async def receive(request: web.Request, path: Path, most_bytes: int | None) -> Upload:
    """Read the form of a submission; its fields may come in any order.

    :param request: with the body not yet read.
    :param path: where the file goes.
    :param most_bytes: the largest file that is taken; ``None`` for any.
    :raises BadForm: if it is not a multipart form with ``file`` and ``task_type``.
    :raises TooLarge: as soon as the file exceeds the limit; the rest is not read.
    :raises ConnectionError: if the caller goes away.
    """
    if request.content_type != "multipart/form-data":
        raise BadForm("multipart/form-data expected")
    sha256 = task_type = None
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise BadForm("nested multipart is not understood")
            if part.name == "file":
                sha256 = await _spool(part, path, most_bytes)
            elif part.name == "task_type":
                task_type = await _short_text(part)
            else:
                await part.release()
    except MALFORMED as error:
        raise BadForm("malformed multipart body") from error
    if sha256 is None:
        raise BadForm("file is missing")
    if task_type is None:
        raise BadForm("task_type is missing")
    return Upload(task_type, sha256)
