"""Many triggers of one event loop: one host's trouble is not another's. Over sockets, by the order of events."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from typing import Any

import pytest

from airflow_provider_ekyc.api import aio
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from dev.testing.sockets import SocketServer, read_request
from tests.conftest import API_KEY, until
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "quick_polls")


class Hanging:
    """Reads each request and answers none until it is over."""

    def __init__(self) -> None:
        self.asked = 0
        self.over = threading.Event()
        self._lock = threading.Lock()

    def talk(self, line: socket.socket) -> None:
        read_request(line)
        with self._lock:
            self.asked += 1
        self.over.wait(60)


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str, server: SocketServer, **extra: Any) -> None:
    connection = {"conn_type": "ekyc", "host": server.url, "password": API_KEY, "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))


async def event(ekyc_conn_id: str, ekyc_task_id: str, *, seconds: float = 600.0) -> dict[str, Any]:
    now = time.time()
    waiting = EkycTaskTrigger(
        ekyc_task_id=ekyc_task_id,
        ekyc_conn_id=ekyc_conn_id,
        started=now,
        timeout_at=now + seconds,
        ceiling=0.2,
    )
    (payload,) = [event.payload async for event in waiting.run()]
    return dict(payload)


@pytest.mark.asyncio
async def test_150_triggers_at_a_host_that_hangs_do_not_delay_150_at_another(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ekyc_task_id = submitted(sandbox)
    hanging = Hanging()
    with SocketServer(hanging.talk) as server:
        connect(monkeypatch, "ekyc_hangs", server, read_timeout=60)
        stuck = [asyncio.create_task(event("ekyc_hangs", "dmadeup1")) for _ in range(150)]
        await until(lambda: hanging.asked == aio.HOST_LIMIT)
        async with asyncio.timeout(60):
            healthy = await asyncio.gather(*(event("ekyc_default", ekyc_task_id) for _ in range(150)))
        assert {one["end"] for one in healthy} == {"exported"}
        assert not any(one.done() for one in stuck), "they ended while the others hung"
        assert hanging.asked == server.connections == aio.HOST_LIMIT
        for one in stuck:
            one.cancel()
        hanging.over.set()
        await asyncio.gather(*stuck, return_exceptions=True)


@pytest.mark.asyncio
async def test_hosts_share_a_bound_of_connections(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "HOST_LIMIT", 3)
    monkeypatch.setattr(aio, "CONNECTION_LIMIT", 5)
    one, other = Hanging(), Hanging()
    with SocketServer(one.talk) as first, SocketServer(other.talk) as second:
        connect(monkeypatch, "ekyc_first", first)
        connect(monkeypatch, "ekyc_second", second)
        waiting = [asyncio.create_task(event("ekyc_first", "dmadeup1")) for _ in range(10)]
        await until(lambda: one.asked == 3)
        waiting += [asyncio.create_task(event("ekyc_second", "dmadeup1")) for _ in range(10)]
        await until(lambda: other.asked == 2)
        await asyncio.sleep(0.2)  # time for a sixth connection that must not come
        assert (first.connections, second.connections) == (3, 2)
        for task in waiting:
            task.cancel()
        one.over.set()
        other.over.set()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.asyncio
async def test_a_query_that_waits_for_a_connection_does_not_outlast_the_deadline(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aio, "HOST_LIMIT", 1)
    hanging = Hanging()
    with SocketServer(hanging.talk) as server:
        connect(monkeypatch, "ekyc_hangs", server, read_timeout=60, connect_timeout=1)
        first = asyncio.create_task(event("ekyc_hangs", "dmadeup1"))
        await until(lambda: hanging.asked == 1)
        async with asyncio.timeout(30):
            assert (await event("ekyc_hangs", "dmadeup2", seconds=1))["end"] == "timeout"
        assert (first.done(), hanging.asked) == (False, 1)
        first.cancel()
        hanging.over.set()
        await asyncio.gather(first, return_exceptions=True)
