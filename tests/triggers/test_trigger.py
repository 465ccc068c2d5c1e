"""EkycTaskTrigger against the sandbox, in an event loop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from airflow_provider_ekyc.api import aio
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from dev.testing.sockets import ScriptedServer, answer
from dev.testing.waiting import wait_until
from tests.conftest import API_KEY
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections", "quick_polls")


def trigger(ekyc_task_id: str, *, seconds: float = 60.0, **arguments: Any) -> EkycTaskTrigger:
    now = time.time()
    default = {"ekyc_conn_id": "ekyc_default", "started": now, "timeout_at": now + seconds}
    return EkycTaskTrigger(ekyc_task_id=ekyc_task_id, **{**default, "ceiling": 0.2, **arguments})


async def only_event(waiting: EkycTaskTrigger) -> dict[str, Any]:
    events = [event async for event in waiting.run()]
    assert len(events) == 1
    payload = events[0].payload
    assert isinstance(payload, dict)
    return payload


@pytest.mark.asyncio
async def test_an_exported_task_gives_one_event_with_a_summary_and_no_url(sandbox: Sandbox) -> None:
    event = await only_event(trigger(submitted(sandbox)))
    assert event["end"] == "exported"
    assert event["summary"]["total"] == event["summary"]["success"] == 200
    assert "http" not in str(event)
    assert sandbox.calls["status"] == 1


@pytest.mark.asyncio
async def test_it_waits_until_the_export_and_logs_progress(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    sandbox.change(pace=200.0)
    event = await only_event(trigger(submitted(sandbox)))
    assert event["end"] == "exported"
    assert 2 <= sandbox.calls["status"] <= 25
    shown = capfd.readouterr().out
    assert "Next query in" in shown
    assert "of 200 numbers" in shown


@pytest.mark.asyncio
async def test_a_failed_task_ends_it(sandbox: Sandbox) -> None:
    sandbox.change(ending="failed")
    event = await only_event(trigger(submitted(sandbox)))
    assert event["end"] == "failed"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["status", "html", "broken_json", "cut_before", "cut_after", "without_task_id"])
async def test_a_failing_query_never_ends_it(sandbox: Sandbox, kind: str) -> None:
    ekyc_task_id = submitted(sandbox)
    sandbox.fault("status", kind, times=3)
    event = await only_event(trigger(ekyc_task_id))
    assert event["end"] == "exported"
    assert event["summary"]["queries"] == 4


@pytest.mark.asyncio
async def test_retry_after_is_honoured(sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(sandbox)
    sandbox.fault("status", "status", status=429, headers={"Retry-After": "1"})
    begun = time.monotonic()
    assert (await only_event(trigger(ekyc_task_id)))["end"] == "exported"
    assert time.monotonic() - begun >= 1


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [302, 307, 400, 401, 402, 403, 404, 405])
async def test_a_page_of_a_proxy_never_ends_it(sandbox: Sandbox, status: int) -> None:
    ekyc_task_id = submitted(sandbox)
    location = f"{sandbox.url}/sign-in" if status < 400 else None
    sandbox.fault("status", "html", status=status, times=3, location=location)
    event = await only_event(trigger(ekyc_task_id))
    assert (event["end"], event["summary"]["queries"]) == ("exported", 4)


@pytest.mark.asyncio
async def test_an_id_that_is_not_known_yet_is_asked_for_again(sandbox: Sandbox) -> None:
    ekyc_task_id = submitted(sandbox)
    sandbox.fault("status", "status", status=404, times=3)
    event = await only_event(trigger(ekyc_task_id))
    assert (event["end"], event["summary"]["queries"]) == ("exported", 4)


@pytest.mark.asyncio
async def test_an_id_that_stays_unknown_ends_it(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of ten minutes; not one second, in which a busy machine may make a single query.
    monkeypatch.setattr("airflow_provider_ekyc.polling.poller.NOT_FOUND_SECONDS", 3.0)
    event = await only_event(trigger("dnobodyknows", poll_interval=1.0))
    assert event["end"] == "error"
    assert "404" in event["message"]
    assert 2 <= sandbox.calls["status"] <= 8


@pytest.mark.asyncio
@pytest.mark.parametrize(("answered", "end"), [(0, "error"), (1, "exported")])
async def test_certificates_that_can_not_be_read_end_it_only_before_the_first_answer(
    answered: int, end: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CA file may be replaced while a wait of hours goes on."""
    sandbox.change(pace=100.0)
    route, calls = aio._route, 0

    async def replaced(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == answered + 1:
            raise EkycSettingsError("The connection's ca_file can't be read.")
        return await route(*arguments)

    monkeypatch.setattr(aio, "_route", replaced)
    event = await only_event(trigger(submitted(sandbox)))
    assert event["end"] == end
    assert end == "exported" or "ca_file" in event["message"]


@pytest.mark.asyncio
async def test_a_count_that_airflow_can_not_send_is_none(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unsigned difference below zero, in an answer that ends the wait: msgpack knows no integer above 2**64 - 1."""
    ekyc_task_id = submitted(sandbox)
    body = {"task_id": ekyc_task_id, "status": "exported", "total": 200, "success": 202, "failure": 2**64 - 2}
    with ScriptedServer(answer("200 OK", json.dumps(body).encode(), "Content-Type: application/json")) as server:
        settings = {"conn_type": "ekyc", "host": server.url, "password": API_KEY}
        monkeypatch.setenv("AIRFLOW_CONN_EKYC_OTHER", json.dumps(settings))
        event = await only_event(trigger(ekyc_task_id, ekyc_conn_id="ekyc_other"))
    assert (event["end"], event["summary"]["success"], event["summary"]["failure"]) == ("exported", 202, None)
    msgspec.msgpack.encode(event)


@pytest.mark.asyncio
async def test_a_wrong_key_ends_it_at_once(sandbox: Sandbox, connect: Callable[..., None]) -> None:
    connect(sandbox, password="another-made-up-key")
    refused = await only_event(trigger(submitted(sandbox)))
    assert (refused["end"], sandbox.calls["status"]) == ("error", 1)
    assert "another-made-up-key" not in refused["message"]


@pytest.mark.asyncio
async def test_a_key_that_is_replaced_during_the_wait_is_used_from_the_first_refusal_on(
    connect: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    with Sandbox("made-up-new-key", pace=100.0) as rotated:
        ekyc_task_id = submitted(rotated)
        rotated.change(api_key="made-up-old-key")
        connect(rotated, password="made-up-old-key")
        waiting = asyncio.create_task(only_event(trigger(ekyc_task_id)))
        assert await asyncio.to_thread(wait_until, lambda: rotated.bill.polls > 0)
        connect(rotated, password="made-up-new-key")
        rotated.change(api_key="made-up-new-key")
        event = await waiting
        refused = rotated.calls["status"] - rotated.bill.polls
    assert (event["end"], refused) == ("exported", 1)
    assert event["summary"]["queries"] == rotated.bill.polls
    shown = capfd.readouterr().out
    assert "The connection 'ekyc_default' has changed since" in shown
    assert "made-up-" not in shown


@pytest.mark.asyncio
async def test_a_key_that_is_replaced_by_another_wrong_one_ends_it(
    sandbox: Sandbox, connect: Callable[..., None]
) -> None:
    sandbox.change(queue_seconds=60.0)
    waiting = asyncio.create_task(only_event(trigger(submitted(sandbox))))
    assert await asyncio.to_thread(wait_until, lambda: sandbox.bill.polls > 0)
    answered = sandbox.bill.polls
    connect(sandbox, password="made-up-wrong-key")
    sandbox.change(api_key="made-up-third-key")
    event = await waiting
    assert (event["end"], event["kind"]) == ("error", "authentication")
    assert sandbox.calls["status"] - sandbox.bill.polls == 2
    assert sandbox.bill.polls <= answered + 3


@pytest.mark.asyncio
async def test_a_workers_clock_an_hour_ahead_delays_nothing(sandbox: Sandbox) -> None:
    ahead = time.time() + 3600
    waiting = trigger(submitted(sandbox), started=ahead, timeout_at=ahead + 60)
    event = await asyncio.wait_for(only_event(waiting), timeout=30)
    assert event["end"] == "exported"
    assert 0 <= event["summary"]["seconds"] < 30


@pytest.mark.asyncio
async def test_a_missing_connection_is_looked_for_again_and_then_reported(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_ekyc.triggers.ekyc.CONNECTION_TIMEOUT", 0.2)
    monkeypatch.setattr("airflow_provider_ekyc.triggers.ekyc.CONNECTION_INTERVAL", 0.1)
    now = time.time()
    waiting = EkycTaskTrigger(ekyc_task_id="d1", ekyc_conn_id="nowhere", started=now, timeout_at=now + 5)
    event = await only_event(waiting)
    assert (event["end"], event["retryable"]) == ("error", True)
    assert "'nowhere'" in event["message"]


@pytest.mark.asyncio
async def test_the_deadlines_hold(sandbox: Sandbox) -> None:
    sandbox.change(queue_seconds=60)
    ekyc_task_id = submitted(sandbox)
    assert (await only_event(trigger(ekyc_task_id, seconds=0.3)))["end"] == "timeout"
    limited = trigger(ekyc_task_id, execution_timeout_at=time.time() + 0.3)
    assert (await only_event(limited))["end"] == "execution_timeout"


@pytest.mark.asyncio
async def test_many_triggers_share_one_session_and_leave_none(sandbox: Sandbox) -> None:
    from airflow_provider_ekyc.api import aio

    sandbox.change(pace=400.0)
    ids = [submitted(sandbox) for _ in range(3)]
    waits = [asyncio.create_task(only_event(trigger(ids[n % 3]))) for n in range(30)]
    sessions = set()
    while not all(wait.done() for wait in waits):
        sessions.add(len(aio._shared))
        await asyncio.sleep(0.005)
    assert sessions - {0} == {1}
    assert {event["end"] for event in await asyncio.gather(*waits)} == {"exported"}
    assert not aio._shared


def test_the_arguments_are_ids_and_numbers_and_make_the_same_trigger() -> None:
    path, arguments = trigger("d1", execution_timeout_at=2e9, poll_interval=7.0).serialize()
    assert path == "airflow_provider_ekyc.triggers.ekyc.EkycTaskTrigger"
    assert EkycTaskTrigger(**arguments).serialize() == (path, arguments)
    assert API_KEY not in str(arguments)
    assert all(value is None or isinstance(value, str | float | bool) for value in arguments.values())


@pytest.mark.asyncio
async def test_a_kill_says_that_the_paid_task_goes_on(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    await trigger("dpaid1").on_kill()
    shown = capfd.readouterr().out
    assert "dpaid1" in shown
    assert "EkycResultsToS3Operator" in shown
    assert sum(sandbox.calls.values()) == 0
