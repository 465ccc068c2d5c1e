"""Trigger that waits for a remote task."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_ekyc.exceptions import EkycApiError, EkycError, EkycNoConnectionError
from airflow_provider_ekyc.polling.interval import CEILING, PollPolicy
from airflow_provider_ekyc.polling.poller import STILL_PAID, Deadline, End, Poller, failure_event

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.api.settings import EkycSettings

#: Seconds for which a connection that Airflow does not find is looked for again, and how often.
CONNECTION_TIMEOUT = 300.0
CONNECTION_INTERVAL = 15.0


class EkycTaskTrigger(BaseTrigger):
    """
    Queries a remote task's status until it ends or the deadline is reached. It yields one event.

    Airflow keeps these arguments in its database in clear: ids and numbers only. The key is read from the
    connection when the trigger starts; a restart of the triggerer starts it again with the same arguments and
    loses nothing.

    :param ekyc_task_id: the remote task
    :param ekyc_conn_id: Airflow connection of type ``ekyc``
    :param started: epoch seconds at which this wait began
    :param timeout_at: epoch seconds at which the sensor's ``timeout`` ends
    :param execution_timeout_at: epoch seconds at which the task's ``execution_timeout`` ends, or None
    :param poll_interval: seconds between two queries, fixed; None lets the progress decide
    :param ceiling: seconds between two queries, at the most
    :param exponential_backoff: a fixed interval doubles with each query
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
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{"end": ...}`` once: with a ``summary`` when exported, else with a ``message``."""
        yield TriggerEvent(await self._wait())

    async def on_kill(self) -> None:
        """Say that the paid task goes on; there is no cancel call. A *clear* calls this too (Airflow 3.3)."""
        self.log.warning(STILL_PAID, self.ekyc_task_id)

    async def _wait(self) -> dict[str, Any]:
        from airflow_provider_ekyc.api.aio import get_task, shared_session

        poller = Poller(
            PollPolicy(self.ceiling, self.poll_interval, self.exponential_backoff),
            self.started,
            Deadline(self.timeout_at, self.execution_timeout_at),
        )
        try:
            settings = await self._settings()
            await asyncio.sleep(max(poller.first_query(time.time()) - time.time(), 0.0))
            async with shared_session() as session:
                while True:
                    try:
                        # A query that waits for a connection behind a host that hangs must not outlast the deadline.
                        turn = max(poller.deadline.at - time.time(), settings.connect_timeout)
                        answer: Task | EkycApiError = await get_task(session, settings, self.ekyc_task_id, turn=turn)
                    except EkycApiError as error:
                        answer = error
                    decision = poller.decide(answer, time.time(), random.random())
                    decision.log_to(self.log)
                    if decision.ask_at is None:
                        return decision.event
                    await asyncio.sleep(max(decision.ask_at - time.time(), 0.0))
        except EkycError as error:
            return failure_event(End.ERROR, error)

    async def _settings(self) -> EkycSettings:
        """
        Read the connection, again for some minutes: Airflow says "not found" too when it could not look.

        A triggerer that starts while the API server or a secrets backend is away must not end paid waits.
        """
        from airflow_provider_ekyc.hooks.ekyc import EkycHook

        until = time.time() + CONNECTION_TIMEOUT
        while True:
            try:
                return await EkycHook(self.ekyc_conn_id).async_settings()
            except EkycNoConnectionError as error:
                if time.time() >= until:
                    raise
                self.log.warning("%s Looking again in %.0f s.", error, CONNECTION_INTERVAL)
                await asyncio.sleep(CONNECTION_INTERVAL)
