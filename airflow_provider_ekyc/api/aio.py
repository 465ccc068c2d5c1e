"""
The client in the triggerer: aiohttp below, the shared protocol above. Thin.

One session serves all triggers of an event loop: a session per poll costs 6.6 times the CPU, and 1.6 GB at
5,000 pollers (measured). Key, TLS and time-outs go with each request, so connections of any settings
share it. No host can use all of its connections, so a host that hangs delays its own triggers alone.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from weakref import WeakKeyDictionary

import aiohttp

from airflow_provider_ekyc.api.answers import STATUS_ANSWER_LIMIT, Call, HttpAnswer
from airflow_provider_ekyc.api.environment import http_proxy, trust
from airflow_provider_ekyc.api.failures import classify_transport
from airflow_provider_ekyc.api.models import Task
from airflow_provider_ekyc.api.protocol import status_query
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.api.user_agent import user_agent

#: Connections that one event loop keeps to one host; further requests to it wait for one. At a fifth of a second
#: for an answer these are 250 queries a second.
HOST_LIMIT = 50
#: Connections that one event loop keeps to all hosts together: eight that hang leave the others unaffected.
CONNECTION_LIMIT = 400
#: Bytes of an answer above which a thread reads it: the API's own are below 1 KiB and take less than a switch to a
#: thread; 64 KiB take 15 ms, which would add up with a thousand triggers.
READ_IN_THREAD = 4096


#: Seconds for which the proxy and the trusted certificates that the machine names are used: to look them up takes a
#: quarter of a query's CPU time.
ROUTE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Route:
    """
    How to reach the API.

    :param proxy: URL of the proxy before it, which may hold a password
    :param tls: the certificates to trust; True without TLS, False to trust any
    :param until: when it is to be read again, on the monotonic clock
    """

    proxy: str | None = field(repr=False)
    tls: ssl.SSLContext | bool
    until: float


@dataclass(slots=True)
class _Shared:
    session: aiohttp.ClientSession
    users: int = 0


_shared: dict[asyncio.AbstractEventLoop, _Shared] = {}
_routes: WeakKeyDictionary[aiohttp.ClientSession, dict[tuple[object, ...], _Route]] = WeakKeyDictionary()


@asynccontextmanager
async def shared_session() -> AsyncIterator[aiohttp.ClientSession]:
    """
    Yield the running event loop's session; its last user closes it.

    Per loop, because ``airflow dags test`` runs each trigger in a loop of its own.
    """
    loop = asyncio.get_running_loop()
    shared = _shared.get(loop)
    if shared is None:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTION_LIMIT, limit_per_host=HOST_LIMIT),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_timeout_tracing()],
            auto_decompress=False,  # older releases of aiohttp expand a block without a bound
            trust_env=False,  # it would send what ~/.netrc holds; http_proxy() reads the proxies
        )
        shared = _shared[loop] = _Shared(session)
    shared.users += 1
    try:
        yield shared.session
    finally:
        shared.users -= 1
        if not shared.users:
            del _shared[loop]
            await shared.session.close()


async def get_task(
    session: aiohttp.ClientSession, settings: EkycSettings, ekyc_task_id: object, *, turn: float | None = None
) -> Task:
    """
    Ask for a task's status, once; an answered call may be charged.

    :param turn: seconds to wait at the most for a free connection of this loop; None for no bound
    :raises EkycApiError: classified as the worker's client does
    :raises EkycSettingsError: if the id or the connection's ``ca_file`` is wrong
    """
    query = status_query(settings, ekyc_task_id)
    request = query.request
    route = await _route(session, settings)
    try:
        async with asyncio.timeout(turn) as timeout:
            response = await session.request(
                request.method,
                request.url,
                headers=dict(request.headers),
                data=request.body,
                allow_redirects=False,
                proxy=route.proxy,
                proxy_headers={"User-Agent": user_agent()},
                ssl=route.tls,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=settings.connect_timeout, sock_read=settings.read_timeout
                ),
                trace_request_ctx=_RequestTimeout(timeout, settings),
            )
        async with response:
            body = await _read(response, timeout.when())
            answer = HttpAnswer(response.status, dict(response.headers), body, datetime.now(UTC))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise classify_transport(Call.STATUS, _kind(error), sent=True) from None
    if len(body) > READ_IN_THREAD:
        return await asyncio.to_thread(query.read, answer)
    return query.read(answer)


@dataclass(frozen=True, slots=True)
class _RequestTimeout:
    """
    How long a request may still take, from the stage that it has reached.

    The time in which it waits for one of the :data:`HOST_LIMIT` or :data:`CONNECTION_LIMIT` connections is not the
    server's fault, so it does not count, as it would in aiohttp's own ``total``.
    """

    timeout: asyncio.Timeout
    settings: EkycSettings

    def restart(self, seconds: float) -> None:
        """Let the request take so long from now on."""
        self.timeout.reschedule(asyncio.get_running_loop().time() + seconds)


def _timeout_tracing() -> aiohttp.TraceConfig:
    async def connecting(_session: object, context: SimpleNamespace, _parameters: object) -> None:
        settings = context.trace_request_ctx.settings
        # Before there is a connection, a proxy has to answer.
        context.trace_request_ctx.restart(settings.connect_timeout + settings.read_timeout)

    async def sent(_session: object, context: SimpleNamespace, _parameters: object) -> None:
        context.trace_request_ctx.restart(context.trace_request_ctx.settings.read_timeout)

    config = aiohttp.TraceConfig()
    config.on_connection_create_start.append(connecting)
    config.on_request_headers_sent.append(sent)
    return config


async def _read(response: aiohttp.ClientResponse, until: float | None) -> bytes:
    """Return one byte more than :data:`STATUS_ANSWER_LIMIT` at the most; of a longer answer the rest is not read."""
    body = b""
    try:
        async with asyncio.timeout_at(until):
            while (room := STATUS_ANSWER_LIMIT + 1 - len(body)) > 0 and (block := await response.content.read(room)):
                body += block
    except (aiohttp.ClientError, TimeoutError, OSError):
        # The code of a refusal has arrived and counts, also without its text.
        if response.status < 400:
            raise
    try:
        return _expanded(body, response.headers.get("Content-Encoding", ""))
    except zlib.error:
        if response.status < 400:
            raise aiohttp.ClientPayloadError("Content-Encoding") from None
        return b""


def _expanded(body: bytes, encoding: str) -> bytes:
    """
    Decompress what a server compressed unasked, up to one byte more than :data:`STATUS_ANSWER_LIMIT`.

    ``x-gzip`` is another name of ``gzip`` (RFC 9110, section 8.4.1.3).

    :raises zlib.error: if it is not compressed as it says
    """
    bits = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}.get(encoding.strip().lower().removeprefix("x-"))
    return body if bits is None else zlib.decompressobj(bits).decompress(body, STATUS_ANSWER_LIMIT + 1)


async def _route(session: aiohttp.ClientSession, settings: EkycSettings) -> _Route:
    """Return how to reach the API; what the machine says of it is read again after :data:`ROUTE_SECONDS`."""
    routes = _routes.setdefault(session, {})
    key = (settings.base_url, settings.proxy, settings.verify, settings.ca_file)
    route = routes.get(key)
    if route is None or time.monotonic() >= route.until:
        route = routes[key] = await asyncio.to_thread(_read_route, settings)  # it may read a file
    return route


def _read_route(settings: EkycSettings) -> _Route:
    tls: ssl.SSLContext | bool = True
    if settings.base_url.startswith("https"):
        tls = trust(settings) if settings.verify else False
    return _Route(http_proxy(settings), tls, time.monotonic() + ROUTE_SECONDS)


def _kind(error: Exception) -> str:
    """Name the failure without its text, which may quote a proxy's URL."""
    name = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{name}: the server's certificate is not trusted; the connection's ca_file names who to trust"
    return name
