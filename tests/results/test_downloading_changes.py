"""A store without ranges is read by one stream, and an object that changes from its start: ``results/download.py``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycRequestError,
)
from tests.results.scripted_store import (
    AT_ONCE,
    CHANGED,
    CONTENT,
    END,
    FIRST,
    MIDDLE,
    ONE_CONNECTION,
    OTHER,
    WHOLE,
    Answer,
    Connection,
    Downloading,
    Store,
    but,
    cut,
    failure,
    refused,
    replaced,
)

pytestmark = pytest.mark.usefixtures("small_ranges", "no_thread_left")


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
