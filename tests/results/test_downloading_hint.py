"""When the end of a result is announced that is requested beside its first range: ``results/download.py``."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.results.scripted_store import (
    CONTENT,
    OTHER,
    SIZE,
    Answer,
    Asked,
    Downloading,
    Store,
    after,
    but,
    cut,
    expired,
    refused,
    replaced,
    slow_down,
)

pytestmark = pytest.mark.usefixtures("small_ranges", "no_thread_left")


def hinted(hint: Answer | None, *, is_first: bool = True, content: bytes = CONTENT, **how: Any) -> Downloading:
    """Download with a hint that is there before the first range, or after it, but before the others."""
    store = Store(content=content)

    def ended(_: Asked) -> threading.Event:
        return store.has_ended_hint

    store.script = [after(ended, but())] if is_first else [None, *[after(ended, but())] * 2]
    store.hint = (hint or but()) if is_first else after(lambda _: store.has_second, hint or but())
    downloading = Downloading()
    assert downloading.run(store, connections=2, **how) == content
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
