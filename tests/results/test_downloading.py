"""What a download decides after each answer of a store with ranges: ``results/download.py``, without sockets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from airflow_provider_ekyc.api.result_stream import ResultStream
from airflow_provider_ekyc.exceptions import (
    EkycAuthenticationError,
    EkycConnectionError,
    EkycExpiredUrlError,
    EkycRequestError,
    EkycResultError,
    EkycServerError,
    Outcome,
)
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.range_workers import RangeWorkers
from tests.results.scripted_store import (
    AT_ONCE,
    CONTENT,
    END,
    FIRST,
    MIDDLE,
    ONCE,
    SIZE,
    Asked,
    Downloading,
    Store,
    but,
    cut,
    expired,
    failure,
    refused,
    slow_down,
)

pytestmark = pytest.mark.usefixtures("small_ranges", "no_thread_left")

ASKED_AGAIN = "The URL has expired. Asking the API for a fresh one, once."


# The ranges of one version


@pytest.mark.parametrize(
    ("size", "spans"),
    [
        (1, [FIRST]),
        (SIZE, [FIRST]),
        (SIZE + 1, [FIRST, (100, 100)]),
        (2 * SIZE, [FIRST, (100, 199)]),
        (2 * SIZE + 1, [FIRST, (101, 200), (100, 100)]),
        (len(CONTENT), [FIRST, END, MIDDLE]),
    ],
)
def test_the_end_is_requested_before_the_middle_and_is_announced(size: int, spans: list[tuple[int, int]]) -> None:
    store, downloading = Store(content=CONTENT[:size]), Downloading()
    assert downloading.run(store, retries=None) == CONTENT[:size]
    assert store.spans == spans
    assert [asked.etag for asked in store.asked] == [None, *['"a"'] * (len(spans) - 1)]
    assert {asked.url for asked in store.asked} == set(downloading.urls) == {"https://store.example/1"}
    assert downloading.announced == ([(size, CONTENT[max(SIZE, size - SIZE) : size])] if len(spans) > 1 else [])
    assert not downloading.is_void
    assert store.hints == []


def test_what_is_there_from_the_start_is_announced_block_by_block() -> None:
    downloading = Downloading()
    downloading.run(Store(content=CONTENT[:250]))
    first, end, middle = [30, 60, 90, 100], [100] * 4, [130, 250]
    assert downloading.advanced == [*first, *end, *middle]


def test_several_connections_request_ranges_of_one_size() -> None:
    store = Store()
    assert Downloading().run(store, connections=2) == CONTENT
    assert store.spans[0] == FIRST
    assert sorted(store.spans) == [(start, start + SIZE - 1) for start in range(0, len(CONTENT), SIZE)]


def test_nothing_is_logged_of_what_goes_well(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Downloading().run(Store(), connections=2)
    assert caplog.messages == []


# Again, where it broke


def test_a_range_is_resumed_where_it_broke(caplog: pytest.LogCaptureFixture) -> None:
    store, downloading = Store(None, cut(40), cut(1), cut(0), cut(59)), Downloading()
    assert downloading.run(store) == CONTENT
    assert store.spans == [FIRST, END, (940, 999), (941, 999), (941, 999), MIDDLE]
    assert {asked.etag for asked in store.asked[1:]} == {'"a"'}
    assert caplog.messages == [f"The connection broke. Trying again in 0 s (try {number})." for number in (2, 3, 4, 5)]
    assert downloading.announced == [(1_000, CONTENT[900:])]


def test_a_range_that_ends_early_is_resumed_and_the_reason_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(None, None, but(body=lambda body: body[:-1]))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, END, MIDDLE, (899, 899)]
    assert caplog.messages == ["The result download ended after 899 of 900 bytes. Trying again in 0 s (try 2)."]


def test_a_range_that_ends_early_at_the_last_try_is_an_error() -> None:
    error = failure(EkycConnectionError, Store(None, but(body=lambda _: b"")), retries=ONCE)
    assert str(error) == "The result download ended after 900 of 1,000 bytes."
    assert (error.retryable, error.outcome) == (True, Outcome.REFUSED)


@pytest.mark.parametrize(("nth", "size"), [(0, 100), (1, 100), (2, 800)], ids=["first", "end", "middle"])
def test_a_break_behind_the_last_byte_of_a_range_requests_nothing(nth: int, size: int) -> None:
    store = Store(*[None] * nth, cut(size))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, END, MIDDLE]


@pytest.mark.parametrize("count", [0, 1])
def test_a_store_that_gives_nothing_is_left_after_the_tries_of_one_range(count: int) -> None:
    store = Store(None, cut(count), *[slow_down() for _ in range(9)])
    error = failure(EkycServerError, store, retries=replace(AT_ONCE, attempts=3))
    assert str(error) == "Slow down."
    assert len(store.asked) == 1 + 3 + (3 if count else 0)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_a_store_that_gives_some_bytes_each_time_is_left_after_so_many_rounds(
    rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "ROUNDS", rounds)
    store = Store(*[cut(1)] * 9)
    failure(EkycConnectionError, store, retries=ONCE)
    assert len(store.asked) == rounds


def test_what_can_not_be_tried_again_is_not_though_bytes_arrived_before() -> None:
    store = Store(None, cut(1), EkycAuthenticationError("No.", status=401))
    error = failure(EkycAuthenticationError, store)
    assert str(error) == "No."
    assert len(store.asked) == 3


def test_a_wait_is_one_that_ends_with_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr(RangeWorkers, "pause", lambda _, seconds: paused.append(seconds))
    assert Downloading().run(Store(slow_down(), slow_down())) == CONTENT
    assert paused == [0.0, 0.0]


@pytest.mark.parametrize("count", [0, 10])
def test_a_range_is_not_tried_again_after_the_error_of_another(count: int) -> None:
    is_open = threading.Event()

    def hang(store: Store, asked: Asked) -> ResultStream:
        def given() -> Iterator[bytes]:
            if count:
                yield store.content[asked.offset :][:count]
            is_open.set()
            assert asked.connection.is_aborted.wait(10)
            raise EkycConnectionError("It is aborted.", retryable=True)

        return ResultStream(store.answer(asked).head, given())

    def answer(store: Store, asked: Asked) -> ResultStream:
        if asked.span == END:
            return hang(store, asked)
        assert is_open.wait(10)
        raise refused(404)

    store = Store(None, answer, answer)
    assert failure(EkycRequestError, store, connections=2).status == 404
    assert sorted(store.spans) == [FIRST, (100, 199), END]


def test_what_a_range_still_has_after_the_error_of_another_is_not_read() -> None:
    is_open, given = threading.Event(), []

    def endless(asked: Asked) -> Iterator[bytes]:
        is_open.set()
        assert asked.connection.is_aborted.wait(10)
        for _ in range(50):
            given.append(1)
            yield b"."

    def answer(store: Store, asked: Asked) -> ResultStream:
        if asked.span == END:
            return ResultStream(store.answer(asked).head, endless(asked))
        assert is_open.wait(10)
        raise refused(404)

    assert failure(EkycRequestError, Store(None, answer, answer), connections=2).status == 404
    assert given == [1]


# Its size


@pytest.mark.parametrize(
    "changes", [{}, {"whole": True}, {"whole": True, "length": None}], ids=["ranges", "stream", "unknown"]
)
def test_what_is_as_large_as_the_limit_is_downloaded(
    changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "SIZE_LIMIT", len(CONTENT))
    assert Downloading().run(Store(but(**changes))) == CONTENT


@pytest.mark.parametrize("changes", [{}, {"whole": True}], ids=["ranges", "stream"])
def test_what_says_that_it_is_too_large_is_left_before_its_first_byte(
    changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "SIZE_LIMIT", len(CONTENT) - 1)
    store, downloading = Store(but(**changes)), Downloading()
    with pytest.raises(EkycResultError) as caught:
        downloading.run(store)
    assert str(caught.value) == (
        "The result is larger than 999 bytes; a retry can't help. Nothing was landed. The submission is already paid "
        "for and will not be charged again. Ask the vendor, and split the input the next time."
    )
    assert not caught.value.retryable
    assert len(store.asked) == 1
    assert (downloading.left, downloading.is_void) == (b"", True)


def test_what_does_not_say_that_it_is_too_large_is_left_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "SIZE_LIMIT", len(CONTENT) - 1)
    downloading = Downloading()
    with pytest.raises(EkycResultError, match="larger than 999 bytes"):
        downloading.run(Store(but(whole=True, length=None)))
    assert downloading.left == CONTENT[:990]


# A fresh URL


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_an_expired_url_is_replaced_by_a_fresh_one(nth: int, caplog: pytest.LogCaptureFixture) -> None:
    store, downloading = Store(*[None] * nth, expired()), Downloading()
    assert downloading.run(store) == CONTENT
    first, second = downloading.urls
    assert [asked.url for asked in store.asked] == [first] * (nth + 1) + [second] * (3 - nth)
    assert store.spans == [*[FIRST, END, MIDDLE][: nth + 1], *[FIRST, END, MIDDLE][nth:]]
    assert caplog.messages == [ASKED_AGAIN]
    assert caplog.records[0].levelno == logging.WARNING
    assert not downloading.is_void


def test_an_expired_url_is_no_try_of_a_range() -> None:
    assert Downloading().run(Store(None, expired()), retries=ONCE) == CONTENT


def test_a_fresh_url_that_expires_too_is_an_error() -> None:
    store, downloading = Store(expired(), None, expired()), Downloading()
    with pytest.raises(EkycExpiredUrlError) as caught:
        downloading.run(store)
    assert str(caught.value) == (
        "The URL has expired. The API was asked for a fresh one, which has expired too. Clear this task later; if the "
        "error persists, ask the vendor."
    )
    assert not caught.value.retryable
    assert len(downloading.urls) == 2
    assert downloading.is_void


def test_two_ranges_whose_url_has_expired_share_a_fresh_one(caplog: pytest.LogCaptureFixture) -> None:
    both = threading.Barrier(2)

    def both_expire(_: Store, __: Asked) -> ResultStream:
        both.wait(10)
        raise expired()

    store, downloading = Store(None, both_expire, both_expire), Downloading()
    assert downloading.run(store, connections=2) == CONTENT
    assert len(downloading.urls) == 2
    assert {asked.url for asked in store.asked[3:]} == {downloading.urls[1]}
    assert caplog.messages == [ASKED_AGAIN]


def test_the_error_of_asking_for_a_fresh_url_ends_the_download() -> None:
    class Refused(Downloading):
        def fresh_url(self) -> str:
            if self.urls:
                raise EkycAuthenticationError("No.", status=401)
            return super().fresh_url()

    with pytest.raises(EkycAuthenticationError):
        Refused().run(Store(expired()))
