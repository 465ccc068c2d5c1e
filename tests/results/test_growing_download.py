"""An archive is read while it still arrives, and what was read of an invalid one is not used."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.results import download as download_module
from airflow_provider_ekyc.results.download import download
from airflow_provider_ekyc.results.growing_file import GrowingFile, Invalidated
from airflow_provider_ekyc.spool import spool_file
from tests.results.archives import check_archive, pack
from tests.results.range_store import RangeStore, Reply, Request
from tests.results.test_download import client_for

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
