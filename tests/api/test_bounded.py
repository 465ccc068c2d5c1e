"""A response that never ends is given up; one that is only slow is read."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import urllib3

from airflow_provider_ekyc.api import bounded
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.transport import new_session
from airflow_provider_ekyc.api.user_agent import user_agent
from airflow_provider_ekyc.exceptions import EkycApiError, EkycConnectionError, Outcome
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.http_proxy import http_proxy
from dev.testing.sockets import SocketServer, answer, answering, dripping, read_request
from tests.api.conftest import AT_ONCE, numbers, settings_for, settings_of

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
    """A block of a result has three seconds instead of five minutes."""
    monkeypatch.setattr(bounded._Result, "least_seconds", 3.0)


@pytest.mark.usefixtures("quick_blocks")
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_result_that_never_ends_breaks_off(client: Make, head: bytes) -> None:
    with SocketServer(dripping(head)) as server:
        begun = time.monotonic()
        one = client(settings_for(server.url, result_hosts=server.url, read_timeout=0.9))
        with (
            pytest.raises(EkycConnectionError) as caught,
            one.open_result(f"{server.url}/x.zip?X-Amz-Signature=madeup") as stream,
        ):
            b"".join(stream.blocks)
        # Longer than one read may take; a server that a busy machine holds up for that long ends it before 3 s.
        assert 1.0 < time.monotonic() - begun < 30
    assert caught.value.retryable
    assert "madeup" not in caught.value.message


@pytest.mark.usefixtures("quick_blocks")
def test_a_slow_result_is_whole(client: Make) -> None:
    """Fifteen blocks of 0.25 s each take longer than one may."""

    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(
            answer("200 OK", b"", f"Content-Length: {15 * bounded.BLOCK}").replace(b"Content-Length: 0\r\n", b"")
        )
        for _ in range(15):
            time.sleep(0.25)
            line.sendall(b"x" * bounded.BLOCK)

    with SocketServer(talk) as server:
        one = client(settings_for(server.url, result_hosts=server.url, read_timeout=0.9))
        with one.open_result(f"{server.url}/x.zip") as stream:
            assert sum(map(len, stream.blocks)) == stream.head.length == 15 * bounded.BLOCK


def test_a_block_of_a_result_has_minutes() -> None:
    assert bounded._Result.least_seconds == bounded.BLOCK_TIMEOUT == 300


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the reader, which a test moves; a block has four bytes."""
    moved = SimpleNamespace(now=0.0)
    monkeypatch.setattr(bounded, "time", SimpleNamespace(monotonic=lambda: moved.now))
    monkeypatch.setattr(bounded, "BLOCK", 4)
    return moved


def read(reader: bounded._BoundedReader, count: int) -> None:
    assert reader.readinto(bytearray(count)) == count


@pytest.mark.parametrize(("idle", "seconds", "waited"), [(5.0, 9.0, 5.0), (9.0, 5.0, 5.0), (None, 5.0, 5.0)])
@pytest.mark.usefixtures("clock")
def test_the_next_bytes_have_the_shorter_of_the_two_times(
    line: tuple[socket.socket, socket.socket], idle: float | None, seconds: float, waited: float
) -> None:
    here, there = line
    here.settimeout(idle)
    there.sendall(b"x")
    read(bounded._BoundedReader(here, seconds), 1)
    assert here.gettimeout() == waited


@pytest.mark.parametrize(
    ("is_body", "first", "ends_at"),
    [(False, 4, 9.0), (True, 2, 9.0), (True, 4, 14.0), (True, 5, 14.0)],
)
def test_each_block_of_a_body_has_its_own_time_and_the_head_has_one(
    line: tuple[socket.socket, socket.socket], clock: SimpleNamespace, is_body: bool, first: int, ends_at: float
) -> None:
    here, there = line
    there.sendall(b"x" * 9)
    reader = bounded._BoundedReader(here, 9.0)
    reader.renews = is_body
    clock.now = 5.0
    read(reader, first)
    clock.now = ends_at - 1
    read(reader, 1)
    clock.now = ends_at
    with pytest.raises(TimeoutError, match="the answer takes too long"):
        reader.readinto(bytearray(1))


def test_a_reader_begins_with_the_head(line: tuple[socket.socket, socket.socket]) -> None:
    assert not bounded._BoundedReader(line[0], 9.0).renews


@pytest.mark.parametrize("times", [1, 2])
def test_a_socket_is_closed_that_was_closed_after_its_reader(
    line: tuple[socket.socket, socket.socket], times: int
) -> None:
    here, there = line
    reader = bounded._BoundedReader(here, 9.0)
    for _ in range(times):
        reader.close()
    here.close()
    there.settimeout(20)
    assert there.recv(1) == b""


@pytest.mark.parametrize("code", [100, 102, 103, 199])
def test_interim_answers_before_the_answer_are_skipped(client: Make, code: int) -> None:
    interim = b"HTTP/1.1 %d Made Up\r\nLink: </made-up>\r\n\r\n" % code
    with SocketServer(answering(interim * 2 + answer("200 OK", b'{"balance": 5}'))) as server:
        assert client(settings_for(server.url)).get_balance().balance == 5


def test_a_change_of_protocol_is_an_answer(client: Make) -> None:
    with SocketServer(answering(b"HTTP/1.1 101 Made Up\r\n\r\n")) as server, pytest.raises(EkycApiError) as caught:
        client(settings_for(server.url)).get_balance()
    assert caught.value.status == 101


def test_only_the_socket_of_a_result_is_noted() -> None:
    noted: list[socket.socket] = []
    with SocketServer(answering(answer("200 OK", b"x"))) as server:
        for adapter in (bounded.ApiAdapter(), bounded.ResultAdapter(ssl.create_default_context)):
            with new_session(adapter) as session, bounded.sockets_noted_by(noted.append):
                assert session.get(server.url, timeout=20).content == b"x"
        with new_session(adapter) as session:
            assert session.get(server.url, timeout=20).content == b"x"
    assert [type(one) for one in noted] == [socket.socket]


def test_there_is_a_class_of_pools_for_each_scheme() -> None:
    pools = bounded.pools_of(bounded.Connection, bounded.TlsConnection)
    assert {scheme: pool.ConnectionCls for scheme, pool in pools.items()} == {
        "http": bounded.Connection,
        "https": bounded.TlsConnection,
    }


def test_a_proxy_is_told_who_asks_and_with_which_credentials(either_sandbox: Sandbox, client: Make) -> None:
    with http_proxy() as proxy:
        url = proxy.url.replace("//", "//made:up@")
        assert client(settings_of(either_sandbox, proxy=url)).get_balance().balance == 1_000_000
    lines = proxy.heads[0].decode().lower().split("\r\n")
    assert f"user-agent: {user_agent().lower()}" in lines
    assert "proxy-authorization: basic bwfkztp1ca==" in lines


def test_an_answer_through_a_proxy_is_bounded(client: Make) -> None:
    with SocketServer(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")) as server, http_proxy() as proxy:
        one = client(settings_for(server.url, proxy=proxy.url, read_timeout=0.5))
        with pytest.raises(EkycConnectionError):
            one.get_balance()


@pytest.mark.parametrize("scheme", ["socks5", "SOCKS5H"])
def test_a_socks_proxy_keeps_its_own_connections(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library for SOCKS is not installed everywhere, so another manager stands for its own."""
    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", lambda *_, **__: urllib3.PoolManager())
    adapter = bounded.ApiAdapter()
    manager = adapter.proxy_manager_for(f"{scheme}://127.0.0.1:9")
    assert manager.pool_classes_by_scheme == urllib3.PoolManager().pool_classes_by_scheme
    assert adapter.proxy_manager_for("http://127.0.0.1:9").pool_classes_by_scheme == adapter.pool_classes
