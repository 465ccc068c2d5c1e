"""
A result is downloaded by parallel ranges of one version of the object, or by one stream where that can't be.

Modules: ``results/byte_ranges.py``, ``results/range_workers.py``.
"""

from __future__ import annotations

import hashlib
import logging
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycExpiredUrlError,
    EkycRequestError,
    EkycResultError,
    EkycServerError,
)
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.spool import spool_file
from tests.results.range_store import RangeStore, Reply, Request
from tests.results.test_download import AT_ONCE, client_for, content_of

CONTENT = random.Random(1).randbytes(10_000)
OTHER = bytes(reversed(CONTENT))
SIZE = 1_000  # bytes of a range
RANGES = [(start, start + SIZE - 1) for start in range(0, len(CONTENT), SIZE)]
FIRST, TAIL = RANGES[0], RANGES[-1]
ONE_STREAM = "using one connection"
CHANGED = "has changed during the download"
EXPIRED = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "RANGE_SIZE", SIZE)


def downloaded(
    store: RangeStore,
    *,
    connections: int = 8,
    retries: Retries = AT_ONCE,
    fresh_url: Callable[[], str] | None = None,
    read_timeout: float = 5.0,
) -> bytes:
    """Download from a store; check the digest, and that no thread is left whatever happens."""
    try:
        with client_for(store.url, read_timeout=read_timeout) as client, spool_file(None) as file:
            result = download(
                client.result_connection,
                fresh_url or (lambda: store.result_url),
                GrowingFile(file),
                connections=connections,
                retries=retries,
            )
            content = content_of(file)
    finally:
        assert threads() == []
    assert (result.size, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


#: Threads of a whole process, which other tests in it have begun.
OF_THE_PROCESS = ("ekyc-metrics", "ekyc-progress")


def threads() -> list[str]:
    alive = [thread.name for thread in threading.enumerate() if thread.is_alive()]
    return [name for name in alive if name.startswith("ekyc-") and not name.startswith(OF_THE_PROCESS)]


def refusal(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@contextmanager
def store_responding(
    first: int | None, reply: Callable[[RangeStore, Request], bytes], *, times: int = 1
) -> Iterator[RangeStore]:
    """A store that answers the first requests whose range begins here in another way."""
    left = [times]

    def respond(request: Request) -> Reply | None:
        if request.first != first or not left[0]:
            return None
        left[0] -= 1
        return [reply(store, request)]

    with RangeStore(CONTENT, respond=respond) as store:
        yield store


def test_all_ranges_are_requested_once_of_one_version() -> None:
    with RangeStore(CONTENT) as store:
        assert downloaded(store) == CONTENT
        assert store.ranges[0] == FIRST
        assert sorted(store.ranges) == RANGES
        assert store.connections <= 8
        assert {request.headers.get("if-range") for request in store.seen[1:]} == {'"a"'}
        assert "if-range" not in store.seen[0].headers


def test_the_tail_is_requested_second_while_the_first_range_is_on_its_way() -> None:
    def respond(request: Request) -> Reply | None:
        return hanging(request, store, lambda: len(store.seen) > 2, 600) if request.first == 0 else None

    with RangeStore(CONTENT, respond=respond) as store:
        assert downloaded(store, connections=2) == CONTENT
        assert store.ranges[:3] == [FIRST, TAIL, RANGES[1]]


def test_one_connection_downloads_the_middle_by_one_request() -> None:
    with RangeStore(CONTENT) as store:
        assert downloaded(store, connections=1) == CONTENT
        assert store.ranges == [FIRST, TAIL, (SIZE, len(CONTENT) - SIZE - 1)]
        assert store.connections == 1


@pytest.mark.parametrize(
    ("size", "ranges"),
    [
        (1, [FIRST]),
        (SIZE, [FIRST]),
        (SIZE + 1, [FIRST, (SIZE, SIZE)]),
        (2 * SIZE + 1, [FIRST, (SIZE, SIZE), (SIZE + 1, 2 * SIZE)]),
    ],
)
def test_a_result_that_fits_is_one_request(size: int, ranges: list[tuple[int, int]]) -> None:
    with RangeStore(CONTENT[:size]) as store:
        assert downloaded(store) == CONTENT[:size]
        assert sorted(store.ranges) == ranges


def test_an_empty_object_has_no_first_range() -> None:
    with RangeStore(b"") as store:
        assert downloaded(store) == b""
        assert [request.first for request in store.seen] == [0, None]


def part(request: Request, size: int) -> bytes:
    """So many bytes from where a request begins, and other bytes after the end of the object."""
    assert request.first is not None
    return (CONTENT + b"others")[request.first : request.first + size]


#: What a range may be answered with: the answer, and what is logged once.
ANSWERS: dict[str, tuple[Callable[[RangeStore, Request], bytes], str]] = {
    "the whole object": (lambda store, request: store.answer(request, status=200), ONE_STREAM),
    "the whole object without an ETag": (lambda store, request: store.answer(request, status=200, etag=""), ONE_STREAM),
    "the range before": (lambda store, request: store.answer(request, span=(0, SIZE - 1)), ONE_STREAM),
    "a longer range": (lambda store, request: store.answer(request, span=(5_000, 6_500)), ONE_STREAM),
    "a shorter range": (lambda store, request: store.answer(request, span=(5_000, 5_998)), ONE_STREAM),
    "more bytes than it says": (lambda store, request: store.answer(request, body=part(request, SIZE + 7)), ONE_STREAM),
    "no ETag": (lambda store, request: store.answer(request, etag=""), ONE_STREAM),
    "no total": (lambda store, request: store.answer(request, total="*"), ONE_STREAM),
    "another ETag": (lambda store, request: store.answer(request, etag='"b"'), CHANGED),
    "a weak ETag": (lambda store, request: store.answer(request, etag='W/"a"'), CHANGED),
    "another total": (lambda store, request: store.answer(request, total=10_001), CHANGED),
    "the whole of another object": (lambda store, request: store.answer(request, status=200, etag='"b"'), CHANGED),
    "416": (lambda _, __: refusal(416, b""), CHANGED),
    "503 SlowDown": (lambda _, __: refusal(503, b"<Error><Code>SlowDown</Code></Error>"), "SlowDown"),
    "a body that ends early": (lambda store, request: store.answer(request, body=part(request, 400)), "5,400 of 6,000"),
    "a connection that is cut": (lambda store, request: store.answer(request)[:-600], "got no answer"),
    "nothing": (lambda _, __: b"", "got no answer"),
}


@pytest.mark.parametrize("connections", [2, 8])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_not_the_range_costs_no_byte(
    name: str, connections: int, caplog: pytest.LogCaptureFixture
) -> None:
    reply, logged = ANSWERS[name]
    with store_responding(5_000, reply) as store, caplog.at_level(logging.INFO):
        assert downloaded(store, connections=connections) == CONTENT
    assert len(re.findall(logged, caplog.text)) == 1


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("first", [FIRST[0], TAIL[0]], ids=["first", "tail"])
def test_each_range_may_be_the_one(name: str, first: int) -> None:
    reply = ANSWERS[name][0]
    with store_responding(first, reply) as store:
        if (name, first) == ("a connection that is cut", 0):
            return  # the answer is shorter than its cut
        assert downloaded(store) == CONTENT


def test_a_range_is_resumed_alone_and_where_it_broke() -> None:
    with store_responding(5_000, lambda store, request: store.answer(request, body=part(request, 400))) as store:
        assert downloaded(store) == CONTENT
        assert sorted(store.ranges) == sorted([*RANGES, (5_400, 5_999)])


def test_ranges_that_are_ignored_are_not_requested_again() -> None:
    def whole(request: Request) -> Reply | None:
        return [store.answer(request, status=200)] if request.nth else None

    with RangeStore(CONTENT, respond=whole) as store:
        assert downloaded(store, connections=2) == CONTENT
    # What was there before the store ignored a range is not requested again, unless the store sends it anyway.
    assert store.seen[-1].first == SIZE
    assert store.seen[-1].last is None


@pytest.mark.parametrize("status", [400, 403, 405, 406, 416, 501])
def test_a_store_that_refuses_ranges_is_read_by_one_stream(status: int) -> None:
    def refuse(request: Request) -> Reply | None:
        return None if request.first is None else [refusal(status, b"<Error><Code>NotSupported</Code></Error>")]

    with RangeStore(CONTENT, respond=refuse) as store:
        assert downloaded(store) == CONTENT
    assert [request.first for request in store.seen] == [0, None]


@pytest.mark.parametrize("status", [400, 403])
def test_what_is_refused_without_a_range_too_is_an_error(status: int) -> None:
    denied = refusal(status, b"<Error><Code>AccessDenied</Code></Error>")
    with (
        RangeStore(CONTENT, respond=lambda _: [denied]) as store,
        pytest.raises(EkycRequestError, match=rf"refused the download \({status}, AccessDenied\)") as caught,
    ):
        downloaded(store)
    assert caught.value.status == status
    assert [request.first for request in store.seen] == [0, None]


def test_a_proxy_that_refuses_ranges_is_read_by_one_stream() -> None:
    def refuse(request: Request) -> Reply | None:
        return None if request.first is None else [refusal(403, b"<html><title>Blocked</title></html>")]

    with RangeStore(CONTENT, respond=refuse) as store:
        assert downloaded(store) == CONTENT
    assert [request.first for request in store.seen] == [0, None]


def test_a_store_without_ranges_is_asked_once() -> None:
    with RangeStore(CONTENT, respond=lambda request: [store.answer(request, status=200)]) as store:
        assert downloaded(store) == CONTENT
        assert len(store.seen) == 1


def test_an_object_that_is_replaced_in_the_middle_is_downloaded_from_its_start() -> None:
    def replaced(request: Request) -> Reply | None:
        if request.nth >= 4:
            store.content, store.etag = OTHER[:8_500], '"b"'
        return None

    with RangeStore(CONTENT, respond=replaced) as store:
        assert downloaded(store) == OTHER[:8_500]


def test_an_object_that_changes_each_time_is_an_error() -> None:
    def changing(request: Request) -> Reply | None:
        store.etag = f'"{request.nth}"'
        return None

    with RangeStore(CONTENT, respond=changing) as store, pytest.raises(EkycApiError, match=CHANGED) as caught:
        downloaded(store)
    assert caught.value.retryable


def test_a_range_that_is_never_answered_fails_after_its_own_tries() -> None:
    slow_down = store_responding(5_000, lambda _, __: refusal(503, b"<Error><Code>SlowDown</Code></Error>"), times=99)
    with slow_down as store, pytest.raises(EkycServerError, match=r"not ready \(503, SlowDown\)"):
        downloaded(store, connections=2)
    assert store.ranges.count(RANGES[5]) == AT_ONCE.attempts


def expiring(valid_version: int) -> Callable[[Request], Reply | None]:
    """Let the first URL expire with the third request; all that are sent by it later are refused."""

    def respond(request: Request) -> Reply | None:
        is_expired = request.nth > 2 and f"version={valid_version}" not in request.target
        return [refusal(403, EXPIRED)] if is_expired else None

    return respond


def test_an_expired_url_is_refreshed_once_for_all_ranges() -> None:
    asked: list[str] = []
    with RangeStore(CONTENT, respond=expiring(2)) as store:

        def fresh_url() -> str:
            assert threading.current_thread() is threading.main_thread(), "a signal must be able to end the query"
            asked.append(f"{store.result_url}&version={len(asked) + 1}")
            return asked[-1]

        assert downloaded(store, fresh_url=fresh_url) == CONTENT
    assert len(asked) == 2


def test_a_fresh_url_that_is_refused_too_ends_the_download() -> None:
    asked: list[str] = []
    with (
        RangeStore(CONTENT, respond=expiring(99)) as store,
        pytest.raises(EkycExpiredUrlError, match="has expired too"),
    ):
        downloaded(store, fresh_url=lambda: asked.append(store.result_url) or store.result_url)  # type: ignore[func-returns-value]
    assert len(asked) == 2


def test_a_fresh_url_of_another_object_starts_again() -> None:
    def respond(request: Request) -> Reply | None:
        if "version=2" in request.target:
            store.content, store.etag = OTHER, '"b"'
        return expiring(2)(request)

    urls = iter((1, 2))
    with RangeStore(CONTENT, respond=respond) as store:
        assert downloaded(store, fresh_url=lambda: f"{store.result_url}&version={next(urls)}") == OTHER


def test_a_refused_status_query_ends_all_threads() -> None:
    def fresh_url() -> str:
        if urls:
            return urls.pop()
        raise EkycRequestError("refused")

    with RangeStore(CONTENT, respond=expiring(2)) as store:
        urls = [store.result_url]
        with pytest.raises(EkycRequestError, match="refused"):
            downloaded(store, fresh_url=fresh_url)


def hanging(request: Request, store: RangeStore, until: Callable[[], bool], sent: int) -> Reply:
    """Send so many bytes of the answer, and the rest when something is so."""
    answer = store.answer(request)
    yield answer[:sent]
    deadline = time.monotonic() + 30
    while not until() and time.monotonic() < deadline:
        time.sleep(0.005)
    yield answer[sent:]


def test_a_range_that_hangs_delays_no_other() -> None:
    def respond(request: Request) -> Reply | None:
        if request.first == 3_000:
            return hanging(request, store, lambda: len(store.seen) == len(RANGES), 300)
        return None

    with RangeStore(CONTENT, respond=respond) as store:
        assert downloaded(store, connections=2) == CONTENT
        assert sorted(store.ranges) == RANGES


@pytest.mark.parametrize("sent", [0, 20, 600], ids=["before the head", "in the head", "in the body"])
def test_an_error_in_one_range_ends_those_that_hang(sent: int) -> None:
    over = threading.Event()

    def respond(request: Request) -> Reply | None:
        if request.first in (0, 9_000):
            return None
        if request.first == 5_000:
            # As soon as the others hang.
            while len(store.seen) < 5:
                time.sleep(0.005)
            return [refusal(403, b"<Error><Code>AccessDenied</Code></Error>")]
        return hanging(request, store, over.is_set, sent)

    with RangeStore(CONTENT, respond=respond) as store:
        begun = time.monotonic()
        with pytest.raises(EkycRequestError, match=r"refused the download \(403, AccessDenied\)"):
            downloaded(store, read_timeout=60)
        assert time.monotonic() - begun < 10
        over.set()


class Killed(BaseException):
    """As Airflow raises in the main thread when a task is killed."""


def test_a_signal_ends_all_threads() -> None:
    over = threading.Event()

    def kill(number: int, frame: object) -> None:
        raise Killed

    def respond(request: Request) -> Reply | None:
        if request.nth == 8:
            signal.pthread_kill(main, signal.SIGUSR1)
        return hanging(request, store, over.is_set, 600) if request.nth > 1 else None

    main = threading.main_thread().ident
    assert main is not None
    before = signal.signal(signal.SIGUSR1, kill)
    try:
        with RangeStore(CONTENT, respond=respond) as store:
            with pytest.raises(Killed):
                downloaded(store, read_timeout=60)
            over.set()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_is_too_large_is_refused_before_the_second_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "SIZE_LIMIT", len(CONTENT) - 1)
    with RangeStore(CONTENT) as store, pytest.raises(EkycResultError, match="larger than 9,999 bytes"):
        downloaded(store)
    assert len(store.seen) == 1
