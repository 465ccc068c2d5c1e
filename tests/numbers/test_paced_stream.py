"""An input that trickles ends with an error, though its reader is never silent for long."""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections.abc import Iterator

import pytest

from airflow_provider_ekyc.exceptions import EkycUnreadableInputError
from airflow_provider_ekyc.numbers.opened_source import ByteStream, OpenedSource
from airflow_provider_ekyc.numbers.paced_stream import FLOOR, WINDOW, Pace, PacedStream
from airflow_provider_ekyc.numbers.prepare import prepared_numbers
from airflow_provider_ekyc.numbers.source import open_numbers
from dev.testing.sockets import SocketServer, dripping

CONNECTION = "trickling_test_aws"
#: Small enough for a test: below 64 KiB/s over half a second.
SHORT = Pace(window=0.5)


def paced(stream: ByteStream, pace: Pace) -> PacedStream:
    return PacedStream(OpenedSource(stream, "store://numbers", None), pace)


def read_all(stream: PacedStream, size: int = 1000) -> bytes:
    return b"".join(iter(lambda: stream.read(size), b""))


class Clock:
    """Shows the time that the stream below it says has passed."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TimedStream:
    """Returns pieces after a time, on a clock that does not wait."""

    def __init__(self, clock: Clock, pieces: Iterator[tuple[float, bytes]]) -> None:
        self._clock, self._pieces = clock, pieces

    def read(self, size: int, /) -> bytes:
        seconds, piece = next(self._pieces, (0.0, b""))
        self._clock.now += seconds
        return piece

    def close(self) -> None:
        pass


def time_until_refused(pieces: Iterator[tuple[float, bytes]]) -> tuple[float, int]:
    """Return the seconds on the clock, and the bytes, after which the stream was refused."""
    clock = Clock()
    read: list[int] = []
    with pytest.raises(EkycUnreadableInputError, match="arrives too slowly"):
        read_with(paced(TimedStream(clock, pieces), Pace(clock=clock)), read)
    return clock.now, sum(read)


def read_with(reader: PacedStream, read: list[int]) -> None:
    with contextlib.closing(reader):
        while piece := reader.read(1 << 20):
            read.append(len(piece))


def test_a_stream_below_the_floor_is_refused_after_one_window() -> None:
    seconds, read = time_until_refused((10.0, b"x" * 35_000) for _ in range(10**6))
    assert seconds == WINDOW
    assert read == 6 * 35_000


def test_a_stream_that_slows_down_later_is_refused_then() -> None:
    def pieces() -> Iterator[tuple[float, bytes]]:
        yield from ((1.0, b"x" * FLOOR) for _ in range(200))
        yield from ((1.0, b"x") for _ in range(10**6))

    seconds, read = time_until_refused(pieces())
    # The fourth window has 20 s of the fast part.
    assert (seconds, read) == (240.0, 200 * FLOOR + 40)


def test_a_stream_at_the_floor_is_read_however_long_it_takes() -> None:
    clock = Clock()
    read: list[int] = []
    read_with(paced(TimedStream(clock, ((1.0, b"x" * FLOOR) for _ in range(600))), Pace(clock=clock)), read)
    assert (sum(read), clock.now) == (600 * FLOOR, 600.0)


def test_time_in_which_no_caller_waits_for_the_stream_does_not_count() -> None:
    clock = Clock()
    reader = paced(io.BytesIO(bytes(3 << 20)), Pace(clock=clock))
    with contextlib.closing(reader):
        for _ in range(3):
            assert reader.read(1 << 20) == bytes(1 << 20)
            clock.now += 10 * WINDOW
        assert reader.read(5) == b""


@pytest.mark.parametrize("size", [1, 1000, 65_536, 10**6, 3 << 20])
def test_what_is_read_is_what_is_there(size: int) -> None:
    data = bytes(range(256)) * 10_000
    with contextlib.closing(paced(io.BytesIO(data), Pace())) as reader:
        assert read_all(reader, size) == data


def test_an_error_of_the_stream_comes_after_what_was_read_before() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError("made up")
            return data

    with contextlib.closing(paced(Broken(b"+12025550100\n"), Pace())) as reader:
        assert reader.read(100) == b"+12025550100\n"
        for _ in range(2):
            with pytest.raises(OSError, match="made up"):
                reader.read(100)


def test_a_stream_is_closed_by_its_last_user() -> None:
    goes_on, closed = threading.Event(), threading.Event()

    class Blocked(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            goes_on.wait(30)
            return b"x"

        def close(self) -> None:
            assert goes_on.is_set(), "closed under its reader"
            closed.set()

    reader = paced(Blocked(), Pace(window=0.1))
    with pytest.raises(EkycUnreadableInputError, match=r"0 bytes in 0 s, which is below 64 KiB/s"):
        reader.read(1)
    reader.close()
    assert not closed.is_set()
    goes_on.set()
    assert closed.wait(30)


def test_a_stream_that_is_not_read_to_its_end_is_closed_with_its_thread() -> None:
    file, before = io.BytesIO(bytes(100 << 20)), set(threading.enumerate())
    reader = paced(file, Pace())
    assert reader.read(10) == bytes(10)
    reader.close()
    assert file.closed
    assert set(threading.enumerate()) <= before


def trickling_store(first: bytes) -> SocketServer:
    """Return a server that answers each request at once, and then sends 100 bytes every twentieth of a second."""
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 5200000\r\nETag: "made-up"\r\n\r\n'
    return SocketServer(dripping(head + first, piece=b"+99900000000\n" * 8))


@pytest.mark.parametrize("first", [b"", b"+99900000000\n" * 20_000], ids=["from the start", "after a while"])
def test_an_s3_below_the_floor_is_refused(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    with trickling_store(first) as server:
        text = {
            "conn_type": "aws",
            "login": "made-up",
            "password": "made-up",
            "extra": {
                "region_name": "us-east-1",
                "endpoint_url": server.url,
                "config_kwargs": {"s3": {"addressing_style": "path"}},
            },
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(text))
        began = time.monotonic()
        with (
            pytest.raises(EkycUnreadableInputError, match=r"s3://inbox/numbers.txt arrives too slowly") as caught,
            open_numbers("s3://inbox/numbers.txt", aws_conn_id=CONNECTION, numbers_conn_id=None, pace=SHORT) as file,
            prepared_numbers(file),
        ):
            pass
        assert time.monotonic() - began < 30
    assert "Nothing was sent; a retry reads it again." in caught.value.message
    assert caught.value.retryable
