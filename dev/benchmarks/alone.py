"""
A method that runs once in a process of its own: its time without the imports, and all the memory of the process.

The process imports what the method needs by a small job first; then it is warm. It ends after the second job, so that
nothing of a round is left for the next one.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from dev.benchmarks.json_process import JsonProcess
from dev.benchmarks.peak_memory import peak_memory_kib


@dataclass(frozen=True, slots=True)
class Method:
    """
    One way to do it.

    :param name: as the table shows it
    :param function: ``module:function``; it is given a job (keyword arguments) and returns what must be the same for
        all methods
    :param figure: its name among the figures
    """

    name: str
    function: str
    figure: str


@dataclass(frozen=True, slots=True)
class Run:
    """
    What one run cost.

    :param wall: seconds
    :param cpu: seconds, user and system, of the process and of what it started and waited for
    :param peak_mib: of resident memory, imports included: of the process, or of a process that it started if that is
        more
    :param result: what the method returned
    """

    wall: float
    cpu: float
    peak_mib: float
    result: Any


def run_alone(
    method: Method, warm: Mapping[str, Any], job: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Run:
    """
    Run a method in a process of its own.

    :param warm: a small job
    :param job: what is measured
    :param environment: of the process; None for that of this one
    :raises ChildProcessError: if it failed; the error itself is on the terminal
    """
    process = JsonProcess(method.name, __name__, [method.function], environment)
    try:
        process.ask(warm)
        return Run(**process.ask(job))
    finally:
        process.stop()


def rounds_of(
    methods: Sequence[Method],
    warm: Callable[[str], Mapping[str, Any]],
    job: Callable[[str], Mapping[str, Any]],
    rounds: int,
    environment: Mapping[str, str] | None = None,
) -> dict[Method, list[Run]]:
    """
    Run every method in every round.

    :param warm: returns a small job; is given an empty directory
    :param job: returns what is measured, in the same way
    :param environment: of the processes; None for that of this one
    :return: run *n* of each method is from the same round
    :raises ValueError: if two of them returned something else
    """
    runs: dict[Method, list[Run]] = {method: [] for method in methods}
    for _ in range(rounds):
        for method in methods:
            with (
                tempfile.TemporaryDirectory(prefix="ekyc-bench-") as first,
                tempfile.TemporaryDirectory(prefix="ekyc-bench-") as second,
            ):
                runs[method].append(run_alone(method, warm(first), job(second), environment))
    results = {method.name: [run.result for run in own] for method, own in runs.items()}
    if len({json.dumps(result) for own in results.values() for result in own}) > 1:
        raise ValueError(f"The methods returned different results: {results}")
    return runs


def main(function: str, answers: TextIO) -> int:
    """Do each job on the standard input."""
    module, _, name = function.partition(":")
    do = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        job = json.loads(line)
        gc.collect()
        cpu, begun = sum(os.times()[:4]), time.perf_counter()
        result = do(**job)
        wall, cpu = time.perf_counter() - begun, sum(os.times()[:4]) - cpu
        of_children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if os.times().children_user else 0
        run = Run(wall, cpu, max(peak_memory_kib(), of_children) / 1024, result)
        print(json.dumps(asdict(run)), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdout))
