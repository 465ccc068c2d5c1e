"""Bring a result archive to a file: resume what breaks, refresh an expired URL once, promise what came."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from airflow_provider_ekyc.api.result_stream import ResultHead, ResultStream
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycResultError,
    Outcome,
)

log = logging.getLogger(__name__)

#: Bytes of an archive at the most: what S3 takes in one put. The API's maximum, 10,000,000 rows, is 60 MB.
SIZE_LIMIT = 5 * 1024**3


class OpenResult(Protocol):
    """Opens a result URL at an offset, as ``EkycHook.open_result`` does."""

    def __call__(self, url: str, *, offset: int = 0, etag: str | None = None) -> AbstractContextManager[ResultStream]:
        """Open the URL."""
        ...


@dataclass(frozen=True, slots=True)
class Download:
    """
    What was brought.

    :param size: bytes
    :param sha256: hex digest of them
    """

    size: int
    sha256: str


def download(
    open_result: OpenResult,
    fresh_url: Callable[[], str],
    file: BinaryIO,
    *,
    retries: Retries | None = None,
) -> Download:
    """
    Write the result to ``file``.

    A connection that breaks is resumed where it broke, if the server shows by its ETag that it still is the
    same object, else from the start. An expired URL is replaced once by a fresh one.

    :param open_result: opens a URL; one try
    :param fresh_url: asks the API for the URL; each time it does, the query may be charged
    :param file: empty, writable, seekable
    :param retries: caps of what is tried again
    :raises EkycApiError: if it can't be had, after the retries
    :raises EkycResultError: if it is too large, or expired again at once
    """
    return _Downloading(open_result, fresh_url, file).run(retries or Retries())


class _Downloading:
    def __init__(self, open_result: OpenResult, fresh_url: Callable[[], str], file: BinaryIO) -> None:
        self._open_result, self._fresh_url, self._file = open_result, fresh_url, file
        self._url = fresh_url()
        self._refreshed = False
        self._size = 0
        self._etag: str | None = None
        self._digest = hashlib.sha256()

    def run(self, retries: Retries) -> Download:
        retrying(retries, log)(self._try)
        return Download(self._size, self._digest.hexdigest())

    def _try(self) -> None:
        try:
            self._fetch()
        except EkycExpiredUrlError as error:
            if self._refreshed:
                raise EkycResultError(
                    f"{error.message} A fresh one, asked for just now, has expired too. Nothing was landed. "
                    f"Compare this machine's clock, then clear this task; the submission is not paid again."
                ) from None
            self._refreshed = True
            log.warning("%s Asking the API for a fresh one, once.", error)
            self._url = self._fresh_url()
            self._fetch()

    def _fetch(self) -> None:
        with self._open_result(self._url, offset=self._size, etag=self._etag) as stream:
            self._align(stream.head)
            for block in stream.blocks:
                self._size += len(block)
                if self._size > SIZE_LIMIT:
                    raise EkycResultError(
                        f"The result is larger than {SIZE_LIMIT:,} bytes. Nothing was landed; a retry can't "
                        f"help. Ask the vendor, and split the input the next time."
                    )
                self._digest.update(block)
                self._file.write(block)
            if stream.head.length is not None and self._size != stream.head.length:
                raise EkycConnectionError(
                    f"The result download ended after {self._size:,} of {stream.head.length:,} bytes.",
                    retryable=True,
                    outcome=Outcome.REFUSED,
                )

    def _align(self, head: ResultHead) -> None:
        """Go on where the last try broke off only if what comes belongs to what is there."""
        continues = head.start == self._size and head.etag == self._etag and head.etag is not None
        if self._size and not continues:
            if head.start:
                self._restart()
                raise EkycApiError("The result has changed during the download.", retryable=True)
            self._restart()
        self._etag = head.etag

    def _restart(self) -> None:
        self._size, self._etag, self._digest = 0, None, hashlib.sha256()
        self._file.seek(0)
        self._file.truncate()
