"""The benchmark of triggers: its observer sees a block, its peer waits as ours does, its figures are compared right."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from dev.benchmarks import triggers
from dev.benchmarks.trigger_case import MIB, Seen
from dev.benchmarks.trigger_probe import (
    BareQueryTrigger,
    LoopProbe,
    SessionPerQueryTrigger,
    SleepingTrigger,
    close_session,
)
from tests.conftest import API_KEY, until
from tests.submitted import submitted


async def observe(path: Path, *, block: float) -> None:
    """Run the observer until its first line, and block its loop once."""

    async def run() -> None:
        async for _ in LoopProbe(path=str(path)).run():
            pass

    task = asyncio.create_task(run())
    await asyncio.sleep(0.1)
    time.sleep(block)  # noqa: ASYNC251  # this is what it is to see
    await until(lambda: path.exists() and path.read_text().endswith("\n"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_observer_sees_a_loop_that_is_blocked(tmp_path: Path) -> None:
    asyncio.run(observe(tmp_path / "probe.jsonl", block=0.3))
    line = json.loads((tmp_path / "probe.jsonl").read_text().splitlines()[0])
    assert 0.25 <= line["blocked"] <= line["late"] + 0.001
    assert line["rss"] > 10 * MIB


@pytest.mark.asyncio
@pytest.mark.usefixtures("clock_of_queries")
@pytest.mark.parametrize("peer", [SessionPerQueryTrigger, BareQueryTrigger])
async def test_a_peer_waits_until_the_export(peer: type[SessionPerQueryTrigger], sandbox: Sandbox) -> None:
    host, _, port = sandbox.url.rpartition(":")
    with pytest.MonkeyPatch.context() as patch:
        connection = {"conn_type": "ekyc", "host": host, "port": int(port), "password": API_KEY}
        patch.setenv("AIRFLOW_CONN_PEER", json.dumps(connection))
        sandbox.change(queue_seconds=1)
        waiting = peer(conn_id="peer", ekyc_task_id=submitted(sandbox), interval=0.05)
        events = [event.payload async for event in waiting.run()]
    await close_session()
    assert events == ["exported"]
    assert sandbox.calls["status"] == 2


@pytest.mark.parametrize(
    "made",
    [LoopProbe(path="made-up"), SleepingTrigger(), SessionPerQueryTrigger(conn_id="a", ekyc_task_id="b", interval=1.0)],
)
def test_the_arguments_make_the_same_trigger(made: LoopProbe | SleepingTrigger | SessionPerQueryTrigger) -> None:
    path, arguments = made.serialize()
    assert path == f"dev.benchmarks.trigger_probe.{type(made).__name__}"
    assert type(made)(**arguments).serialize() == (path, arguments)


def seen(cpu: float, queries: float = 100.0, mib: float = 200.0, blocked: float = 0.01) -> Seen:
    return Seen(mib * MIB, cpu, queries, blocked, 0.0, blocked)


def test_cpu_is_compared_beyond_what_sleeping_triggers_use(capsys: pytest.CaptureFixture[str]) -> None:
    table = {"sleeping": seen(0.1, 0.0), "ours": seen(0.15), "session": seen(0.4), "peer": seen(0.7)}
    figures = {entry["name"]: entry for entry in triggers._table(1000, seen(0.0, mib=150), table)}
    assert figures["triggers_ours_1000"]["ratio"] == pytest.approx(1 / 6, abs=1e-3)
    assert figures["triggers_peer_1000"]["ratio"] == pytest.approx(2.0)
    assert figures["triggers_ours_1000"]["rss_mib"] == 50
    assert "| EkycTaskTrigger | 50 | 0.150 | 100 | 0.50 | 0.17 |" in capsys.readouterr().out


def test_each_bound_that_does_not_hold_is_named() -> None:
    table = {"sleeping": seen(0.1, 0.0), "ours": seen(0.3, mib=400, blocked=0.2), "session": seen(0.4)}
    names = ["triggers_1000_mib", "triggers_1000_ratio", "triggers_1000_blocked"]
    assert triggers._verdicts(1000, seen(0.0, mib=150), table) == names
    table["ours"] = seen(0.11)
    assert triggers._verdicts(1000, seen(0.0, mib=150), table) == []
