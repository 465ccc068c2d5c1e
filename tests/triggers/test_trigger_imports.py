"""A trigger needs nothing that may be missing: it would be missed only after the submission is paid for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from airflow_provider_ekyc.sandbox import Sandbox
from tests.submitted import submitted

pytestmark = pytest.mark.usefixtures("connections")

WAIT = """
import asyncio, json, sys, time
for name in ("connection", "lineage", "openlineage", "sdk"):
    sys.modules[f"airflow.providers.common.compat.{name}"] = None
from airflow_provider_ekyc.polling import interval
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger

interval.FLOOR = 0.05

async def wait():
    now = time.time()
    trigger = EkycTaskTrigger(ekyc_task_id=sys.argv[1], ekyc_conn_id="ekyc_default", started=now, timeout_at=now + 60)
    return [event.payload async for event in trigger.run()]

print(json.dumps(asyncio.run(wait())))
"""


def test_a_trigger_waits_where_common_compat_can_not_be_imported(sandbox: Sandbox) -> None:
    done = subprocess.run([sys.executable, "-c", WAIT, submitted(sandbox)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (event,) = json.loads(done.stdout.splitlines()[-1])
    assert event["end"] == "exported"
