"""
What the triggerer's client sends, how long it waits, and what it reads of an answer.

Modules: ``api/aio.py``.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from airflow_provider_ekyc.api import aio
from airflow_provider_ekyc.api.aio import get_task, shared_session
from airflow_provider_ekyc.api.answers import RETRY_AFTER_LIMIT, STATUS_ANSWER_LIMIT
from airflow_provider_ekyc.api.environment import trust
from airflow_provider_ekyc.api.protocol import status_query
from airflow_provider_ekyc.api.user_agent import user_agent
from airflow_provider_ekyc.exceptions import EkycApiError, EkycConnectionError, EkycError
from airflow_provider_ekyc.sandbox.tls import make_certificate
from dev.testing.sockets import ScriptedServer, SocketServer, answer, answering, read_request
from tests.api.conftest import PENDING, ask_with_aiohttp, failure, padded, settings_for
from tests.conftest import until

BODY = json.dumps(PENDING).encode()
ANSWER = answer("200 OK", BODY)


def word_of(url: str, **extra: Any) -> str:
    """Ask for the status of a task, and return the API's word for it."""
    return ask_with_aiohttp(settings_for(url, **extra), "made-up-id").word


def error_of(sent: bytes) -> EkycError:
    """Return the error that a query ends with that gets this answer."""
    with SocketServer(answering(sent)) as server:
        return failure(ask_with_aiohttp, settings_for(server.url))


def test_the_request_is_that_of_the_protocol() -> None:
    with ScriptedServer(ANSWER) as server:
        settings = settings_for(server.url)
        assert ask_with_aiohttp(settings, "made-up-id").word == "pending"
    expected = status_query(settings, "made-up-id").request
    (request,) = server.requests
    assert (request.method, f"{server.url}{request.target}") == (expected.method, expected.url)
    assert request.body == expected.body
    assert {name.lower(): value for name, value in expected.headers.items()}.items() <= request.headers.items()


def test_a_redirect_is_not_followed() -> None:
    with ScriptedServer(answer("307 Temporary Redirect", b"", "Location: /made-up"), ANSWER) as server:
        error = failure(ask_with_aiohttp, settings_for(server.url))
    assert getattr(error, "status", None) == 307
    assert len(server.requests) == 1


def test_connecting_and_reading_have_the_time_outs_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[object] = []
    request = aiohttp.ClientSession.request

    def watched(self: aiohttp.ClientSession, *arguments: Any, **more: Any) -> Any:
        passed.append(more["timeout"])
        return request(self, *arguments, **more)

    monkeypatch.setattr(aiohttp.ClientSession, "request", watched)
    with SocketServer(answering(ANSWER)) as server:
        assert word_of(server.url, connect_timeout=20, read_timeout=30) == "pending"
    assert passed == [aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=30)]


def test_a_proxy_gets_the_user_agent_before_there_is_tls() -> None:
    with ScriptedServer(answer("403 Forbidden")) as proxy:
        error = failure(ask_with_aiohttp, settings_for("https://api.example.invalid", proxy=proxy.url))
    assert type(error) is EkycConnectionError
    (request,) = proxy.requests
    assert (request.method, request.target) == ("CONNECT", "api.example.invalid:443")
    assert request.headers["user-agent"] == user_agent()


def test_the_servers_certificate_is_checked_against_the_authorities_of_the_connection(tmp_path: Path) -> None:
    with SocketServer(answering(ANSWER), certificate=make_certificate(tmp_path)) as server:
        assert word_of(server.url, ca_file=server.ca_file) == "pending"
        assert word_of(server.url, verify=False) == "pending"
        error = failure(ask_with_aiohttp, settings_for(server.url))
    assert error.message == (
        "The status query got no answer (ClientConnectorCertificateError: the server's certificate is not trusted; "
        "the connection's ca_file names who to trust)."
    )


def test_a_lost_answer_is_named_by_its_error_alone() -> None:
    assert error_of(b"").message == "The status query got no answer (ServerDisconnectedError)."


@pytest.mark.parametrize(
    ("status", "says"), [("200 OK", "got no answer .TimeoutError."), ("401 Unauthorized", "plain text")]
)
def test_an_answer_that_does_not_end_in_time_is_lost_and_a_refusal_without_its_text_is_one(
    status: str, says: str
) -> None:
    def talk(line: socket.socket) -> None:
        read_request(line)
        line.sendall(answer(status, length=1_000_000))
        for _ in range(60):
            threading.Event().wait(0.05)
            line.sendall(b"x")

    with SocketServer(talk) as server, pytest.raises(EkycError, match=says) as caught:
        word_of(server.url, read_timeout=0.4)
    assert getattr(caught.value, "status", None) == (None if status == "200 OK" else 401)


def test_a_query_waits_for_a_free_connection_no_longer_than_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "CONNECTION_LIMIT", 1)
    over = threading.Event()

    def talk(line: socket.socket) -> None:
        read_request(line)
        over.wait(5)
        line.sendall(ANSWER)

    async def use(server: SocketServer) -> None:
        settings = settings_for(server.url)
        async with shared_session() as session:
            first = asyncio.create_task(get_task(session, settings, "made-up-id"))
            await until(lambda: server.connections == 1)
            with pytest.raises(EkycConnectionError, match=r"\(TimeoutError\)"):
                await get_task(session, settings, "made-up-id", turn=0.1)
            over.set()
            assert (await first).word == "pending"

    with SocketServer(talk) as server:
        asyncio.run(use(server))


# What is read of an answer.


def test_an_answer_of_the_most_bytes_is_read() -> None:
    with SocketServer(answering(answer("200 OK", padded(STATUS_ANSWER_LIMIT)))) as server:
        assert word_of(server.url) == "pending"


class Pieces:
    """
    A body that arrives in these pieces, none of them longer than what is asked for.

    :param pieces: those that have not been read
    """

    def __init__(self, *pieces: bytes) -> None:
        self.left = list(pieces)

    async def read(self, size: int) -> bytes:
        piece = self.left.pop(0) if self.left else b""
        assert len(piece) <= size
        return piece


def test_one_byte_more_than_the_bound_is_read_also_if_it_arrives_alone() -> None:
    most = b"x" * STATUS_ANSWER_LIMIT
    pieces = Pieces(most, b"y", b"z")
    response: Any = SimpleNamespace(status=200, headers={}, content=pieces)
    assert asyncio.run(aio._read(response, None)) == most + b"y"
    assert pieces.left == [b"z"]


def test_an_answer_that_was_compressed_unasked_is_expanded() -> None:
    with SocketServer(answering(answer("200 OK", gzip.compress(BODY), "Content-Encoding: gzip"))) as server:
        assert word_of(server.url) == "pending"
    assert aio._expanded(gzip.compress(BODY), " GZIP ") == BODY
    assert aio._expanded(zlib.compress(BODY), "Deflate") == BODY
    assert aio._expanded(BODY, "identity") == BODY


def test_it_is_expanded_to_one_byte_more_than_the_bound() -> None:
    assert len(aio._expanded(gzip.compress(bytes(100_000)), "gzip")) == STATUS_ANSWER_LIMIT + 1


@pytest.mark.parametrize("code", [400, 503])
def test_a_refusal_whose_text_can_not_be_read_is_one_without_a_text(code: int) -> None:
    status = f"{code} Made Up"
    mangled, cut, empty = (
        error_of(sent)
        for sent in (
            answer(status, b"none", "Content-Encoding: gzip"),
            answer(status, length=500),
            answer(status),
        )
    )
    assert isinstance(empty, EkycApiError)
    assert getattr(empty, "status", None) == code
    assert type(mangled) is type(cut) is type(empty)
    assert mangled.message == cut.message == empty.message


def test_an_answer_that_is_not_compressed_as_it_says_is_lost() -> None:
    error = error_of(answer("200 OK", b"none", "Content-Encoding: gzip"))
    assert error.message == "The status query got no answer (ClientPayloadError)."


def test_a_date_until_which_to_wait_is_read() -> None:
    error = error_of(answer("503 Service Unavailable", b"", "Retry-After: Thu, 31 Dec 2099 23:59:59 GMT"))
    assert getattr(error, "retry_after", None) == RETRY_AFTER_LIMIT


@pytest.mark.parametrize(
    ("size", "in_thread"), [(400, False), (aio.READ_IN_THREAD, False), (aio.READ_IN_THREAD + 1, True)]
)
def test_above_some_size_a_thread_reads_it(size: int, in_thread: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[threading.Thread] = []
    status_query = aio.status_query

    def watched(*arguments: Any) -> Any:
        query = status_query(*arguments)

        def read(answer: Any) -> Any:
            readers.append(threading.current_thread())
            return query.read(answer)

        return replace(query, read=read)

    monkeypatch.setattr(aio, "status_query", watched)
    with SocketServer(answering(answer("200 OK", padded(size)))) as server:
        assert word_of(server.url) == "pending"
    assert [reader is not threading.current_thread() for reader in readers] == [in_thread]


# What the machine says of how to reach the API.


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the routes: ``now`` may be set."""
    held = SimpleNamespace(now=100.0)
    # Not that of the event loop: the module's own name is replaced, not the function.
    monkeypatch.setattr(aio, "time", SimpleNamespace(monotonic=lambda: held.now))
    return held


def test_a_route_is_read_again_after_ten_seconds(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, read = settings_for("http://127.0.0.1:9"), []
    read_route = aio._read_route

    def watched(*arguments: Any) -> Any:
        read.append(clock.now)
        return read_route(*arguments)

    monkeypatch.setattr(aio, "_read_route", watched)

    async def use() -> None:
        async with shared_session() as session:
            for clock.now in (100.0, 109.5, 110.0, 110.0):
                await aio._route(session, settings)

    asyncio.run(use())
    assert read == [100.0, 110.0]


def test_connections_to_other_places_have_routes_of_their_own() -> None:
    async def use() -> list[str | None]:
        async with shared_session() as session:
            proxies = ["http://one.example:3128", "http://other.example:3128"]
            routes = [await aio._route(session, settings_for("http://127.0.0.1:9", proxy=proxy)) for proxy in proxies]
            return [route.proxy for route in routes]

    assert asyncio.run(use()) == ["http://one.example:3128", "http://other.example:3128"]


def test_without_tls_a_route_has_the_proxy_of_the_environment_and_no_certificates(
    clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    route = aio._read_route(settings_for("http://api.example.invalid"))
    assert (route.proxy, route.tls, route.until) == ("http://proxy.example:3128", True, 110.0)


def test_with_tls_a_route_has_the_authorities_to_trust_unless_any_will_do() -> None:
    settings = settings_for("https://api.example.invalid")
    assert aio._read_route(settings).tls is trust(settings)
    assert aio._read_route(settings_for("https://api.example.invalid", verify=False)).tls is False
