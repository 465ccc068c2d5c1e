"""What a download decides after each answer of the store: ``results/download.py``, with connections without sockets."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import pytest

from airflow_provider_ekyc.api.result_stream import ResultStream
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycConnectionError,
    EkycRequestError,
    EkycResultError,
    EkycServerError,
    Outcome,
)
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile
from airflow_provider_ekyc.results.range_workers import RangeWorkers
from airflow_provider_ekyc.spool import spool_file
from dev.testing.waiting import wait_until
from tests.results import scripted_store
from tests.results.scripted_store import (
    WHOLE,
    Answer,
    Asked,
    Connection,
    after,
    but,
    cut,
    expired,
    refused,
    replaced,
    slow_down,
)
from tests.results.test_download_ranges import threads
from tests.results.test_download_signals import bounded

SIZE = 100  # bytes of a range, and of the end
CONTENT = bytes(range(250)) * 4
OTHER = bytes(reversed(CONTENT))
FIRST, END, MIDDLE = (0, 99), (900, 999), (100, 899)  # the requests of one connection
AT_ONCE = Retries(attempts=5, first_wait=0.0, longest_wait=0.0)
ONCE = Retries(attempts=1)

ONE_CONNECTION = "The result's store did not answer with the range requested; using one connection."
CHANGED = "The result has changed during the download. Trying again in 0 s (try 2)."
ASKED_AGAIN = "The URL has expired. Asking the API for a fresh one, once."


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "RANGE_SIZE", SIZE)


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """No test waits for ever, and none leaves a thread."""
    with bounded(20):
        yield
    assert wait_until(lambda: not threads(), timeout=20, interval=0.001), threads()


class Store(scripted_store.Store):
    """With an object of ten ranges, if a test gives none."""

    def __init__(self, *script: Answer | None, content: bytes = CONTENT, etag: str | None = '"a"') -> None:
        super().__init__(*script, content=content, etag=etag)


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


def failure(kind: type[E], store: Store, **how: object) -> E:
    """Return the error of a download, which has voided the file."""
    downloading = Downloading()
    with pytest.raises(kind) as caught:
        downloading.run(store, **how)  # type: ignore[arg-type]  # arguments of run
    assert downloading.is_void
    return caught.value


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

    def hang(store: scripted_store.Store, asked: Asked) -> ResultStream:
        def given() -> Iterator[bytes]:
            if count:
                yield store.content[asked.offset :][:count]
            is_open.set()
            assert asked.connection.is_aborted.wait(10)
            raise EkycConnectionError("It is aborted.", retryable=True)

        return ResultStream(store.answer(asked).head, given())

    def answer(store: scripted_store.Store, asked: Asked) -> ResultStream:
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

    def answer(store: scripted_store.Store, asked: Asked) -> ResultStream:
        if asked.span == END:
            return ResultStream(store.answer(asked).head, endless(asked))
        assert is_open.wait(10)
        raise refused(404)

    assert failure(EkycRequestError, Store(None, answer, answer), connections=2).status == 404
    assert given == [1]


# One stream


def test_a_store_that_sends_the_whole_object_is_asked_once(caplog: pytest.LogCaptureFixture) -> None:
    store, downloading = Store(but(whole=True)), Downloading()
    with caplog.at_level(logging.INFO):
        assert downloading.run(store) == CONTENT
    assert store.spans == [FIRST]
    assert caplog.messages == []
    assert downloading.announced == []


def test_a_whole_object_that_is_said_as_a_range_is_one_too() -> None:
    store = Store(but(start=0, end=len(CONTENT)))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST]


@pytest.mark.parametrize(
    "change",
    [{"start": 1}, {"end": 99}, {"length": None}, {"etag": None}, {"etag": 'W/"a"'}],
    ids=["another start", "another end", "no size", "no ETag", "a weak ETag"],
)
def test_another_answer_to_the_first_range_leads_to_one_stream(
    change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(but(**change))
    with caplog.at_level(logging.INFO):
        assert Downloading().run(store, connections=2) == CONTENT
    assert store.spans == [FIRST, WHOLE]
    assert caplog.messages == [ONE_CONNECTION]
    assert caplog.records[0].levelno == logging.INFO


@pytest.mark.parametrize(
    "change",
    [{"start": 0, "end": 100}, {"length": None}, {"etag": None}, {"whole": True}, {"body": lambda body: body + b"1"}],
    ids=["another range", "no size", "no ETag", "the whole", "more than it says"],
)
def test_another_answer_to_a_further_range_leads_to_one_stream_from_where_it_is(
    change: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    store, downloading = Store(None, but(**change)), Downloading()
    with caplog.at_level(logging.INFO):
        assert downloading.run(store) == CONTENT
    assert store.spans == [FIRST, END, (100, None)]
    assert store.asked[-1].etag == '"a"'
    assert caplog.messages == [ONE_CONNECTION]
    assert not downloading.is_void


def test_one_stream_is_of_one_connection() -> None:
    connected: list[Connection] = []

    class Counting(Store):
        @contextmanager
        def connect(self) -> Iterator[Connection]:
            with super().connect() as connection:
                connected.append(connection)
                yield connection

    store = Counting(refused(403))
    assert Downloading().run(store, connections=2) == CONTENT
    assert len(connected) == 3  # two beside each other, and the one after


@pytest.mark.parametrize("status", [400, 403, 405, 406, 416, 501])
def test_a_first_range_that_is_refused_leads_to_one_stream(status: int) -> None:
    store = Store(refused(status))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, WHOLE]


@pytest.mark.parametrize("status", [400, 403, 405, 406, 416, 501])
def test_what_is_refused_without_a_range_too_is_an_error(status: int) -> None:
    error = failure(EkycRequestError, Store(refused(status), refused(status)))
    assert str(error) == (
        "The store refused it. Clear this task to ask for a fresh URL; if the error persists, ask the vendor."
    )
    assert (error.status, error.retryable) == (status, False)


@pytest.mark.parametrize("script", [[], [None], [None, cut(10)]], ids=["first", "further", "resumed"])
def test_another_refusal_is_an_error_of_the_first_request(script: list[Answer | None]) -> None:
    store = Store(*script, refused(404))
    assert failure(EkycRequestError, store).status == 404
    assert len(store.asked) == len(script) + 1


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_of_a_further_range_is_an_error(status: int) -> None:
    store = Store(None, refused(status))
    assert failure(EkycRequestError, store).status == status
    assert len(store.asked) == 2


def test_an_empty_object_is_read_by_one_stream() -> None:
    store = Store(content=b"")
    assert Downloading().run(store) == b""
    assert store.spans == [FIRST, WHOLE]


def test_a_stream_is_resumed_where_it_broke(caplog: pytest.LogCaptureFixture) -> None:
    store, downloading = Store(cut(1, whole=True), cut(70)), Downloading()
    assert downloading.run(store) == CONTENT
    assert store.spans == [FIRST, (1, None), (71, None)]
    assert len(caplog.messages) == 2
    assert not downloading.is_void


@pytest.mark.parametrize("start", [0, 20, 69, 70])
def test_what_a_stream_sends_again_is_left_out(start: int) -> None:
    store, downloading = Store(cut(70, whole=True), but(start=start, end=len(CONTENT))), Downloading()
    assert downloading.run(store) == CONTENT
    assert len(store.asked) == 2
    assert not downloading.is_void
    assert downloading.advanced == sorted(downloading.advanced)


def test_a_stream_without_an_etag_is_read_from_its_start_again() -> None:
    store, downloading = Store(cut(70, whole=True), etag=None), Downloading()
    assert downloading.run(store) == CONTENT
    assert store.spans == [FIRST, WHOLE]
    assert downloading.is_void


def test_a_stream_that_breaks_behind_its_last_byte_requests_nothing() -> None:
    store = Store(cut(1_000, whole=True))
    assert Downloading().run(store) == CONTENT
    assert len(store.asked) == 1


def test_a_stream_without_a_size_ends_where_it_ends() -> None:
    store = Store(but(whole=True, length=None))
    assert Downloading().run(store) == CONTENT
    assert len(store.asked) == 1


def test_a_range_says_the_size_that_the_stream_did_not() -> None:
    store = Store(cut(70, whole=True, length=None), but(body=lambda body: body[:-1]))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, (70, None), (999, None)]


def test_a_size_that_is_known_is_kept_when_a_later_answer_does_not_say_it() -> None:
    store = Store(cut(70, whole=True), but(length=None, body=lambda body: body[:-1]))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, (70, None), (999, None)]


# Another object


@pytest.mark.parametrize("connections", [1, 2])
def test_an_object_that_changes_is_downloaded_from_its_start(
    connections: int, caplog: pytest.LogCaptureFixture
) -> None:
    store, downloading = Store(None, replaced(OTHER[:700])), Downloading()
    with caplog.at_level(logging.INFO):
        assert downloading.run(store, connections=connections) == OTHER[:700]
    again = next(number for number, asked in enumerate(store.asked) if number and asked.span == FIRST)
    assert store.asked[again].etag is None
    assert {asked.etag for asked in store.asked[again + 1 :]} == {'"b"'}
    assert caplog.messages == [CHANGED]
    assert downloading.is_void
    assert downloading.announced[-1] == (700, OTHER[600:700])


def test_the_end_is_announced_of_the_object_that_is_there_at_last() -> None:
    store, downloading = Store(None, None, replaced(OTHER)), Downloading()
    assert downloading.run(store) == OTHER
    assert downloading.announced == [(1_000, CONTENT[900:]), (1_000, OTHER[900:])]
    assert downloading.is_void


@pytest.mark.parametrize("content", [OTHER[:50], b""], ids=["shorter", "empty"])
def test_nothing_of_the_object_before_is_left_where_the_new_one_is_shorter(content: bytes) -> None:
    store = Store(None, replaced(content))
    assert Downloading().run(store) == content
    assert store.spans[:3] == [FIRST, END, FIRST]


def test_an_object_that_changes_before_its_first_byte_voids_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store, downloading = Store(cut(0), replaced(OTHER[:60]), content=CONTENT[:60]), Downloading()
    assert downloading.run(store) == OTHER[:60]
    assert len(store.asked) == 3
    assert CHANGED in caplog.messages
    assert not downloading.is_void


def test_an_object_that_changes_after_one_byte_voids_it() -> None:
    store, downloading = Store(cut(1), replaced(OTHER[:60]), content=CONTENT[:60]), Downloading()
    assert downloading.run(store) == OTHER[:60]
    assert downloading.is_void


def test_an_object_that_changes_after_its_end_was_requested_voids_it() -> None:
    """The hint may have been announced."""
    store, downloading = Store(cut(0), cut(0), replaced(OTHER)), Downloading()
    assert downloading.run(store, connections=2) == OTHER
    assert downloading.is_void


def test_an_object_that_changes_each_time_is_an_error_that_may_be_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    script: list[Answer | None] = []
    for number in range(4):
        script += [None, replaced(CONTENT, f'"{number}"')]
    store = Store(*script)
    error = failure(EkycApiError, store, retries=replace(AT_ONCE, attempts=3))
    assert type(error) is EkycApiError
    assert (str(error), error.retryable) == ("The result has changed during the download.", True)
    assert store.spans == [FIRST, END] * 3
    assert len(caplog.messages) == 2


def test_a_range_that_is_not_there_any_more_means_another_object(caplog: pytest.LogCaptureFixture) -> None:
    store, downloading = Store(None, refused(416)), Downloading()
    assert downloading.run(store) == CONTENT
    assert store.spans == [FIRST, END, FIRST, END, MIDDLE]
    assert caplog.messages == [CHANGED]
    assert downloading.is_void


def test_a_stream_whose_rest_is_not_there_any_more_means_another_object(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(cut(1, whole=True), refused(416))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, (1, None), WHOLE]
    assert caplog.messages[-1] == CHANGED


def test_a_whole_object_that_is_refused_as_a_range_is_an_error() -> None:
    store = Store(cut(0, whole=True), refused(416))
    assert failure(EkycRequestError, store).status == 416
    assert store.spans == [FIRST, WHOLE]


def test_a_stream_of_another_object_is_read_from_its_start_without_a_further_request() -> None:
    store, downloading = Store(cut(70, whole=True), replaced(OTHER[:50])), Downloading()
    assert downloading.run(store) == OTHER[:50]
    assert store.spans == [FIRST, (70, None)]
    assert downloading.is_void


def test_a_rest_of_another_object_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    """A server that does not know If-Range sends it all the same."""
    store, downloading = Store(cut(70, whole=True), replaced(OTHER, start=70, end=1_000)), Downloading()
    assert downloading.run(store) == OTHER
    assert store.spans == [FIRST, (70, None), WHOLE]
    assert caplog.messages[-1] == CHANGED


def test_a_rest_that_begins_later_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(cut(70, whole=True), but(start=71, end=1_000))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, (70, None), WHOLE]
    assert caplog.messages[-1] == CHANGED


def test_a_stream_that_is_longer_than_it_says_is_of_another_object(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(but(whole=True, length=999))
    assert Downloading().run(store) == CONTENT
    assert store.spans == [FIRST, WHOLE]
    assert caplog.messages == [CHANGED]


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
    with pytest.raises(EkycResultError) as caught:
        downloading.run(store)
    assert str(caught.value) == (
        "The URL has expired. A fresh one, asked for just now, has expired too. Nothing was landed. The submission is "
        "already paid for and will not be charged again. Clear this task later; if the error persists, ask the vendor."
    )
    assert len(downloading.urls) == 2
    assert downloading.is_void


def test_two_ranges_whose_url_has_expired_share_a_fresh_one(caplog: pytest.LogCaptureFixture) -> None:
    both = threading.Barrier(2)

    def both_expire(_: scripted_store.Store, __: Asked) -> ResultStream:
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


# The hint


def hinted(hint: Answer | None, *, is_first: bool = True, content: bytes = CONTENT, **how: object) -> Downloading:
    """Download with a hint that is there before the first range, or after it, but before the others."""
    store = Store(content=content)

    def ended(_: Asked) -> threading.Event:
        return store.has_ended_hint

    store.script = [after(ended, but())] if is_first else [None, *[after(ended, but())] * 2]
    store.hint = (hint or but()) if is_first else after(lambda _: store.has_second, hint or but())
    downloading = Downloading()
    assert downloading.run(store, connections=2, **how) == content  # type: ignore[arg-type]  # arguments of run
    assert [(asked.url, asked.span, asked.etag) for asked in store.hints] == [
        (downloading.urls[0], (-SIZE, None), None)
    ]
    return downloading


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("size", [SIZE + 1, 2 * SIZE - 1, 2 * SIZE, len(CONTENT)])
def test_the_end_is_announced_with_the_hint_and_again_by_its_range(size: int, is_first: bool) -> None:
    downloading = hinted(None, is_first=is_first, content=CONTENT[:size])
    assert downloading.announced == [(size, CONTENT[max(SIZE, size - SIZE) : size])] * 2
    assert not downloading.is_void


@pytest.mark.parametrize("size", [1, SIZE])
def test_the_end_of_one_range_is_not_announced(size: int) -> None:
    assert hinted(None, content=CONTENT[:size]).announced == []


def test_a_hint_is_used_as_soon_as_its_last_byte_is_there() -> None:
    assert len(hinted(but(breaks=True)).announced) == 2


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    "hint",
    [
        refused(416),
        expired(),
        slow_down(),
        but(start=0, end=None),
        but(start=0, end=SIZE),
        but(start=899),
        but(start=901),
        but(length=None),
        but(length=1_001),
        but(etag='"b"'),
        but(etag=None),
        but(body=lambda body: body[:-1]),
        but(body=lambda body: body + b"more"),
        cut(99),
    ],
    ids=[
        "416",
        "an expired URL",
        "503",
        "the whole object",
        "the first bytes",
        "more of the end",
        "less of the end",
        "no size",
        "another size",
        "another ETag",
        "no ETag",
        "fewer bytes than it says",
        "more bytes than it says",
        "a break",
    ],
)
def test_any_other_hint_is_ignored(hint: Answer, is_first: bool, caplog: pytest.LogCaptureFixture) -> None:
    downloading = hinted(hint, is_first=is_first)
    assert downloading.announced == [(1_000, CONTENT[900:])]
    assert len(downloading.urls) == 1
    assert not downloading.is_void
    assert caplog.messages == []


def test_other_bytes_of_the_same_version_void_what_was_read() -> None:
    downloading = hinted(but(body=lambda _: CONTENT[:SIZE]))
    assert downloading.announced == [(1_000, CONTENT[:SIZE]), (1_000, CONTENT[900:])]
    assert downloading.is_void


def test_the_hint_of_an_object_that_was_there_before_is_not_announced_again() -> None:
    store, downloading = Store(), Downloading()
    store.script = [after(lambda _: store.has_ended_hint, but()), *[replaced(OTHER)] * 2]
    store.hint = None
    assert downloading.run(store, connections=2) == OTHER
    assert downloading.announced[0] == (1_000, CONTENT[900:])
    assert set(downloading.announced[1:]) == {(1_000, OTHER[900:])}
    assert len(store.hints) == 1
