"""
1,000 and 5,000 triggers in Airflow's own triggerer: memory, CPU for a query, and how long the event loop was blocked.

    python -m dev.benchmarks.triggers [--counts 1000 5000] [--no-hang] [--output FILE]

Ours beside a trigger that opens an aiohttp session for each query, beside one that does nothing but the query over one
session, beside ``HttpSensorTrigger`` of the HTTP provider, and beside triggers that only sleep. Then with one host of
three that accepts connections and answers nothing. Method, bounds and figures: ``docs/benchmarks.md``. Exit code 1 if
a bound does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox import Sandbox
from dev.benchmarks.figures import OUTPUT, record
from dev.benchmarks.move_run import machine
from dev.benchmarks.trigger_case import MIB, OURS, Case, Seen, Trigger, observe
from dev.benchmarks.trigger_hang import seconds_late, submit

KEY = "made-up-key-0123456789"
SESSION = "dev.benchmarks.trigger_probe.SessionPerQueryTrigger"
BARE = "dev.benchmarks.trigger_probe.BareQueryTrigger"
SLEEPING = "dev.benchmarks.trigger_probe.SleepingTrigger"
PEER = "airflow.providers.http.triggers.http.HttpSensorTrigger"
SHOWN = ("apache-airflow-core", "apache-airflow-providers-http", "aiohttp")

COUNTS = (1_000, 5_000)
#: Queries in a second, of all triggers together.
QUERIES = 200.0
#: Of ours, begin in a second.
A_SECOND = 25
#: Seconds that are measured, at the least; one interval at the least.
SECONDS = 30.0

#: Triggers of a sensor that starts in the triggerer.
STARTING = 300

#: MiB above an empty triggerer, for the largest count.
MOST_MIB = 150.0
#: Milliseconds for which the loop may be blocked.
MOST_BLOCKED = 100.0
#: Part of the CPU for a query of a session per query.
MOST_RATIO = 1 / 6
#: Seconds after its export within which each wait of a healthy host ends, beyond its interval.
MOST_LATE = 10.0


@dataclass(frozen=True, slots=True)
class Api:
    """A sandbox with one task that stays pending, and the connections to it."""

    sandbox: Sandbox
    ekyc_task_id: str
    environment: Mapping[str, str]

    def queries(self) -> int:
        """Return how many status queries it was sent."""
        return self.sandbox.calls["status"]


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description="Many triggers in Airflow's own triggerer.")
    parser.add_argument("--counts", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that are measured, at the least")
    parser.add_argument("--no-hang", action="store_true", help="without the case of a host that hangs")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    print(machine(SHOWN), flush=True)
    figures: list[dict[str, Any]] = []
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="ekyc-bench-triggers-") as folder:
        empty = _observed(Case("none", "none", [], None, 10.0), Path(folder))
        print(f"\nAn empty triggerer: {empty.rss / MIB:.0f} MiB.")
        for count in arguments.counts:
            seen = {
                figure: _observed(case, Path(folder))
                for figure, case in _cases(count, max(arguments.seconds, count / QUERIES)).items()
            }
            figures += _table(count, empty, seen)
            broken += _verdicts(count, empty, seen)
        starting: list[Trigger] = [(SLEEPING, {})] * STARTING
        case = Case("starting", "starting", starting, None, 10.0, start_from_trigger=True)
        kib = (_observed(case, Path(folder)).rss - empty.rss) / STARTING / 1024
        print(f"\nA trigger that sleeps, of a sensor with start_from_trigger: {kib:,.0f} KiB each.")
        figures.append({"name": "triggers_start_from_trigger", "value": round(kib, 1), "unit": "KiB"})
        if not arguments.no_hang:
            late = seconds_late(Path(folder, "hang"), KEY)
            figures.append({"name": "triggers_hang_late", "value": late, "unit": "s"})
            broken += _verdict("triggers_hang_late", late, MOST_LATE, "s")
    record(figures, arguments.output)
    if broken:
        print(f"These bounds do not hold: {', '.join(broken)}", file=sys.stderr)
    return int(bool(broken))


@dataclass(frozen=True, slots=True)
class _Planned:
    """A case without its API, which is started for it alone."""

    name: str
    path: str
    count: int
    seconds: float
    a_second: int | None = None


def _cases(count: int, seconds: float) -> dict[str, _Planned]:
    return {
        "sleeping": _Planned("triggers that sleep", SLEEPING, count, seconds),
        "ours": _Planned("EkycTaskTrigger", OURS, count, seconds, A_SECOND),
        "bare": _Planned("one session, and nothing but the query", BARE, count, seconds, A_SECOND),
        "session": _Planned("a session for each query", SESSION, count, seconds),
        "peer": _Planned("HttpSensorTrigger", PEER, count, seconds),
    }


def _observed(planned: _Planned | Case, folder: Path) -> Seen:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        if isinstance(planned, Case):
            return observe(planned, Path(place), {})
        with Sandbox(KEY, tls=True, queue_seconds=86_400.0) as sandbox:
            api = Api(sandbox, submit(sandbox, KEY), _environment(sandbox))
            triggers = [_trigger(planned.path, api, planned.count / QUERIES)] * planned.count
            queries = None if planned.path == SLEEPING else api.queries
            case = Case(planned.name, planned.path, triggers, queries, planned.seconds, planned.a_second)
            return observe(case, Path(place), api.environment)


def _trigger(path: str, api: Api, interval: float) -> Trigger:
    now = time.time()
    arguments: dict[str, dict[str, Any]] = {
        SLEEPING: {},
        # Begun an hour ago, as after a restart: the first query follows at once.
        OURS: {
            "ekyc_task_id": api.ekyc_task_id,
            "ekyc_conn_id": "ekyc_default",
            "started": now - 3600,
            "timeout_at": now + 86_400,
            "poll_interval": interval,
        },
        SESSION: {"conn_id": "ekyc_default", "ekyc_task_id": api.ekyc_task_id, "interval": interval},
        BARE: {"conn_id": "ekyc_default", "ekyc_task_id": api.ekyc_task_id, "interval": interval},
        # It waits as long as the answer is a 404: for a task that does not exist.
        PEER: {
            "http_conn_id": "peer",
            "endpoint": "v1/gettasks",
            "method": "POST",
            "data": "task_id=made-up",
            "headers": {"X-API-Key": KEY, "Content-Type": "application/x-www-form-urlencoded"},
            "poke_interval": interval,
        },
    }
    return path, arguments[path]


def _environment(sandbox: Sandbox) -> dict[str, str]:
    host, _, port = sandbox.url.rpartition(":")
    ours = {"conn_type": "ekyc", "host": host, "port": int(port), "password": KEY}
    return {
        "AIRFLOW_CONN_EKYC_DEFAULT": json.dumps({**ours, "extra": {"ca_file": str(sandbox.ca_file)}}),
        "AIRFLOW_CONN_PEER": json.dumps({"conn_type": "http", "host": host, "port": int(port)}),
        "SSL_CERT_FILE": str(sandbox.ca_file),
    }


def _cpu_for_a_query(seen: Seen, sleeping: Seen) -> float:
    """Return seconds of CPU beyond those of as many triggers that sleep."""
    return (seen.cpu - sleeping.cpu) / seen.queries


def _table(count: int, empty: Seen, seen: Mapping[str, Seen]) -> list[dict[str, Any]]:
    print(f"\n{count:,} triggers\n")
    print(
        "| | MiB above empty | CPU s a second | queries a second | CPU ms a query | of a session per query | ", end=""
    )
    print("loop blocked ms | of it garbage collection | blocked ms at the start |\n" + "| --- " * 9 + "|")
    figures = []
    names = {figure: planned.name for figure, planned in _cases(count, 0).items()}
    peer = _cpu_for_a_query(seen["session"], seen["sleeping"])
    for figure, one in seen.items():
        cost = _cpu_for_a_query(one, seen["sleeping"]) if one.queries else None
        mib = (one.rss - empty.rss) / MIB
        shares = ("-", "-") if cost is None else (f"{cost * 1e3:.2f}", f"{cost / peer:.2f}")
        moments = (f"{seconds * 1e3:.0f}" for seconds in (one.blocked, one.collected, one.blocked_at_start))
        cells = [names[figure], f"{mib:.0f}", f"{one.cpu:.3f}", f"{one.queries:.0f}", *shares, *moments]
        print(f"| {' | '.join(cells)} |", flush=True)
        figures.append(
            {
                "name": f"triggers_{figure}_{count}",
                "value": None if cost is None else round(cost, 6),
                "unit": "s",
                "peer": round(peer, 6),
                "ratio": None if cost is None else round(cost / peer, 4),
                "rss_mib": round(mib, 1),
                "blocked_ms": round(one.blocked * 1e3, 1),
                "collected_ms": round(one.collected * 1e3, 1),
            }
        )
    return figures


def _verdicts(count: int, empty: Seen, seen: Mapping[str, Seen]) -> list[str]:
    ours, sleeping = seen["ours"], seen["sleeping"]
    ratio = _cpu_for_a_query(ours, sleeping) / _cpu_for_a_query(seen["session"], sleeping)
    print()
    return [
        *_verdict(f"triggers_{count}_mib", (ours.rss - empty.rss) / MIB, MOST_MIB, "MiB"),
        *_verdict(f"triggers_{count}_ratio", ratio, MOST_RATIO, ""),
        *_verdict(f"triggers_{count}_blocked", max(ours.blocked, ours.blocked_at_start) * 1e3, MOST_BLOCKED, "ms"),
    ]


def _verdict(name: str, value: float, bound: float, unit: str) -> list[str]:
    """Print whether a bound holds; return its name if it does not."""
    holds = value <= bound
    print(f"{name}: {value:.3g} {unit} (bound {bound:.3g}: {'holds' if holds else 'BROKEN'})", flush=True)
    return [] if holds else [name]


if __name__ == "__main__":
    sys.exit(main())
