"""In a triggerer the first wait leaves what is loaded out of garbage collections (``triggers/frozen_heap.py``)."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.triggers import frozen_heap
from dev.testing.rare_collections import default_environment
from tests.conftest import API_KEY
from tests.submitted import submitted

#: Runs rounds of so many waits at once; prints after each how often the heap was frozen, and how much of it is.
SCRIPT = """
import asyncio, gc, json, logging, sys, time
from airflow_provider_ekyc.triggers import frozen_heap
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger

frozen_heap.MORE_WAITS = 2
freezes = []
frozen_heap.log.setLevel("DEBUG")
frozen_heap.log.addFilter(lambda record: "left out" not in record.msg or freezes.append(record))

async def wait():
    now = time.time()
    trigger = EkycTaskTrigger(
        ekyc_task_id=sys.argv[1], ekyc_conn_id="ekyc_default", started=now - 60, timeout_at=now + 60
    )
    trigger.trigger_id = json.loads(sys.argv[2])
    events = [event.payload async for event in trigger.run()]
    assert events[0]["end"] == "exported", events

async def frozen_after(rounds):
    counts = []
    for waits in rounds:
        await asyncio.gather(*(wait() for _ in range(waits)))
        counts.append([len(freezes), gc.get_freeze_count()])
    return counts

print(json.dumps(asyncio.run(frozen_after(json.loads(sys.argv[3])))))
"""


def frozen(sandbox: Sandbox, trigger_id: int | None, rounds: Sequence[int] = (1, 1), **env: str) -> Any:
    connection = {"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, submitted(sandbox), json.dumps(trigger_id), json.dumps(rounds)],
        env={**default_environment(), "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(connection), **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_a_triggerer_is_frozen_with_its_first_wait(sandbox: Sandbox) -> None:
    (freezes, first), (more, second) = frozen(sandbox, 7)
    assert freezes == more == 2, "before and after its imports"
    assert first > 10_000
    assert second <= first


def test_it_is_frozen_again_with_so_many_more_waits_at_once_than_ever(sandbox: Sandbox) -> None:
    seen = frozen(sandbox, 7, (1, 5, 5, 3, 6))
    assert [freezes for freezes, _ in seen] == [2, 4, 4, 4, 5]
    # What a wait had is freed when it ends, frozen or not.
    assert seen[-1][1] < seen[0][1] * 1.05


@pytest.fixture(scope="module")
def nothing() -> list[list[int]]:
    """No freeze, and what ``gc.get_freeze_count()`` is in a fresh process, twice."""
    asks = [sys.executable, "-c", "import gc; print(gc.get_freeze_count())"]
    done = subprocess.run(asks, env=default_environment(), capture_output=True, text=True, check=True)
    return [[0, int(done.stdout)]] * 2


def test_a_process_that_is_no_triggerer_is_not(sandbox: Sandbox, nothing: list[list[int]]) -> None:
    assert frozen(sandbox, None) == nothing


@pytest.mark.parametrize("value", ["False", "made up"])
def test_a_deployment_switches_it_off(value: str, sandbox: Sandbox, nothing: list[list[int]]) -> None:
    assert frozen(sandbox, 7, AIRFLOW__EKYC__FREEZE_HEAP=value) == nothing


def test_an_option_that_is_no_bool_is_a_warning_and_nothing_is_frozen(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__EKYC__FREEZE_HEAP", "made up")
    monkeypatch.setattr(frozen_heap, "_frozen", set())
    before = gc.get_freeze_count()
    for _ in range(2):
        frozen_heap.freeze_heap("a made-up stage")
    assert caplog.messages == ["[ekyc] freeze_heap can't be read (AirflowConfigException): nothing is frozen."]
    assert gc.get_freeze_count() == before
