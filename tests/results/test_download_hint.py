"""The end of a result is requested beside its first range, and any other answer is ignored: ``results/download.py``."""

from __future__ import annotations

import io
import logging
import random
import threading
import time
from collections.abc import Callable
from itertools import count

import pytest

from airflow_provider_ekyc.exceptions import EkycRequestError
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.spool import spool_file
from dev.testing.waiting import wait_until
from tests.results.range_store import RangeStore, Reply, Request
from tests.results.test_download import AT_ONCE, client_for, content_of
from tests.results.test_download_ranges import EXPIRED, refusal, threads

CONTENT = random.Random(7).randbytes(10_000)
SIZE = 1_000  # bytes of a range, and of the end
RANGES = [(start, start + SIZE - 1) for start in range(0, len(CONTENT), SIZE)]
END = (len(CONTENT), CONTENT[-SIZE:])


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "RANGE_SIZE", SIZE)


class Downloading:
    """A download that is watched; ``announced`` has each announcement of the end."""

    def __init__(self) -> None:
        self.announced: list[tuple[int, bytes]] = []
        self.is_void = False
        self.urls = 0

    def run(self, store: RangeStore, *, connections: int = 8) -> bytes:
        """Download, and check that no thread is left; a reader waits for the end meanwhile."""
        seen = self.announced

        class Watched(GrowingFile):
            def announce(self, size: int, tail: bytes) -> None:
                seen.append((size, tail))
                super().announce(size, tail)

        def fresh_url() -> str:
            self.urls += 1
            return store.result_url

        with client_for(store.url, read_timeout=60) as client, spool_file(None) as spool:
            file = Watched(spool)
            try:
                download(client.result_connection, fresh_url, file, connections=connections, retries=AT_ONCE)
            finally:
                self.is_void = file.is_invalid
                assert threads() == []
            return content_of(spool)


def after(condition: Callable[[], object], reply: Reply) -> Reply:
    """Answer once something is so."""
    assert wait_until(condition, timeout=30, interval=0.005)
    yield from reply


def test_the_reader_begins_before_any_range_but_the_first_is_answered() -> None:
    has_read = threading.Event()

    def respond(request: Request) -> Reply | None:
        return after(has_read.is_set, [store.answer(request)]) if request.nth else None

    with RangeStore(CONTENT, respond=respond) as store, client_for(store.url) as client, spool_file(None) as spool:
        file, read_bytes = GrowingFile(spool), []

        def read() -> None:
            file.seek(-SIZE, io.SEEK_END)
            read_bytes.append(file.read(SIZE))
            file.seek(0)
            read_bytes.append(file.read(SIZE))
            has_read.set()

        reader = threading.Thread(target=read)
        reader.start()
        download(client.result_connection, lambda: store.result_url, file)
        reader.join(10)
    assert read_bytes == [CONTENT[-SIZE:], CONTENT[:SIZE]]
    assert not file.is_invalid


@pytest.mark.parametrize("size", [SIZE + 1, 2 * SIZE - 1, 2 * SIZE, len(CONTENT)])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "second"])
def test_the_end_is_announced_with_either_answer_first_and_again_by_its_range(size: int, is_first: bool) -> None:
    downloading, is_sent = Downloading(), threading.Event()

    def respond(request: Request) -> Reply | None:
        if request.nth:  # the others, once the hint has been announced
            return after(lambda: downloading.announced, [store.answer(request)])
        return after(is_sent.is_set if is_first else bool, [store.answer(request)]) if is_first else None

    def respond_to_hint(request: Request) -> Reply:
        yield from after(lambda: is_first or len(store.seen) > 1, [store.answer(request)])
        is_sent.set()

    with RangeStore(CONTENT[:size], respond=respond, respond_to_hint=respond_to_hint) as store:
        assert downloading.run(store) == CONTENT[:size]
        assert [request.headers["range"] for request in store.hints] == [f"bytes=-{SIZE}"]
        assert "if-range" not in store.hints[0].headers
    tail = CONTENT[max(SIZE, size - SIZE) : size]
    assert downloading.announced == [(size, tail)] * 2
    assert not downloading.is_void


#: What is ignored in place of the last bytes of the object.
OTHERS: dict[str, Callable[[RangeStore, Request], bytes]] = {
    "the whole object": lambda store, request: store.answer(request, status=200),
    "416": lambda _, __: refusal(416, b""),
    "403": lambda _, __: refusal(403, b"<Error><Code>AccessDenied</Code></Error>"),
    "an expired URL": lambda _, __: refusal(403, EXPIRED),
    "503": lambda _, __: refusal(503, b"<Error><Code>SlowDown</Code></Error>"),
    "a redirect": lambda _, __: (
        b"HTTP/1.1 307 X\r\nConnection: close\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
    ),
    "nothing": lambda _, __: b"",
    "half of a head": lambda store, request: store.answer(request)[:10],
    "half of the bytes": lambda store, request: store.answer(request)[: -SIZE // 2],
    "fewer bytes than it says": lambda store, request: store.answer(request, body=CONTENT[-SIZE + 1 :]),
    "more bytes than it says": lambda store, request: store.answer(request, body=CONTENT[-SIZE:] + b"more"),
    "another ETag": lambda store, request: store.answer(request, etag='"b"'),
    "a weak ETag": lambda store, request: store.answer(request, etag='W/"a"'),
    "no ETag": lambda store, request: store.answer(request, etag=""),
    "no size": lambda store, request: store.answer(request, total="*"),
    "another size": lambda store, request: store.answer(request, total=len(CONTENT) + 1),
    "the end of a longer one": lambda store, request: store.answer(request, span=(9_001, 10_000), total=10_001),
    "the first bytes": lambda store, request: store.answer(request, span=(0, SIZE - 1)),
    "more of the end": lambda store, request: store.answer(request, span=(8_000, 9_999)),
    "no range": lambda _, __: (
        b'HTTP/1.1 206 X\r\nConnection: close\r\nETag: "a"\r\nContent-Length: 1000\r\n\r\n' + CONTENT[-SIZE:]
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_answer_is_ignored(name: str, caplog: pytest.LogCaptureFixture) -> None:
    downloading, is_sent = Downloading(), threading.Event()

    def respond_to_hint(request: Request) -> Reply:
        yield OTHERS[name](store, request)
        is_sent.set()

    def respond(request: Request) -> Reply | None:
        return after(is_sent.is_set, [store.answer(request)]) if request.nth == 3 else None

    with RangeStore(CONTENT, respond=respond, respond_to_hint=respond_to_hint) as store, caplog.at_level(logging.INFO):
        assert downloading.run(store) == CONTENT
        assert sorted(store.ranges) == RANGES
        assert len(store.hints) == 1
    assert downloading.announced == [END]
    assert (downloading.is_void, downloading.urls) == (False, 1)
    assert caplog.messages == []


@pytest.mark.parametrize("sent", [0, 20, 600], ids=["before the head", "in the head", "in the body"])
@pytest.mark.parametrize("size", [0, 700, len(CONTENT)])
def test_nothing_waits_for_it(sent: int, size: int) -> None:
    over, has_arrived = threading.Event(), threading.Event()

    def respond_to_hint(request: Request) -> Reply:
        has_arrived.set()
        yield store.answer(request)[:sent]
        over.wait(60)

    def respond(request: Request) -> None:
        assert request.nth or wait_until(has_arrived.is_set, interval=0.005)

    with RangeStore(CONTENT[:size], respond=respond, respond_to_hint=respond_to_hint) as store:
        begun = time.monotonic()
        assert Downloading().run(store, connections=2) == CONTENT[:size]
        assert time.monotonic() - begun < 20, "its time-out is 60 s"
        over.set()


def test_an_error_does_not_wait_for_it_either() -> None:
    over = threading.Event()
    with RangeStore(
        CONTENT,
        respond=lambda _: [refusal(404, b"<Error><Code>NoSuchKey</Code></Error>")],
        respond_to_hint=lambda _: after(over.is_set, [b""]),
    ) as store:
        begun = time.monotonic()
        with pytest.raises(EkycRequestError):
            Downloading().run(store)
        assert time.monotonic() - begun < 20
        over.set()


def test_other_bytes_of_the_same_version_make_what_was_read_void() -> None:
    downloading = Downloading()

    def respond(request: Request) -> Reply | None:
        return after(lambda: downloading.announced, [store.answer(request)]) if request.nth else None

    with RangeStore(
        CONTENT, respond=respond, respond_to_hint=lambda request: [store.answer(request, body=CONTENT[:SIZE])]
    ) as store:
        assert downloading.run(store) == CONTENT
    assert downloading.announced == [(len(CONTENT), CONTENT[:SIZE]), END]
    assert downloading.is_void


def test_an_object_that_changes_before_its_first_byte_makes_nothing_void() -> None:
    downloading = Downloading()

    def respond(request: Request) -> Reply | None:
        if request.nth in (0, 2):
            return [store.answer(request, body=b"")]
        if request.nth in (1, 3):
            store.etag = f'"{request.nth}"'
        return None

    with RangeStore(CONTENT[:600], respond=respond) as store:
        assert downloading.run(store) == CONTENT[:600]
        assert len(store.seen) == 5
    assert not downloading.is_void


def test_it_is_requested_once_however_often_the_object_changes() -> None:
    etags = count()

    def respond(request: Request) -> Reply | None:
        if request.nth in (2, 9):
            store.etag = f'"{next(etags)}"'
        return None

    with RangeStore(CONTENT, respond=respond) as store:
        assert Downloading().run(store) == CONTENT
    assert len(store.hints) == 1


def test_one_connection_has_no_hint() -> None:
    with RangeStore(CONTENT) as store:
        assert Downloading().run(store, connections=1) == CONTENT
    assert store.hints == []
