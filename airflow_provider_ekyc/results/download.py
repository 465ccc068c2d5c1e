"""
Download a result to a file: by parallel ranges of one ETag, or by one stream from a store that can't do that.

A connection to S3 gives 80 to 90 MB/s; AWS's guidance is to use several, each for a range of 8 to 16 MiB: "Performance
guidelines for Amazon S3" and "Performance design patterns for Amazon S3" in the Amazon S3 User Guide.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from airflow_provider_ekyc.api.result_stream import ResultHead, ResultStream
from airflow_provider_ekyc.api.retries import Retries, retrying
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycConnectionError,
    EkycError,
    EkycExpiredUrlError,
    EkycRequestError,
    EkycResultError,
)
from airflow_provider_ekyc.results.byte_ranges import (
    TAIL,
    ByteRange,
    Fit,
    Version,
    fit,
    further_ranges,
    is_end,
    is_same_version,
    is_whole,
    knows_ranges,
    tail_start,
    version_in,
)
from airflow_provider_ekyc.results.errors import NOTHING_LANDED
from airflow_provider_ekyc.results.growing_file import GrowingFile, sums_while_growing
from airflow_provider_ekyc.results.range_workers import Connect, Connection, RangeWorkers, Stopped
from airflow_provider_ekyc.s3.file_sums import MOST_PARTS, PART_SIZE, FileSums

log = logging.getLogger(__name__)

#: Bytes of an archive at the most, 84 GB: what is uploaded in parts of the usual size. The API's maximum, 10,000,000
#: rows, is 60 MB.
SIZE_LIMIT = MOST_PARTS * PART_SIZE

#: Bytes of a range: the lower end of AWS's guidance, so that the first ranges are there, and checked, early.
RANGE_SIZE = 8 * 1024**2

#: Connections, if nobody says otherwise: 8 of 80 MB/s are about what two cores decrypt and check.
CONNECTIONS = 8

#: How often the caps of the retries of a range may start again, as long as each time more has arrived.
ROUNDS = 100

#: With these a server refuses the first range: an empty object has none (416), and others do not accept the header or
#: are not allowed to (403). What is refused without it, too, is an error.
_RANGE_REFUSED = frozenset({400, 403, 405, 406, 416, 501})

_CHANGED = "The result has changed during the download."


def download(
    connect: Connect,
    fresh_url: Callable[[], str],
    file: GrowingFile,
    *,
    connections: int = CONNECTIONS,
    retries: Retries | None = None,
) -> FileSums:
    """
    Download the result to the spool of ``file``, which is read meanwhile.

    A range whose connection breaks is resumed alone, where it broke. A store that does not answer with the range that
    was requested is read by one stream. When the object has changed, everything starts again. An expired URL is
    replaced once by a fresh one. All threads have ended when this returns or raises.

    :param connect: makes a connection; called in each thread that downloads
    :param fresh_url: asks the API for the URL, in this thread; each time it does, the query may be charged
    :param file: empty; complete when this returns
    :param connections: how many at the most; one requests all ranges one after another
    :param retries: caps of what is tried again, for each range
    :return: the sums of the file
    :raises EkycApiError: if it can't be downloaded, after the retries, or expired again at once
    :raises EkycResultError: if it is too large
    """
    with sums_while_growing(file) as sums, file:
        size = _Downloading(connect, fresh_url, file, connections, retries or Retries()).run()
        file.complete(size)
        return sums()


class _Changed(EkycError):
    """The object is another one than before: what was downloaded of it is not used."""

    retryable = True


class _NoRanges(Exception):
    """The store did not answer with the range that was requested."""


class _Downloading:
    def __init__(
        self, connect: Connect, fresh_url: Callable[[], str], file: GrowingFile, connections: int, retries: Retries
    ) -> None:
        self._connect, self._fresh_url, self._file = connect, fresh_url, file
        self._connections, self._retries = connections, retries
        #: The last one is valid, as far as is known.
        self._urls = [fresh_url()]
        self._is_ranged = True
        self._version = Version()
        #: In the order of the file, from the first that is not complete.
        self._ranges: deque[ByteRange]
        self._tail: ByteRange | None = None
        #: The last bytes as the hint has them, and their version.
        self._hint: tuple[Version, bytes] | None = None
        self._available = 0
        self._lock = threading.Lock()
        self._workers: RangeWorkers

    def run(self) -> int:
        """Download the object and return its size."""
        try:
            return retrying(self._retries, log, kinds=_Changed)(self._download)
        except _Changed as error:
            raise EkycApiError(error.message, retryable=True) from None

    def _download(self) -> int:
        """Download one version of the object."""
        try:
            if self._is_ranged:
                try:
                    return self._run(ByteRange(0, RANGE_SIZE))
                except _NoRanges:
                    self._is_ranged = False
                    log.info("The result's store did not answer with the range requested; using one connection.")
            return self._run(ByteRange(self._available, None))
        except _Changed:
            self._restart()
            raise

    def _run(self, first: ByteRange) -> int:
        self._ranges = deque([first])
        self._workers = RangeWorkers(self._connect, self._connections, self._fetch)
        # After a change nobody reads meanwhile.
        self._workers.run(first, self._fetch_hint if self._is_ranged and not self._file.is_invalid else None)
        return self._available

    def _restart(self) -> None:
        """Void what is there: it is of another object, or may be of another one."""
        if self._available or self._tail is not None:
            self._file.invalidate()
        self._version, self._tail, self._hint, self._available = Version(), None, None, 0
        self._file.spool.truncate(0)

    def _refresh(self, count: int, error: EkycExpiredUrlError) -> None:
        """Ask for a fresh URL, unless another range has had one asked for since."""
        if len(self._urls) > count:
            return
        if count > 1:
            raise EkycExpiredUrlError(
                f"{error.message} The API was asked for a fresh one, which has expired too. Clear this task later; if "
                f"the error persists, ask the vendor.",
                status=error.status,
            ) from None
        log.warning("%s Asking the API for a fresh one, once.", error)
        self._urls.append(self._fresh_url())

    # What follows is called in the threads of the workers.

    def _fetch(self, connection: Connection, wanted: ByteRange) -> None:
        """Download a range to its end."""
        stopped = self._workers.is_stopped
        for rounds in range(1, ROUNDS + 1):
            before = wanted.at
            again = retrying(self._retries, log, enough=stopped, sleep=self._workers.pause)
            try:
                again(self._try, connection, wanted)
            except EkycApiError as error:
                # The caps are for a store that gives nothing; one that breaks and goes on, goes on.
                if not error.retryable or wanted.at <= before or rounds == ROUNDS or stopped():
                    raise
            else:
                break
        if wanted is self._tail:
            count = min(TAIL, wanted.at)
            self._announce(self._version, os.pread(self._file.spool.fileno(), count, wanted.at - count))

    def _fetch_hint(self, connection: Connection) -> None:
        """
        Request the last bytes at the same time as the first range, which saves the reader a round trip.

        Any answer but these bytes of the first range's version is ignored.
        """
        count, end = min(TAIL, RANGE_SIZE), b""
        with suppress(EkycError), connection.open(self._urls[-1], offset=-count) as stream:
            head = stream.head
            if not is_end(head, count):
                return
            for block in stream.blocks:
                end += block
                if len(end) >= count:
                    break
            if len(end) == (head.length or 0) - head.start:
                self._hint = version_in(head), end
                self._announce_hint()

    def _announce_hint(self) -> None:
        """Let the reader begin; called when either the hint or the first range is there, as the second one will."""
        if self._tail is not None and self._hint is not None and self._hint[0] == self._version:
            self._announce(*self._hint)

    def _announce(self, version: Version, end: bytes) -> None:
        """
        Let the reader begin.

        :param end: last bytes, not fewer than the tail has
        """
        size = version.size or 0
        self._file.announce(size, end[tail_start(size, RANGE_SIZE) - size :])

    def _try(self, connection: Connection, wanted: ByteRange) -> None:
        while True:
            count = len(self._urls)
            try:
                return self._request(connection, self._urls[count - 1], wanted)
            except EkycExpiredUrlError as error:
                self._workers.in_main_thread(partial(self._refresh, count, error))

    def _request(self, connection: Connection, url: str, wanted: ByteRange) -> None:
        if wanted.at and self._version.etag is None:
            self._restart()
            wanted.at = 0
        if wanted.at and wanted.at == (self._version.size if wanted.end is None else wanted.end):
            return  # the connection broke behind the last byte; there is no range to request
        try:
            with connection.open(url, offset=wanted.at, last=wanted.last, etag=self._version.etag) as stream:
                self._write(stream, wanted, self._accept(stream.head, wanted))
        except EkycExpiredUrlError:
            raise
        except EkycApiError as error:
            is_range = wanted.at > 0 or wanted.end is not None
            if is_range and self._version.etag is None and error.status in _RANGE_REFUSED:
                raise _NoRanges from None
            if is_range and self._version.etag is not None and error.status == 416:
                raise _Changed(_CHANGED) from None
            if not isinstance(error, EkycRequestError):
                raise
            raise EkycRequestError(
                f"{error.message} Clear this task to ask for a fresh URL; if the error persists, ask the vendor.",
                status=error.status,
            ) from None

    def _accept(self, head: ResultHead, wanted: ByteRange) -> int:
        """Check that an answer continues what is there; return how many of its first bytes are there already."""
        if self._is_ranged and self._version.etag is None:
            if knows_ranges(head, wanted):
                self._begin(head, wanted)
                return 0
            if not is_whole(head):
                raise _NoRanges
            self._is_ranged, wanted.end = False, None
        if self._is_ranged:
            found = fit(head, wanted, self._version)
            if found is Fit.CHANGED:
                raise _Changed(_CHANGED)
            if found is Fit.OTHER:
                raise _NoRanges
            return 0
        if head.start <= wanted.at and is_same_version(head, self._version):
            if self._version.size is None:  # the first answer did not say it; a range does
                self._know(version_in(head))
            return wanted.at - head.start
        if head.start:
            raise _Changed(_CHANGED)
        self._restart()
        wanted.at = 0
        self._know(version_in(head))
        return 0

    def _begin(self, head: ResultHead, wanted: ByteRange) -> None:
        """Request the other ranges, now that the first answer says how much there is."""
        self._know(version_in(head))
        size = head.length or 0
        wanted.end = head.end
        more = further_ranges(size, RANGE_SIZE, self._connections)
        if more:
            with self._lock:
                self._ranges.extend(more)
            self._tail = more[-1]
            self._announce_hint()
            self._workers.add([more[-1], *more[:-1]])

    def _know(self, version: Version) -> None:
        if (version.size or 0) > SIZE_LIMIT:
            raise _too_large()
        self._version = version

    def _write(self, stream: ResultStream, wanted: ByteRange, skip: int) -> None:
        end = self._version.size if wanted.end is None else wanted.end
        for block in stream.blocks:
            if self._workers.is_stopped():
                raise Stopped
            new = memoryview(block)[skip:]
            skip -= len(block) - len(new)
            at = wanted.at + len(new)
            if end is not None and at > end:
                raise _NoRanges if self._is_ranged else _Changed(_CHANGED)
            if at > SIZE_LIMIT:
                raise _too_large()
            self._file.spool.write_at(new, wanted.at)
            wanted.at = at
            self._advance()
        if end is not None and wanted.at < end:
            raise EkycConnectionError(
                f"The result download ended after {wanted.at:,} of {end:,} bytes.",
                retryable=True,
            )

    def _advance(self) -> None:
        """Announce how much is there from the start."""
        with self._lock:
            while self._ranges[0].at == self._ranges[0].end and len(self._ranges) > 1:
                self._ranges.popleft()
            self._available = self._ranges[0].at
            self._file.advance(self._available)


def _too_large() -> EkycResultError:
    return EkycResultError(
        f"The result is larger than {SIZE_LIMIT:,} bytes; a retry can't help. {NOTHING_LANDED} Ask the vendor, and "
        f"split the input the next time."
    )
