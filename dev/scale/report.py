"""The figures of a run: ``build/scale.json``, and the line with which it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict

from dev.scale.celery_stack import WORKERS
from dev.scale.deployment import TIMEOUTS, Deployment
from dev.scale.environment import ROOT
from dev.scale.measurements import Measurements, task_seconds
from dev.scale.run import ScaleRun
from dev.scale.verdict import Verdict

OUTPUT = ROOT / "build" / "scale.json"


def write_figures(
    deployment: Deployment, verdict: Verdict, run: ScaleRun, measured: Measurements, versions: Mapping[str, str]
) -> None:
    """Write what was measured.

    :param deployment: still running
    :param verdict: the counts
    :param run: has ended
    :param measured: meanwhile
    :param versions: by name
    """
    plan = deployment.plan
    logs = {name: deployment.airflow.log_of(name) for name in WORKERS}
    figures = {
        "plan": asdict(plan),
        "timeouts_seconds": "Airflow's defaults" if plan.default_timeouts else TIMEOUTS,
        "versions": dict(versions),
        "verdict": verdict.as_dict(),
        "moments_seconds": run.moments,
        "kills": [each.as_dict() for each in run.disturbances.all],
        "settled": {"adopted": run.settled[0], "sent_again": run.settled[1]},
        "failed_tries": dict(run.database.failed_tries()),
        "events": dict(run.database.events()),
        "worker_slots": measured.slots(),
        "task_seconds": task_seconds(logs, run.database.tasks_by_try()),
        "memory_mib": measured.memory(),
        "cpu_seconds": measured.cpu(),
        "queries": deployment.sandbox.bill.polls,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    written = OUTPUT.with_name(f"{OUTPUT.name}.{os.getpid()}")
    written.write_text(json.dumps(figures, indent=2) + "\n")
    written.replace(OUTPUT)


def last_line(verdict: Verdict, run: ScaleRun, versions: Mapping[str, str]) -> str:
    """Return the last line of a run: whether it holds, counts, versions.

    :param verdict: the counts
    :param run: has ended
    :param versions: by name
    """
    kills = [each for each in run.disturbances.all if each.killed_at]
    return (
        f"{'holds' if verdict.holds else 'DOES NOT HOLD'}: {verdict.files:,} verifications, {verdict.succeeded:,} "
        f"succeeded, {verdict.billed:,} billed ({verdict.charged_twice} twice), {verdict.landed:,} landed, "
        f"{len(kills)} kills, {sum(run.settled)} unknown outcomes settled, "
        f"{sum(run.database.failed_tries().values())} tries lost; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
    )
