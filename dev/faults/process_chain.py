"""Tier P: the tries of one task, each in a forked process, until Airflow would not try again."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sandbox.faults import Call
from dev.faults.case import TRIES, Case, End, Evidence, says_unknown
from dev.faults.changes import Change, change_of, edited, lists_of
from dev.faults.environment import (
    API_KEY,
    BUCKET,
    QueueClock,
    arguments_of,
    aws_connection,
    charges_of,
    ekyc_connection,
    key_of,
    list_file,
    numbers_of,
    submit_beforehand,
    switch_fault_on,
    unused_fault,
    write_list,
)
from dev.faults.fault_cases import S3_FAULT_CASES, needs_short_timeouts
from dev.faults.killing import deaths_in
from dev.faults.objects import look_at_objects
from dev.faults.one_try import WARM, Try, run_try
from dev.faults.warehouse import Warehouse
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Fault, S3Relay

#: Seconds after which a try is counted as hung.
PATIENCE = 120.0
#: Seconds that Airflow leaves a task that it ends, before SIGKILL.
GRACE = 5.0
#: A Variable that records a task instance, not a submission.
INSTANCE = re.compile(r"_instance_\d+$")
#: Seconds that an unharmed try takes, about, with its calls widened.
USUAL = {"submit": 0.45, "wait": 2.2, "land": 0.9, "table": 1.1}


class ProcessTier:
    """
    Runs cases in processes that are forked from a warm one.

    :param folder: for the cases' files
    :param s3: the S3 server, with its bucket
    :param unconditional_url: of a relay before it that makes it ignore ``If-None-Match``
    :param relay: before it, for the faults of S3
    """

    def __init__(self, folder: Path, s3: S3Server, unconditional_url: str = "", relay: S3Relay | None = None) -> None:
        self.warehouse = Warehouse(s3, folder)
        self._folder, self._s3, self._relay = folder, s3, relay
        self._aws = {
            "AIRFLOW_CONN_AWS_DEFAULT": aws_connection(s3),
            "AIRFLOW_CONN_AWS_UNCONDITIONAL": aws_connection(s3, unconditional_url),
            "AIRFLOW_CONN_ICEBERG_DEFAULT": self.warehouse.connection,
        }
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
        change = change_of(case.change)
        for letter in lists_of(change):
            write_list(list_file(folder, letter), numbers_of(case, letter))
        clock = QueueClock() if case.operator == "wait" else time.time
        with Sandbox(API_KEY, clock=clock, queue_seconds=1.2 if case.operator == "wait" else 0.0) as sandbox:
            if isinstance(clock, QueueClock):
                clock.go_on_when_asked(sandbox)
            prepaid = "" if case.operator == "submit" else submit_beforehand(sandbox, case)
            if case.instant is not None:
                self._widen(sandbox, case)
            switch_fault_on(sandbox, case)
            connection = ekyc_connection(sandbox, short=needs_short_timeouts(case.fault))
            connections = {"AIRFLOW_CONN_EKYC_DEFAULT": connection, **self._aws, **self._switch_s3_fault_on(case)}
            runner = _Runner(self, case, sandbox, folder, connections, prepaid)
            evidence = runner.all_of(change.before, cleared=False)
            evidence.unused = unused_fault(sandbox, case) or self._unused_s3_fault(case)
            if change.name:
                sandbox.clear_faults()
                self._make(change, case, folder)
                cleared = runner.all_of(change.after, cleared=True)
                cleared.succeeded_before = evidence.end is End.SUCCESS
                cleared.kills += evidence.kills
                cleared.unforeseen, cleared.unused = cleared.unforeseen or evidence.unforeseen, evidence.unused
                evidence = cleared
            evidence.charges = charges_of(sandbox)
            evidence.prepaid = frozenset({prepaid} - {""})
            evidence.submit_calls = sandbox.calls["submit"] - len(evidence.prepaid)
            if sandbox.key_leaks:
                evidence.flawed += ("the key went to the result's store",)
        evidence.remembered = texts_below(folder) + _journal_in_s3(self._client, case)
        evidence.objects, flawed = look_at_objects(self._client, case)
        evidence.flawed += flawed
        return evidence

    def _switch_s3_fault_on(self, case: Case) -> dict[str, str]:
        """Switch on the case's fault of S3, and return the connection that meets it."""
        if case.call != "s3" or self._relay is None:
            return {}
        times = None if case.always else 1
        self._relay.faults.append(S3Fault(key=key_of(case), times=times, **S3_FAULT_CASES[case.fault]))
        return {"AIRFLOW_CONN_AWS_DEFAULT": aws_connection(self._s3, self._relay.endpoint_url, attempts=2)}

    def _unused_s3_fault(self, case: Case) -> str:
        faults = self._relay.faults if self._relay and case.call == "s3" else []
        return case.fault if any(fault.key == key_of(case) and fault.times for fault in faults) else ""

    def _make(self, change: Change, case: Case, folder: Path) -> None:
        """Do to the lists, and to what remembers them, what the change says."""
        for letter in lists_of(change):
            write_list(list_file(folder, letter), edited(numbers_of(case, letter), change))
        if change.deletes:
            shutil.rmtree(folder / "journal", ignore_errors=True)
            for key in _journal_keys(self._client, case):
                self._client.delete_object(Bucket=BUCKET, Key=key)
            for variable in (folder / "variables").iterdir():
                if change.deletes == "all" or not INSTANCE.search(variable.name):
                    variable.unlink()

    def _widen(self, sandbox: Sandbox, case: Case) -> None:
        """Make the calls last, so that instants within them are hit, too."""
        call: Call | None = {"submit": "submit", "land": "result"}.get(case.operator)  # type: ignore[assignment]
        if call is not None:
            sandbox.fault(call, "delay", seconds=0.1, times=None)
            if not case.fault:  # of the other faults a call meets the first alone
                sandbox.fault(call, "slow_body", seconds=0.2, times=None)

    def one(self, order: Try, sandbox: Sandbox) -> dict[str, Any] | None:
        """Run one try; None if it was killed."""
        case, killed = order.case, False
        deaths = len(deaths_in(order.folder))
        with self._starting:
            process = self._context.Process(target=run_try, args=(order,), daemon=True)
            process.start()
        if case.instant is not None and order.number <= case.killed_tries and not order.cleared:
            process.join(case.instant * self._usual[case.operator])
            if process.exitcode is None and process.pid:
                os.kill(process.pid, signal.SIGKILL)
                killed = True
        elif case.terminated:
            killed = _terminate_behind_a_refusal(process, sandbox)
        process.join(PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
            return {"kind": "unforeseen", "message": f"a try hung for {PATIENCE:.0f} s", "value": None}
        if not order.end_file.exists():
            # Not by the exit code: multiprocessing loses it (255) when another thread starts a process just then.
            if killed or len(deaths_in(order.folder)) > deaths:
                return None
            return {"kind": "unforeseen", "message": f"a try ended with {process.exitcode}", "value": None}
        end: dict[str, Any] = json.loads(order.end_file.read_text())
        return end


@dataclass(slots=True)
class _Runner:
    """Runs the tries of one case; counts them as Airflow does, which goes on counting after a clear."""

    tier: ProcessTier
    case: Case
    sandbox: Sandbox
    folder: Path
    connections: dict[str, str]
    prepaid: str
    used: dict[int, int] = field(default_factory=dict)
    most: dict[tuple[bool, int], int] = field(default_factory=dict)

    def all_of(self, letters: str, *, cleared: bool) -> Evidence:
        """Run the task for each list, mapped if there are several, and return the worst of their ends."""
        mapped = len(lists_of(change_of(self.case.change))) > 1
        found = [self._tries(index if mapped else -1, letter, cleared) for index, letter in enumerate(letters)]
        worst = next((one for one in found if one.end is not End.SUCCESS), found[-1])
        worst.kills = sum(one.kills for one in found)
        return worst

    def _tries(self, map_index: int, letter: str, cleared: bool) -> Evidence:
        evidence, left = Evidence(End.RETRYABLE), TRIES
        if self.case.at_once:
            orders = [self._order(map_index, letter, cleared) for _ in range(2)]
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda order: self.tier.one(order, self.sandbox), orders))
            left -= 2
        for _ in range(left):
            end = self.tier.one(self._order(map_index, letter, cleared), self.sandbox)
            if end is None:
                evidence.kills += 1
                evidence.message = "killed"
            elif _note(evidence, end):
                break
            if self.case.terminated:
                break  # who ended it wants no further try
        return evidence

    def _order(self, map_index: int, letter: str, cleared: bool) -> Try:
        number = self.used[map_index] = self.used.get(map_index, 0) + 1
        memory = change_of(self.case.change).moves.get(self.case.memory) if cleared else None
        arguments = arguments_of(self.case, self.folder, self.prepaid, "ekyc_default", letter, memory)
        most = self.most.setdefault((cleared, map_index), number + TRIES - 2)
        return Try(self.case, number, map_index, most, cleared, self.folder, self.connections, arguments)


def _note(evidence: Evidence, end: dict[str, Any]) -> bool:
    """Note how a try ended; return whether Airflow would not try again."""
    evidence.message, evidence.value = end["message"], end["value"]
    if end["kind"] == "unforeseen":
        evidence.unforeseen = end["message"]
    if end["kind"] == "success":
        evidence.end = End.SUCCESS
    elif end["kind"] == "permanent":
        evidence.end = End.UNKNOWN if says_unknown(end["message"]) else End.CLEAR
    return end["kind"] in ("success", "permanent")


def _terminate_behind_a_refusal(process: Any, sandbox: Sandbox) -> bool:
    """
    End a task as Airflow does once its submission was refused and it waits: SIGTERM, and SIGKILL if it stays.

    :return: whether it was ended by the SIGKILL
    """
    until = time.monotonic() + PATIENCE
    while not any(seen.path == "/v1/tasks" and seen.status for seen in sandbox.requests):
        if process.exitcode is not None or time.monotonic() > until:
            return False
        time.sleep(0.01)
    time.sleep(0.1)  # for it to read the answer and begin to wait
    os.kill(process.pid, signal.SIGTERM)
    process.join(GRACE)
    if process.exitcode is None:
        os.kill(process.pid, signal.SIGKILL)
        return True
    return False


def texts_below(folder: Path) -> str:
    """Read journals, XComs and the log; not the input."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("numbers-")]
    return "\n".join(path.read_text(errors="replace") for path in sorted(paths))


def _journal_keys(client: Any, case: Case) -> list[str]:
    if case.memory not in ("s3", "unconditional"):
        return []
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"journal/case_{case.number}/").get("Contents", [])
    return [one["Key"] for one in found]


def _journal_in_s3(client: Any, case: Case) -> str:
    keys = _journal_keys(client, case)
    return "\n".join(client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() for key in keys)
