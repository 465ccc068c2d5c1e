"""
Writes the progress of waiting tasks into their XComs, from the triggerer.

A write takes 10 to 30 ms in the triggerer's supervisor, which serves all triggers (measured on 3.1.8 to 3.4.0b2). The
first request of a process takes seconds there, and as long the supervisor reads no log: with many triggers their event
loop then waits for it. So the first request is made when the first wait begins, before there is much to log: it is a
read. Writes are made one after another, in a thread of their own, at
most :data:`MOST_PER_SECOND`, and so that the supervisor is busy with them for :data:`SHARE` of the time at the most; of
a task that has to wait for its turn only the latest progress is kept. A wait never waits for a write, and none of its
errors ends a wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from asgiref.sync import sync_to_async

from airflow_provider_ekyc.xcom_keys import PROGRESS

log = logging.getLogger(__name__)

#: Writes of one triggerer in a second, at the most.
MOST_PER_SECOND = 2.0
#: The part of the time in which a write is under way, at the most. A supervisor answers one request in each turn of its
#: loop, and a turn takes longer the more triggers there are.
SHARE = 0.25


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """
    A task instance that waits.

    :param map_index: -1 if it is not mapped
    :param ti_id: Airflow's id of it, which tells the iterations of a loop apart (Airflow 3.4); empty on Airflow 2
    """

    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    ti_id: str

    @classmethod
    def of(cls, ti: Any) -> Self | None:
        """
        Return what a trigger's task instance is.

        :param ti: of any version of Airflow
        :return: None if the trigger has none, as in ``dag.test()``
        """
        if ti is None:
            return None
        map_index = getattr(ti, "map_index", None)
        ti_id = str(getattr(ti, "id", None) or "")
        return cls(ti.dag_id, ti.task_id, ti.run_id, -1 if map_index is None else map_index, ti_id)


#: Writes a progress; called in the writer's thread.
Write = Callable[[WaitingTask, Mapping[str, Any]], None]
#: Makes the first request of a process; called in the writer's thread.
Prepare = Callable[[WaitingTask], object]


def read_progress(task: WaitingTask) -> object:
    """Read the XCom ``progress`` of a task instance, so that the supervisor makes its client."""
    from airflow_provider_ekyc.airflow_sdk import XCom

    return XCom.get_one(
        key=PROGRESS, dag_id=task.dag_id, task_id=task.task_id, run_id=task.run_id, map_index=task.map_index
    )


def write_progress(task: WaitingTask, progress: Mapping[str, Any]) -> None:
    """Overwrite the XCom ``progress`` of a task instance: through the supervisor, on Airflow 2 in the database."""
    from airflow_provider_ekyc.airflow_sdk import XCom

    XCom.set(
        key=PROGRESS,
        value=dict(progress),
        dag_id=task.dag_id,
        task_id=task.task_id,
        run_id=task.run_id,
        map_index=task.map_index,
    )


class ProgressWriter:
    """
    The writes of one event loop.

    :param write: makes a write; may block
    :param most_per_second: writes in a second, at the most
    :param prepare: is called once, before the first write; may block and fail
    :param share: of the time that a write may be under way, at the most
    """

    def __init__(
        self,
        write: Write = write_progress,
        most_per_second: float = MOST_PER_SECOND,
        prepare: Prepare = read_progress,
        share: float = SHARE,
    ) -> None:
        self._write = write
        self._prepare = prepare
        self._to_prepare: tuple[WaitingTask, contextvars.Context] | None = None
        self._is_prepared = False
        self._share = share
        self._interval = 1.0 / most_per_second
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ekyc-progress")
        # The latest progress of each task, in the order in which they have asked for a write.
        self._latest: dict[WaitingTask, tuple[Mapping[str, Any], contextvars.Context]] = {}
        self._writing: asyncio.Task[None] | None = None
        self._fails = False

    def begin(self, task: WaitingTask) -> None:
        """
        Make the first request of this process, if it was not made.

        :param task: whose trigger calls this, in the event loop
        """
        if not self._is_prepared:
            self._is_prepared = True
            self._to_prepare = (task, contextvars.copy_context())
            self._start()

    def put(self, task: WaitingTask, progress: Mapping[str, Any]) -> None:
        """
        Have a progress written when it is its turn, in place of what was to be written of this task before.

        Called by the task's own trigger, in the event loop: Airflow 3.4 knows by the context whose XCom it is, and the
        log by the context whose log.
        """
        self._latest[task] = (progress, contextvars.copy_context())
        self._start()

    def _start(self) -> None:
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_all(), context=contextvars.Context())

    def drop(self, task: WaitingTask) -> None:
        """Forget what is still to be written of a task."""
        self._latest.pop(task, None)

    async def _write_all(self) -> None:
        """Write until there is nothing left to be written."""
        try:
            if self._to_prepare is not None:
                first, self._to_prepare = self._to_prepare, None
                await self._prepare_for(*first)
            while self._latest:
                started = time.monotonic()
                task = next(iter(self._latest))
                progress, context = self._latest.pop(task)
                await self._write_one(task, progress, context)
                now = time.monotonic()
                await asyncio.sleep(max(self._interval, (now - started) / self._share) - (now - started))
        finally:
            self._writing = None

    async def _prepare_for(self, task: WaitingTask, context: contextvars.Context) -> None:
        try:
            await sync_to_async(context.run, thread_sensitive=False, executor=self._thread)(self._prepare, task)
        except Exception as error:  # noqa: BLE001  # as of a write; the first write says it if that fails too
            log.debug("The first request for progress has failed (%s).", type(error).__name__)

    async def _write_one(self, task: WaitingTask, progress: Mapping[str, Any], context: contextvars.Context) -> None:
        try:
            # By asgiref, since Airflow 3.0 and 3.1 find the event loop by what it leaves in the thread.
            await sync_to_async(context.run, thread_sensitive=False, executor=self._thread)(self._write, task, progress)
        except Exception as error:  # noqa: BLE001  # Airflow, its database or an XCom backend may raise anything
            if not self._fails:
                # Once, until a write succeeds: a database that is away fails for each of them.
                context.run(
                    log.warning,
                    "The XCom %r can't be written (%s). The wait continues.",
                    PROGRESS,
                    type(error).__name__,
                )
            self._fails = True
        else:
            self._fails = False


# By event loop: a triggerer has one. ``dag.test()`` has one for each trigger.
_writers: dict[asyncio.AbstractEventLoop, ProgressWriter] = {}


class ShownProgress:
    """
    Shows the progress of one wait, as long as the block lasts; asynchronous context manager.

    What is still to be written when the wait has ended by itself is written. When the trigger is cancelled (a clear, a
    state set by hand, the end of the triggerer) it is not: the next try begins without the XComs of the one before.

    :param ti: the trigger's task instance; None shows nothing
    """

    def __init__(self, ti: Any) -> None:
        self._ti = ti
        self._task: WaitingTask | None = None
        self._writer: ProgressWriter | None = None

    async def __aenter__(self) -> Self:
        """Find the writer of the running event loop."""
        try:
            self._task = WaitingTask.of(self._ti)
        except Exception as error:  # noqa: BLE001  # what a task instance of a later Airflow lacks ends no wait
            log.warning("The task of this wait is not known (%s), so its progress is not shown.", type(error).__name__)
        if self._task is not None:
            loop = asyncio.get_running_loop()
            for closed in [other for other in _writers if other.is_closed()]:
                del _writers[closed]
            if loop not in _writers:
                _writers[loop] = ProgressWriter()
            self._writer = _writers[loop]
            self._writer.begin(self._task)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Forget what is still to be written if the wait was cancelled."""
        if kind is not None and self._writer is not None and self._task is not None:
            self._writer.drop(self._task)

    def put(self, progress: Mapping[str, Any]) -> None:
        """
        Have a progress written.

        :param progress: of :class:`airflow_provider_ekyc.polling.progress.Progress`
        """
        if self._writer is not None and self._task is not None:
            self._writer.put(self._task, progress)
