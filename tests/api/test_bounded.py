"""A response that never ends is given up; one that is only slow is read."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable

import pytest

from airflow_provider_ekyc.api import bounded
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.exceptions import EkycConnectionError, Outcome
from dev.testing.sockets import SocketServer, answer, dripping, read_request
from tests.api.conftest import AT_ONCE, numbers, settings_for

Make = Callable[..., EkycClient]


def test_a_submissions_answer_that_never_ends_is_an_unknown_outcome(client: Make) -> None:
    data = numbers()
    with SocketServer(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")) as server:
        begun = time.monotonic()
        with pytest.raises(EkycConnectionError) as caught:
            client(settings_for(server.url, submit_timeout=0.6), AT_ONCE).submit(io.BytesIO(data), len(data), "amazon")
        assert time.monotonic() - begun < 30
        assert server.connections == 1
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.fixture
def quick_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of a result has a second instead of five minutes."""
    monkeypatch.setattr(bounded._Result, "least_seconds", 1.0)


@pytest.mark.usefixtures("quick_blocks")
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_result_that_never_ends_breaks_off(client: Make, head: bytes) -> None:
    with SocketServer(dripping(head)) as server:
        begun = time.monotonic()
        one = client(settings_for(server.url, result_hosts=server.url, read_timeout=0.3))
        with (
            pytest.raises(EkycConnectionError) as caught,
            one.open_result(f"{server.url}/x.zip?X-Amz-Signature=madeup") as stream,
        ):
            b"".join(stream.blocks)
        assert 0.8 < time.monotonic() - begun < 30
    assert caught.value.retryable
    assert "madeup" not in caught.value.message


@pytest.mark.usefixtures("quick_blocks")
def test_a_slow_result_is_whole(client: Make) -> None:
    """Fifteen blocks of 0.1 s each take longer than one may."""

    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(
            answer("200 OK", b"", f"Content-Length: {15 * bounded.BLOCK}").replace(b"Content-Length: 0\r\n", b"")
        )
        for _ in range(15):
            time.sleep(0.1)
            line.sendall(b"x" * bounded.BLOCK)

    with SocketServer(talk) as server:
        one = client(settings_for(server.url, result_hosts=server.url, read_timeout=0.9))
        with one.open_result(f"{server.url}/x.zip") as stream:
            assert sum(map(len, stream.blocks)) == stream.head.length == 15 * bounded.BLOCK


def test_a_block_of_a_result_has_minutes() -> None:
    assert bounded._Result.least_seconds == bounded.BLOCK_TIMEOUT == 300
