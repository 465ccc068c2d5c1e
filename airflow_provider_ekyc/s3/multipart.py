"""
An object that is uploaded in parts, over several connections at a time: visible once it is completed, or never.

Each part has its SHA-256, which S3 compares. The sums are known before the upload is created, since S3 accepts the
metadata only then: the SHA-256 of all sums, which S3 keeps as the checksum of the object, is part of it. They are made
while the file is written.
"""

from __future__ import annotations

import base64
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event
from types import TracebackType
from typing import Any, Self

from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.s3.body import FileBody, FileWithDescriptor, UploadEndedError
from airflow_provider_ekyc.s3.errors import S3CallError
from airflow_provider_ekyc.s3.failures import is_settled
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.s3.object import S3Object

log = logging.getLogger(__name__)

#: Seconds that parts may take to end before the upload is aborted: S3 may keep a part that arrives later.
_PATIENCE = 10.0

#: Seconds for which a look at the key holds. At 80 MB/s the last eight parts take 0.1 s.
_LOOK_AGE = 1.0

#: The metadata with S3's checksum of the parts' checksums: Base64, a hyphen, the number of parts.
PARTS_SHA256 = "ekyc-parts-sha256"


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its bytes in the file, and their SHA-256 in Base64."""

    number: int
    start: int
    size: int
    sha256: str


def split(sums: FileSums) -> list[Part]:
    """Return the parts of a file."""
    return [
        Part(number, start, min(sums.part_size, sums.size - start), base64.b64encode(sha256).decode())
        for number, (start, sha256) in enumerate(
            zip(range(0, sums.size, sums.part_size), sums.parts, strict=True), start=1
        )
    ]


class MultipartUpload:
    """
    One upload. A context manager: it is aborted if the block ends by an error, unless it has been completed.

    :param target: where the object is to be
    :param arguments: of the operation that creates it
    :param file: read where it is
    :param parts: of the file
    :param pool: sends as many parts at a time as it has threads
    :param is_there: whether the object is at its key; called where S3 may have completed the upload
    :param look: returns what is at the key; called beside the last parts, and once more before the completion if that
        was more than a moment ago: a store that knows no condition would overwrite what was written meanwhile
    """

    def __init__(
        self,
        target: S3Object,
        arguments: Mapping[str, Any],
        file: FileWithDescriptor,
        parts: list[Part],
        pool: ThreadPoolExecutor,
        is_there: Callable[[], bool],
        look: Callable[[], Mapping[str, Any] | None] | None = None,
    ) -> None:
        self._target, self._arguments, self._file, self._parts = target, arguments, file, parts
        self._upload_id: str | None = None  # None again when it is aborted
        self._pool, self._is_there, self._look = pool, is_there, look
        self._looked = -math.inf
        self._futures: list[Future[Any]] = []
        self._etags: dict[int, str] = {}
        self._is_summed = True  # until the store turns out not to know checksums
        self._is_ended = Event()
        self._may_be_completed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            return
        # It may be a signal's, and another one, or SIGKILL, may follow.
        self._is_ended.set()
        try:
            wait(self._futures[:1], _PATIENCE)  # the others are there after it
            wait(self._futures, _PATIENCE)
        finally:
            with ThreadPoolExecutor(1, "ekyc-abort") as pool:  # a thread, where no signal is raised
                pool.submit(self._abort_unless_completed).result()

    def send(self) -> None:
        """
        Create the upload, and send all parts.

        :raises UploadEndedError: if an object is at the key
        :raises S3CallError: if it can't be created, or a part is not accepted
        """
        self._futures.append(self._pool.submit(self._begin))
        self._futures[0].result()
        for future in as_completed(self._futures):
            future.result()

    def _begin(self) -> None:
        """
        Create the upload and begin with the parts.

        In a thread, where no signal is raised: one between S3's answer and the next step would lose the id, and one
        between two parts what has begun.
        """
        self._upload_id = self._created()["UploadId"]
        if self._is_ended.is_set():
            self.abort()  # the other thread may have stopped waiting before there was an id
            return
        self._futures += [self._pool.submit(self.send_part, part) for part in self._parts]
        if self._look is not None:
            self._futures.append(self._pool.submit(self._look_now))

    def _created(self) -> dict[str, Any]:
        create = partial(self._target.call, "CreateMultipartUpload", **self._arguments)
        try:
            return create(ChecksumAlgorithm="SHA256")
        except S3CallError as error:
            if not error.problem.may_lack_checksums:
                raise
        self._is_summed = False
        return create()

    def _sum_of(self, part: Part) -> dict[str, str]:
        return {"ChecksumSHA256": part.sha256} if self._is_summed else {}

    def send_part(self, part: Part) -> None:
        """Send one part."""
        self._end_if_asked()
        answer = self._target.call(
            "UploadPart",
            UploadId=self._upload_id,
            PartNumber=part.number,
            Body=FileBody(self._file, part.start, part.size, lambda is_last: self._end_if_asked()),
            **self._sum_of(part),
        )
        self._etags[part.number] = answer["ETag"]

    def complete(self, condition: Mapping[str, str]) -> dict[str, Any]:
        """
        Make the object visible.

        :param condition: ``{"IfNoneMatch": "*"}``, or none
        :return: S3's answer
        :raises UploadEndedError: if an object is at the key
        :raises S3CallError: if S3 refuses, or its answer was lost
        """
        if self._look is not None and time.monotonic() - self._looked > _LOOK_AGE:
            self._look_now()
        parts = [
            {"PartNumber": part.number, "ETag": self._etags[part.number], **self._sum_of(part)} for part in self._parts
        ]
        self._may_be_completed = True
        try:
            return self._target.call(
                "CompleteMultipartUpload",
                UploadId=self._upload_id,
                MultipartUpload={"Parts": parts},
                **condition,
            )
        except S3CallError as error:
            self._may_be_completed = not (is_settled(error.problem) or error.problem.is_taken)
            raise

    def _look_now(self) -> None:
        self._looked = time.monotonic()
        if self._look is not None and (found := self._look()):
            raise UploadEndedError(found)

    def _is_open(self) -> bool:
        """Return whether S3 still has the upload: an object like it may have been there before."""
        try:
            self._target.call("ListParts", UploadId=self._upload_id, MaxParts=1)
        except S3CallError:
            return False
        return True

    def _abort_unless_completed(self) -> None:
        if self._upload_id is not None and (not (self._may_be_completed and self._is_there()) or self._is_open()):
            self.abort()

    def abort(self) -> None:
        """Remove what was sent. If S3 does not, the log says what to do."""
        try:
            self._target.call("AbortMultipartUpload", UploadId=self._upload_id)
            self._upload_id = None
        except S3CallError as error:
            if error.problem.code == "NoSuchUpload":
                return  # it is completed, or somebody else has aborted it
            warn(
                log,
                f"The upload {self._upload_id} to {self._target.uri} was not aborted ({error.problem.shown}). No "
                f"object is visible, but S3 stores its parts and charges for them: abort it (aws s3api "
                f"abort-multipart-upload), or have a lifecycle rule of the bucket do it "
                f"(AbortIncompleteMultipartUpload). {error.problem.advice}",
            )

    def _end_if_asked(self) -> None:
        if self._is_ended.is_set():
            raise UploadEndedError({})


@contextmanager
def connections_of(client: Any, connections: int) -> Iterator[ThreadPoolExecutor]:
    """
    Start a thread for each connection.

    :param connections: how many; the client itself keeps ``max_pool_connections`` of its config, and no more are used
    """
    with ThreadPoolExecutor(min(connections, client.meta.config.max_pool_connections), "ekyc-part") as pool:
        yield pool
