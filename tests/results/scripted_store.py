"""A download from a store in this process, whose connections have no sockets, and which answers as a script says."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from airflow_provider_ekyc.api.result_stream import ResultHead, ResultStream
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycRequestError,
    EkycServerError,
)
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.spool import spool_file

SIZE = 100  # bytes of a range, and of the end
BLOCK = 30  # bytes of a block: three and a part of one are a range
CONTENT = bytes(range(250)) * 4
OTHER = bytes(reversed(CONTENT))
FIRST, END, MIDDLE = (0, 99), (900, 999), (100, 899)  # the requests of one connection
WHOLE = (0, None)
AT_ONCE = Retries(attempts=5, first_wait=0.0, longest_wait=0.0)
ONCE = Retries(attempts=1)

ONE_CONNECTION = "The result's store did not answer with the range requested; using one connection."
CHANGED = "The result has changed during the download. Trying again in 0 s (try 2)."


@dataclass(frozen=True)
class Asked:
    """A request that has arrived."""

    url: str
    offset: int
    last: int | None
    etag: str | None
    connection: Connection

    @property
    def span(self) -> tuple[int, int | None]:
        return self.offset, self.last


#: What a request gets in place of the store's own answer.
Answer = EkycApiError | Callable[["Store", Asked], ResultStream]


class Store:
    """
    Has one object, and answers each request as S3 does, or as the script says.

    :param script: answers to the first requests, None for the store's own
    :param hint: answer to the request for the last bytes
    """

    def __init__(self, *script: Answer | None, content: bytes = CONTENT, etag: str | None = '"a"') -> None:
        self.script = list(script)
        self.content, self.etag = content, etag
        self.hint: Answer | None = EkycConnectionError("Nothing.", retryable=True)
        self.asked: list[Asked] = []
        self.hints: list[Asked] = []
        self.has_ended_hint = threading.Event()
        self.has_second = threading.Event()
        self.lock = threading.Lock()

    @property
    def spans(self) -> list[tuple[int, int | None]]:
        """First and last byte of each range that was requested."""
        return [asked.span for asked in self.asked]

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        yield Connection(self)

    def respond(self, asked: Asked) -> ResultStream:
        if asked.offset < 0:
            self.hints.append(asked)
            answer = self.hint
        else:
            with self.lock:
                answer = self.script[len(self.asked)] if len(self.asked) < len(self.script) else None
                self.asked.append(asked)
            if len(self.asked) > 1:
                self.has_second.set()
        if isinstance(answer, EkycApiError):
            raise answer
        return answer(self, asked) if answer else self.answer(asked)

    def answer(
        self,
        asked: Asked,
        *,
        whole: bool = False,
        body: Callable[[bytes], bytes] = bytes,
        breaks: bool = False,
        **head: Any,
    ) -> ResultStream:
        """
        Make the store's own answer, but for what is given.

        :param whole: whether it is the whole object (200)
        :param body: what becomes of the bytes
        :param breaks: whether the connection breaks behind them
        :param head: fields of its head; other bytes follow if they are others there
        """
        size = len(self.content)
        given = ResultHead(0, None, size, self.etag)
        if asked.offset < 0:
            given = replace(given, start=max(0, size + asked.offset), end=size)
        elif asked.span != WHOLE and asked.etag in (None, self.etag) and not whole:
            if asked.offset >= size:
                raise EkycRequestError("There is no such range.", status=416)
            given = replace(given, start=asked.offset, end=size if asked.last is None else min(asked.last + 1, size))
        given = replace(given, **head)
        return ResultStream(given, blocks(body(self.content[given.start : given.end]), breaks=breaks))


class Connection:
    """A connection to a store."""

    def __init__(self, store: Store) -> None:
        self.store, self.is_aborted = store, threading.Event()

    @contextmanager
    def open(
        self, url: str, *, offset: int = 0, last: int | None = None, etag: str | None = None
    ) -> Iterator[ResultStream]:
        try:
            stream = self.store.respond(Asked(url, offset, last, etag, self))
            if self.is_aborted.is_set():
                raise EkycConnectionError("It is aborted.", retryable=True)
            yield stream
        finally:
            if offset < 0:
                self.store.has_ended_hint.set()

    def abort(self) -> None:
        """End what waits for it."""
        self.is_aborted.set()


def blocks(body: bytes, *, breaks: bool) -> Iterator[bytes]:
    for at in range(0, len(body), BLOCK):
        yield body[at : at + BLOCK]
    if breaks:
        raise EkycConnectionError("The connection broke.", retryable=True)


def but(**changes: Any) -> Answer:
    """Answer as the store does, but for this: see :meth:`Store.answer`."""
    return lambda store, asked: store.answer(asked, **changes)


def cut(count: int, **changes: Any) -> Answer:
    """Answer as the store does, and break behind so many bytes."""
    return but(body=lambda body: body[:count], breaks=True, **changes)


def replaced(content: bytes = CONTENT, etag: str | None = '"b"', **changes: Any) -> Answer:
    """Answer from another object, which stays."""

    def answer(store: Store, asked: Asked) -> ResultStream:
        store.content, store.etag = content, etag
        return store.answer(asked, **changes)

    return answer


def after(event: Callable[[Asked], threading.Event], answer: Answer) -> Answer:
    """Answer once something has happened."""

    def wait(store: Store, asked: Asked) -> ResultStream:
        assert event(asked).wait(10)
        if isinstance(answer, EkycApiError):
            raise answer
        return answer(store, asked)

    return wait


def refused(status: int) -> EkycRequestError:
    return EkycRequestError("The store refused it.", status=status)


def slow_down() -> EkycServerError:
    return EkycServerError("Slow down.", status=503, retryable=True)


def expired() -> EkycExpiredUrlError:
    return EkycExpiredUrlError("The URL has expired.", status=403)


class Watched(GrowingFile):
    """Keeps what is announced."""

    announced: list[tuple[int, bytes]]
    advanced: list[int]

    def announce(self, size: int, tail: bytes) -> None:
        self.announced.append((size, tail))
        super().announce(size, tail)

    def advance(self, available: int) -> None:
        self.advanced.append(available)
        super().advance(available)


class Downloading:
    """A download, and what is seen of it."""

    def __init__(self) -> None:
        self.announced: list[tuple[int, bytes]] = []
        self.advanced: list[int] = []
        self.is_void = False
        self.urls: list[str] = []
        self.left = b""

    def fresh_url(self) -> str:
        assert threading.current_thread() is threading.main_thread(), "a signal must be able to end the query"
        self.urls.append(f"https://store.example/{len(self.urls) + 1}")
        return self.urls[-1]

    def run(self, store: Store, *, connections: int = 1, retries: Retries | None = AT_ONCE) -> bytes:
        with spool_file(None) as spool:
            file = Watched(spool)
            file.announced, file.advanced = self.announced, self.advanced
            try:
                sums = download(store.connect, self.fresh_url, file, connections=connections, retries=retries)
            finally:
                self.is_void = file.is_invalid
                spool.seek(0)
                self.left = spool.readall()
            if not self.is_void:
                assert file.wait_beyond(sums.size, 1) == sums.size  # it is complete
        assert (sums.size, sums.sha256) == (len(self.left), hashlib.sha256(self.left).hexdigest())
        return self.left


E = TypeVar("E", bound=Exception)


def failure(kind: type[E], store: Store, **how: Any) -> E:
    """Return the error of a download, which has voided the file."""
    downloading = Downloading()
    with pytest.raises(kind) as caught:
        downloading.run(store, **how)
    assert downloading.is_void
    return caught.value
