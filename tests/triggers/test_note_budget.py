"""Waits of one event loop log so much in a second at the most; the end of each is always logged (``note_budget``)."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.triggers import note_budget as module
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from airflow_provider_ekyc.triggers.note_budget import BURST, MOST_PER_SECOND, NoteBudget, note_budget
from tests.submitted import submitted


def test_a_burst_is_allowed_and_then_so_many_in_a_second() -> None:
    now = [0.0]
    budget = NoteBudget(lambda: now[0])
    assert sum(budget.allows(is_warning=False) for _ in range(200)) == BURST
    allowed = 0
    for step in range(1, 1001):
        now[0] = step / 100
        allowed += budget.allows(is_warning=False)
    assert allowed == pytest.approx(10 * MOST_PER_SECOND, abs=1)


def test_notes_do_not_use_up_what_warnings_may() -> None:
    budget = NoteBudget(lambda: 0.0)
    while budget.allows(is_warning=False):
        pass
    assert budget.allows(is_warning=True)
    assert not budget.allows(is_warning=False)


def test_a_quiet_hour_allows_no_more_than_a_burst() -> None:
    now = [0.0]
    budget = NoteBudget(lambda: now[0])
    now[0] = 3600.0
    assert sum(budget.allows(is_warning=False) for _ in range(200)) == BURST


def test_each_event_loop_has_its_own() -> None:
    async def budget() -> NoteBudget:
        assert note_budget() is note_budget()
        return note_budget()

    assert asyncio.run(budget()) is not asyncio.run(budget())
    assert len(module._budgets) == 1, "those of closed loops are forgotten"


@pytest.mark.asyncio
@pytest.mark.usefixtures("connections", "quick_polls", "clock_of_queries")
async def test_a_wait_says_how_many_of_its_queries_are_not_logged(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "BURST", 0.0)
    sandbox.change(queue_seconds=4)
    now = time.time()
    wait = EkycTaskTrigger(
        ekyc_task_id=submitted(sandbox), ekyc_conn_id="ekyc_default", started=now, timeout_at=now + 60, ceiling=0.2
    )
    (event,) = [event.payload async for event in wait.run()]
    shown = capfd.readouterr().out
    assert "Next query in" not in shown
    assert event["summary"]["queries"] == 5
    assert "4 queries are not logged before this one." in shown
