"""What the cases run against: a sandbox each, one S3 server, connections, files of numbers."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from dev.faults.case import Case, Charge, Memory
from dev.faults.changes import rows_of
from dev.faults.fault_cases import SHORT_TIMEOUT, fault_of
from dev.stack.s3_server import S3Server

API_KEY = "made-up-fault-run-key-0123456789"
BUCKET = "ekyc-faults"
#: The Iceberg table, in the catalog of the connection ``iceberg_default``.
TABLE = "ekyc.results"


class QueueClock:
    """The time of a sandbox whose tasks stay in the queue until a status query arrives: it stands still until then."""

    def __init__(self) -> None:
        self._begun = time.time()
        self._asked_at: float | None = None

    def __call__(self) -> float:
        """Return it, as Unix time."""
        asked_at = self._asked_at
        return self._begun if asked_at is None else self._begun + time.time() - asked_at

    def go_on_when_asked(self, sandbox: Sandbox) -> None:
        """Start a thread that lets the time go on once the sandbox has got a status query."""

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


def numbers_of(case: Case, letter: str = "a") -> list[str]:
    """Return the phone numbers of one of the case's lists: made up, of no country, and nobody else's."""
    return [f"+999{case.number:06d}{row:04d}" for row in rows_of(letter)]


def write_list(path: Path, numbers: list[str]) -> None:
    """Write a file of numbers, one a line."""
    path.write_text("".join(f"{number}\n" for number in numbers))


def list_file(folder: Path, letter: str) -> Path:
    """Return where a list of a case is."""
    return folder / f"numbers-{letter}.txt"


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


def aws_connection(server: S3Server, endpoint_url: str = "", *, attempts: int = 5) -> str:
    """
    Describe the S3 server as an Airflow connection.

    :param endpoint_url: of a relay before it
    :param attempts: how often the S3 client itself tries a call
    """
    retries = {"retries": {"total_max_attempts": attempts}}
    return json.dumps(server.connection(endpoint_url, config_kwargs=retries))


def submit_beforehand(sandbox: Sandbox, case: Case) -> str:
    """Create the remote task that a wait or a landing is about; it is charged, once."""
    from airflow_provider_ekyc.api.client import EkycClient
    from airflow_provider_ekyc.api.settings import read_settings

    body = "".join(f"{number}\n" for number in numbers_of(case)).encode()
    with EkycClient(read_settings("made_up", host=sandbox.url, password=API_KEY, extra={})) as client:
        return client.submit(io.BytesIO(body), len(body), "amazon").ekyc_task_id


def switch_fault_on(sandbox: Sandbox, case: Case) -> None:
    """Switch the case's fault on."""
    if case.fault and case.call != "s3":
        fault = fault_of(case.call, case.fault, None if case.always else 1)  # type: ignore[arg-type]
        # Whoever is ended between two sends has to be waiting then.
        sandbox.state.faults.add(replace(fault, headers={"Retry-After": "3"}) if case.terminated else fault)


def unused_fault(sandbox: Sandbox, case: Case) -> str:
    """Name the case's fault if it was to hit one call and none reached it; a kill may well be earlier."""
    if not case.fault or case.call == "s3" or case.always or case.instant is not None or case.terminated:
        return ""
    wanted = fault_of(case.call, case.fault, 1)  # type: ignore[arg-type]
    return case.fault if any(fault == wanted for fault, _ in sandbox.state.faults.active) else ""


def charges_of(sandbox: Sandbox, patience: float = 20.0) -> tuple[Charge, ...]:
    """
    Read the bill once every call that has arrived is over: a killed caller's submission may still be taken.

    :param patience: seconds
    """
    deadline = time.monotonic() + patience
    while sum(sandbox.calls.values()) > len(sandbox.requests) and time.monotonic() < deadline:
        time.sleep(0.02)
    return tuple(Charge(charge.task_id, _content(sandbox, charge.task_id)) for charge in sandbox.bill.submissions)


def _content(sandbox: Sandbox, task_id: str) -> str:
    """Name the numbers of a task whatever their order: the same ones in another order are paid for, too."""
    rows = sandbox.state.rows_file(task_id).read_bytes().splitlines()
    return hashlib.sha256(b"\n".join(sorted(rows))).hexdigest()


def arguments_of(
    case: Case, folder: Path, ekyc_task_id: str, conn_id: str, letter: str = "a", memory: Memory | None = None
) -> dict[str, Any]:
    """
    Return the operator's arguments.

    :param letter: of the list that is submitted
    :param memory: what remembers submissions, if it is not the case's
    """
    if case.operator == "submit":
        memory = memory or case.memory
        in_s3 = f"s3://{BUCKET}/journal"
        uri = {"variables": None, "local": str(folder / "journal"), "s3": in_s3, "unconditional": in_s3}[memory]
        return {
            "numbers": str(list_file(folder, letter)),
            "ekyc_conn_id": conn_id,
            "journal_uri": uri,
            "journal_conn_id": "aws_unconditional" if memory == "unconditional" else "aws_default",
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
        **({"output_format": "parquet", "iceberg_table": TABLE} if case.operator == "table" else {}),
    }


def key_of(case: Case) -> str:
    """Return where the case's result must be."""
    return f"results/{case.number}.{'parquet' if case.operator == 'table' else 'zip'}"
