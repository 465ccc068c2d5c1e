"""In a triggerer the first wait leaves what is loaded out of garbage collections (``triggers/frozen_heap.py``)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from tests.conftest import API_KEY
from tests.submitted import submitted

SCRIPT = """
import asyncio, gc, json, sys, time
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger

async def frozen_after(waits):
    counts = []
    for _ in range(waits):
        now = time.time()
        trigger = EkycTaskTrigger(
            ekyc_task_id=sys.argv[1], ekyc_conn_id="ekyc_default", started=now - 60, timeout_at=now + 60
        )
        trigger.trigger_id = json.loads(sys.argv[2])
        events = [event.payload async for event in trigger.run()]
        assert events[0]["end"] == "exported", events
        counts.append(gc.get_freeze_count())
    return counts

print(json.dumps(asyncio.run(frozen_after(2))))
"""


def frozen(sandbox: Sandbox, trigger_id: int | None, **env: str) -> Any:
    connection = {"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, submitted(sandbox), json.dumps(trigger_id)],
        env={**os.environ, "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(connection), **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_triggerer_is_frozen_once(sandbox: Sandbox) -> None:
    first, second = frozen(sandbox, 7)
    assert first > 10_000
    assert second <= first


@pytest.fixture(scope="module")
def nothing() -> list[int]:
    """What ``gc.get_freeze_count()`` is in a fresh process, twice."""
    asks = [sys.executable, "-c", "import gc; print(gc.get_freeze_count())"]
    return [int(subprocess.run(asks, capture_output=True, text=True, check=True).stdout)] * 2


def test_a_process_that_is_no_triggerer_is_not(sandbox: Sandbox, nothing: list[int]) -> None:
    assert frozen(sandbox, None) == nothing


@pytest.mark.parametrize("value", ["False", "made up"])
def test_a_deployment_switches_it_off(value: str, sandbox: Sandbox, nothing: list[int]) -> None:
    assert frozen(sandbox, 7, AIRFLOW__EKYC__FREEZE_HEAP=value) == nothing
