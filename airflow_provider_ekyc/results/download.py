"""Bring a result archive to a file: resume what breaks, refresh an expired URL once, promise what came."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_ekyc.api.result_stream import ResultHead, ResultStream
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycRequestError,
    EkycResultError,
    Outcome,
)
from airflow_provider_ekyc.results.growing_file import TAIL, WORTH_A_TAIL, GrowingFile

log = logging.getLogger(__name__)

#: Bytes of an archive at the most: what S3 takes in one put. The API's maximum, 10,000,000 rows, is 60 MB.
SIZE_LIMIT = 5 * 1024**3


#: How often the caps of the retries may begin anew, as long as each time more has come.
ROUNDS = 100


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
    growing: GrowingFile,
    *,
    retries: Retries | None = None,
) -> Download:
    """
    Write the result to the spool of ``growing``, whose reader gets it meanwhile.

    A connection that breaks is resumed where it broke, if the server shows by its ETag that it still is the
    same object, else from the start. An expired URL is replaced once by a fresh one.

    :param open_result: opens a URL; one try
    :param fresh_url: asks the API for the URL; each time it does, the query may be charged
    :param growing: of an empty spool; complete when this returns
    :param retries: caps of what is tried again
    :raises EkycApiError: if it can't be had, after the retries
    :raises EkycResultError: if it is too large, or expired again at once
    """
    with growing:
        done = _Downloading(open_result, fresh_url, growing).run(retries or Retries())
        growing.complete(done.size)
    return done


class _Downloading:
    def __init__(self, open_result: OpenResult, fresh_url: Callable[[], str], growing: GrowingFile) -> None:
        self._open_result, self._fresh_url, self._growing = open_result, fresh_url, growing
        self._file = growing.spool
        self._url = fresh_url()
        self._refreshed = False
        self._size = 0
        self._length: int | None = None
        self._etag: str | None = None
        self._digest = hashlib.sha256()

    def run(self, retries: Retries) -> Download:
        for rounds in range(1, ROUNDS + 1):
            before = self._size
            try:
                retrying(retries, log)(self._try)
            except EkycApiError as error:
                # The caps are for a store that gives nothing; one that breaks and goes on, goes on.
                if not error.retryable or self._size <= before or rounds == ROUNDS:
                    raise
            else:
                break
        return Download(self._size, self._digest.hexdigest())

    def _try(self) -> None:
        while True:
            try:
                return self._fetch()
            except EkycExpiredUrlError as error:
                self._refresh(error)

    def _refresh(self, error: EkycExpiredUrlError) -> None:
        if self._refreshed:
            raise EkycResultError(
                f"{error.message} A fresh one, asked for just now, has expired too. Nothing was landed. "
                f"Clear this task later; if it stays so, ask the vendor. The submission is not paid again."
            ) from None
        self._refreshed = True
        log.warning("%s Asking the API for a fresh one, once.", error)
        self._url = self._fresh_url()

    def _fetch(self) -> None:
        if self._size and self._size == self._length:
            return  # the connection broke behind the last byte; there is no range to ask for
        try:
            with self._open_result(self._url, offset=self._size, etag=self._etag) as stream:
                self._take(stream)
        except EkycApiError as error:
            if error.status == 416 and self._size:
                self._restart()
                raise _changed() from None
            if not isinstance(error, EkycRequestError):
                raise
            raise EkycRequestError(
                f"{error.message} Clear this task to ask for a fresh URL; if it stays so, ask the vendor.",
                status=error.status,
            ) from None

    def _take(self, stream: ResultStream) -> None:
        self._align(stream.head)
        if (stream.head.length or 0) > SIZE_LIMIT:
            raise _too_large()
        if not self._size and (stream.head.length or 0) >= WORTH_A_TAIL:
            self._fetch_tail(stream.head)
        for block in stream.blocks:
            self._size += len(block)
            if self._size > SIZE_LIMIT:
                raise _too_large()
            self._digest.update(block)
            self._file.write(block)
            self._growing.advance(self._size)
        if self._length is not None and self._size != self._length:
            raise EkycConnectionError(
                f"The result download ended after {self._size:,} of {self._length:,} bytes.",
                retryable=True,
                outcome=Outcome.REFUSED,
            )

    def _fetch_tail(self, head: ResultHead) -> None:
        """Let the reader begin now; if the end can't be had by itself, it begins when everything is there."""
        if head.etag is None or head.length is None:
            return
        tail = b""
        try:
            with self._open_result(self._url, offset=head.length - TAIL, etag=head.etag) as stream:
                if stream.head != ResultHead(head.length - TAIL, head.length, head.etag):
                    return
                for block in stream.blocks:
                    tail += block
                    if len(tail) > TAIL:
                        return  # it sends more than it says
        except EkycApiError as error:
            log.info("The result's end could not be fetched first (%s); it is checked after the download.", error)
            return
        if len(tail) == TAIL:
            self._growing.announce(head.length, tail)

    def _align(self, head: ResultHead) -> None:
        """Go on where the last try broke off only if what comes belongs to what is there."""
        belongs = not self._size or (head.etag is not None and head.etag == self._etag)
        if head.start != self._size or not belongs:
            self._restart()
            if head.start:
                raise _changed()
        self._etag = head.etag
        self._length = self._length if head.length is None else head.length

    def _restart(self) -> None:
        self._growing.invalidate()
        self._size, self._length, self._etag, self._digest = 0, None, None, hashlib.sha256()
        self._file.seek(0)
        self._file.truncate()


def _changed() -> EkycApiError:
    return EkycApiError("The result has changed during the download.", retryable=True)


def _too_large() -> EkycResultError:
    return EkycResultError(
        f"The result is larger than {SIZE_LIMIT:,} bytes. Nothing was landed; a retry can't help. Ask the vendor, "
        f"and split the input the next time."
    )
