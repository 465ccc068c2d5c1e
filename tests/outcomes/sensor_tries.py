"""How a wait is tried, as a worker and a triggerer do it: sensor and trigger as they are, over sockets."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_provider_ekyc.airflow_sdk import BaseSensorOperator, TaskDeferred
from airflow_provider_ekyc.polling import interval, poller
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from dev.testing.query_clock import clock_of_queries
from tests.outcomes.rows import Provocation
from tests.outcomes.stage import Killed, Stage, Try

MODES = ("deferred", "poke", "reschedule")


class SensorTries:
    """
    Tries of EkycTaskSensor in one of its modes.

    :param stage: arranged, with a remote task
    :param mode: deferred, poke or reschedule
    """

    def __init__(self, stage: Stage, mode: str) -> None:
        self.stage, self.mode = stage, mode
        self._first: datetime | None = None
        self._is_killed = False

    def arrange(self, provocation: Provocation) -> None:
        """Let it be killed while it waits, if the row says so, and ask for a new id while it is new."""
        self._is_killed = "while it waits" in provocation.said("kill")
        self.stage.repairs.append(lambda: setattr(self, "_is_killed", False))
        if "unknown_seconds" in provocation.settings("sandbox"):
            # A busy machine may make its first query later than in the first second.
            sandbox, ahead = self.stage.sandbox, self.stage.clock
            clock = clock_of_queries(sandbox, self.stage.ekyc_task_id, 0.6, lambda: ahead.ahead)
            self.stage.servers.enter_context(clock)

    def once(self) -> Try:
        """Make one try, to its end."""
        self._first = None
        # A worker's wait need not be sat out: sleeping puts everybody's clock forward.
        ahead = self.stage.clock
        clock = SimpleNamespace(
            sleep=self._sleep,
            monotonic=lambda: time.monotonic() + ahead.ahead,
            time=lambda: time.time() + ahead.ahead,
        )
        with ExitStack() as clocks:
            if self.mode != "deferred":
                for sensor in (BaseSensorOperator, EkycTaskSensor):
                    clocks.enter_context(mock.patch.object(sys.modules[sensor.__module__], "time", clock))
            return self.stage.run(self._wait)

    def _wait(self) -> Any:
        if self.mode == "deferred":
            return self._wait_in_the_triggerer()
        begun = datetime.now(UTC) + timedelta(seconds=self.stage.clock.ahead)
        while True:
            context = self.stage.context()
            context["ti"].get_first_reschedule_date = lambda context: self._first
            try:
                return self._sensor(deferrable=False, mode=self.mode).execute(context)
            except AirflowRescheduleException as later:
                self._first = self._first or begun
                self._sleep((later.reschedule_date - datetime.now(UTC)).total_seconds())

    def _wait_in_the_triggerer(self) -> Any:
        try:
            self._sensor().execute(self.stage.context())
        except TaskDeferred as deferred:
            arguments = {**deferred.trigger.serialize()[1], "ceiling": 0.2}
            begun = time.monotonic()
            with mock.patch.object(interval, "FLOOR", 0.05), mock.patch.object(poller, "FIRST_QUERY", 0.05):
                event = asyncio.run(self._only_event(EkycTaskTrigger(**arguments)))
            self.stage.waited.append(time.monotonic() - begun)
            return self._sensor().execute_complete(self.stage.context(), event)
        raise AssertionError("it did not defer")

    async def _only_event(self, trigger: EkycTaskTrigger) -> dict[str, Any]:
        async def run() -> dict[str, Any]:
            (event,) = [event async for event in trigger.run()]
            return dict(event.payload)

        running = asyncio.create_task(run())
        if self._is_killed:
            await asyncio.to_thread(self._until_asked)
            running.cancel()
            raise Killed
        return await running

    def _until_asked(self) -> None:
        # With the second query, the answer to the first one has been logged.
        while self.stage.sandbox.bill.polls < 2:
            time.sleep(0.01)

    def _sensor(self, **arguments: Any) -> EkycTaskSensor:
        given = {"ekyc_task_id": self.stage.ekyc_task_id, **self.stage.operator}
        return EkycTaskSensor(task_id="wait", **given, **arguments)

    def _sleep(self, seconds: float) -> None:
        self.stage.waited.append(seconds)
        if self._is_killed:
            raise Killed
        self.stage.clock.ahead += seconds
