"""
The client in the triggerer: aiohttp below, the shared protocol above. Thin.

One session serves all triggers of an event loop: a session per poll costs 6.6 times the CPU, and 1.6 GB at
5,000 pollers (measured). Key, TLS and time-outs go with each request, so connections of any settings
share it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import aiohttp

from airflow_provider_ekyc.api.failures import ANSWER_LIMIT, Call, HttpAnswer, classify_transport
from airflow_provider_ekyc.api.models import Task
from airflow_provider_ekyc.api.protocol import checked_task_id, read_status_answer, status_request
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import EkycSettingsError

#: Connections that one event loop keeps to all APIs together; further requests wait for one.
CONNECTION_LIMIT = 100


@dataclass(slots=True)
class _Shared:
    session: aiohttp.ClientSession
    users: int = 0


_shared: dict[asyncio.AbstractEventLoop, _Shared] = {}


@asynccontextmanager
async def shared_session() -> AsyncIterator[aiohttp.ClientSession]:
    """
    Lend the running event loop's session; the last to give it back closes it.

    Per loop, because ``airflow dags test`` runs each trigger in a loop of its own.
    """
    loop = asyncio.get_running_loop()
    shared = _shared.get(loop)
    if shared is None:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTION_LIMIT),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,  # the proxies that requests uses
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


async def fetch_task(session: aiohttp.ClientSession, settings: EkycSettings, ekyc_task_id: str) -> Task:
    """
    Ask for a task's status, once; an answered call may be charged.

    :raises EkycApiError: classified as the worker's client does
    :raises EkycSettingsError: if the id or the connection's ``ca_file`` is wrong
    """
    ekyc_task_id = checked_task_id(ekyc_task_id)
    request = status_request(settings, ekyc_task_id)
    tls = await _tls(settings)
    try:
        async with session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            allow_redirects=False,
            proxy=settings.proxy,
            ssl=tls,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=settings.connect_timeout, sock_read=settings.read_timeout
            ),
        ) as response:
            body = await response.content.read(ANSWER_LIMIT)
            while len(body) < ANSWER_LIMIT and (block := await response.content.read(ANSWER_LIMIT)):
                body += block
            answer = HttpAnswer(response.status, dict(response.headers), body, datetime.now(UTC))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise classify_transport(Call.STATUS, _kind(error), sent=True) from None
    return read_status_answer(settings, ekyc_task_id, answer)


async def _tls(settings: EkycSettings) -> ssl.SSLContext | bool:
    """Return what aiohttp is to trust: the same files as requests does, so that both floors agree."""
    if not settings.base_url.startswith("https"):
        return True
    if not settings.verify:
        return False
    path = settings.ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    try:
        # A context costs 39 ms (measured): made once for each state of the file, and not in the loop.
        return await asyncio.to_thread(_trusting, path, os.stat(path).st_mtime_ns if path else 0)
    except (OSError, ssl.SSLError) as error:
        raise EkycSettingsError(
            f"The CA file {path!r} can't be read on this machine, the triggerer ({type(error).__name__})."
        ) from None


@lru_cache(maxsize=64)
def _trusting(path: str | None, _changed: int) -> ssl.SSLContext:
    if path is None:
        import certifi

        path = certifi.where()  # what requests trusts
    if os.path.isdir(path):
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)


def _kind(error: Exception) -> str:
    """Name the failure without its text, which may quote a proxy's URL."""
    name = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{name}: the server's certificate is not trusted; the connection's ca_file names who to trust"
    return name
