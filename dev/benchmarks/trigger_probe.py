"""
Triggers of the benchmark of triggers: one that observes the event loop, and those that ours is compared with.

They run in Airflow's own triggerer. Light: what is imported here is part of the memory of an empty triggerer.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

#: Seconds between two looks at the loop.
STEP = 0.005
#: Seconds between two lines of the probe's file.
LINE_SECONDS = 1.0

_PAGE = os.sysconf("SC_PAGE_SIZE")
_started = 0
_session: Any = None


class LoopProbe(BaseTrigger):
    """
    Writes a line of JSON a second: how late the loop has woken it, and what its process has used.

    ``late`` is the longest delay, in seconds, beyond the time for which it slept; ``blocked`` the longest one without
    the time for which the kernel let the thread wait for a processor (``/proc/thread-self/schedstat``), which a busy
    machine adds and no trigger can help; ``collected`` the longest garbage collection, which is part of both. ``cpu``
    is seconds of CPU so far, ``rss`` bytes of resident memory, ``started`` how many :class:`SleepingTrigger` have
    begun.

    :param path: the file; lines are appended
    """

    def __init__(self, *, path: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's is not annotated
        self.path = path

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the argument."""
        return f"{__name__}.LoopProbe", {"path": self.path}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Observe until the triggerer ends."""
        collections = _Collections()
        gc.callbacks.append(collections)
        fd = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        try:
            with open(self.path, "a", buffering=1) as file:  # noqa: ASYNC230  # a line a second into the page cache
                late = blocked = 0.0
                line_at = time.monotonic() + LINE_SECONDS
                while True:
                    begun, waited = time.monotonic(), _waited(fd)
                    await asyncio.sleep(STEP)
                    now = time.monotonic()
                    delay = now - begun - STEP
                    late, blocked = max(late, delay), max(blocked, delay - (_waited(fd) - waited))
                    if now >= line_at:
                        file.write(json.dumps(_line(late, blocked, collections.longest())) + "\n")
                        late, blocked, line_at = 0.0, 0.0, now + LINE_SECONDS
        finally:
            os.close(fd)
            gc.callbacks.remove(collections)
        yield TriggerEvent(None)  # type: ignore[unreachable]  # makes it a generator


class SleepingTrigger(BaseTrigger):
    """Makes no query: what Airflow itself needs for a trigger."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path."""
        return f"{__name__}.SleepingTrigger", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep until the triggerer ends."""
        global _started
        _started += 1
        await asyncio.sleep(86_400)
        yield TriggerEvent(None)


class SessionPerQueryTrigger(BaseTrigger):
    """
    Opens an aiohttp session for each query, as triggers without a shared one do; logs a line for each.

    :param conn_id: the connection
    :param ekyc_task_id: the remote task
    :param interval: seconds between two queries
    """

    def __init__(self, *, conn_id: str, ekyc_task_id: str, interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.conn_id = conn_id
        self.ekyc_task_id = ekyc_task_id
        self.interval = interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        arguments = {"conn_id": self.conn_id, "ekyc_task_id": self.ekyc_task_id, "interval": self.interval}
        return f"{__name__}.SessionPerQueryTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Query until the task is exported."""
        import aiohttp

        from airflow_provider_ekyc.airflow_sdk import BaseHook

        connection = await BaseHook.aget_connection(self.conn_id)
        url, key = f"{connection.host}:{connection.port}/v1/gettasks", str(connection.password)
        while True:
            try:
                async with (
                    aiohttp.ClientSession() as session,
                    session.post(url, data={"task_id": self.ekyc_task_id}, headers={"X-API-Key": key}) as response,
                ):
                    answer = await response.json()
            except (aiohttp.ClientError, TimeoutError) as error:
                self.log.warning("The query has failed (%s).", type(error).__name__)
            else:
                status = answer["status"]
                self.log.info("Remote task %s is %s. Next query in %.0f s.", self.ekyc_task_id, status, self.interval)
                if status == "exported":
                    break
            await asyncio.sleep(self.interval)
        yield TriggerEvent(status)


class BareQueryTrigger(SessionPerQueryTrigger):
    """Queries over one session of all, and does nothing else: what a query costs at the least with aiohttp."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments."""
        return f"{__name__}.BareQueryTrigger", super().serialize()[1]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Query until the task is exported; a failed query ends it."""
        import aiohttp

        from airflow_provider_ekyc.airflow_sdk import BaseHook

        global _session
        if _session is None or _session.closed:
            _session = aiohttp.ClientSession()
        connection = await BaseHook.aget_connection(self.conn_id)
        url, headers = f"{connection.host}:{connection.port}/v1/gettasks", {"X-API-Key": str(connection.password)}
        status = ""
        while status != "exported":
            async with _session.post(url, data={"task_id": self.ekyc_task_id}, headers=headers) as response:
                status = (await response.json())["status"]
            await asyncio.sleep(self.interval)
        yield TriggerEvent(status)


async def close_session() -> None:
    """Close the session of all :class:`BareQueryTrigger`; a triggerer's ends with its process."""
    if _session is not None:
        await _session.close()


class _Collections:
    """Times garbage collections."""

    def __init__(self) -> None:
        self._begun = self._longest = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._begun = time.monotonic()
        else:
            self._longest = max(self._longest, time.monotonic() - self._begun)

    def longest(self) -> float:
        """Return the seconds of the longest one since this was called last."""
        longest, self._longest = self._longest, 0.0
        return longest


def _waited(schedstat: int) -> float:
    """Return the seconds for which this thread has been ready and waited for a processor."""
    return int(os.pread(schedstat, 128, 0).split()[1]) / 1e9


def _line(late: float, blocked: float, collected: float) -> dict[str, float]:
    with open("/proc/self/statm") as statm:
        rss = int(statm.read().split()[1]) * _PAGE
    return {
        "at": time.time(),
        "pid": os.getpid(),
        "late": late,
        "blocked": blocked,
        "collected": collected,
        "cpu": time.process_time(),
        "rss": rss,
        "started": _started,
    }
