"""Trigger that waits for a remote task."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycConnectionError,
    EkycError,
    EkycNoConnectionError,
    EkycSettingsError,
)
from airflow_provider_ekyc.log_lines import warn
from airflow_provider_ekyc.polling.interval import CEILING, PollPolicy
from airflow_provider_ekyc.polling.poller import STILL_PAID, Deadline, Decision, End, Poller, failure_event

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.api.settings import EkycSettings
    from airflow_provider_ekyc.triggers.progress_writer import ShownProgress

#: Seconds for which a connection that Airflow does not find is looked for again, and how often.
CONNECTION_TIMEOUT = 300.0
CONNECTION_INTERVAL = 15.0

#: Logged when a key was replaced during a wait.
KEY_REPLACED = (
    "The API does not accept the key with which this wait queried last. The connection '{}' has changed since: the "
    "wait continues with it."
)


class EkycTaskTrigger(BaseTrigger):
    """
    Queries a remote task's status until it ends or the deadline is reached. It yields one event.

    Airflow keeps these arguments in its database in clear: ids and numbers only. The key is read from the
    connection when the trigger starts, and again when the API refuses it; a restart of the triggerer starts it
    again with the same arguments and loses nothing.

    :param ekyc_task_id: the remote task
    :param ekyc_conn_id: Airflow connection of type ``ekyc``
    :param started: epoch seconds at which this wait began
    :param timeout_at: epoch seconds at which the sensor's ``timeout`` ends
    :param execution_timeout_at: epoch seconds at which the task's ``execution_timeout`` ends, or None
    :param poll_interval: seconds between two queries, fixed; None lets the progress decide
    :param ceiling: seconds between two queries, at the most
    :param exponential_backoff: a fixed interval doubles with each query
    :param task_type: what was submitted, for Airflow's metrics; None if it is not known, or if they are off
    :param floor: ignored; triggers that version 0.1.0 deferred have it among their stored arguments
    """

    def __init__(
        self,
        *,
        ekyc_task_id: str,
        ekyc_conn_id: str,
        started: float,
        timeout_at: float,
        execution_timeout_at: float | None = None,
        poll_interval: float | None = None,
        ceiling: float = CEILING,
        exponential_backoff: bool = False,
        task_type: str | None = None,
        floor: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's is not annotated
        self.ekyc_task_id = ekyc_task_id
        self.ekyc_conn_id = ekyc_conn_id
        self.started = started
        self.timeout_at = timeout_at
        self.execution_timeout_at = execution_timeout_at
        self.poll_interval = poll_interval
        self.ceiling = ceiling
        self.exponential_backoff = exponential_backoff
        self.task_type = task_type
        self._unlogged = 0

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments: ids and numbers."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "ekyc_task_id": self.ekyc_task_id,
                "ekyc_conn_id": self.ekyc_conn_id,
                "started": self.started,
                "timeout_at": self.timeout_at,
                "execution_timeout_at": self.execution_timeout_at,
                "poll_interval": self.poll_interval,
                "ceiling": self.ceiling,
                "exponential_backoff": self.exponential_backoff,
                # Only if there is one, for a triggerer of an earlier release while both are upgraded.
                **({"task_type": self.task_type} if self.task_type else {}),
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{"end": ...}`` once: with a ``summary`` when exported, else with a ``message``."""
        from airflow_provider_ekyc.tracing import traced

        with traced(getattr(self, "task_instance", None), in_triggerer=True):
            event = await self._wait()
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """Say that the paid task goes on; there is no cancel call. A *clear* calls this too (Airflow 3.3)."""
        warn(self.log, STILL_PAID % self.ekyc_task_id)

    async def _wait(self) -> dict[str, Any]:
        from airflow_provider_ekyc.triggers.frozen_heap import counted_wait, freeze_heap

        in_triggerer = getattr(self, "trigger_id", None) is not None  # and not in dag.test()
        if in_triggerer:
            freeze_heap("before imports")
        # In a thread: the imports take a third of a second, for which the other triggers must not wait.
        await asyncio.to_thread(_load_modules)
        if in_triggerer:
            freeze_heap("after imports")
        from airflow_provider_ekyc.triggers.progress_writer import ShownProgress

        with counted_wait() if in_triggerer else nullcontext():
            try:
                async with ShownProgress(self.task_instance) as shown:
                    return await self._ask_until_end(shown)
            except EkycError as error:
                return failure_event(End.ERROR, error)

    async def _ask_until_end(self, shown: ShownProgress) -> dict[str, Any]:
        """Return the event; a failure that no query can have, such as a wrong connection, is raised."""
        from airflow_provider_ekyc.api.aio import shared_session
        from airflow_provider_ekyc.metrics import count_query
        from airflow_provider_ekyc.polling.progress import Progress
        from airflow_provider_ekyc.triggers.shared_settings import forget_settings

        poller = Poller(
            PollPolicy(self.ceiling, self.poll_interval, self.exponential_backoff),
            self.started,
            Deadline(self.timeout_at, self.execution_timeout_at),
        )
        settings = await self._settings()
        await asyncio.sleep(max(poller.first_query(time.time()) - time.time(), 0.0))
        progress = Progress(self.ekyc_task_id, poller.started)
        async with shared_session() as session:
            while True:
                # A query that waits for a connection behind a host that hangs must not outlast the deadline.
                turn = max(poller.deadline.at - time.time(), settings.connect_timeout)
                answer = await self._query(session, settings, turn, goes_on=poller.is_known)
                if isinstance(answer, EkycAuthenticationError):
                    refused, settings = settings, await self._settings(since=time.monotonic())
                    if settings != refused:
                        count_query(answer, self.task_type, in_triggerer=True)
                        warn(self.log, KEY_REPLACED.format(self.ekyc_conn_id))
                        answer = await self._query(session, settings, turn, goes_on=poller.is_known)
                now = time.time()
                decision = poller.decide(answer, now, random.random())
                self._write_note(decision)
                waited = None if decision.ask_at else time.time() - poller.started
                count_query(answer, self.task_type, waited=waited, in_triggerer=True)
                shown.put(progress.after(answer, decision, now))
                if decision.ask_at is None:
                    if decision.error is not None:
                        forget_settings(self.ekyc_conn_id)
                    return decision.event
                await asyncio.sleep(max(decision.ask_at - time.time(), 0.0))

    async def _query(
        self, session: ClientSession, settings: EkycSettings, turn: float, *, goes_on: bool
    ) -> Task | EkycApiError:
        """
        Query once, and return the error of a query that failed.

        :param goes_on: whether an earlier query was answered: then what can't be read on this machine any more, such
            as a CA file that is replaced just now, fails this query alone
        """
        from airflow_provider_ekyc.api.aio import get_task
        from airflow_provider_ekyc.spans import span

        try:
            with span("ekyc.query", ekyc_task_id=self.ekyc_task_id):
                return await get_task(session, settings, self.ekyc_task_id, turn=turn)
        except EkycApiError as error:
            return error
        except EkycSettingsError as error:
            if not goes_on:
                raise
            return EkycConnectionError(error.message, retryable=True)

    def _write_note(self, decision: Decision) -> None:
        """Log what was decided; of a wait that goes on, if the triggerer does not have to log too much."""
        from airflow_provider_ekyc.triggers.note_budget import note_budget

        if decision.ask_at is not None and not note_budget().allows(is_warning=decision.is_warning):
            self._unlogged += 1
            return
        if self._unlogged:
            before = "query is" if self._unlogged == 1 else "queries are"
            decision = replace(decision, note=f"{decision.note} {self._unlogged} {before} not logged before this one.")
            self._unlogged = 0
        decision.log_to(self.log)

    async def _settings(self, since: float = 0.0) -> EkycSettings:
        """
        Read the connection, again for some minutes: Airflow says "not found" too when it could not look.

        A triggerer that starts while the API server or a secrets backend is away must not end paid waits.

        :param since: monotonic seconds; what was read earlier for another wait is out of date
        """
        from airflow_provider_ekyc.triggers.shared_settings import shared_settings

        until = time.time() + CONNECTION_TIMEOUT
        while True:
            try:
                return await shared_settings(self.ekyc_conn_id, since=since)
            except EkycNoConnectionError as error:
                if time.time() >= until:
                    raise
                warn(self.log, f"Looking again in {CONNECTION_INTERVAL:.0f} s. {error}")
                await asyncio.sleep(CONNECTION_INTERVAL)


def _load_modules() -> None:
    """Import what a wait needs, beyond what a DAG file may load."""
    for name in ("api.aio", "hooks.ekyc", "metrics", "polling.progress", "triggers.progress_writer"):
        import_module(f"airflow_provider_ekyc.{name}")
