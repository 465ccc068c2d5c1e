"""The progress of waiting tasks is written beside the waits: never in their way, and not too often."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from airflow_provider_ekyc.triggers.progress_writer import (
    MOST_PER_SECOND,
    ProgressWriter,
    ShownProgress,
    WaitingTask,
    _writers,
)
from tests.submitted import submitted

CURRENT: contextvars.ContextVar[str] = contextvars.ContextVar("current", default="none")


def ti(number: int = 0) -> SimpleNamespace:
    """Return what a trigger has as its task instance."""
    return SimpleNamespace(id=f"id-{number}", dag_id="a", task_id="wait", run_id="r", map_index=number)


def waiting(number: int = 0) -> WaitingTask:
    task = WaitingTask.of(ti(number))
    assert task is not None
    return task


class Writes:
    """Keeps what is written, in the thread that writes."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.seconds, self.error = seconds, error
        self.made: list[tuple[int, Any, float]] = []
        self.threads: set[str] = set()
        self.contexts: list[str] = []
        self.begun = threading.Event()

    def __call__(self, task: WaitingTask, progress: Mapping[str, Any]) -> None:
        self.begun.set()
        self.threads.add(threading.current_thread().name)
        self.contexts.append(CURRENT.get())
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        self.made.append((task.map_index, progress["queries"], time.monotonic()))


async def until_written(writer: ProgressWriter) -> None:
    if writer._writing is not None:
        await writer._writing


@pytest.mark.asyncio
async def test_it_is_written_in_a_thread_of_its_own_in_the_context_of_its_own_trigger() -> None:
    writes = Writes()
    writer = ProgressWriter(writes, most_per_second=1000)
    for number in range(3):
        contextvars.copy_context().run(
            lambda n=number: (CURRENT.set(f"trigger {n}"), writer.put(waiting(n), {"queries": n}))
        )
    await until_written(writer)
    assert [made[:2] for made in writes.made] == [(0, 0), (1, 1), (2, 2)]
    assert writes.contexts == ["trigger 0", "trigger 1", "trigger 2"]
    assert len(writes.threads) == 1
    assert threading.current_thread().name not in writes.threads


@pytest.mark.asyncio
async def test_the_first_request_is_made_once_before_the_first_write_and_may_fail() -> None:
    order: list[str] = []

    def prepare(task: WaitingTask) -> None:
        order.append(f"read {task.map_index} in {CURRENT.get()}")
        raise RuntimeError("made up")

    writer = ProgressWriter(lambda task, _: order.append(f"write {task.map_index}"), 1000, prepare)
    for number in range(2):
        contextvars.copy_context().run(lambda n=number: (CURRENT.set(f"trigger {n}"), writer.begin(waiting(n))))
        writer.put(waiting(number), {"queries": 1})
    await until_written(writer)
    assert order == ["read 0 in trigger 0", "write 0", "write 1"]


@pytest.mark.asyncio
async def test_of_a_task_that_waits_for_its_turn_only_the_latest_is_written() -> None:
    writes = Writes(seconds=0.1)
    writer = ProgressWriter(writes, most_per_second=1000)
    writer.put(waiting(0), {"queries": 1})
    await asyncio.to_thread(writes.begun.wait, 5)
    for queries in (1, 2, 3):
        writer.put(waiting(1), {"queries": queries})
        writer.put(waiting(2), {"queries": 10 * queries})
    await until_written(writer)
    assert [made[:2] for made in writes.made] == [(0, 1), (1, 3), (2, 30)]


@pytest.mark.asyncio
async def test_the_writes_of_all_tasks_together_have_a_bound() -> None:
    writes = Writes()
    writer = ProgressWriter(writes)
    for number in range(4):
        writer.put(waiting(number), {"queries": 1})
    await until_written(writer)
    moments = [moment for _, _, moment in writes.made]
    assert len(moments) == 4
    assert moments[-1] - moments[0] >= 3 / MOST_PER_SECOND * 0.95


@pytest.mark.asyncio
async def test_what_is_dropped_is_not_written() -> None:
    writes = Writes(seconds=0.05)
    writer = ProgressWriter(writes, most_per_second=1000)
    writer.put(waiting(0), {"queries": 1})
    writer.put(waiting(1), {"queries": 1})
    writer.drop(waiting(1))
    await until_written(writer)
    assert [made[0] for made in writes.made] == [0]


@pytest.mark.asyncio
async def test_writes_that_fail_are_warned_of_once_and_made_again(caplog: pytest.LogCaptureFixture) -> None:
    writes = Writes(error=RuntimeError("a secret of the backend"))
    writer = ProgressWriter(writes, most_per_second=1000)
    with caplog.at_level(logging.WARNING):
        for number in range(5):
            writer.put(waiting(number), {"queries": 1})
        await until_written(writer)
        writes.error = None
        writer.put(waiting(0), {"queries": 2})
        await until_written(writer)
    assert [made[:2] for made in writes.made] == [(0, 2)]
    assert caplog.text.count("can't be written (RuntimeError)") == 1
    assert "a secret" not in caplog.text


@pytest.mark.asyncio
async def test_a_cancelled_wait_writes_nothing_more_and_one_that_ends_does() -> None:
    async with ShownProgress(ti(1)) as ended, ShownProgress(ti(2)) as cancelled:
        writes = Writes(seconds=0.05)
        writer = ProgressWriter(writes, most_per_second=1000)
        ended._writer = cancelled._writer = writer
        writer.put(waiting(0), {"queries": 1})
        ended.put({"queries": 7})
        cancelled.put({"queries": 8})
        await cancelled.__aexit__(asyncio.CancelledError, asyncio.CancelledError(), None)
    await until_written(writer)
    assert [made[:2] for made in writes.made] == [(0, 1), (1, 7)]


@pytest.mark.asyncio
async def test_a_trigger_without_a_task_instance_shows_nothing() -> None:
    async with ShownProgress(None) as shown:
        shown.put({"queries": 1})
        assert shown._writer is None


@pytest.mark.asyncio
async def test_a_task_instance_that_lacks_what_is_needed_ends_no_wait(caplog: pytest.LogCaptureFixture) -> None:
    async with ShownProgress(SimpleNamespace(id="x")) as shown:
        shown.put({"queries": 1})
    assert "so its progress is not shown" in caplog.text


def test_the_iterations_of_a_loop_are_different_tasks() -> None:
    first, second = (SimpleNamespace(id=n, dag_id="a", task_id="t", run_id="r", map_index=-1) for n in "12")
    assert WaitingTask.of(first) != WaitingTask.of(second)
    assert WaitingTask.of(SimpleNamespace(dag_id="a", task_id="t", run_id="r", map_index=None)) == WaitingTask(
        "a", "t", "r", -1, ""
    )


class Supervisor:
    """The far end of a triggerer's requests: answers a write of an XCom when the test lets it."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.requests: list[Any] = []

    def send(self, message: Any) -> None:
        self.requests.append(message)
        self.answers.wait(120)

    async def asend(self, message: Any) -> None:
        """As a triggerer's supervisor has it; nothing of the test comes so far."""
        raise AssertionError(message)


@pytest.mark.asyncio
@pytest.mark.usefixtures("connections", "quick_polls")
async def test_200_waits_end_while_the_first_request_has_not_returned(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = Supervisor()
    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", supervisor, raising=False)
    sandbox.change(pace=50.0)
    ekyc_task_id = submitted(sandbox)
    now = time.time()

    async def end_of(number: int) -> str:
        waits = EkycTaskTrigger(
            ekyc_task_id=ekyc_task_id,
            ekyc_conn_id="ekyc_default",
            started=now,
            timeout_at=now + 120,
            poll_interval=1.0,
            ceiling=1.0,
        )
        waits.task_instance = ti(number)  # type: ignore[assignment]
        (event,) = [event.payload async for event in waits.run()]
        return str(dict(event)["end"])

    ends = await asyncio.gather(*(end_of(number) for number in range(200)))
    assert ends == ["exported"] * 200
    assert sandbox.calls["status"] >= 400, "each has asked more than once"
    (first,) = supervisor.requests
    assert (type(first).__name__, first.key) == ("GetXCom", "progress"), "the first request is a read"
    supervisor.answers.set()
    (writer,) = [writer for loop, writer in _writers.items() if loop is asyncio.get_running_loop()]
    writer._interval = 0.0
    await until_written(writer)
    writes = supervisor.requests[1:]
    latest = {request.map_index: request.value for request in writes}
    assert {value["status"] for value in latest.values()} == {"exported"}, "what had to wait is the latest"
    assert (len(latest), len(writes)) == (200, 200)
