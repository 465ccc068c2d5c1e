"""Memory of the processes and use of the worker slots while a run goes on, and how long its tasks took."""

from __future__ import annotations

import math
import re
import statistics
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from dev.scale.celery_stack import TRIGGERERS, WORKERS
from dev.scale.deployment import Deployment
from dev.scale.run import RUN_ID
from dev.scale.run_database import RunDatabase

COMPONENTS = ("api-server", "scheduler", "dag-processor", *TRIGGERERS, *WORKERS)
#: Seconds between two looks at the slots; at memory and CPU each :data:`MEMORY_EVERY`-th time.
INTERVAL = 2.0
MEMORY_EVERY = 15
MIB = 1024 * 1024

_FINISHED = re.compile(r"Workload finished .*duration=(\S+) .*final_state=(\w+) .*workload_id=([0-9a-f-]+)")


def tree_memory(pid: int) -> tuple[float, float]:
    """Measure a process with all below it.

    Pages that processes share are counted once over all of them (the proportional set size): their sum is what the
    limit of a container has to allow.

    :param pid: the process
    :return: MiB of all, and of the largest one by itself (its resident set size); zeros if it is gone
    """
    whole = largest = 0.0
    try:
        top = psutil.Process(pid)
        members = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    for member in members:
        try:
            memory = member.memory_full_info()
        except psutil.Error:
            continue
        whole += memory.pss / MIB
        largest = max(largest, memory.rss / MIB)
    return whole, largest


def tree_cpu(pid: int) -> dict[int, tuple[float, float]]:
    """Measure what a process and those below it have used of a processor.

    :param pid: the process
    :return: CPU seconds of each process, and of those that it has started and that have ended, by process id
    """
    found: dict[int, tuple[float, float]] = {}
    try:
        top = psutil.Process(pid)
        members = [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return found
    for member in members:
        try:
            times = member.cpu_times()
        except psutil.Error:
            continue
        found[member.pid] = (times.user + times.system, times.children_user + times.children_system)
    return found


class Measurements:
    """Samples for as long as the context lasts.

    :param deployment: started
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="measurements", daemon=True)
        self._slots: list[int] = []
        self._waiting: list[int] = []
        self._memory: dict[str, list[float]] = defaultdict(list)
        self._largest: dict[str, float] = defaultdict(float)
        self._cpu: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def memory(self) -> dict[str, dict[str, float]]:
        """Return MiB of each component with all below it (least, median, most), and of its largest process alone."""
        return {
            name: {
                "least": round(min(found)),
                "median": round(statistics.median(found)),
                "most": round(max(found)),
                "largest_process": round(self._largest[name]),
            }
            for name, found in self._memory.items()
        }

    def cpu(self) -> dict[str, dict[str, float]]:
        """Return CPU seconds of each component: its lasting processes, and those that have ended (a worker's tasks).

        What a process has used since it was looked at last, before it was killed, is not in it.
        """
        return {
            name: {
                "own": round(sum(own for own, _ in found.values()), 1),
                "ended": round(sum(ended for _, ended in found.values()), 1),
            }
            for name, found in self._cpu.items()
        }

    def slots(self) -> dict[str, float]:
        """Return how many of the worker slots were in use, and how many waits were in the triggerers meanwhile."""
        return {
            "of": self._deployment.plan.slots * len(WORKERS),
            "in_use_mean": round(statistics.mean(self._slots), 1) if self._slots else 0.0,
            "in_use_most": max(self._slots, default=0),
            "deferred_most": max(self._waiting, default=0),
        }

    def _sample(self) -> None:
        database = RunDatabase(self._deployment.postgres, RUN_ID)
        try:
            turn = 0
            while not self._over.wait(INTERVAL):
                counts = database.counts()
                self._slots.append(sum(count for (_, state), count in counts.items() if state == "running"))
                self._waiting.append(counts["wait", "deferred"])
                if turn % MEMORY_EVERY == 0:
                    self._sample_memory()
                turn += 1
        finally:
            database.close()

    def _sample_memory(self) -> None:
        for name in COMPONENTS:
            if not self._deployment.airflow.is_running(name):
                continue
            try:
                pid = self._deployment.airflow.pid(name)
            except KeyError:  # killed since
                continue
            self._cpu[name].update(tree_cpu(pid))
            whole, largest = tree_memory(pid)
            if whole:
                self._memory[name].append(whole)
                self._largest[name] = max(self._largest[name], largest)


def task_seconds(logs: Mapping[str, Path], tasks: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Read from the workers' logs how long tasks occupied a slot.

    :param logs: a worker's log, by its name
    :param tasks: task id by the id of the try
    :return: ``count``, ``median``, ``p95`` and ``sum`` in seconds, by task and how it ended, such as ``wait deferred``
    """
    found: dict[str, list[float]] = defaultdict(list)
    for log in logs.values():
        for seconds, state, workload in _FINISHED.findall(log.read_text(errors="replace")):
            task = tasks.get(workload, "")
            if task:
                found[f"{task.rpartition('.')[2]} {state}"].append(float(seconds))
    return {
        name: {
            "count": len(each),
            "median": round(statistics.median(each), 2),
            "p95": round(sorted(each)[math.ceil(0.95 * len(each)) - 1], 2),
            "sum": round(sum(each), 1),
        }
        for name, each in sorted(found.items())
    }
