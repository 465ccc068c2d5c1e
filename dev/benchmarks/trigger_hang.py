"""The case of the benchmark of triggers in which one host of three accepts connections and answers nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import requests

from airflow_provider_ekyc.sandbox import Sandbox
from dev.benchmarks.trigger_case import OURS, START_TIMEOUT, Trigger, Triggerer
from dev.testing.sockets import SocketServer, read_request

COUNT = 999
INTERVAL = 5.0
#: Seconds from the submission to the export, while which the waits begin.
EXPORT_SECONDS = 90.0


def submit(sandbox: Sandbox, key: str) -> str:
    """
    Submit a hundred made-up numbers.

    :param sandbox: that runs
    :param key: the one that it accepts
    :return: the task's id
    """
    session = requests.Session()
    session.trust_env = False
    numbers = "".join(f"+999{number:09d}\n" for number in range(100))
    answer = session.post(
        f"{sandbox.url}/v1/tasks",
        headers={"X-API-Key": key},
        files={"file": numbers},
        data={"task_type": "amazon"},
        verify=str(sandbox.ca_file) if sandbox.ca_file else True,
        timeout=60,
    )
    answer.raise_for_status()
    return str(answer.json()["task_id"])


def seconds_late(folder: Path, key: str) -> float:
    """
    Run it: a third of the triggers waits at each host.

    :param folder: does not exist
    :param key: of the hosts
    :return: seconds after the export, beyond their interval, at which the last wait of the two other hosts has ended
    """
    over = threading.Event()

    def hang(line: socket.socket) -> None:
        read_request(line)
        over.wait(START_TIMEOUT)

    with (
        SocketServer(hang) as hanging,
        Sandbox(key, queue_seconds=EXPORT_SECONDS) as one,
        Sandbox(key, queue_seconds=EXPORT_SECONDS) as other,
    ):
        now = time.time()
        hosts = {"hangs": (hanging.url, "made-up"), "one": (one.url, submit(one, key))}
        hosts["other"] = (other.url, submit(other, key))
        exported = time.time() + EXPORT_SECONDS
        wait = {"started": now, "timeout_at": now + 86_400, "poll_interval": INTERVAL}
        triggers: list[Trigger] = [
            (OURS, {"ekyc_task_id": ekyc_task_id, "ekyc_conn_id": name, **wait})
            for _ in range(COUNT // 3)
            for name, (_, ekyc_task_id) in hosts.items()
        ]
        connections = {
            f"AIRFLOW_CONN_{name.upper()}": json.dumps({"conn_type": "ekyc", "host": url, "password": key})
            for name, (url, _) in hosts.items()
        }
        healthy = 2 * (COUNT // 3)
        triggerer = Triggerer(folder, {**connections, "AIRFLOW__TRIGGERER__CAPACITY": str(COUNT + 10)})
        triggerer.fill(triggers)
        with triggerer.process() as process:
            triggerer.release(COUNT)
            process.wait_until(lambda: len(triggerer.ended()) >= healthy, START_TIMEOUT, interval=1.0)
            ended = triggerer.ended()
        over.set()
    print(f"\nOne host of three hangs: {len(ended)} waits, of {healthy} at the two others, have ended.")
    return ended[-1] - exported - INTERVAL
