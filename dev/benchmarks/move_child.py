"""
A process for one method: warmed up by a small move, then one move for each line of its input.

Every method has a process of its own for each size, so that its peak memory is its own. What a task needs without
doing anything is measured by an *idle* child, which imports what the method has imported by the end of its warm-up,
and ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TextIO

from dev.benchmarks.json_process import JsonProcess
from dev.benchmarks.move_methods import Job
from dev.benchmarks.peak_memory import peak_memory_kib


@dataclass(frozen=True, slots=True)
class Spent:
    """
    What a move cost.

    :param wall: seconds
    :param cpu: seconds, user and system, of the process and of what it started and waited for
    :param peak_mib: of resident memory, since the process began
    """

    wall: float
    cpu: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Idle:
    """
    What the imports of a method cost in a process that does nothing else.

    :param import_seconds: all of them, those of Airflow included
    :param peak_mib: of resident memory
    """

    import_seconds: float
    peak_mib: float


class MoveChild:
    """
    The process, from the parent's side; it is warm once it is made.

    :param method: ``module:function``
    :param warm: what to warm up with
    :param environment: of the process
    """

    def __init__(self, method: str, warm: Job, environment: Mapping[str, str]) -> None:
        self.method = method
        self._environment = environment
        self._process = JsonProcess(method, __name__, ["moves", method], environment)
        try:
            #: Names of all modules that were there after the warm-up.
            self.modules: Sequence[str] = self._process.ask(asdict(warm))["modules"]
        except BaseException:
            self.stop()
            raise

    def move(self, job: Job) -> Spent:
        """
        Do one move.

        :raises ChildProcessError: if it failed; the error itself is on the terminal
        """
        return Spent(**self._process.ask(asdict(job)))

    def idle(self) -> Idle:
        """Measure a process that imports the same and does nothing."""
        process = JsonProcess(f"the idle process of {self.method}", __name__, ["idle"], self._environment)
        try:
            return Idle(**process.ask(self.modules))
        finally:
            process.stop()

    def stop(self) -> None:
        """End it."""
        self._process.stop()


def run_moves(method: str, answers: TextIO) -> None:
    """Do one move for each job on the standard input; the first is the warm-up."""
    module, _, name = method.partition(":")
    move = getattr(importlib.import_module(module), name)
    move(Job(**json.loads(sys.stdin.readline())))
    print(json.dumps({"modules": list(sys.modules)}), file=answers, flush=True)
    for line in sys.stdin:
        job = Job(**json.loads(line))
        gc.collect()  # what the move before has left: a task has a process of its own
        cpu, begun = _cpu(), time.perf_counter()
        move(job)
        spent = Spent(time.perf_counter() - begun, _cpu() - cpu, peak_memory_kib() / 1024)
        print(json.dumps(asdict(spent)), file=answers, flush=True)


def run_idle(answers: TextIO) -> None:
    """Import the modules on the standard input."""
    names = json.loads(sys.stdin.readline())
    begun = time.perf_counter()
    for name in names:
        # Some names in sys.modules can't be imported: they were put there by hand (six.moves).
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    idle = Idle(time.perf_counter() - begun, peak_memory_kib() / 1024)
    print(json.dumps(asdict(idle)), file=answers, flush=True)


def _cpu() -> float:
    return sum(os.times()[:4])


if __name__ == "__main__":
    # What the libraries print must not be mixed with the answers.
    own_output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if sys.argv[1] == "moves":
        run_moves(sys.argv[2], own_output)
    else:
        run_idle(own_output)
