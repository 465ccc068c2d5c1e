"""In a triggerer the first wait leaves what is loaded out of garbage collections (``triggers/frozen_heap.py``)."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.triggers import frozen_heap
from dev.testing.rare_collections import default_environment
from tests.conftest import API_KEY
from tests.submitted import submitted

#: By case: the trigger's id, rounds of so many waits at once, and what a deployment sets.
CASES: dict[str, tuple[int | None, list[int], dict[str, str]]] = {
    "a triggerer": (7, [1, 1], {}),
    "a triggerer with more waits": (7, [1, 5, 5, 3, 6], {}),
    "no triggerer": (None, [1, 1], {}),
    "switched off": (7, [1, 1], {"AIRFLOW__EKYC__FREEZE_HEAP": "False"}),
    "made up": (7, [1, 1], {"AIRFLOW__EKYC__FREEZE_HEAP": "made up"}),
}

#: Runs each case in a fork of its own; prints after each round how often the heap was frozen, and how much of it is.
SCRIPT = """
import asyncio, gc, json, os, sys, time
from airflow_provider_ekyc.triggers import frozen_heap
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger

frozen_heap.MORE_WAITS = 2
freezes = []
frozen_heap.log.setLevel("DEBUG")
frozen_heap.log.addFilter(lambda record: "left out" not in record.msg or freezes.append(record))

async def wait(trigger_id):
    now = time.time()
    trigger = EkycTaskTrigger(
        ekyc_task_id=sys.argv[1], ekyc_conn_id="ekyc_default", started=now - 60, timeout_at=now + 60
    )
    trigger.trigger_id = trigger_id
    events = [event.payload async for event in trigger.run()]
    assert events[0]["end"] == "exported", events

async def frozen_after(trigger_id, rounds):
    counts = []
    for waits in rounds:
        await asyncio.gather(*(wait(trigger_id) for _ in range(waits)))
        counts.append([len(freezes), gc.get_freeze_count()])
    return counts

for trigger_id, rounds, env in json.loads(sys.argv[2]):
    if not (child := os.fork()):
        os.environ.update(env)
        print(json.dumps(asyncio.run(frozen_after(trigger_id, rounds))), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.fixture(scope="module")
def frozen() -> dict[str, Any]:
    """Run all cases; Airflow is imported once for all."""
    with Sandbox(API_KEY) as sandbox:
        connection = {"conn_type": "ekyc", "host": sandbox.url, "password": API_KEY}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, submitted(sandbox), json.dumps(list(CASES.values()))],
            env={**default_environment(), "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps(connection)},
            capture_output=True,
            text=True,
            check=True,
        )
    counts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[[")]
    return dict(zip(CASES, counts, strict=True))


def test_a_triggerer_is_frozen_with_its_first_wait(frozen: dict[str, Any]) -> None:
    (freezes, first), (more, second) = frozen["a triggerer"]
    assert freezes == more == 2, "before and after its imports"
    assert first > 10_000
    assert second <= first


def test_it_is_frozen_again_with_so_many_more_waits_at_once_than_ever(frozen: dict[str, Any]) -> None:
    seen = frozen["a triggerer with more waits"]
    assert [freezes for freezes, _ in seen] == [2, 4, 4, 4, 5]
    # What a wait had is freed when it ends, frozen or not.
    assert seen[-1][1] < seen[0][1] * 1.05


@pytest.fixture(scope="module")
def nothing() -> list[list[int]]:
    """No freeze, and what ``gc.get_freeze_count()`` is in a fresh process, twice."""
    asks = [sys.executable, "-c", "import gc; print(gc.get_freeze_count())"]
    done = subprocess.run(asks, env=default_environment(), capture_output=True, text=True, check=True)
    return [[0, int(done.stdout)]] * 2


def test_a_process_that_is_no_triggerer_is_not(frozen: dict[str, Any], nothing: list[list[int]]) -> None:
    assert frozen["no triggerer"] == nothing


@pytest.mark.parametrize("case", ["switched off", "made up"])
def test_a_deployment_switches_it_off(case: str, frozen: dict[str, Any], nothing: list[list[int]]) -> None:
    assert frozen[case] == nothing


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
