"""What a reader is given of a file that still grows, and that what was read of an invalid one is not used."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_ekyc.results import growing_file as growing_file_module
from airflow_provider_ekyc.results.growing_file import GrowingFile, Invalidated, sums_while_growing
from airflow_provider_ekyc.s3.file_sums import sums_of
from airflow_provider_ekyc.spool import spool_file

CONTENT = random.Random(4).randbytes(10_000)


@pytest.fixture
def growing() -> Iterator[GrowingFile]:
    with spool_file(None) as spool:
        yield GrowingFile(spool)


@pytest.fixture(autouse=True)
def _no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader is woken by what it waits for; that it looks again is only for what a signal has interrupted."""
    monkeypatch.setattr(growing_file_module, "_LOOK", 3600.0)


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


def test_the_first_byte_is_waited_for_and_nothing_is_done_meanwhile(
    growing: GrowingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, made = threading.Lock, []

    def counted() -> Any:
        made.append(True)
        return lock()

    monkeypatch.setattr(threading, "Lock", counted)
    growing.announce(len(CONTENT), b"")
    thread, result = in_thread(lambda: growing.read(1))
    thread.join(0.2)
    assert thread.is_alive()
    write(growing, CONTENT)
    thread.join(5)
    assert result == [CONTENT[:1]]
    assert len(made) < 20


def test_bytes_that_arrive_before_a_reader_can_be_woken_are_noticed(
    growing: GrowingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = threading.Lock

    def written_meanwhile() -> Any:
        write(growing, CONTENT)
        return lock()

    def read() -> bytes:
        monkeypatch.setattr(threading, "Lock", written_meanwhile)
        return growing.read(4)

    growing.announce(len(CONTENT), b"")
    thread, result = in_thread(read)
    thread.join(5)
    assert result == [CONTENT[:4]]


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


def test_it_is_read_and_moved_in_as_any_file_is(growing: GrowingFile) -> None:
    write(growing, CONTENT[:100])
    growing.announce(100, CONTENT[90:100])
    growing.complete(100)
    plain = io.BytesIO(CONTENT[:100])
    assert growing.seekable() is plain.seekable()
    for offset, whence in [(5, os.SEEK_SET), (7, os.SEEK_CUR), (-3, os.SEEK_CUR), (-10, os.SEEK_END), (3, os.SEEK_END)]:
        assert growing.seek(offset, whence) == plain.seek(offset, whence)
        assert growing.tell() == plain.tell()
        for size in (0, 1, 4):
            assert growing.read(size) == plain.read(size)
    for at in (0, 30, 85, 90, 100):
        assert growing.seek(at) == plain.seek(at)
        assert growing.read() == plain.read()


def test_a_place_before_the_start_is_refused_as_files_do(growing: GrowingFile) -> None:
    growing.announce(10, b"")
    for offset, whence in [(-1, os.SEEK_SET), (-1, os.SEEK_CUR), (-11, os.SEEK_END)]:
        with pytest.raises(OSError, match="Invalid argument") as caught:
            growing.seek(offset, whence)
        assert caught.value.errno == errno.EINVAL
    assert growing.seek(-10, os.SEEK_END) == 0


def test_nothing_is_waited_for_to_read_nothing(growing: GrowingFile) -> None:
    growing.announce(100, b"")
    growing.seek(50)
    thread, result = in_thread(lambda: growing.read(0))
    thread.join(5)
    assert result == [b""]


def test_a_tail_that_is_the_whole_file_is_compared_with_all_of_it(growing: GrowingFile) -> None:
    growing.announce(10, b"0123456789")
    write(growing, b"0123456789")
    growing.complete(10)
    assert not growing.is_invalid


def test_a_file_that_is_shorter_than_its_tail_is_invalid(growing: GrowingFile) -> None:
    growing.announce(10, b"0123456789")
    write(growing, b"01234")
    growing.complete(5)
    assert growing.is_invalid


def test_one_that_is_complete_is_valid_whatever_ends_the_block(growing: GrowingFile) -> None:
    write(growing, CONTENT)
    growing.complete(len(CONTENT))
    with pytest.raises(ZeroDivisionError), growing:
        raise ZeroDivisionError
    assert not growing.is_invalid
    assert growing.read() == CONTENT


def test_an_error_ends_the_hashing_of_what_is_not_there(growing: GrowingFile) -> None:
    def fail() -> bytes:
        with pytest.raises(ZeroDivisionError), sums_while_growing(growing):
            raise ZeroDivisionError
        return b"ended"

    thread, result = in_thread(fail)
    thread.join(5)
    growing.invalidate()
    assert result == [b"ended"]


def test_each_byte_is_hashed_once_it_is_announced_and_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Filled(GrowingFile):
        """Is filled from its start, a step at a time; what is behind that is not to be read yet."""

        def wait_beyond(self, offset: int, least: int) -> int:
            self.spool.write_at(CONTENT[offset : offset + 1_500], offset)
            return min(offset + 1_500, len(CONTENT))

    def read_again(_: object) -> None:
        raise AssertionError

    with spool_file(None) as spool:
        spool.write(bytes(len(CONTENT)))
        monkeypatch.setattr(growing_file_module, "sums_of", read_again)
        with sums_while_growing(Filled(spool)) as wait_for_sums:
            sums = wait_for_sums()
        assert sums == sums_of(spool)
    assert sums.sha256 == hashlib.sha256(CONTENT).hexdigest()


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
