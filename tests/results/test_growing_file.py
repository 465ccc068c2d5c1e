"""An archive is read while it still arrives, and what was read of a void one counts for nothing."""

from __future__ import annotations

import io
import itertools
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from airflow_provider_ekyc.api.result_stream import ResultHead, ResultStream
from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.archive.check import check_archive
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile, Invalidated
from airflow_provider_ekyc.spool import Spool, spool_file
from dev.testing.sockets import Answer, ScriptedServer, answer
from tests.results.archives import pack
from tests.results.test_download import client_for, ranged

CONTENT = random.Random(4).randbytes(10_000)


@pytest.fixture
def growing() -> Iterator[GrowingFile]:
    with spool_file(None) as spool:
        yield GrowingFile(spool)


def write(growing: GrowingFile, content: bytes) -> None:
    growing.spool.write(content)
    growing.advance(growing.spool.tell())


def in_thread(read: Callable[[], bytes]) -> tuple[threading.Thread, list[bytes | type]]:
    """Read in a thread; what it got, or the kind of its error."""
    got: list[bytes | type] = []

    def work() -> None:
        try:
            got.append(read())
        except (Invalidated, OSError) as error:
            got.append(type(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, got


def test_bytes_are_handed_out_as_they_come_and_the_end_at_once(growing: GrowingFile) -> None:
    thread, got = in_thread(lambda: growing.read(4))
    growing.announce(len(CONTENT), CONTENT[-100:])
    assert (growing.seek(-60, io.SEEK_END), growing.read(10)) == (len(CONTENT) - 60, CONTENT[-60:-50])
    assert growing.read() == CONTENT[-50:]
    assert growing.read() == b""
    growing.seek(0)
    write(growing, CONTENT[:3])
    thread.join(0.2)
    assert thread.is_alive()
    write(growing, CONTENT[3:500])
    thread.join(5)
    assert got == [CONTENT[:4]]
    assert (growing.tell(), growing.read(96), growing.seek(400), growing.read(100)) == (
        4,
        CONTENT[4:100],
        400,
        CONTENT[400:500],
    )


def test_without_a_tail_the_end_is_known_when_all_is_there(growing: GrowingFile) -> None:
    thread, got = in_thread(lambda: growing.read(10) if growing.seek(-10, io.SEEK_END) else b"")
    write(growing, CONTENT)
    thread.join(0.2)
    assert thread.is_alive()
    growing.complete(len(CONTENT))
    thread.join(5)
    assert got == [CONTENT[-10:]]
    assert not growing.is_invalid


@pytest.mark.parametrize("waits_for", ["size", "bytes"])
def test_who_waits_is_told_that_nothing_comes(growing: GrowingFile, waits_for: str) -> None:
    if waits_for == "bytes":
        growing.announce(100, b"")
    thread, got = in_thread(lambda: growing.read(10))
    with pytest.raises(ZeroDivisionError), growing:
        raise ZeroDivisionError
    thread.join(5)
    assert got == [Invalidated]


@pytest.mark.parametrize(("size", "tail"), [(101, b"z" * 10), (100, b"y" * 10)])
def test_a_tail_of_another_file_invalidates_it(growing: GrowingFile, size: int, tail: bytes) -> None:
    growing.announce(size, tail)
    write(growing, b"z" * 100)
    growing.complete(100)
    assert growing.is_invalid
    with pytest.raises(Invalidated):
        growing.read(1)


def test_another_announcement_invalidates_it(growing: GrowingFile) -> None:
    growing.announce(100, b"z" * 10)
    growing.announce(100, b"z" * 10)
    assert not growing.is_invalid
    growing.announce(100, b"y" * 10)
    assert growing.is_invalid


def test_a_place_before_the_start_is_refused_as_files_do(growing: GrowingFile) -> None:
    growing.announce(10, b"")
    with pytest.raises(OSError, match="Invalid argument"):
        growing.seek(-11, io.SEEK_END)


# Together with the download.

ROWS = 40_000
TABLE = b"Number,amazon\n" + b"".join(b"+999%010d,%s\n" % (n * 7919, b"no" if n % 3 else b"yes") for n in range(ROWS))
ARCHIVE = pack({"amazon.csv": TABLE})
V1 = ranged(ARCHIVE, etag='"v1"')


def checked_meanwhile(*script: Answer) -> tuple[int | None, list[dict[str, str]], bool]:
    """Download an archive and check it meanwhile; rows (None if it was void), requests, whether it is whole."""
    with (
        spool_file(None) as spool,
        ScriptedServer(*script) as server,
        client_for(server.url) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        growing = GrowingFile(spool)
        early = pool.submit(check_archive, growing)
        download(client.open_result, lambda: server.result_url, growing, retries=Retries(3, 60.0, 0.0, 0.0))
        try:
            rows = early.result(30).rows
        except Invalidated:
            rows = None
        return rows, server.heads, whole(spool) == ARCHIVE


def whole(spool: Spool) -> bytes:
    spool.seek(0)
    return spool.readall()


@pytest.fixture
def _small_tails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "WORTH_A_TAIL", 1000)
    monkeypatch.setattr(download_module, "TAIL", 500)


@pytest.mark.usefixtures("_small_tails")
def test_the_end_is_asked_for_first() -> None:
    rows, seen, is_whole = checked_meanwhile(V1, V1)
    assert (rows, is_whole) == (ROWS, True)
    assert [head.get("range") for head in seen] == [None, f"bytes={len(ARCHIVE) - 500}-"]


@pytest.mark.usefixtures("_small_tails")
def test_a_break_is_resumed_below_the_reader() -> None:
    script = [ranged(ARCHIVE, etag='"v1"', cut=60_000), V1, V1]
    assert checked_meanwhile(*script)[::2] == (ROWS, True)


@pytest.mark.usefixtures("_small_tails")
@pytest.mark.parametrize(
    "end",
    [
        answer("503 Service Unavailable", b"no"),
        answer("200 OK", ARCHIVE, 'ETag: "v1"'),
        ranged(ARCHIVE, etag='"v2"'),
        ranged(ARCHIVE, etag='"v1"', cut=100),
    ],
    ids=["refused", "all of it", "another", "cut"],
)
def test_an_end_that_can_not_be_had_is_waited_for(end: Answer) -> None:
    rows, seen, is_whole = checked_meanwhile(V1, end)
    assert (rows, len(seen), is_whole) == (ROWS, 2, True)


@pytest.mark.usefixtures("_small_tails")
def test_an_end_that_never_ends_is_given_up() -> None:
    """Only a store that is not what it says does so; nothing of it may pile up."""
    asked = []

    @contextmanager
    def open_result(url: str, *, offset: int = 0, etag: str | None = None) -> Iterator[ResultStream]:
        asked.append(offset)
        blocks = itertools.repeat(b"z" * 100) if offset else iter([CONTENT])
        yield ResultStream(ResultHead(offset, len(CONTENT), '"v1"'), blocks)

    with spool_file(None) as spool:
        assert download(open_result, lambda: "https://127.0.0.1/", GrowingFile(spool)).size == len(CONTENT)
    assert asked == [0, len(CONTENT) - 500]


@pytest.mark.usefixtures("_small_tails")
@pytest.mark.parametrize("cut", [0, 60_000, 70_000])
def test_what_was_read_of_an_object_that_changed_is_void(cut: int) -> None:
    other = pack({"amazon.csv": TABLE[: TABLE.rindex(b"+", 0, len(TABLE) // 2)]})
    script = [
        ranged(other, etag='"old"', cut=cut),
        ranged(other, etag='"old"'),
        ranged(ARCHIVE, etag='"new"'),
        *[ranged(ARCHIVE, etag='"new"')] * 2,
    ]
    rows, _, is_whole = checked_meanwhile(*script)
    assert (rows, is_whole) == (None, True)


def test_a_small_one_is_brought_in_one_request() -> None:
    rows, seen, _ = checked_meanwhile(V1)
    assert (rows, len(seen)) == (ROWS, 1)
