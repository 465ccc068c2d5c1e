"""api/result_connection.py and the parts of api/bounded.py that are its own, over sockets."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_ekyc.api.result_connection import ResultConnection
from airflow_provider_ekyc.api.settings import EkycSettings, read_settings
from airflow_provider_ekyc.exceptions import EkycConnectionError
from airflow_provider_ekyc.sandbox.tls import Certificate, make_certificate
from dev.testing.http_proxy import http_proxy
from dev.testing.sockets import ScriptedServer, SocketServer, answer, read_head

CONTENT = bytes(range(256)) * 4_000
HEAD = f'HTTP/1.1 206 X\r\nETag: "a"\r\nContent-Range: bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}\r\n'.encode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(Path(tmp_path_factory.mktemp("tls")))


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[SocketServer]:
    """Answers each request of a connection with all of the content."""

    def talk(connection: socket.socket) -> None:
        while read_head(connection):
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(CONTENT), CONTENT))

    with SocketServer(talk, certificate=certificate if request.param == "https" else None) as made:
        yield made


def settings_for(server: SocketServer, **extra: object) -> EkycSettings:
    known = {"result_hosts": server.url, "ca_file": server.ca_file, "read_timeout": 60}
    named = {name: value for name, value in (known | extra).items() if value is not None}
    return read_settings("test", host=server.url, password="made-up-key", extra=named)


def test_a_connection_is_used_for_many_ranges(server: SocketServer) -> None:
    with ResultConnection(settings_for(server)) as connection:
        for _ in range(3):
            with connection.open(f"{server.url}/x.zip", last=len(CONTENT) - 1) as stream:
                assert b"".join(stream.blocks) == CONTENT
    assert server.connections == 1


def test_a_proxy_with_tls_of_its_own_is_trusted_and_ended_like_a_store(certificate: Certificate) -> None:
    def talk(connection: socket.socket) -> None:
        read_head(connection)
        # One byte is missing, so that the end is never among what was received before the abort.
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(CONTENT), CONTENT[:-1]))
        read_head(connection)

    with SocketServer(talk, certificate=certificate) as server, http_proxy(certificate=certificate) as proxy:
        connection = ResultConnection(settings_for(server, proxy=proxy.url))
        with connection, connection.open(f"{server.url}/x.zip") as stream:
            next(stream.blocks)
            connection.abort()
            with pytest.raises(EkycConnectionError):
                list(stream.blocks)
    assert proxy.asked == [f"CONNECT {server.url.removeprefix('https://')}"]


def _receive(connection: ResultConnection, url: str, received: bytearray) -> None:
    with connection.open(url) as stream:
        for block in stream.blocks:
            received += block


@pytest.mark.parametrize("sent", [0, 10, len(HEAD) + 300_000], ids=["nothing", "half a head", "half a body"])
def test_another_thread_ends_what_a_connection_waits_for(server: SocketServer, sent: int) -> None:
    """Also over TLS, where what has not been decrypted yet must not be handed out."""
    whole = HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(CONTENT), CONTENT)
    waits, over = threading.Event(), threading.Event()

    def talk(client: socket.socket) -> None:
        read_head(client)
        client.sendall(whole[:sent])
        waits.set()
        over.wait(30)

    server.talk = talk
    with ResultConnection(settings_for(server)) as connection:

        def abort() -> None:
            waits.wait(30)
            connection.abort()

        thread = threading.Thread(target=abort)
        thread.start()
        begun, received = time.monotonic(), bytearray()
        with pytest.raises(EkycConnectionError):
            _receive(connection, f"{server.url}/x.zip", received)
        assert time.monotonic() - begun < 20, "the time-out is 60 s"
        thread.join()
        over.set()
        assert CONTENT.startswith(received)
        with pytest.raises(EkycConnectionError), connection.open(f"{server.url}/x.zip"):
            pytest.fail("it is open again")


@pytest.mark.parametrize("server", ["https"], indirect=True)
def test_a_certificate_must_be_trusted(server: SocketServer) -> None:
    with (
        ResultConnection(settings_for(server, ca_file=None)) as connection,
        pytest.raises(EkycConnectionError, match="the server's certificate is not trusted"),
        connection.open(f"{server.url}/x.zip"),
    ):
        pytest.fail("it is open")
    with (
        ResultConnection(settings_for(server, ca_file=None, verify=False)) as connection,
        connection.open(f"{server.url}/x.zip") as stream,
    ):
        assert b"".join(stream.blocks) == CONTENT


@pytest.mark.parametrize("has_proxy", [False, True])
@pytest.mark.parametrize("server", ["https"], indirect=True)
def test_certificates_are_read_once_for_all_connections(
    server: SocketServer, has_proxy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_proxy() as proxy:
        settings = settings_for(server, proxy=proxy.url if has_proxy else None)
        assert _certificates_read_by_a_second_connection(server, settings, monkeypatch) == []
        assert len(proxy.asked) == (2 if has_proxy else 0)


def _certificates_read_by_a_second_connection(
    server: SocketServer, settings: EkycSettings, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[object, ...]]:
    read: list[tuple[object, ...]] = []
    load = ssl.SSLContext.load_verify_locations

    def recorded(context: ssl.SSLContext, *args: object) -> None:
        read.append(args)
        load(context, *args)  # type: ignore[arg-type]

    with ResultConnection(settings) as connection, connection.open(f"{server.url}/x.zip"):
        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", recorded)
        with ResultConnection(settings) as other, other.open(f"{server.url}/x.zip") as stream:
            assert b"".join(stream.blocks) == CONTENT
    return read


def test_a_connection_that_is_ended_before_it_is_used_requests_nothing(server: SocketServer) -> None:
    with ResultConnection(settings_for(server)) as connection:
        connection.abort()
        with (
            pytest.raises(EkycConnectionError, match=r"The result download got no answer \(aborted\)"),
            connection.open(f"{server.url}/x.zip"),
        ):
            pytest.fail("it is open")
    assert server.connections == 0


def test_a_connection_may_be_ended_when_it_is_closed_already(server: SocketServer) -> None:
    with ResultConnection(settings_for(server)) as connection, connection.open(f"{server.url}/x.zip") as stream:
        assert b"".join(stream.blocks) == CONTENT
    for _ in range(2):
        connection.abort()


def test_a_result_is_not_unpacked_whatever_the_store_says_of_its_encoding() -> None:
    packed = gzip.compress(CONTENT)
    with (
        ScriptedServer(answer("200 OK", packed, "Content-Encoding: gzip")) as server,
        ResultConnection(settings_for(server)) as connection,
        connection.open(server.result_url) as stream,
    ):
        assert b"".join(stream.blocks) == packed


def test_a_chunk_of_less_than_no_bytes_breaks_the_result_off() -> None:
    with (
        ScriptedServer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab") as server,
        ResultConnection(settings_for(server)) as connection,
        connection.open(server.result_url) as stream,
        pytest.raises(EkycConnectionError, match=r"^The result download got no answer \(ValueError\)\.$"),
    ):
        list(stream.blocks)
