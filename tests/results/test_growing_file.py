"""An archive is read while it still arrives, and what was read of an invalid one is not used."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile, Invalidated, sums_while_growing
from airflow_provider_ekyc.s3.file_sums import sums_of
from airflow_provider_ekyc.spool import spool_file
from tests.results.archives import check_archive, pack
from tests.results.range_store import RangeStore, Reply, Request
from tests.results.test_download import client_for

CONTENT = random.Random(4).randbytes(10_000)


@pytest.fixture
def growing() -> Iterator[GrowingFile]:
    with spool_file(None) as spool:
        yield GrowingFile(spool)


def write(growing: GrowingFile, content: bytes) -> None:
    growing.spool.write(content)
    growing.advance(growing.spool.tell())


def in_thread(read: Callable[[], bytes]) -> tuple[threading.Thread, list[bytes | type]]:
    """Read in a thread; what it returned, or the kind of its error."""
    result: list[bytes | type] = []

    def work() -> None:
        try:
            result.append(read())
        except (Invalidated, OSError) as error:
            result.append(type(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, result


def test_bytes_are_returned_when_they_are_there_and_the_end_at_once(growing: GrowingFile) -> None:
    thread, result = in_thread(lambda: growing.read(4))
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
    assert result == [CONTENT[:4]]
    assert (growing.tell(), growing.read(96), growing.seek(400), growing.read(100)) == (
        4,
        CONTENT[4:100],
        400,
        CONTENT[400:500],
    )


def test_without_a_tail_the_end_is_known_when_all_is_there(growing: GrowingFile) -> None:
    thread, result = in_thread(lambda: growing.read(10) if growing.seek(-10, io.SEEK_END) else b"")
    write(growing, CONTENT)
    thread.join(0.2)
    assert thread.is_alive()
    growing.complete(len(CONTENT))
    thread.join(5)
    assert result == [CONTENT[-10:]]
    assert not growing.is_invalid


@pytest.mark.parametrize("waits_for", ["size", "bytes"])
def test_a_reader_that_waits_is_woken_when_nothing_follows(growing: GrowingFile, waits_for: str) -> None:
    if waits_for == "bytes":
        growing.announce(100, b"")
    thread, result = in_thread(lambda: growing.read(10))
    with pytest.raises(ZeroDivisionError), growing:
        raise ZeroDivisionError
    thread.join(5)
    assert result == [Invalidated]


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


def test_an_error_ends_the_hashing_of_what_is_not_there(growing: GrowingFile) -> None:
    def fail() -> bytes:
        with pytest.raises(ZeroDivisionError), sums_while_growing(growing):
            raise ZeroDivisionError
        return b"ended"

    thread, result = in_thread(fail)
    thread.join(5)
    growing.invalidate()
    assert result == [b"ended"]


def test_a_file_truncated_under_the_hashing_is_read_again_once_it_is_complete(growing: GrowingFile) -> None:
    with sums_while_growing(growing) as wait_for_sums:
        growing.advance(2 * 1024 * 1024)  # announced, and not there
        (hashing,) = (thread for thread in threading.enumerate() if thread.name == "ekyc-sums")
        hashing.join(10)
        assert not hashing.is_alive()
        growing.spool.write(CONTENT)
        growing.complete(len(CONTENT))
        sums = wait_for_sums()
    assert sums == sums_of(growing.spool)
    assert sums.size == len(CONTENT)


# Together with the download.

ROWS = 40_000
TABLE = b"Number,amazon\n" + b"".join(b"+999%010d,%s\n" % (n * 7919, b"no" if n % 3 else b"yes") for n in range(ROWS))
ARCHIVE = pack({"amazon.csv": TABLE})
SIZE = 20_000  # bytes of a range


def checked_meanwhile(store: RangeStore) -> tuple[int | None, bool]:
    """Download an archive and check it meanwhile; its rows (None if it was invalid), and whether it is whole."""
    with (
        spool_file(None) as spool,
        client_for(store.url) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        growing = GrowingFile(spool)
        early = pool.submit(check_archive, growing)
        download(client.result_connection, lambda: store.result_url, growing, retries=Retries(5, 60.0, 0.0, 0.0))
        try:
            rows = early.result(30).rows
        except Invalidated:
            rows = None
        spool.seek(0)
        return rows, spool.readall() == ARCHIVE


@pytest.fixture
def _small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "RANGE_SIZE", SIZE)


@pytest.mark.usefixtures("_small_ranges")
def test_the_check_reads_while_the_last_range_is_missing() -> None:
    has_read = threading.Event()

    def respond(request: Request) -> Reply | None:
        if request.first != 3 * SIZE:
            return None
        assert has_read.wait(10)
        return [store.answer(request)]

    class Watched(GrowingFile):
        def read(self, size: int = -1) -> bytes:
            block = super().read(size)
            if 1_000 < self.tell() <= 3 * SIZE:
                has_read.set()
            return block

    with RangeStore(ARCHIVE, respond=respond) as store, spool_file(None) as spool, client_for(store.url) as client:
        growing = Watched(spool)
        reader = threading.Thread(target=lambda: (growing.seek(-22, io.SEEK_END), growing.seek(0), growing.read(SIZE)))
        reader.start()
        download(client.result_connection, lambda: store.result_url, growing)
        reader.join(10)
    assert has_read.is_set()
    assert not growing.is_invalid


@pytest.mark.usefixtures("_small_ranges")
@pytest.mark.parametrize(
    "change",
    [
        {"length": SIZE + 1},
        {"status": 200},
        {"span": (0, SIZE - 1)},
        {"etag": ""},
    ],
    ids=["too long", "all of it", "another range", "without an ETag"],
)
@pytest.mark.parametrize("first", [60_000, len(ARCHIVE) - SIZE], ids=["a range", "the end"])
def test_a_range_that_is_not_answered_as_requested_stays_below_the_reader(change: dict[str, Any], first: int) -> None:
    answered: list[Request] = []

    def respond(request: Request) -> Reply | None:
        if request.first != first or answered:
            return None
        answered.append(request)
        return [store.answer(request, **change)]

    with RangeStore(ARCHIVE, respond=respond) as store:
        assert checked_meanwhile(store) == (ROWS, True)
    assert answered


@pytest.mark.usefixtures("_small_ranges")
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_what_was_read_of_an_object_that_changed_is_invalid(nth: int) -> None:
    other = pack({"amazon.csv": TABLE[: TABLE.rindex(b"+", 0, len(TABLE) // 2)]})

    def respond(request: Request) -> Reply | None:
        if request.nth >= nth:
            store.content, store.etag = ARCHIVE, '"new"'
        return None

    with RangeStore(other, etag='"old"', respond=respond) as store:
        rows, is_whole = checked_meanwhile(store)
    assert is_whole
    assert rows is None


def test_a_small_one_is_downloaded_in_one_request() -> None:
    with RangeStore(ARCHIVE) as store:
        assert checked_meanwhile(store) == (ROWS, True)
        assert len(store.seen) == 1


def test_a_tail_that_another_answer_contradicts_is_invalid(growing: GrowingFile) -> None:
    growing.announce(10, b"tail")
    growing.spool.write(b"123456fail")
    growing.complete(10)
    assert growing.is_invalid


def test_more_is_waited_for_up_to_the_end(growing: GrowingFile) -> None:
    write(growing, CONTENT[:500])
    assert growing.wait_beyond(0, 500) == 500
    thread, result = in_thread(lambda: b"%d" % growing.wait_beyond(400, 200))
    write(growing, CONTENT[500:600])
    thread.join(5)
    assert result == [b"600"]
    growing.complete(600)
    assert growing.wait_beyond(600, 200) == 600
