"""What the cases run against: a sandbox each, one S3 server, connections, files of numbers."""

from __future__ import annotations

import io
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from faults.case import ROWS, Case, Charge
from faults.strikes import SHORT_TIMEOUT, fault_of
from stack.s3_server import S3Server

API_KEY = "made-up-fault-run-key-0123456789"
BUCKET = "ekyc-faults"


class QueueClock:
    """The time of a sandbox whose tasks stay in the queue until a status query has come: it stands still till then."""

    def __init__(self) -> None:
        self._begun = time.time()
        self._asked_at: float | None = None

    def __call__(self) -> float:
        """Return it, as Unix time."""
        asked_at = self._asked_at
        return self._begun if asked_at is None else self._begun + time.time() - asked_at

    def go_on_when_asked(self, sandbox: Sandbox) -> None:
        """Start a thread that lets the time go on once the sandbox has met a status query."""

        def watch() -> None:
            while not sandbox.calls["status"] and not sandbox.state.closing.is_set():
                time.sleep(0.01)
            self._asked_at = time.time()

        threading.Thread(target=watch, name="queue-clock", daemon=True).start()


def prepare_environment(home: Path) -> None:
    """Set what Airflow reads when it is imported; to be called before that."""
    os.environ["AIRFLOW_HOME"] = str(home)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    # A killed caller is an error to the sandbox's server, which would print its stack.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def numbers_of(case: Case) -> list[str]:
    """Return the case's phone numbers: made up, of no country, and nobody else's."""
    return [f"+999{case.number:06d}{row:04d}" for row in range(ROWS)]


def ekyc_connection(sandbox: Sandbox, *, short: bool) -> str:
    """
    Describe the sandbox as an Airflow connection.

    :param short: with short time-outs, for the faults that show only behind one
    """
    timeouts = {"read_timeout": SHORT_TIMEOUT, "submit_timeout": SHORT_TIMEOUT} if short else {}
    return json.dumps(
        {
            "conn_type": "ekyc",
            "host": sandbox.url,
            "password": API_KEY,
            "extra": {"result_hosts": sandbox.url, "connect_timeout": 10, **timeouts},
        }
    )


def aws_connection(server: S3Server) -> str:
    """Describe the S3 server as an Airflow connection."""
    return json.dumps(
        {
            "conn_type": "aws",
            "login": server.access_key,
            "password": server.secret_key,
            "extra": {"region_name": "us-east-1", "endpoint_url": server.endpoint_url},
        }
    )


def submit_beforehand(sandbox: Sandbox, case: Case) -> str:
    """Bring the remote task into being that a wait or a landing is about; it is charged, once."""
    from airflow_provider_ekyc.api.client import EkycClient
    from airflow_provider_ekyc.api.settings import read_settings

    body = "".join(f"{number}\n" for number in numbers_of(case)).encode()
    with EkycClient(read_settings("made_up", host=sandbox.url, password=API_KEY, extra={})) as client:
        return client.submit(io.BytesIO(body), len(body), "amazon").ekyc_task_id


def strike(sandbox: Sandbox, case: Case) -> None:
    """Switch the case's fault on."""
    if case.strike:
        sandbox.state.faults.add(fault_of(case.call, case.strike, None if case.always else 1))  # type: ignore[arg-type]


def unmet_strike(sandbox: Sandbox, case: Case) -> str:
    """Name the case's fault if it was to hit one call and none came to it; a kill may well come before."""
    if not case.strike or case.always or case.instant is not None:
        return ""
    wanted = fault_of(case.call, case.strike, 1)  # type: ignore[arg-type]
    return case.strike if any(fault == wanted for fault, _ in sandbox.state.faults.active) else ""


def charges_of(sandbox: Sandbox, patience: float = 20.0) -> tuple[Charge, ...]:
    """
    Read the bill once every call that has arrived is over: a killed caller's submission may still be taken.

    :param patience: seconds
    """
    deadline = time.monotonic() + patience
    while sum(sandbox.calls.values()) > len(sandbox.requests) and time.monotonic() < deadline:
        time.sleep(0.02)
    return tuple(Charge(charge.task_id, charge.sha256) for charge in sandbox.bill.submissions)


def arguments_of(case: Case, folder: Path, ekyc_task_id: str, conn_id: str) -> dict[str, Any]:
    """Return the operator's arguments."""
    if case.operator == "submit":
        uri = {"variables": None, "local": str(folder / "journal"), "s3": f"s3://{BUCKET}/journal"}[case.memory]
        return {
            "numbers": str(folder / "numbers.txt"),
            "ekyc_conn_id": conn_id,
            "journal_uri": uri,
            "on_unknown_outcome": "resubmit" if case.resubmit else "fail",
        }
    if case.operator == "wait":
        return {
            "ekyc_task_id": ekyc_task_id,
            "ekyc_conn_id": conn_id,
            "poll_interval": 1,
            "deferrable": case.scheduled,
            "timeout": 3 if case.always else 60,
        }
    return {
        "ekyc_task_id": ekyc_task_id,
        "ekyc_conn_id": conn_id,
        "s3_bucket": BUCKET,
        "s3_key": key_of(case),
    }


def key_of(case: Case) -> str:
    """Return where the case's result is to lie."""
    return f"results/{case.number}.zip"
