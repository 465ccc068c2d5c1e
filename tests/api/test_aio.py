"""The triggerer's session: one per loop, closed with its last user, fair to those who wait."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import warnings
from collections.abc import Iterator

import aiohttp
import pytest

from airflow_provider_ekyc.api import aio
from airflow_provider_ekyc.api.aio import get_task, shared_session
from airflow_provider_ekyc.exceptions import EkycApiError
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.sockets import SocketServer, answer, read_request
from tests.api.conftest import settings_for, settings_of
from tests.conftest import until
from tests.submitted import submitted


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """
    No session, connection or response is left to the garbage collector.

    Transports are: of a broken TLS connection the loop closes them, in its time, and a test's loop has none.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert not [text for warning in caught if (text := str(warning.message)).startswith("Unclosed")]
    assert aio._shared == {}


def test_the_users_of_a_loop_share_one_session_and_the_last_closes_it(either_sandbox: Sandbox) -> None:
    ekyc_task_id, settings = submitted(either_sandbox), settings_of(either_sandbox)

    async def use(sessions: list[aiohttp.ClientSession]) -> None:
        async with shared_session() as session:
            sessions.append(session)
            await get_task(session, settings, ekyc_task_id)
            assert not session.closed

    async def all_of_them() -> None:
        sessions: list[aiohttp.ClientSession] = []
        await asyncio.gather(*(use(sessions) for _ in range(20)))
        assert len(set(map(id, sessions))) == 1
        assert sessions[0].closed
        await use(sessions)
        assert sessions[-1] is not sessions[0], "a closed one is not lent again"

    asyncio.run(all_of_them())


def test_two_loops_at_once_have_a_session_each(sandbox: Sandbox) -> None:
    ekyc_task_id, settings = submitted(sandbox), settings_of(sandbox)
    sessions: list[aiohttp.ClientSession] = []
    both = threading.Barrier(2, timeout=10)

    async def use() -> None:
        async with shared_session() as session:
            sessions.append(session)
            await asyncio.to_thread(both.wait)
            assert (await get_task(session, settings, ekyc_task_id)).total == 200
            await asyncio.to_thread(both.wait)

    threads = [threading.Thread(target=lambda: asyncio.run(use())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sessions) == 2
    assert sessions[0] is not sessions[1]
    assert all(session.closed for session in sessions)


def test_a_trigger_that_is_cancelled_leaves_nothing_behind(either_sandbox: Sandbox) -> None:
    ekyc_task_id, settings = submitted(either_sandbox), settings_of(either_sandbox)
    either_sandbox.fault("status", "delay", seconds=5)

    async def use() -> None:
        async with shared_session() as session:
            await get_task(session, settings, ekyc_task_id)

    async def cancelled() -> None:
        task = asyncio.create_task(use())
        await until(lambda: either_sandbox.calls["status"] > 0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_a_cancelled_user_does_not_close_it_under_the_others(sandbox: Sandbox) -> None:
    ekyc_task_id, settings = submitted(sandbox), settings_of(sandbox)

    async def linger() -> None:
        async with shared_session():
            await asyncio.sleep(30)

    async def run() -> None:
        async with shared_session() as session:
            other = asyncio.create_task(linger())
            await asyncio.sleep(0)
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            assert not session.closed
            assert (await get_task(session, settings, ekyc_task_id)).total == 200

    asyncio.run(run())


def test_an_error_leaves_nothing_behind(either_sandbox: Sandbox) -> None:
    async def use() -> None:
        async with shared_session() as session:
            for kind in ("status", "cut_before", "html", "early_status"):
                either_sandbox.fault("status", kind)
                with pytest.raises(EkycApiError):
                    await get_task(session, settings_of(either_sandbox), "made-up-id")

    asyncio.run(use())


def test_a_connection_is_used_again_by_connections_with_the_same_authorities(tls_sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(tls_sandbox)

    async def use() -> None:
        made = 0
        async with shared_session() as session:
            create = session.connector._create_connection  # type: ignore[union-attr]

            async def count(*args: object, **kwargs: object) -> object:
                nonlocal made
                made += 1
                return await create(*args, **kwargs)  # type: ignore[arg-type]

            session.connector._create_connection = count  # type: ignore[method-assign,union-attr,assignment]
            for _ in range(3):
                await get_task(session, settings_of(tls_sandbox), ekyc_task_id)
        assert made == 1

    asyncio.run(use())


def test_the_time_in_the_queue_counts_in_no_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue takes longer than all time-outs together."""
    monkeypatch.setattr(aio, "CONNECTION_LIMIT", 1)

    def talk(line: socket.socket) -> None:
        read_request(line)
        threading.Event().wait(0.1)
        line.sendall(answer("200 OK", b'{"task_id": "made-up-id", "status": "pending"}'))

    async def use(url: str) -> None:
        settings = settings_for(url, connect_timeout=1.5, read_timeout=1.5)
        async with shared_session() as session:
            await asyncio.gather(*(get_task(session, settings, "made-up-id") for _ in range(40)))

    with SocketServer(talk) as server:
        begun = time.monotonic()
        asyncio.run(use(server.url))
        assert time.monotonic() - begun > 3.0
        assert server.connections == 40


def test_the_loop_is_not_held_up_by_reading_certificates(tls_sandbox: Sandbox) -> None:
    """
    A context of all of certifi's authorities takes tens of milliseconds of another thread.

    What counts is the loop's own computing between two turns, not that of other processes.
    """
    settings = settings_for(tls_sandbox.url)

    async def use() -> float:
        longest, over = 0.0, asyncio.Event()

        async def beat() -> None:
            nonlocal longest
            while not over.is_set():
                before = time.thread_time()
                await asyncio.sleep(0.001)
                longest = max(longest, time.thread_time() - before)

        heart = asyncio.create_task(beat())
        async with shared_session() as session:
            with pytest.raises(EkycApiError):
                await get_task(session, settings, "made-up-id")
        over.set()
        await heart
        return longest

    assert asyncio.run(use()) < 0.5
