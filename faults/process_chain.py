"""Tier P: the tries of one task, each in a forked process, until Airflow would not try again."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sandbox.faults import Call
from faults.case import TOLD, TRIES, Case, End, Evidence
from faults.killing import deaths_in
from faults.objects import look_at_objects
from faults.one_try import WARM, Try, run_try
from faults.strikes import needs_short_timeouts
from faults.surroundings import (
    API_KEY,
    BUCKET,
    QueueClock,
    arguments_of,
    aws_connection,
    charges_of,
    ekyc_connection,
    numbers_of,
    strike,
    submit_beforehand,
    unmet_strike,
)
from stack.s3_server import S3Server

#: Seconds after which a try is taken for hung.
PATIENCE = 120.0
#: Seconds that an unharmed try takes, about, with its calls widened.
USUAL = {"submit": 0.45, "wait": 2.2, "land": 0.9}


class ProcessTier:
    """
    Runs cases in processes that are forked from a warm one.

    :param folder: for the cases' files
    :param s3: the S3 server, with its bucket
    """

    def __init__(self, folder: Path, s3: S3Server) -> None:
        self._folder = folder
        self._s3 = s3
        self._client = s3.client()
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        # Imported by a process without threads, from which each try is forked in milliseconds.
        self._context.set_forkserver_preload([WARM])
        self._starting = threading.Lock()
        self._usual = USUAL

    def run(self, case: Case) -> Evidence:
        """Run one case to its end and gather what is left of it."""
        folder = self._folder / f"case-{case.number}"
        folder.mkdir(parents=True)
        numbers = numbers_of(case)
        (folder / "numbers.txt").write_text("".join(f"{number}\n" for number in numbers))
        clock = QueueClock() if case.operator == "wait" else time.time
        with Sandbox(API_KEY, clock=clock, queue_seconds=1.2 if case.operator == "wait" else 0.0) as sandbox:
            if isinstance(clock, QueueClock):
                clock.go_on_when_asked(sandbox)
            prepaid = "" if case.operator == "submit" else submit_beforehand(sandbox, case)
            if case.instant is not None:
                self._widen(sandbox, case)
            strike(sandbox, case)
            connections = {
                "AIRFLOW_CONN_EKYC_DEFAULT": ekyc_connection(sandbox, short=needs_short_timeouts(case.strike)),
                "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(self._s3),
            }
            arguments = arguments_of(case, folder, prepaid, "ekyc_default")
            evidence = self._tries(case, folder, connections, arguments)
            evidence.charges = charges_of(sandbox)
            evidence.prepaid = frozenset({prepaid} - {""})
            evidence.submit_calls = sandbox.calls["submit"] - len(evidence.prepaid)
            evidence.unmet = unmet_strike(sandbox, case)
            if sandbox.key_leaks:
                evidence.flawed += ("the key went to the result's store",)
        evidence.remembered = texts_below(folder) + _journal_in_s3(self._client, case)
        evidence.objects, flawed = look_at_objects(self._client, case)
        evidence.flawed += flawed
        return evidence

    def _widen(self, sandbox: Sandbox, case: Case) -> None:
        """Make the calls last, so that instants within them are hit, too."""
        call: Call | None = {"submit": "submit", "land": "result"}.get(case.operator)  # type: ignore[assignment]
        if call is not None:
            sandbox.fault(call, "delay", seconds=0.1, times=None)
            if not case.strike:  # of the other faults a call meets the first alone
                sandbox.fault(call, "slow_body", seconds=0.2, times=None)

    def _tries(self, case: Case, folder: Path, connections: dict[str, str], arguments: dict[str, Any]) -> Evidence:
        evidence = Evidence(End.RETRYABLE)
        for number in range(1, TRIES + 1):
            end = self._one(Try(case, number, folder, connections, arguments))
            if end is None:
                evidence.kills += 1
                evidence.told = "killed"
                continue
            evidence.told, evidence.value = end["told"], end["value"]
            if end["kind"] == "unforeseen":
                evidence.unforeseen = end["told"]
            if end["kind"] == "success":
                evidence.end = End.SUCCESS
                break
            if end["kind"] == "permanent":
                evidence.end = End.UNKNOWN if TOLD in end["told"] else End.CLEAR
                break
        return evidence

    def _one(self, order: Try) -> dict[str, Any] | None:
        """Run one try; None if it was killed."""
        case, killed = order.case, False
        deaths = len(deaths_in(order.folder))
        with self._starting:
            process = self._context.Process(target=run_try, args=(order,), daemon=True)
            process.start()
        if case.instant is not None and order.number <= case.killed_tries:
            process.join(case.instant * self._usual[case.operator])
            if process.exitcode is None and process.pid:
                os.kill(process.pid, signal.SIGKILL)
                killed = True
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
            return {"kind": "unforeseen", "told": f"a try hung for {PATIENCE:.0f} s", "value": None}
        path = order.folder / "end.json"
        if not path.exists():
            # Not by the exit code: multiprocessing loses it (255) when another thread starts a process just then.
            if killed or len(deaths_in(order.folder)) > deaths:
                return None
            return {"kind": "unforeseen", "told": f"a try ended with {process.exitcode}", "value": None}
        end: dict[str, Any] = json.loads(path.read_text())
        path.unlink()
        return end


def texts_below(folder: Path) -> str:
    """Read journals, XComs and the log; not the input."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "numbers.txt"]
    return "\n".join(path.read_text(errors="replace") for path in sorted(paths))


def _journal_in_s3(client: Any, case: Case) -> str:
    if case.memory != "s3":
        return ""
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"journal/case_{case.number}/").get("Contents", [])
    return "\n".join(client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read().decode() for one in found)
