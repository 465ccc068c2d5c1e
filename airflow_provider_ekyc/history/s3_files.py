"""A history in S3: listed and read in ranges through Airflow's S3 hook, so that every setting of a connection holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import EkycHistoryError
from airflow_provider_ekyc.history.files import NOTHING_SENT, HistoryFile, changed_error
from airflow_provider_ekyc.numbers.address import shown_path
from airflow_provider_ekyc.s3.client import s3_client
from airflow_provider_ekyc.s3.errors import S3CallError, S3Problem, explained, no_s3_answer
from airflow_provider_ekyc.s3.object import S3Object

log = logging.getLogger(__name__)

# The client repeats calls that fail, but not the reading of an answer that breaks off.
_RETRIES: Final = Retries(attempts=4, first_wait=0.5)


class _BrokenAnswerError(EkycHistoryError):
    """The connection broke within an answer."""

    retryable = True


class S3Folder:
    """
    All objects under a prefix.

    :param prefix: ends in ``/``, or is empty for the whole bucket, or is the key of one object that ends in
        ``.parquet``
    :param aws_conn_id: AWS connection; None uses boto3's own search for credentials
    """

    def __init__(self, bucket: str, prefix: str, aws_conn_id: str | None) -> None:
        self._bucket, self._prefix, self._conn_id = bucket, prefix, aws_conn_id
        self.shown = shown_path(f"s3://{bucket}/{prefix}")

    def files(self) -> Iterator[tuple[str, HistoryFile | None]]:
        """
        Yield each object that is no folder marker, in the order of the keys.

        :raises EkycHistoryError: if there is no such bucket, or S3 does not list it
        :raises EkycSignInError: if the connection can't be used, or not now
        """
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        client = s3_client(S3Hook(aws_conn_id=self._conn_id), NOTHING_SENT)
        is_empty = True
        for found in self._listed(client, self._prefix):
            path = found["Key"].removeprefix(self._prefix)
            # A key x.parquet is listed as one object, and x.parquet/ as a folder; x.parquet.old is neither.
            if found["Key"].endswith("/") or (path and self._prefix and self._prefix[-1] != "/" != path[0]):
                continue
            is_empty = False
            yield path, self._file(client, found)
        if is_empty and self._prefix:
            # The address of an object of any name is no folder without objects. It is the first one of those that begin
            # with its key.
            first = next(self._listed(client, self._prefix.removesuffix("/")), None)
            if first is not None and f"{first['Key']}/" == self._prefix:
                yield "", self._file(client, first)

    def _file(self, client: Any, found: dict[str, Any]) -> _S3File:
        place = S3Object(self._bucket, found["Key"], client)
        return _S3File(self, place, found["ETag"], found["Size"], found["LastModified"])

    def _listed(self, client: Any, prefix: str) -> Iterator[dict[str, Any]]:
        listing = S3Object(self._bucket, prefix, client)
        arguments: dict[str, Any] = {}
        while True:
            try:
                page = listing.call("ListObjectsV2", Prefix=prefix, **arguments)
                following = page.get("NextContinuationToken")
                if page["IsTruncated"] and (not following or arguments.get("ContinuationToken") == following):
                    raise no_s3_answer("ListObjectsV2")
            except S3CallError as error:
                raise self._error("list", self.shown, error.problem) from None
            yield from page.get("Contents", [])
            if not page["IsTruncated"]:
                return
            arguments = {"ContinuationToken": following}

    def _error(self, doing: str, shown: str, problem: S3Problem) -> EkycHistoryError:
        if problem.arguments:
            return EkycHistoryError(
                f"{shown} is no valid S3 address. {NOTHING_SENT} Correct history_uri, then clear this task.",
                retryable=False,
            )
        answer = problem.shown if problem.status else f"{problem.operation}: {problem.shown}"
        then = "may help" if problem.retryable else "can't help"
        clear = "" if problem.retryable else " Then clear this task."
        return EkycHistoryError(
            f"S3 did not {doing} {shown}, a history, for the AWS connection {self._conn_id!r} ({answer}). "
            f"{NOTHING_SENT} A retry {then}. {problem.advice}{clear}",
            retryable=problem.retryable,
        )


@dataclass(frozen=True, slots=True)
class _S3File:
    """An object as it was listed."""

    folder: S3Folder
    place: S3Object
    etag: str
    size: int
    received_at: datetime | None

    @property
    def shown(self) -> str:
        return shown_path(self.place.uri)

    def read(self, start: int, size: int) -> bytes:
        """Read a range of the version that was listed, again if the answer breaks off."""
        if not size:  # no range says that
            return b""
        retries = retrying(_RETRIES, log, kinds=_BrokenAnswerError)
        data: bytes = retries(self._read, start, size)
        return data

    def _read(self, start: int, size: int) -> bytes:
        try:
            answer = self.place.call("GetObject", Range=f"bytes={start}-{start + size - 1}", IfMatch=self.etag)
        except S3CallError as error:
            problem = error.problem
            if problem.is_absent:
                raise changed_error(self.shown, "it was deleted or renamed") from None
            if problem.status == 412:
                raise changed_error(self.shown, "it was replaced") from None
            raise self.folder._error("return", self.shown, problem) from None
        body = answer["Body"]
        # Not each store knows If-Match; and a proxy that compresses makes an ETag weak.
        if answer["ETag"].removeprefix("W/") != self.etag.removeprefix("W/"):
            body.close()
            raise changed_error(self.shown, "it was replaced")
        if answer["ContentLength"] != size:
            body.close()
            raise EkycHistoryError(
                f"S3 returned {answer['ContentLength']:,} bytes of {self.shown} where {size:,} were requested. "
                f"{NOTHING_SENT} A retry can't help: the store, or a proxy before it, must answer requests for a range "
                f"of bytes.",
                retryable=False,
            )
        try:
            with explained("GetObject"):
                data: bytes = body.read()
        except S3CallError as error:
            problem = error.problem
            raise _BrokenAnswerError(
                f"Reading a part of {self.shown} stopped ({problem.shown}). {NOTHING_SENT} A retry reads it again. "
                f"{problem.advice}"
            ) from None
        return data
