"""The worker processes: started, listened to, and replaced when an input has killed one or hung it up."""

from __future__ import annotations

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from dev.fuzz.bounds import TIME_BOUND
from dev.fuzz.inputs import kind_of
from dev.fuzz.verdict import Failure, Verdict
from dev.fuzz.worker import Order

#: Seconds without a word after which a worker counts as hung: the alarm within it had its chance.
_HUNG = 4 * TIME_BOUND + 20

_START = 120.0  # seconds to import everything


class Crew:
    """
    Reads inputs in several processes.

    :param tell: is called with each verdict, from several threads
    """

    def __init__(self, tell: Callable[[list[Verdict]], None]) -> None:
        self._tell = tell
        self._is_over = False
        self._processes: set[subprocess.Popen[bytes]] = set()

    def run(self, order: Order, processes: int) -> None:
        """Read all inputs of an order, dealt out to so many processes."""
        shards = [
            dataclasses.replace(order, start=order.start + shard * order.step, step=order.step * processes)
            for shard in range(processes)
        ]
        with ThreadPoolExecutor(processes) as pool:
            try:
                list(pool.map(self._run_shard, shards))
            finally:
                # Interrupted, or one worker did not start: the others end too, and nobody takes their place.
                self._is_over = True
                for process in list(self._processes):
                    process.kill()

    def _run_shard(self, order: Order) -> None:
        while order.start < order.stop and not self._is_over:
            died = ""
            with tempfile.TemporaryFile() as errors, _process(order, errors) as process:
                self._processes.add(process)
                for verdicts in _verdicts(process, errors):
                    self._tell(verdicts)
                    order = dataclasses.replace(order, start=order.start + order.step)
                if order.start < order.stop:
                    died = _end(process)
                self._processes.discard(process)
            if died and not self._is_over:
                # Nobody else was at work in it than the input that comes next.
                verdict = Verdict(order.start, kind_of(order.start), "?")
                verdict.failures.append(Failure("over_time" if died == "hung" else "escaped", f"the process {died}"))
                self._tell([verdict])
                order = dataclasses.replace(order, start=order.start + order.step)


def _process(order: Order, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dev.fuzz.worker", json.dumps(dataclasses.asdict(order))]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)


def _verdicts(process: subprocess.Popen[bytes], errors: IO[bytes]) -> Iterator[list[Verdict]]:
    """Yield the verdicts of each input until the process ends or is silent for too long."""
    lines = _lines(process)
    if next(lines, None) is None:
        _end(process)
        errors.seek(0)
        raise RuntimeError(f"A worker did not start: {errors.read()[-2000:].decode(errors='replace')}")
    for line in lines:
        yield [_verdict(fields) for fields in json.loads(line)]


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    if process.stdout is None:
        raise RuntimeError("a worker without a pipe")
    way, rest, patience = process.stdout.fileno(), b"", _START
    while select.select([way], [], [], patience)[0] and (data := os.read(way, 65_536)):
        *whole, rest = (rest + data).split(b"\n")
        yield from whole
        patience = _HUNG


def _end(process: subprocess.Popen[bytes]) -> str:
    """End a worker, and say how it came to its end: ``hung`` if it was still there."""
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "hung"
    return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def _verdict(fields: dict[str, Any]) -> Verdict:
    return Verdict(**{**fields, "failures": [Failure(**failure) for failure in fields["failures"]]})
